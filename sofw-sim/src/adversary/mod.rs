//! Those who mean harm: an HRAS in the wrong hands, and strangers on the public network. What they try is drawn from a seed.
//!
//! Neither of them is held back by anything that a real one would not be held back by: the hostile HRAS has the sites' keys and a real
//! session, strangers have an address and time.

mod hostile;
mod strangers;

pub use hostile::HostileHras;
pub use strangers::{Strangers, stranger_packets};
