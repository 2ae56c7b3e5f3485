//! Which nonces were seen: records may arrive over several connections and out of order, but each only once.

use crate::config::limits::REPLAY_WINDOW;

const WORD_BITS: u64 = 64;
const WORDS: usize = REPLAY_WINDOW / WORD_BITS as usize;

/// A sliding window over the last [`REPLAY_WINDOW`] nonces (RFC 6479: a ring of words, so that moving it shifts nothing).
#[derive(Debug)]
pub(super) struct ReplayWindow {
    /// One more than the newest nonce seen; 0 before the first.
    next: u64,
    words: Box<[u64; WORDS]>,
}

impl ReplayWindow {
    pub(super) fn new() -> Self {
        ReplayWindow { next: 0, words: Box::new([0; WORDS]) }
    }

    /// Whether `nonce` is neither seen nor too old to know.
    pub(super) fn is_fresh(&self, nonce: u64) -> bool {
        if nonce >= self.next {
            return true;
        }
        // One word less than the ring: the word that the newest nonce lies in may be half used.
        if self.next - nonce > (REPLAY_WINDOW as u64 - WORD_BITS) {
            return false;
        }
        self.words[Self::word(nonce)] & Self::bit(nonce) == 0
    }

    /// Notes that `nonce` was seen. Call it only for a record that has been authenticated.
    pub(super) fn mark(&mut self, nonce: u64) {
        if nonce >= self.next {
            let former = self.next / WORD_BITS;
            let newest = nonce / WORD_BITS;
            // Words that the window enters anew are cleared; more than all of them need not be.
            let first = if self.next % WORD_BITS == 0 { former } else { former + 1 };
            for word in first..=newest.min(first.saturating_add(WORDS as u64 - 1)) {
                self.words[(word % WORDS as u64) as usize] = 0;
            }
            self.next = nonce + 1;
        }
        self.words[Self::word(nonce)] |= Self::bit(nonce);
    }

    fn word(nonce: u64) -> usize {
        ((nonce / WORD_BITS) % WORDS as u64) as usize
    }

    fn bit(nonce: u64) -> u64 {
        1 << (nonce % WORD_BITS)
    }
}
