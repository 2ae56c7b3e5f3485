//! Who may speak in a tunnel, and who can read it: the Noise hello, then sealed records.
//!
//! ```text
//! HRAC  hello(site, key) ──▶ site hint ‖ Noise message 1 ──▶ answer_hello  HRAS
//! HRAC  PendingHello::finish ◀── Noise message 2 ◀────────────────────────┘
//! both  Keys: two directions, explicit nonces, replay window
//! ```
//!
//! The handshake is `Noise_NNpsk0_25519_AESGCM_SHA256` with the site's key as PSK: both ends prove the key, and
//! fresh X25519 keys give forward secrecy. Randomness comes from the core's own seeded generator, so a run can be
//! repeated byte for byte.
//!
//! Message 1 can be replayed by whoever saw it, as in every handshake whose first message is taken at once. The
//! answer is of no use to them, because the keys depend on an ephemeral secret that they lack. So HRAS must let a
//! new session replace an old one only when its first sealed record has been opened.

mod keys;
mod replay;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub(in crate::tunnel) use keys::LENGTH_LEN;
pub use keys::{Keys, RECORD_OVERHEAD, SealError};

use sha2::{Digest, Sha256};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver, RingResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};

use crate::base::{Rng, SiteId};
use crate::config::SiteKey;
use crate::config::limits::HELLO_PAYLOAD_MAX;

/// The first bytes of a hello: which site speaks, without its name in the clear. It lets HRAS tell an unknown site
/// from a wrong key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SiteHint(pub [u8; 8]);

impl SiteHint {
    /// The hint of the site called `name`: the first bytes of SHA-256 over a fixed text and the name.
    pub fn of(name: &str) -> SiteHint {
        let mut hash = Sha256::new();
        hash.update(b"sofw site hint");
        hash.update(name.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut hint = [0; 8];
        hint.copy_from_slice(&digest[..8]);
        SiteHint(hint)
    }
}

/// Why a hello or its answer was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HelloError {
    /// No site has this hint.
    UnknownSite,
    /// The other end does not have the site's key, or the bytes were changed on the way.
    WrongKey,
    /// Too short or too long to be a hello.
    Malformed,
}

impl HelloError {
    /// As in [`crate::Event::HelloRefused`].
    pub const fn name(self) -> &'static str {
        match self {
            HelloError::UnknownSite => "unknown site",
            HelloError::WrongKey => "wrong key",
            HelloError::Malformed => "malformed",
        }
    }
}

impl core::fmt::Display for HelloError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for HelloError {}

/// A hello that waits for its answer.
pub struct PendingHello {
    state: HandshakeState,
}

impl core::fmt::Debug for PendingHello {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PendingHello(…)")
    }
}

impl PendingHello {
    /// Reads HRAS's answer: the session's keys, and the payload that HRAS sent along.
    ///
    /// # Errors
    /// [`HelloError::WrongKey`] if the answer was not made for this hello with the site's key.
    pub fn finish(mut self, answer: &[u8]) -> Result<(Keys, Vec<u8>), HelloError> {
        let payload = read(&mut self.state, answer)?;
        Ok((Keys::new(self.state)?, payload))
    }
}

/// Starts a session from HRAC's side. `payload` (at most [`HELLO_PAYLOAD_MAX`] bytes) reaches HRAS sealed by the key.
///
/// # Errors
/// [`HelloError::Malformed`] if the payload is too long.
pub fn hello(
    site: &str,
    key: &SiteKey,
    payload: &[u8],
    rng: &mut Rng,
) -> Result<(PendingHello, Vec<u8>), HelloError> {
    let hint = SiteHint::of(site);
    let mut state = builder(key, hint, rng, |builder| builder.build_initiator())?;
    let mut bytes = hint.0.to_vec();
    write(&mut state, payload, &mut bytes)?;
    Ok((PendingHello { state }, bytes))
}

