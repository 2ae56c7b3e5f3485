//! The five methods as a trait, for drivers and worlds that carry any machine. `new` is the machine's own.

use crate::base::{Deadline, Instant};
use crate::error::Misuse;
use crate::io::{Input, Output};

/// A sans-IO machine. The contract is in the crate documentation.
pub trait Machine {
    /// Takes what the world did.
    ///
    /// # Errors
    /// [`Misuse`] if the driver broke the contract; the input was ignored.
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse>;
    /// Lets due deadlines act. Early and repeated calls are harmless.
    fn handle_timeout(&mut self, now: Instant);
    /// Gives what the world must do. Drain it to `None`.
    fn poll_output(&mut self) -> Option<Output>;
    /// Says when to call [`Machine::handle_timeout`] next.
    fn poll_timeout(&self) -> Option<Deadline>;
}

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

machine!(crate::Hrac);
machine!(crate::Hras);
