//! Where media goes, as session descriptions in raw bytes say it: a datagram with SIP, or a piece of a TCP stream.

use core::net::{IpAddr, SocketAddr};

use sofw_core::sdp::{Sdp, find};
use sofw_core::sip::{HeaderName, Message};

/// Addresses in the lines that say where media goes: `c=`, `a=rtcp:`, `a=candidate:`. Lines cut off at the end are left out.
pub(super) fn media_addresses(bytes: &[u8]) -> impl Iterator<Item = IpAddr> + '_ {
    let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| core::str::from_utf8(line).ok());
    lines.flat_map(|line| {
        let says = ["c=IN IP", "a=rtcp:", "a=candidate:"].iter().any(|start| line.starts_with(start));
        let words = line.trim_end().split([' ', '/']).filter(move |_| says);
        words.filter_map(|word| word.parse().ok())
    })
}

/// Whether these bytes may hold a session description; cheap.
pub(super) fn may_describe(bytes: &[u8]) -> bool {
    bytes.windows(CONNECTION.len()).any(|window| window == CONNECTION)
}

/// RTP and RTCP addresses that a whole SIP message announces.
pub(super) fn announced(message: &Message<'_>) -> Vec<SocketAddr> {
    let kind = message.header(HeaderName::ContentType).unwrap_or_default();
    let body = find(kind, message.body()).and_then(|place| message.body().get(place));
    let Some(sdp) = body.and_then(|body| Sdp::parse(body).ok()) else { return Vec::new() };
    sdp.media().iter().flat_map(|line| [line.rtp, line.rtcp]).flatten().collect()
}

const CONNECTION: &[u8] = b"c=IN IP";
