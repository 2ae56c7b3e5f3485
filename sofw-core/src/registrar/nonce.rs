//! Nonces that prove themselves: time and number under a MAC, so that a challenge costs no memory.

use std::collections::BTreeMap;

use super::digest::{hex, hmac, same};
use crate::base::{Instant, Rng};
use crate::config::limits::{NONCE_LIFE, NONCES_MAX};

/// Issues nonces and remembers the counts of those in use.
#[derive(Debug)]
pub struct Nonces {
    secret: [u8; 32],
    issued: u64,
    /// Highest nonce count seen, by nonce; oldest first.
    counts: BTreeMap<Nonce, u32>,
    /// Nonces up to this one are no longer accepted: their counts had to be forgotten.
    forgotten: Option<Nonce>,
}

/// Time of issue in nanoseconds, and a running number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Nonce(u64, u64);

impl Nonces {
    /// Nonces under a secret drawn from `rng`.
    pub fn new(rng: &mut Rng) -> Self {
        let mut secret = [0; 32];
        rng.fill(&mut secret);
        Nonces { secret, issued: 0, counts: BTreeMap::new(), forgotten: None }
    }

    /// A nonce never issued before.
    pub fn issue(&mut self, now: Instant) -> String {
        self.issued += 1;
        self.write(Nonce(now.as_nanos(), self.issued))
    }

    /// Whether `text` is a nonce of ours, young enough, and was not used with a count of `count` or higher. If so the
    /// count is remembered (RFC 7616 §3.4.6).
    pub fn use_once(&mut self, now: Instant, text: &str, count: u32) -> bool {
        let Some(nonce) = self.read(text) else { return false };
        let young = now.as_nanos().saturating_sub(nonce.0) <= NONCE_LIFE.as_nanos() as u64;
        if !young || self.forgotten >= Some(nonce) {
            return false;
        }
        let fresh = self.counts.get(&nonce).is_none_or(|seen| *seen < count);
        if fresh {
            self.counts.insert(nonce, count);
            self.shrink(now);
        }
        fresh
    }

    /// How many nonces' counts are remembered.
    pub fn remembered(&self) -> usize {
        self.counts.len()
    }

    fn shrink(&mut self, now: Instant) {
        while let Some(oldest) = self.counts.first_entry() {
            let expired = now.as_nanos().saturating_sub(oldest.key().0) > NONCE_LIFE.as_nanos() as u64;
            if !expired && self.counts.len() <= NONCES_MAX {
                return;
            }
            self.forgotten = self.counts.pop_first().map(|(nonce, _)| nonce).max(self.forgotten);
        }
    }

    fn write(&self, nonce: Nonce) -> String {
        format!("{:016x}{:016x}{}", nonce.0, nonce.1, self.mac(nonce))
    }

    fn read(&self, text: &str) -> Option<Nonce> {
        let number = |range| u64::from_str_radix(text.get(range)?, 16).ok();
        let nonce = Nonce(number(0..16)?, number(16..32)?);
        same(self.mac(nonce).as_bytes(), text.get(32..)?.as_bytes()).then_some(nonce)
    }

    fn mac(&self, nonce: Nonce) -> String {
        let mac = hmac(&self.secret, &[b"nonce", &nonce.0.to_be_bytes(), &nonce.1.to_be_bytes()]);
        hex(&mac[..16])
    }
}
