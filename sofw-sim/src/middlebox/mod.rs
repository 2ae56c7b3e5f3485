//! Middleboxes: what stands between networks and does more than forward.

use core::fmt::Debug;

use sofw_core::base::Instant;

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
}

/// The port towards the private network.
pub const INSIDE: PortId = 0;
/// The port towards the public network.
pub const OUTSIDE: PortId = 1;
