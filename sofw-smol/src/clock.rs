//! The clock that machines may not read themselves: the system's monotonic one, counted from a start.

use sofw_core::base::{Duration, Instant};

/// A monotonic clock. Copies share the start, so that several machines of one process agree about the time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock that shows [`Instant::ZERO`] now.
    pub fn start() -> Self {
        Clock { start: std::time::Instant::now() }
    }

    /// Time since the start.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    /// How long ago the clock showed `then`.
    pub fn age(&self, then: Instant) -> Duration {
        self.now().since(then)
    }
}

/// A seed for a machine, from the operating system.
pub fn seed() -> std::io::Result<sofw_core::Seed> {
    let mut seed = sofw_core::Seed::default();
    let mut filled = 0;
    while filled < seed.len() {
        filled += rustix::rand::getrandom(&mut seed[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(seed)
}