/// A hello that HRAS accepted.
#[derive(Debug)]
pub struct AnsweredHello {
    /// Who says hello.
    pub site: SiteId,
    /// The session's keys. Until a record opens with them the hello may be a replay.
    pub keys: Keys,
    /// What HRAC sent along.
    pub payload: Vec<u8>,
    /// The bytes to answer with.
    pub answer: Vec<u8>,
}

/// Answers a hello from HRAS's side. `lookup` finds a site by its hint; `reply` makes the payload that goes back
/// (at most [`HELLO_PAYLOAD_MAX`] bytes) from the site and HRAC's payload.
///
/// # Errors
/// Says why nothing is to be answered. A stranger must not learn which of the reasons it was.
pub fn answer_hello(
    bytes: &[u8],
    lookup: impl FnOnce(SiteHint) -> Option<(SiteId, SiteKey)>,
    reply: impl FnOnce(SiteId, &[u8]) -> Vec<u8>,
    rng: &mut Rng,
) -> Result<AnsweredHello, HelloError> {
    let (hint, message) = bytes.split_first_chunk::<8>().ok_or(HelloError::Malformed)?;
    let hint = SiteHint(*hint);
    let (site, key) = lookup(hint).ok_or(HelloError::UnknownSite)?;
    let mut state = builder(&key, hint, rng, |builder| builder.build_responder())?;
    let payload = read(&mut state, message)?;
    let mut answer = Vec::new();
    write(&mut state, &reply(site, &payload), &mut answer)?;
    Ok(AnsweredHello { site, keys: Keys::new(state)?, payload, answer })
}

/// Public key and authentication tag around a handshake payload.
const HANDSHAKE_OVERHEAD: usize = 32 + 16;
const PATTERN: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";
/// Bound into the handshake hash together with the hint: another version's hello does not open.
const PROLOGUE: &[u8] = b"SoFW tunnel 1";

fn builder(
    key: &SiteKey,
    hint: SiteHint,
    rng: &mut Rng,
    build: impl FnOnce(Builder<'_>) -> Result<HandshakeState, snow::Error>,
) -> Result<HandshakeState, HelloError> {
    let mut seed = [0; 32];
    rng.fill(&mut seed);
    let prologue = [PROLOGUE, hint.0.as_slice()].concat();
    let params = PATTERN.parse().map_err(|_| HelloError::Malformed)?;
    Builder::with_resolver(params, Box::new(Resolver { seed }))
        .psk(0, &key.0)
        .and_then(|builder| builder.prologue(&prologue))
        .and_then(build)
        .map_err(|_| HelloError::Malformed)
}

fn write(state: &mut HandshakeState, payload: &[u8], out: &mut Vec<u8>) -> Result<(), HelloError> {
    if payload.len() > HELLO_PAYLOAD_MAX {
        return Err(HelloError::Malformed);
    }
    let start = out.len();
    out.resize(start + payload.len() + HANDSHAKE_OVERHEAD, 0);
    let len = state.write_message(payload, &mut out[start..]).map_err(|_| HelloError::Malformed)?;
    out.truncate(start + len);
    Ok(())
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, HelloError> {
    if message.len() < HANDSHAKE_OVERHEAD || message.len() > HANDSHAKE_OVERHEAD + HELLO_PAYLOAD_MAX {
        return Err(HelloError::Malformed);
    }
    let mut payload = vec![0; message.len()];
    let len = state.read_message(message, &mut payload).map_err(|_| HelloError::WrongKey)?;
    payload.truncate(len);
    Ok(payload)
}

/// The default primitives, but the cipher of ring, and with the core's own generator instead of the operating system's.
struct Resolver {
    seed: [u8; 32],
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(SeededRandom(Rng::new(self.seed))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        // Ring's uses the processor's instructions for AES; snow links ring in any case.
        RingResolver.resolve_cipher(choice)
    }
}

struct SeededRandom(Rng);

impl Random for SeededRandom {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        self.0.fill(dest);
        Ok(())
    }
}
