//! Where choices come from.

use sofw_core::base::{Duration, Rng};

/// A source of choices.
pub trait Draw {
    /// A number in `0..bound`; 0 if `bound` is 0.
    fn below(&mut self, bound: u64) -> u64;

    /// Whether the source has nothing more to say; a plan ends then.
    fn is_over(&self) -> bool {
        false
    }
}

impl Draw for Rng {
    fn below(&mut self, bound: u64) -> u64 {
        Rng::below(self, bound)
    }
}

/// Choices made by bytes, as a fuzzer gives them: one byte for a choice among at most 256 things, two for more. After the end of the
/// bytes every choice is 0, which is always the plainest thing, so that shorter inputs are simpler plans.
#[derive(Clone, Debug)]
pub struct Bytes<'a> {
    left: &'a [u8],
}

impl<'a> Bytes<'a> {
    /// From these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Bytes { left: bytes }
    }
}

impl Draw for Bytes<'_> {
    fn below(&mut self, bound: u64) -> u64 {
        let mut value = 0;
        for _ in 0..if bound > 256 { 2 } else { 1 } {
            let (byte, left) = self.left.split_first().map_or((0, self.left), |(&byte, left)| (byte, left));
            self.left = left;
            value = value << 8 | u64::from(byte);
        }
        value.checked_rem(bound).unwrap_or(0)
    }

    fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

/// What is made of choices.
impl dyn Draw + '_ {
    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        // The last ones are true, so that the end of the bytes is the plain case.
        self.below(100) >= 100 - percent
    }

    /// One of these; the first is the plainest.
    ///
    /// # Panics
    /// If there is none: a defect of the model.
    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// One of these by weight.
    ///
    /// # Panics
    /// If there is none: a defect of the model.
    pub(super) fn weighted<T: Clone>(&mut self, from: &[(u64, T)]) -> T {
        let mut at = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, thing) in from {
            if at < *weight {
                return thing.clone();
            }
            at -= weight;
        }
        from[0].1.clone()
    }

    /// A time between these, in steps of a hundredth.
    pub(super) fn time(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        Duration::from_millis(from_ms + (to_ms - from_ms) * self.below(101) / 100)
    }
}
