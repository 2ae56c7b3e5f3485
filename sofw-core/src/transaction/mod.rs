//! SIP transactions (RFC 3261 §17, with the Accepted state of RFC 6026).
//!
//! ```text
//! request ──▶ Server ──▶ proxy core ──▶ Client ──▶ next hop
//! answer  ◀── Server ◀── proxy core ◀── Client ◀── next hop
//! ```
//!
//! The machines know statuses and time, nothing of messages: whoever owns one keeps the bytes of a request, asks the
//! machine what an event means, and sends. A server machine keeps its last response, because that is its state.
//! No queue, no clock, no parsing here.

mod client;
mod key;
mod server;

pub use client::{Client, ClientDue, Heard};
pub use key::{ClientKey, LegacyParts, MAGIC_COOKIE, ServerKey};
pub use server::{Server, ServerDue};

use crate::base::Duration;

/// Estimate of the round trip (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// Longest retransmission interval of non-INVITE requests and INVITE responses (§17.1.2.2).
pub const T2: Duration = Duration::from_secs(4);
/// Longest time that a message stays in the network (§17.1.2.2).
pub const T4: Duration = Duration::from_secs(5);
/// Timers B, D, F, H, J, L and M: 64·T1.
pub const T1_64: Duration = Duration::from_secs(32);

#[cfg(test)]
mod tests;
