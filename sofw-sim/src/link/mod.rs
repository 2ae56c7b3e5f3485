//! Links: what happens to a packet between two ports.
//!
//! ```text
//! packet ─▶ down? ─▶ loss (random, bursts) ─▶ queue (rate, tail drop) ─▶ delay + jitter ─▶ order kept ─▶ arrival(s)
//! ```

mod pipe;
pub mod profile;
#[cfg(test)]
mod tests;

pub use pipe::{Fate, LossReason, Pipe, PipeCounters};

use sofw_core::base::Duration;

/// What one direction of a link does to packets.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Conditions {
    /// One-way propagation time.
    pub delay: Duration,
    /// Most extra time; each packet draws from it, skewed towards little. Packets keep their order.
    pub jitter: Duration,
    /// Bits per second; `None`: no limit.
    pub rate: Option<u64>,
    /// Longest time a packet may wait in the queue before the link; beyond, the newest is dropped (tail drop).
    pub queue: Duration,
    /// Share of packets lost, each for itself: 0 to 1.
    pub loss: f64,
    /// Bursts of loss.
    pub burst: Option<Burst>,
    /// Share of packets that arrive twice.
    pub duplicate: f64,
    /// Share of packets that arrive late, after those sent behind them.
    pub reorder: f64,
}

/// Bursts of loss: the Gilbert–Elliott model in continuous time, so that a burst hits everything that is on the line then, whatever
/// the rate of packets.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Burst {
    /// Mean time from one burst to the next, exponentially distributed.
    pub every: Duration,
    /// Mean length of a burst, exponentially distributed.
    pub length: Duration,
    /// Share of packets lost within a burst.
    pub loss: f64,
}

impl Conditions {
    /// A wire: nothing happens on it.
    pub const WIRE: Conditions = Conditions {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        rate: None,
        queue: Duration::from_millis(100),
        loss: 0.0,
        burst: None,
        duplicate: 0.0,
        reorder: 0.0,
    };

    /// A line without trouble that takes so long.
    pub const fn delay(delay: Duration) -> Conditions {
        Conditions { delay, ..Conditions::WIRE }
    }
}

impl Default for Conditions {
    fn default() -> Self {
        Conditions::WIRE
    }
}
