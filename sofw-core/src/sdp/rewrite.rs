//! Writing other addresses into a body.

use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

use super::{MediaLine, Sdp};

/// What the reader of the body is to believe about one media line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaRewrite {
    /// Where to send RTP.
    pub rtp: SocketAddr,
    /// Where to send RTCP; the same as `rtp` for rtcp-mux.
    pub rtcp: SocketAddr,
}

/// The body with other addresses, media line by media line; `None` leaves a line as it is. A line with port 0 stays
/// rejected, a held one (`0.0.0.0`) stays held. ICE lines go, if anything is rewritten.
pub fn rewrite(sdp: &Sdp<'_>, lines: &[Option<MediaRewrite>]) -> Vec<u8> {
    let mut edits = Edits(Vec::new());
    let wanted = |media: &MediaLine<'_>| lines.get(media.index).copied().flatten();
    if !sdp.media().iter().any(|media| wanted(media).is_some()) {
        return sdp.body().to_vec();
    }
    let session_ip = session_address(sdp, &wanted);
    if let (Some(range), Some(ip)) = (&sdp.session_connection, session_ip) {
        edits.replace(range, connection(ip));
    }
    for media in sdp.media() {
        if let Some(to) = wanted(media) {
            rewrite_media(&mut edits, sdp, media, to, session_ip);
        }
    }
    for line in &sdp.ice {
        edits.replace(line, String::new());
    }
    edits.apply(sdp.body())
}

/// The address for the session's c-line: that of the first rewritten line. `None` if there is no such line, or it must
/// stay, because it holds, or because an untouched media line depends on it.
fn session_address(
    sdp: &Sdp<'_>,
    wanted: &impl Fn(&MediaLine<'_>) -> Option<MediaRewrite>,
) -> Option<IpAddr> {
    let depends = |media: &&MediaLine<'_>| media.ranges.connections.is_empty() && media.port != 0;
    if sdp.session_connection.is_none()
        || sdp.session_address.is_some_and(|a| a.is_unspecified())
        || sdp.media().iter().filter(depends).any(|media| wanted(media).is_none())
    {
        return None;
    }
    sdp.media().iter().filter(depends).chain(sdp.media()).find_map(wanted).map(|to| to.rtp.ip())
}

fn rewrite_media(
    edits: &mut Edits,
    sdp: &Sdp<'_>,
    media: &MediaLine<'_>,
    to: MediaRewrite,
    session: Option<IpAddr>,
) {
    let ranges = &media.ranges;
    if media.port != 0 {
        // A port count is dropped: the relay holds one pair, and the next port belongs to another call.
        edits.replace(&ranges.port, to.rtp.port().to_string());
    }
    let eol = sdp.line_end;
    let inherits = ranges.connections.is_empty();
    if !media.hold {
        for range in &ranges.connections {
            edits.replace(range, connection(to.rtp.ip()));
        }
        if inherits && media.port != 0 && session != Some(to.rtp.ip()) {
            let line = format!("c={}{eol}", connection(to.rtp.ip()));
            edits.insert(sdp, ranges.connection_place, line);
        }
    }
    if media.port == 0 {
        return;
    }
    match &ranges.rtcp {
        Some(range) => {
            let with_address =
                sdp.body().get(range.clone()).is_some_and(|value| value.trim_ascii().contains(&b' '));
            let port = to.rtcp.port();
            let value = if with_address && !media.hold {
                format!("{port} {}", connection(to.rtcp.ip()))
            } else {
                port.to_string()
            };
            edits.replace(range, value);
        }
        // RFC 3605 §2.1: needed only where RTCP is not on the next port.
        None if to.rtcp != to.rtp && to.rtcp.port() != to.rtp.port().wrapping_add(1) => {
            edits.insert(sdp, ranges.end, format!("a=rtcp:{}{eol}", to.rtcp.port()));
        }
        None => {}
    }
}

/// The value of a c-line.
fn connection(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("IN IP4 {ip}"),
        IpAddr::V6(ip) => format!("IN IP6 {ip}"),
    }
}

struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    fn replace(&mut self, range: &Range<usize>, text: String) {
        self.0.push((range.clone(), text));
    }

    /// Puts in a line; a body whose last line has no end, or half of one, gets it first.
    fn insert(&mut self, sdp: &Sdp<'_>, at: usize, mut line: String) {
        if at == sdp.body().len() && !sdp.body().ends_with(b"\n") {
            let eol = sdp.line_end;
            line.truncate(line.len() - eol.len());
            line.insert_str(0, if sdp.body().ends_with(b"\r") { "\n" } else { eol });
        }
        self.0.push((at..at, line));
    }

    fn apply(mut self, body: &[u8]) -> Vec<u8> {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = Vec::with_capacity(body.len() + 64);
        let mut pos = 0;
        for (range, text) in &self.0 {
            out.extend_from_slice(body.get(pos..range.start).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            pos = range.end;
        }
        out.extend_from_slice(body.get(pos..).unwrap_or_default());
        out
    }
}
