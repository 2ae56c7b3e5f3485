//! Who watches a machine at work: the logger, the demo's ladder, a capture file.

use core::net::SocketAddr;

use sofw_core::Event;
use sofw_core::base::Instant;
use sofw_core::io::{ConnId, ListenerId, SocketId};

/// Which way bytes went, seen from the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// Learns what passes through a driver. Every method does nothing by default and is then compiled away.
pub trait Observer {
    /// The machine reported something, in order with the sends around it.
    fn event(&mut self, _now: Instant, _event: &Event) {}
    /// A UDP socket is open, at this address (also when port 0 was asked for).
    fn bound(&mut self, _now: Instant, _socket: SocketId, _local: SocketAddr) {}
    /// A listener listens, at this address.
    fn listening(&mut self, _now: Instant, _listener: ListenerId, _local: SocketAddr) {}
    /// A datagram passed.
    fn datagram(&mut self, _now: Instant, _way: Way, _socket: SocketId, _ends: Ends, _bytes: &[u8]) {}
    /// A connection is up: accepted (`Way::In`) or opened (`Way::Out`).
    fn connected(&mut self, _now: Instant, _way: Way, _conn: ConnId, _ends: Ends) {}
    /// Bytes passed over a connection, cut as the system calls cut them.
    fn stream(&mut self, _now: Instant, _way: Way, _conn: ConnId, _ends: Ends, _bytes: &[u8]) {}
    /// A connection is gone.
    fn closed(&mut self, _now: Instant, _conn: ConnId, _ends: Ends) {}
}

/// Both ends of a datagram or connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// Ours. The address may be the wildcard if the socket was bound to it.
    pub local: SocketAddr,
    /// The other one.
    pub remote: SocketAddr,
}

/// Nobody watches.
impl Observer for () {}
