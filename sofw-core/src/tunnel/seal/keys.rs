//! The two directions' ciphers of a session, and the layout of a sealed record.

use bytes::BytesMut;
use snow::{HandshakeState, StatelessTransportState};

use super::HelloError;
use super::replay::ReplayWindow;

/// Bytes of the length before a record.
pub(in crate::tunnel) const LENGTH_LEN: usize = 2;
/// Bytes of a nonce on the wire: 2^48 records are thousands of years of voice.
const NONCE_LEN: usize = 6;
const TAG_LEN: usize = 16;
const NONCE_MAX: u64 = (1 << (8 * NONCE_LEN as u64)) - 1;
/// Tokens take their nonces from the other half of the 64-bit space: no token can pass for a record or vice versa.
const TOKEN_SPACE: u64 = 1 << 63;

/// What sealing adds to a record, its length included.
pub const RECORD_OVERHEAD: usize = LENGTH_LEN + NONCE_LEN + TAG_LEN;

/// Why a record or token was not opened, or not sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealError {
    /// Shorter than an empty record.
    Short,
    /// Not sealed with this session's key, or changed on the way.
    Forged,
    /// Seen before, or so old that this cannot be told any more.
    Replayed,
    /// All nonces are used, or the plaintext is too long. The session has to end.
    Exhausted,
}

impl core::fmt::Display for SealError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            SealError::Short => "record too short",
            SealError::Forged => "record not sealed by the peer",
            SealError::Replayed => "record seen before or too old",
            SealError::Exhausted => "no nonce left or plaintext too long",
        })
    }
}

impl std::error::Error for SealError {}

/// The keys of one end of a session. Every record and token that it seals can be opened once by the other end, in
/// any order within the replay window.
pub struct Keys {
    ciphers: StatelessTransportState,
    next_record: u64,
    next_token: u64,
    records_seen: ReplayWindow,
    tokens_seen: ReplayWindow,
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Keys(next record {})", self.next_record)
    }
}

impl Keys {
    pub(super) fn new(state: HandshakeState) -> Result<Self, HelloError> {
        Ok(Keys {
            ciphers: state.into_stateless_transport_mode().map_err(|_| HelloError::Malformed)?,
            next_record: 0,
            next_token: 0,
            records_seen: ReplayWindow::new(),
            tokens_seen: ReplayWindow::new(),
        })
    }

    /// Whether this is HRAC's end, the one that said hello.
    pub fn is_hrac(&self) -> bool {
        self.ciphers.is_initiator()
    }

    /// The nonce that the next record will have.
    pub const fn next_nonce(&self) -> u64 {
        self.next_record
    }

    /// Appends `plaintext` to `out` as one record: length, nonce, ciphertext with tag.
    ///
    /// # Errors
    /// [`SealError::Exhausted`], and `out` is as before.
    pub fn seal(&mut self, plaintext: &[u8], out: &mut BytesMut) -> Result<(), SealError> {
        let nonce = self.next_record;
        let length = NONCE_LEN + plaintext.len() + TAG_LEN;
        let (Ok(prefix), true) = (u16::try_from(length), nonce <= NONCE_MAX) else {
            return Err(SealError::Exhausted);
        };
        let start = out.len();
        out.resize(start + LENGTH_LEN + length, 0);
        let record = &mut out[start..];
        record[..LENGTH_LEN].copy_from_slice(&prefix.to_be_bytes());
        record[LENGTH_LEN..][..NONCE_LEN].copy_from_slice(&nonce.to_be_bytes()[8 - NONCE_LEN..]);
        let body = &mut record[LENGTH_LEN + NONCE_LEN..];
        if self.ciphers.write_message(nonce, plaintext, body).is_err() {
            out.truncate(start);
            return Err(SealError::Exhausted);
        }
        self.next_record = nonce + 1;
        Ok(())
    }

    /// Opens a record (without its length) into `plaintext`, whose former content is replaced. Gives its nonce.
    ///
    /// # Errors
    /// As named; `plaintext` is then empty.
    pub fn open(&mut self, record: &[u8], plaintext: &mut BytesMut) -> Result<u64, SealError> {
        plaintext.clear();
        let (nonce, sealed) = split_nonce(record)?;
        if !self.records_seen.is_fresh(nonce) {
            return Err(SealError::Replayed);
        }
        // With room for the tag as well the cipher works in place; without, it makes a copy.
        plaintext.resize(sealed.len(), 0);
        let Ok(length) = self.ciphers.read_message(nonce, sealed, plaintext) else {
            plaintext.clear();
            return Err(SealError::Forged);
        };
        plaintext.truncate(length);
        self.records_seen.mark(nonce);
        Ok(nonce)
    }

    /// Seals a few bytes that the other end can open once: for the path of a GET, which has no body.
    ///
    /// # Errors
    /// [`SealError::Exhausted`].
    pub fn seal_token(&mut self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = self.next_token;
        if nonce > NONCE_MAX {
            return Err(SealError::Exhausted);
        }
        let mut token = vec![0; NONCE_LEN + content.len() + TAG_LEN];
        token[..NONCE_LEN].copy_from_slice(&nonce.to_be_bytes()[8 - NONCE_LEN..]);
        self.ciphers
            .write_message(TOKEN_SPACE | nonce, content, &mut token[NONCE_LEN..])
            .map_err(|_| SealError::Exhausted)?;
        self.next_token = nonce + 1;
        Ok(token)
    }

    /// Opens a token of the other end.
    ///
    /// # Errors
    /// As named.
    pub fn open_token(&mut self, token: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = split_nonce(token)?;
        if !self.tokens_seen.is_fresh(nonce) {
            return Err(SealError::Replayed);
        }
        let mut content = vec![0; sealed.len() - TAG_LEN];
        self.ciphers
            .read_message(TOKEN_SPACE | nonce, sealed, &mut content)
            .map_err(|_| SealError::Forged)?;
        self.tokens_seen.mark(nonce);
        Ok(content)
    }
}

/// The nonce of a record or token, and the rest, which has room for a tag at least.
fn split_nonce(bytes: &[u8]) -> Result<(u64, &[u8]), SealError> {
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Short)?;
    if sealed.len() < TAG_LEN {
        return Err(SealError::Short);
    }
    Ok((nonce.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)), sealed))
}
