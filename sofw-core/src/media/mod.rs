//! The media plane: from a datagram to where it goes.
//!
//! ```text
//! phone ──RTP──▶ relay port ──┐ by port          by flow id ┌── voice frame ◀══ tunnel
//!                             ▼                             ▼
//!                  [link: two legs, counters, latch] ──▶ [`Forward`]: the other leg
//! ```
//!
//! The control plane opens, changes and closes links; per packet there is one table look-up, one source check and some
//! counting. Absent on purpose: buffers, allocation per packet, signalling.

mod latch;
mod leg;
mod link;
mod quality;
mod relay;
#[cfg(test)]
mod tests;

pub use leg::{Accept, Forward, Leg, Remote};
pub use link::{DirectionStats, LinkStats};
pub use quality::Quality;
pub use relay::{LinkId, Relay};
