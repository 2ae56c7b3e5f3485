//! The inside half.

use crate::base::{Deadline, Instant, Seed};
use crate::config::HracConfig;
use crate::error::Misuse;
use crate::io::{Input, Output};

/// The inside half (paper: Half Relay Agent Client).
#[derive(Debug)]
pub struct Hrac {
    now: Instant,
}

impl Hrac {
    /// Starts the machine. The first outputs ask for its sockets and for the tunnel's connections.
    pub fn new(_config: HracConfig, _seed: Seed, now: Instant) -> Result<Self, Misuse> {
        Ok(Hrac { now })
    }

    /// Takes what the world did.
    pub fn handle_input(&mut self, now: Instant, _input: Input<'_>) -> Result<(), Misuse> {
        if now < self.now {
            return Err(Misuse::TimeWentBack);
        }
        self.now = now;
        Ok(())
    }

    /// Lets due deadlines act. Early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// What the world must do next. Drain it to `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When to call [`Hrac::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }
}
