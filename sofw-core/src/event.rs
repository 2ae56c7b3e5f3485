//! What operators learn: events, in order with the outputs around them.

use core::net::SocketAddr;

use crate::base::{Duration, Hop, SiteId};
use crate::io::{IoError, ListenerId, SocketId};

/// How frames are carried (design: the ladder of rungs, best first).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rung {
    /// One GET response and one POST body, both streaming (the paper's tunnel).
    Stream,
    /// A streaming GET response and many short POSTs, for proxies that hold request bodies back.
    Post,
}

impl core::fmt::Display for Rung {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Rung::Stream => "stream",
            Rung::Post => "post",
        })
    }
}

/// Why bytes were dropped. Each reason has a counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DropReason {
    /// A SIP message that cannot be parsed and cannot be answered.
    MalformedSip,
    /// A SIP response that belongs to no transaction.
    StraySipResponse,
    /// A SIP message for an inside address that signalling never announced.
    UnannouncedInside,
    /// A voice packet that grew older than its limit before it could be sent.
    StaleVoice,
    /// A voice packet that came out of the tunnel older than its limit, e.g. after an outage.
    LateVoice,
    /// A queue at its named bound.
    QueueFull,
    /// Media on a relay port without a flow, or a voice frame with an unknown flow id.
    NoFlow,
    /// Media from an address that may not speak on this flow.
    ForeignSource,
    /// Media for an address in a private network that is not ours: a phone behind its own NAT announced it, and has not
    /// spoken yet.
    PrivateAddress,
    /// No tunnel to carry it.
    TunnelDown,
    /// A datagram longer than the bound of its kind.
    Oversize,
}

impl DropReason {
    /// A name for counters and logs.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::MalformedSip => "malformed_sip",
            DropReason::StraySipResponse => "stray_sip_response",
            DropReason::UnannouncedInside => "unannounced_inside",
            DropReason::StaleVoice => "stale_voice",
            DropReason::LateVoice => "late_voice",
            DropReason::QueueFull => "queue_full",
            DropReason::NoFlow => "no_flow",
            DropReason::ForeignSource => "foreign_source",
            DropReason::PrivateAddress => "private_address",
            DropReason::TunnelDown => "tunnel_down",
            DropReason::Oversize => "oversize",
        }
    }

    /// All reasons, in the order of their counters.
    pub const ALL: [DropReason; 11] = [
        DropReason::MalformedSip,
        DropReason::StraySipResponse,
        DropReason::UnannouncedInside,
        DropReason::StaleVoice,
        DropReason::LateVoice,
        DropReason::QueueFull,
        DropReason::NoFlow,
        DropReason::ForeignSource,
        DropReason::PrivateAddress,
        DropReason::TunnelDown,
        DropReason::Oversize,
    ];
}

/// A SIP message that passed a half.
#[derive(Clone, PartialEq, Debug)]
pub struct SipPassage {
    /// Where it came from.
    pub from: Hop,
    /// Where it goes.
    pub to: Hop,
    /// The start line.
    pub start_line: String,
    /// Its Call-ID.
    pub call_id: String,
}

/// An event for the operator's log, the demo's ladder or a simulator's trace.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A UDP socket named in the configuration could not be opened.
    SocketFailed(SocketId, SocketAddr, IoError),
    /// A TCP listener named in the configuration could not be opened.
    ListenerFailed(ListenerId, SocketAddr, IoError),
    /// Every configured listener is open.
    Ready,
    /// A tunnel carries frames in both directions. `site` is `None` on the HRAC.
    TunnelUp {
        /// Whose.
        site: Option<SiteId>,
        /// How.
        rung: Rung,
        /// Round trip measured by the probe.
        round_trip: Duration,
        /// A former session went on (`true`), or a new one began.
        resumed: bool,
    },
    /// The tunnel carries nothing at the moment; it is being reconnected. `site` is `None` on the HRAC.
    TunnelDown {
        /// Whose.
        site: Option<SiteId>,
        /// Why, for the operator.
        reason: String,
    },
    /// The HTTP proxy wants credentials that we do not have or that it refused. Schemes as offered.
    ProxyAuthRequired {
        /// E.g. `["Negotiate", "NTLM"]`.
        schemes: Vec<String>,
    },
    /// The HTTP proxy or the server answered something that no tunnel can come from.
    TunnelRefused {
        /// The HTTP status.
        status: u16,
        /// What to do next, for the operator.
        advice: String,
    },
    /// Somebody tried to open a tunnel and was refused: unknown site or wrong key. At most once per minute and address.
    HelloRefused {
        /// Who.
        peer: SocketAddr,
        /// `"unknown site"`, `"wrong key"`, `"malformed"`.
        reason: &'static str,
    },
    /// A SIP message passed this half: for ladders and traces. In a box, because outputs are moved with every packet and seldom are this.
    Sip(Box<SipPassage>),
    /// A user's binding changed.
    Registered {
        /// The user part of the address-of-record.
        user: String,
        /// Where.
        hop: Hop,
        /// Seconds; 0 means removed.
        expires_s: u32,
    },
    /// Wrong credentials, not a mere first challenge.
    AuthFailed {
        /// The user named.
        user: String,
        /// From where.
        hop: Hop,
    },
    /// A RAT record is complete: media can flow both ways.
    MediaOpen {
        /// The dialog's Call-ID.
        call_id: String,
        /// Index of the m-line.
        media_line: usize,
    },
    /// A RAT record ended.
    MediaClosed {
        /// The dialog's Call-ID.
        call_id: String,
        /// Index of the m-line.
        media_line: usize,
        /// `"bye"`, `"cancel"`, `"final error"`, `"silence"`, `"tunnel lost"`, …
        reason: &'static str,
        /// Packets relayed from the caller and from the callee.
        packets: [u64; 2],
    },
    /// Something was dropped. Drivers log the first of a kind and count the rest.
    Dropped(DropReason, Option<SocketAddr>),
    /// An invariant of one call broke; that call was ended, the others go on. A defect to report.
    InvariantBroken(&'static str),
}
