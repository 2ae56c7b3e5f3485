//! What operators see of a running half: log lines, ready lines, the status page.

pub mod admin;
pub mod log;
pub mod status;
mod watch;

pub use watch::{Failure, Watch};
