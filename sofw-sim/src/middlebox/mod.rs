//! Middleboxes: what stands between networks and does more than forward.
//!
//! ```text
//!   private network ── INSIDE [ redirect/ | inspect/ | firewall/ | nat/ | alg/ | chain of them ] OUTSIDE ── public network
//! ```
//!
//! Each kind has a parameter struct of its own, all of whose fields a scenario may set, and presets by name. Boxes keep no timers: what
//! they remember carries its end, which is looked at when a packet asks for it, and a few old entries are cleared away for each new one.

pub mod alg;
mod chain;
pub mod firewall;
mod flow;
pub mod inspect;
pub mod nat;
mod redirect;
mod refuse;
#[cfg(test)]
mod tests;
mod track;

use core::fmt::Debug;

use sofw_core::base::Instant;

pub use alg::{AlgParams, SipAlg};
pub use chain::Chain;
pub use firewall::{Firewall, FirewallParams};
pub use inspect::{InspectParams, Inspector};
pub use nat::{Nat, NatParams};
pub use redirect::Redirect;
pub use track::Timeouts;

use crate::packet::Packet;
use crate::world::{Outbox, PortId};

/// A box with two ports: [`INSIDE`] and [`OUTSIDE`].
pub trait Middlebox: Debug {
    /// A packet arrives at a port; what passes leaves by the other one.
    fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet, out: &mut Outbox);
    /// Lets due deadlines act.
    fn handle_timeout(&mut self, _now: Instant, _out: &mut Outbox) {}
    /// When [`Middlebox::handle_timeout`] is wanted.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// Loses its memory, as at a power cut: connections and translations that it knew are strangers now.
    fn forget(&mut self) {}
    /// How many connections or translations it remembers at `now`.
    fn remembered(&self, _now: Instant) -> usize {
        0
    }
    /// What it has counted, by name, in a fixed order: for reports.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// The port towards the private network.
pub const INSIDE: PortId = 0;
/// The port towards the public network.
pub const OUTSIDE: PortId = 1;
