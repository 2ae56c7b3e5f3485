//! What sees a run: captures, checkers, measurements.

use core::net::SocketAddr;

use sofw_core::Event;
use sofw_core::base::Instant;
use sofw_core::testing::phone::{Phone, PhoneEvent};

use super::{LinkId, NodeId, Way};
use crate::link::Fate;
use crate::packet::Packet;

/// A packet that enters an observed link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Which link.
    pub link: LinkId,
    /// Which way.
    pub way: Way,
    /// What will become of it.
    pub fate: Fate,
}

/// Sees what happens; cannot change it. Every method does nothing unless it is written.
pub trait Observer {
    /// A packet entered an observed link.
    fn packet(&mut self, _at: Instant, _seen: Seen, _packet: &Packet) {}
    /// One of the two halves told something.
    fn event(&mut self, _at: Instant, _node: NodeId, _event: &Event) {}
    /// A phone told something.
    fn phone(&mut self, _at: Instant, _node: NodeId, _phone: &Phone, _event: &PhoneEvent) {}
    /// A phone sent a media datagram.
    fn spoke(&mut self, _at: Instant, _node: NodeId, _to: SocketAddr, _bytes: &[u8]) {}
    /// A phone got a media datagram.
    fn heard(&mut self, _at: Instant, _node: NodeId, _phone: &Phone, _from: SocketAddr, _bytes: &[u8]) {}
    /// A host sent a datagram to another host than a phone's media: SIP, strangers.
    fn datagram(&mut self, _at: Instant, _node: NodeId, _from: SocketAddr, _to: SocketAddr, _bytes: &[u8]) {}
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen;

impl Observer for Unseen {}
