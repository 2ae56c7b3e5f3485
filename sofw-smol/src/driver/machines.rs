//! The core's machines, as the driver sees them.

use sofw_core::base::Instant;
use sofw_core::io::{Input, Output};
use sofw_core::{Deadline, Hrac, Hras, Misuse};

use super::Machine;

macro_rules! machine {
    ($machine:ty) => {
        impl Machine for $machine {
            fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
                self.handle_input(now, input)
            }
            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
            fn poll_output(&mut self) -> Option<Output> {
                self.poll_output()
            }
            fn poll_timeout(&self) -> Option<Deadline> {
                self.poll_timeout()
            }
        }
    };
}

machine!(Hrac);
machine!(Hras);
