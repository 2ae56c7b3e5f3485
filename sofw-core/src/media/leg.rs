//! What signalling says about the ends of a link, and what becomes of a datagram.

use core::net::{IpAddr, SocketAddr};

use crate::base::SiteId;
use crate::event::DropReason;
use crate::tunnel::FlowId;

/// What to do with a datagram. The bytes are the caller's; they are never changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forward {
    /// Into a site's tunnel.
    Tunnel {
        /// Whose.
        site: SiteId,
        /// As which flow.
        flow: FlowId,
        /// It must not be dropped for age.
        urgent: bool,
    },
    /// From a relay port to an address.
    Socket {
        /// Our port.
        port: u16,
        /// The peer.
        to: SocketAddr,
    },
    /// Nowhere; already counted.
    Drop(DropReason),
}

/// One end of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leg {
    /// A pair of UDP ports here, and a peer's terminal.
    Socket {
        /// Our RTP port; RTCP uses the next one.
        port: u16,
        /// What the terminal's SDP announced; nothing is sent or let in before it is known.
        remote: Option<Remote>,
        /// Who else may speak.
        accept: Accept,
    },
    /// A pair of flows of a site's tunnel.
    Tunnel {
        /// Whose.
        site: SiteId,
        /// The even id; the odd one is RTCP.
        flow: FlowId,
    },
}

/// Where a terminal receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remote {
    /// RTP.
    pub rtp: SocketAddr,
    /// RTCP; equal to `rtp` when multiplexed (RFC 5761).
    pub rtcp: SocketAddr,
}

/// Whose packets a socket leg lets in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accept {
    /// Any port of the announced IP (asymmetric RTP is legal); sent to is the announced address only.
    Inside,
    /// The announced address, or, learned once, another one of the announced or of the signalling IP. Nothing is sent
    /// to an announced address that is private and not the signalling IP, until it spoke or another was learned.
    Outside {
        /// Source of the terminal's SIP messages.
        signalling: IpAddr,
    },
}

impl Leg {
    pub(super) const fn is_even(&self) -> bool {
        match self {
            Leg::Socket { port, .. } => *port % 2 == 0,
            Leg::Tunnel { flow, .. } => !flow.is_rtcp() && flow.0 <= FlowId::MAX,
        }
    }

    pub(super) fn same_slot(&self, other: &Leg) -> bool {
        match (self, other) {
            (Leg::Socket { port: a, .. }, Leg::Socket { port: b, .. }) => a == b,
            (Leg::Tunnel { site: s, flow: a }, Leg::Tunnel { site: t, flow: b }) => {
                s == t && a.index() == b.index()
            }
            _ => false,
        }
    }
}
