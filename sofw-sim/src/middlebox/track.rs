//! How far a conversation is, and how long it is remembered.

use sofw_core::base::Duration;

use crate::packet::{Packet, Protocol};
use crate::tcp::Flags;
use crate::world::PortId;

/// How long a silent conversation is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// A TCP connection with a SYN from both sides and no FIN yet.
    pub tcp_established: Duration,
    /// A TCP connection that opens or closes.
    pub tcp_transitory: Duration,
    /// A TCP connection after a RST.
    pub tcp_closed: Duration,
    /// UDP.
    pub udp: Duration,
}

impl Timeouts {
    pub(super) fn of(&self, protocol: Protocol, track: Track) -> Duration {
        match (protocol, track.phase()) {
            (Protocol::Tcp, Phase::Established) => self.tcp_established,
            (Protocol::Tcp, Phase::Transitory) => self.tcp_transitory,
            (Protocol::Tcp, Phase::Closed) => self.tcp_closed,
            (Protocol::Udp | Protocol::Icmp, _) => self.udp,
        }
    }
}

/// The phases of RFC 5382 §5, as far as idle time-outs tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Transitory,
    Established,
    Closed,
}

/// What was seen of a TCP connection, by port. For UDP it stays empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Track {
    syn: [bool; 2],
    fin: bool,
    rst: bool,
}

impl Track {
    /// A connection that is picked up in its middle counts as established.
    pub(super) const MIDDLE: Track = Track { syn: [true; 2], fin: false, rst: false };

    pub(super) fn packet(&mut self, port: PortId, packet: &Packet) {
        let Flags { syn, fin, rst, .. } = packet.tcp_flags();
        if syn && (self.fin || self.rst) {
            // The ports are used again.
            *self = Track::default();
        }
        self.syn[port] |= syn;
        self.fin |= fin;
        self.rst |= rst;
    }

    pub(super) fn phase(self) -> Phase {
        match self {
            Track { rst: true, .. } => Phase::Closed,
            Track { syn: [true, true], fin: false, .. } => Phase::Established,
            _ => Phase::Transitory,
        }
    }
}

/// Whether a packet belongs into the middle of a connection: to begin one, it would have to be a SYN.
pub(super) fn is_stray(packet: &Packet) -> bool {
    packet.protocol() == Protocol::Tcp && !packet.is_syn()
}
