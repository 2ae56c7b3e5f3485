//! Frames: what the two halves say to each other. The bytes are described in docs/WIRE.md.
//!
//! ```text
//! Frame ── emit_content ──▶ content, in parts ──▶ View::Reliable ──┐
//! datagram ──────────────────────────────────────▶ View::Voice ────┼── emit ──▶ record plaintext ── parse ──▶ View
//! acknowledgements, pings, receipts ─────────────▶ View::… ────────┘
//! ```
//!
//! [`Frame`] is what the rest of the core sees; [`View`] is any frame as it lies in a record. Every parse is bounded and
//! none panics; what parses is emitted as the same bytes.

mod content;
mod error;
mod fields;
#[cfg(test)]
mod tests;
mod varint;
mod view;

pub use content::Kind;
pub use error::FrameError;
pub use view::{VOICE_OVERHEAD_MAX, View};

use core::net::{IpAddr, SocketAddr};

use crate::base::{Payload, Transport};

/// The paper's Relay Agent header (P9): a phone's transport, address and port. In `OpenFlow` it is sent in full once
/// per flow; voice then carries only the flow id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RaHeader {
    /// The transport between HRAC and the phone.
    pub transport: Transport,
    /// The phone.
    pub addr: SocketAddr,
}

/// A media flow of one session: RTP of an m-line (even), or its RTCP (odd). 21 bits: the low 14 are a table index,
/// the rest a generation, so that late voice of an ended call cannot be heard in the next one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct FlowId(pub u32);

impl FlowId {
    /// Largest valid id.
    pub const MAX: u32 = (1 << 21) - 1;

    /// The table index, below 16,384.
    pub const fn index(self) -> usize {
        (self.0 & 0x3fff) as usize
    }

    /// The RTCP flow that goes with this RTP flow.
    pub const fn rtcp(self) -> FlowId {
        FlowId(self.0 | 1)
    }

    /// Whether this is the RTCP flow of a pair.
    pub const fn is_rtcp(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Which datagrams of a flow may not be dropped for age: DTMF (RFC 4733) and T.38 make no sense with holes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Urgent {
    /// None: plain voice or video.
    #[default]
    None,
    /// Those with this RTP payload type.
    PayloadType(u8),
    /// All (T.38 over UDPTL).
    All,
}

/// A reliable frame: delivered once, in order, whatever happens to connections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// HRAC → HRAS, first in a session: the private interface of the virtual SIP server.
    Announce {
        /// HRAC's SIP listeners on the LAN.
        sip: Vec<RaHeader>,
        /// HRAC's address for SDP.
        media: IpAddr,
    },
    /// HRAC → HRAS: relay port pairs (even port of each) that are open now and may be named in SDP.
    PortsReady(Vec<u16>),
    /// Both ways: one SIP message from or to a phone.
    Sip {
        /// The phone.
        phone: RaHeader,
        /// The message.
        message: Payload,
    },
    /// HRAC → HRAS: a SIP message could not be brought to the phone (no connection, or an address that signalling
    /// never announced).
    Undelivered {
        /// The phone.
        phone: RaHeader,
    },
    /// HRAS → HRAC: an RTP flow and its RTCP companion exist, or changed. Idempotent; a repeat replaces the phone's address.
    OpenFlow {
        /// The even id; the odd one is its RTCP.
        flow: FlowId,
        /// HRAC's relay port for RTP, from `PortsReady`; RTCP uses the next one.
        port: u16,
        /// The phone's announced RTP address, once its SDP is known.
        phone: Option<SocketAddr>,
        /// The phone's announced RTCP address, once its SDP is known (`a=rtcp`, else port + 1; equal to `phone` with rtcp-mux).
        phone_rtcp: Option<SocketAddr>,
        /// What must not be dropped.
        urgent: Urgent,
    },
    /// HRAS → HRAC: the pair of flows is over; the relay port may be used again.
    CloseFlow(FlowId),
}
