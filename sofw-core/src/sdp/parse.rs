//! Reading a body line by line.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

use super::media::{Direction, MediaKind, MediaLine, Ranges};

/// A session description: the body and where its parts stand.
#[derive(Clone, Debug)]
pub struct Sdp<'a> {
    body: &'a [u8],
    media: Vec<MediaLine<'a>>,
    /// The value of the session's c-line, behind `c=`.
    pub(super) session_connection: Option<Range<usize>>,
    /// Its address.
    pub(super) session_address: Option<IpAddr>,
    /// ICE lines, with their line ends.
    pub(super) ice: Vec<Range<usize>>,
    /// The line end that the body uses.
    pub(super) line_end: &'static str,
}

/// Why a body cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SdpError(pub &'static str);

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for SdpError {}

/// What the lines of one level say.
#[derive(Clone, Default)]
struct Level {
    address: Option<IpAddr>,
    has_connection: bool,
    direction: Option<Direction>,
    rtcp: Option<(u16, Option<IpAddr>)>,
    rtcp_mux: bool,
    telephone_event: Option<u8>,
}

impl<'a> Sdp<'a> {
    /// Reads a body. Bare LF, missing `s=` and `t=`, unknown lines and a missing last line end are tolerated: only
    /// what the relay needs must be sound.
    ///
    /// # Errors
    /// The body does not begin with `v=`, or an `m=` or `c=` line cannot be read.
    pub fn parse(body: &'a [u8]) -> Result<Sdp<'a>, SdpError> {
        if !body.starts_with(b"v=") {
            return Err(SdpError("SDP does not begin with v="));
        }
        let first_end = memchr::memchr(b'\n', body).unwrap_or_default();
        let line_end = if body.get(..first_end).is_some_and(|l| l.ends_with(b"\r")) { "\r\n" } else { "\n" };
        let mut sdp = Sdp {
            body,
            media: Vec::new(),
            session_connection: None,
            session_address: None,
            ice: Vec::new(),
            line_end,
        };
        let mut session = Level::default();
        let mut level = Level::default();
        for (content, whole) in lines(body) {
            let line = body.get(content.clone()).unwrap_or_default();
            let value = content.start + 2..content.end;
            let level = if sdp.media.is_empty() { &mut session } else { &mut level };
            match line.get(..2) {
                Some(b"m=") => {
                    if !sdp.media.is_empty() {
                        let done = core::mem::take(level);
                        sdp.finish_media(&done, &session);
                    }
                    let media = parse_media(body, value, sdp.media.len(), whole.end)?;
                    sdp.media.push(media);
                    continue;
                }
                Some(b"c=") => sdp.take_connection(value, level)?,
                Some(b"a=") => sdp.take_attribute(value, whole.clone(), level),
                Some(b"i=") => {
                    if let Some(media) = sdp.media.last_mut() {
                        media.ranges.connection_place = whole.end;
                    }
                }
                _ => {}
            }
            if let Some(media) = sdp.media.last_mut() {
                media.ranges.end = whole.end;
            }
        }
        sdp.finish_media(&level, &session);
        Ok(sdp)
    }

    /// The body.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The media lines, in order.
    pub fn media(&self) -> &[MediaLine<'a>] {
        &self.media
    }

    fn take_connection(&mut self, value: Range<usize>, level: &mut Level) -> Result<(), SdpError> {
        let text = text(self.body, &value);
        let mut parts = text.split_ascii_whitespace();
        let (Some("IN"), Some("IP4" | "IP6"), Some(address)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(SdpError("SDP has a malformed c= line"));
        };
        // RFC 8866 §5.7: a multicast address has a TTL behind a slash.
        let address = address.split('/').next().and_then(|a| a.parse().ok());
        if !level.has_connection {
            level.address = address;
            level.has_connection = true;
        }
        match self.media.last_mut() {
            Some(media) => media.ranges.connections.push(value),
            None if self.session_connection.is_none() => {
                self.session_connection = Some(value);
                self.session_address = address;
            }
            None => {}
        }
        Ok(())
    }

    fn take_attribute(&mut self, value: Range<usize>, whole: Range<usize>, level: &mut Level) {
        let attribute = text(self.body, &value);
        let (name, rest) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "sendrecv" => level.direction = Some(Direction::SendRecv),
            "sendonly" => level.direction = Some(Direction::SendOnly),
            "recvonly" => level.direction = Some(Direction::RecvOnly),
            "inactive" => level.direction = Some(Direction::Inactive),
            "rtcp-mux" => level.rtcp_mux = true,
            "rtcp" => {
                // RFC 3605 §2.1: port, then optionally `IN IP4 address`.
                let mut parts = rest.split_ascii_whitespace();
                if let (Some(port), Some(media)) =
                    (parts.next().and_then(|p| p.parse().ok()), self.media.last_mut())
                {
                    level.rtcp = Some((port, parts.nth(2).and_then(|a| a.parse().ok())));
                    media.ranges.rtcp = Some(value.start + "rtcp:".len()..value.end);
                }
            }
            "rtpmap" => {
                if let Some((format, encoding)) = rest.split_once(' ') {
                    let encoding = encoding.trim_start();
                    let name = encoding.split('/').next().unwrap_or_default();
                    if level.telephone_event.is_none() && name.eq_ignore_ascii_case("telephone-event") {
                        level.telephone_event = format.parse().ok();
                    }
                }
            }
            _ if is_ice(name) => self.ice.push(whole),
            _ => {}
        }
    }

