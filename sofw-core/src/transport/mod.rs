//! SIP over TCP at both halves (RFC 3261 §18): connections by peer, messages framed, writes in order.
//!
//! ```text
//! Received ─▶ sip::stream::Framer ─▶ Arrived::Message
//! send()   ─▶ open connection to that peer, or a new one ─▶ Connect / Write
//! ```
//! No SIP behaviour here: a connection that breaks only says which peer can no longer be reached.

mod connections;

pub use connections::{Arrived, Connections};

#[cfg(test)]
mod tests;
