//! The one source of randomness: a ChaCha generator from a mandatory seed.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The seed of a machine. In production 32 bytes from the operating system; in tests any constant.
pub type Seed = [u8; 32];

/// A named ChaCha12 generator. The same seed and the same calls give the same values on every machine.
#[derive(Clone, Debug)]
pub struct Rng {
    seed: Seed,
    inner: ChaCha12Rng,
}

impl Rng {
    /// A generator from `seed`.
    pub fn new(seed: Seed) -> Self {
        Rng { seed, inner: ChaCha12Rng::from_seed(seed) }
    }

    /// An independent generator for a part of the machine. It depends on this one's seed and on `name` only, so
    /// that more draws in one part do not change what another part sees.
    pub fn fork(&self, name: &str) -> Rng {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(name.as_bytes());
        Rng::new(hash.finalize().into())
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.inner.fill_bytes(out);
    }

    /// A uniform 64-bit value.
    pub fn u64(&mut self) -> u64 {
        self.inner.next_u64()
    }

    /// A uniform 32-bit value.
    pub fn u32(&mut self) -> u32 {
        self.inner.next_u32()
    }

    /// A value in `0..bound`; 0 if `bound` is 0. The bias is below 2⁻³² for bounds that fit 32 bits.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u64
    }

    /// `len` characters of `[a-z0-9]`, usable as a SIP tag, branch part or nonce part (about 5.2 bits each).
    pub fn token(&mut self, len: usize) -> String {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..len).map(|_| char::from(ALPHABET[self.below(36) as usize])).collect()
    }
}