    /// Puts together what the lines of the last media line and of the session say about it.
    fn finish_media(&mut self, level: &Level, session: &Level) {
        let Some(media) = self.media.last_mut() else { return };
        media.address = if level.has_connection { level.address } else { session.address };
        media.hold = media.address.is_some_and(|a| a.is_unspecified());
        media.direction = level.direction.or(session.direction).unwrap_or_default();
        media.rtcp_mux = level.rtcp_mux;
        media.telephone_event = level.telephone_event;
        if let (Some(address), false, true) = (media.address, media.hold, media.port != 0) {
            let rtp = SocketAddr::new(address, media.port);
            let rtcp = match level.rtcp {
                Some((port, other)) => SocketAddr::new(other.unwrap_or(address), port),
                None if level.rtcp_mux => rtp,
                None => SocketAddr::new(address, media.port.saturating_add(1)),
            };
            media.rtp = Some(rtp);
            media.rtcp = Some(rtcp);
        }
    }
}

/// Attributes of ICE (RFC 8839 §5).
fn is_ice(name: &str) -> bool {
    name.starts_with("ice-") || matches!(name, "candidate" | "remote-candidates" | "end-of-candidates")
}

/// `audio 49170 RTP/AVP 0 8`, or with `49170/2`.
fn parse_media(
    body: &[u8],
    value: Range<usize>,
    index: usize,
    end: usize,
) -> Result<MediaLine<'_>, SdpError> {
    let bad = SdpError("SDP has a malformed m= line");
    let whole = text(body, &value);
    let mut parts = whole.splitn(4, ' ');
    let (Some(kind), Some(ports), Some(proto)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad);
    };
    let (port, count) = ports.split_once('/').unwrap_or((ports, "1"));
    let (Ok(port), Ok(port_count)) = (port.parse(), count.parse()) else { return Err(bad) };
    let port_start = value.start + kind.len() + 1;
    Ok(MediaLine {
        index,
        kind: MediaKind::parse(kind),
        port,
        port_count,
        proto,
        formats: parts.next().unwrap_or_default(),
        address: None,
        rtp: None,
        rtcp: None,
        rtcp_mux: false,
        direction: Direction::SendRecv,
        hold: false,
        telephone_event: None,
        is_udptl: proto.eq_ignore_ascii_case("udptl"),
        ranges: Ranges {
            port: port_start..port_start + ports.len(),
            connection_place: end,
            end,
            ..Ranges::default()
        },
    })
}

/// The lines of a body: the range of the content, and the range with the line end.
fn lines(body: &[u8]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
    let mut pos = 0;
    core::iter::from_fn(move || {
        let rest = body.get(pos..).filter(|rest| !rest.is_empty())?;
        let start = pos;
        let found = memchr::memchr(b'\n', rest);
        let mut end = start + found.unwrap_or(rest.len());
        pos = found.map_or(body.len(), |at| start + at + 1);
        if end > start && body.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        Some((start..end, start..pos))
    })
}

/// The bytes of `range` as text; empty if they are no UTF-8.
fn text<'a>(body: &'a [u8], range: &Range<usize>) -> &'a str {
    body.get(range.clone()).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
}
