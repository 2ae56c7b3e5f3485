//! One media line and what belongs to it.

use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

/// The kind of media (RFC 8866 §5.14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are those of the RFCs")]
pub enum MediaKind<'a> {
    Audio,
    Video,
    Text,
    Image,
    Application,
    Message,
    /// Any other.
    Other(&'a str),
}

impl<'a> MediaKind<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        const KINDS: [(&str, MediaKind<'static>); 6] = [
            ("audio", MediaKind::Audio),
            ("video", MediaKind::Video),
            ("text", MediaKind::Text),
            ("image", MediaKind::Image),
            ("application", MediaKind::Application),
            ("message", MediaKind::Message),
        ];
        KINDS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map_or(MediaKind::Other(text), |(_, kind)| *kind)
    }
}

/// Who sends, seen from the author of the body (RFC 8866 §6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of the RFCs")]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// One `m=` line with what is said about it, also on session level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaLine<'a> {
    /// Its place among the media lines, from 0.
    pub index: usize,
    /// What kind of media.
    pub kind: MediaKind<'a>,
    /// The port; 0 means rejected or switched off (RFC 3264 §6).
    pub port: u16,
    /// How many ports (RFC 8866 §5.14); nearly always 1.
    pub port_count: u16,
    /// The transport, e.g. `RTP/AVP`.
    pub proto: &'a str,
    /// The formats, e.g. `0 8 101`.
    pub formats: &'a str,
    /// The connection address of the media level, else of the session level. `None` if there is none, or a name.
    pub address: Option<IpAddr>,
    /// Where the author wants RTP: `None` if rejected, held by `0.0.0.0`, or without an address.
    pub rtp: Option<SocketAddr>,
    /// Where the author wants RTCP: by `a=rtcp` (RFC 3605), else the RTP port with `a=rtcp-mux` (RFC 5761), else the
    /// next port. `None` where `rtp` is.
    pub rtcp: Option<SocketAddr>,
    /// Whether `a=rtcp-mux` is offered or accepted.
    pub rtcp_mux: bool,
    /// The direction attribute of the media level, else of the session level.
    pub direction: Direction,
    /// Whether the address is the unspecified one: hold as RFC 2543 had it (RFC 3264 §8.4).
    pub hold: bool,
    /// The payload type of telephone-event (RFC 4733).
    pub telephone_event: Option<u8>,
    /// Whether this is T.38 over UDPTL.
    pub is_udptl: bool,
    pub(super) ranges: Ranges,
}

/// Where in the body the editable parts stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Ranges {
    /// `port` or `port/count` of the m-line.
    pub port: Range<usize>,
    /// The values of the c-lines of this media line, behind `c=`.
    pub connections: Vec<Range<usize>>,
    /// The values of `a=rtcp`, behind the colon.
    pub rtcp: Option<Range<usize>>,
    /// Behind the m-line and its i-line: where a c-line belongs (RFC 8866 §5).
    pub connection_place: usize,
    /// Behind the last line of this media line.
    pub end: usize,
}

impl MediaLine<'_> {
    /// Whether the media travels in UDP datagrams, so that a relay can carry it: RTP in all profiles, UDPTL, plain
    /// UDP; not TCP.
    pub fn is_datagram(&self) -> bool {
        let proto = self.proto.to_ascii_uppercase();
        proto.starts_with("RTP/") || proto.starts_with("UDP") || proto.starts_with("DTLS")
    }

    /// Whether media of this line can flow: a port, and an address to send to.
    pub const fn is_active(&self) -> bool {
        self.rtp.is_some()
    }
}
