//! The phone's own session descriptions (RFC 8866, RFC 3264): one PCMU stream with telephone events, and one of video if
//! the phone has it. Written and read here independently of [`crate::sdp`], as a foreign phone would.

use core::net::{IpAddr, SocketAddr};

use super::config::Ports;
use super::media::MediaKind;

/// Payload type of PCMU.
pub(super) const PCMU: u8 = 0;
/// Payload type that we offer for telephone events.
pub(super) const TELEPHONE_EVENT: u8 = 101;

/// Payload type that we offer for H.264 (RFC 6184).
pub(super) const VIDEO: u8 = 96;
/// Ticks of a video timestamp per second.
pub(super) const VIDEO_CLOCK_RATE: u32 = 90_000;

/// Who may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Direction {
    pub send: bool,
    pub receive: bool,
}

impl Direction {
    pub const BOTH: Direction = Direction { send: true, receive: true };
    pub const SEND_ONLY: Direction = Direction { send: true, receive: false };

    /// What the other end sees.
    pub const fn mirrored(self) -> Direction {
        Direction { send: self.receive, receive: self.send }
    }

    fn and(self, other: Direction) -> Direction {
        Direction { send: self.send && other.send, receive: self.receive && other.receive }
    }

    fn line(self) -> &'static str {
        match (self.send, self.receive) {
            (true, true) => "a=sendrecv",
            (true, false) => "a=sendonly",
            (false, true) => "a=recvonly",
            (false, false) => "a=inactive",
        }
    }
}

/// What the other end's description says about one m-line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RemoteLine {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// From the other end's view.
    pub direction: Direction,
    /// Of what we send there.
    pub payload_type: u8,
    pub telephone_event: Option<u8>,
}

/// What the other end's description says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Remote {
    pub audio: RemoteLine,
    pub video: Option<RemoteLine>,
}

impl Remote {
    pub fn line(&self, kind: MediaKind) -> Option<RemoteLine> {
        match kind {
            MediaKind::Audio => Some(self.audio),
            MediaKind::Video => self.video,
        }
    }
}

/// One m-line of ours. Their order and number never change in a session (RFC 3264 §8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    Ours(MediaKind),
    /// One that we refused, as we repeat it: port 0.
    Refused(String),
}

/// One m-line as read.
struct MediaLine<'a> {
    line: &'a str,
    addr: Option<IpAddr>,
    lines: Vec<&'a str>,
}

fn media_lines(body: &[u8]) -> Vec<MediaLine<'_>> {
    let text = core::str::from_utf8(body).unwrap_or("");
    let (mut session_addr, mut session_lines) = (None, Vec::new());
    let mut media: Vec<MediaLine<'_>> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            media.push(MediaLine { line, addr: session_addr, lines: session_lines.clone() });
            continue;
        }
        let (addr, lines) = match media.last_mut() {
            Some(m) => (&mut m.addr, &mut m.lines),
            None => (&mut session_addr, &mut session_lines),
        };
        if let Some(value) = line.strip_prefix("c=") {
            *addr = value.split(' ').nth(2).and_then(|a| a.split('/').next()).and_then(|a| a.parse().ok());
        } else if line.starts_with("a=") {
            lines.push(line);
        }
    }
    media
}

impl MediaLine<'_> {
    /// What the line says, if it is one that a phone can take.
    fn usable(&self) -> Option<(MediaKind, RemoteLine)> {
        let mut words = self.line.split(' ');
        let kind = match words.next()? {
            "m=audio" => MediaKind::Audio,
            "m=video" => MediaKind::Video,
            _ => return None,
        };
        let port: u16 = words.next()?.parse().ok().filter(|&p| p != 0)?;
        words.next().filter(|proto| proto.starts_with("RTP/AVP"))?;
        let payload_type = match kind {
            MediaKind::Audio => words.find(|w| *w == "0").map(|_| PCMU)?,
            MediaKind::Video => self.payload_type("h264/90000")?,
        };
        let addr = self.addr?;
        // A session-level direction is the default; the media level, which comes later, wins.
        let mut direction = self.lines.iter().fold(Direction::BOTH, |now, line| match *line {
            "a=sendrecv" => Direction::BOTH,
            "a=sendonly" => Direction::SEND_ONLY,
            "a=recvonly" => Direction::SEND_ONLY.mirrored(),
            "a=inactive" => Direction { send: false, receive: false },
            _ => now,
        });
        // The old way of hold (RFC 3264 §8.4).
        if addr.is_unspecified() {
            direction.receive = false;
        }
        let rtcp = self.lines.iter().rev().find_map(|l| l.strip_prefix("a=rtcp:"));
        let rtcp = match rtcp {
            Some(value) => {
                let mut words = value.split(' ');
                let port = words.next()?.parse().ok()?;
                SocketAddr::new(words.nth(2).and_then(|a| a.parse().ok()).unwrap_or(addr), port)
            }
            None => SocketAddr::new(addr, port.checked_add(1)?),
        };
        let telephone_event = self.payload_type("telephone-event/8000").filter(|_| kind == MediaKind::Audio);
        let rtp = SocketAddr::new(addr, port);
        Some((kind, RemoteLine { rtp, rtcp, direction, payload_type, telephone_event }))
    }

    /// The payload type that an rtpmap gives to an encoding, named in lower case.
    fn payload_type(&self, encoding: &str) -> Option<u8> {
        self.lines.iter().find_map(|l| {
            let (number, name) = l.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            name.to_ascii_lowercase().starts_with(encoding).then(|| number.parse().ok())?
        })
    }

    /// This line with port 0 (RFC 3264 §6).
    fn refused(&self) -> Line {
        let mut words = self.line.split(' ');
        let kind = words.next().unwrap_or("m=audio");
        Line::Refused(format!("{kind} 0 {}\r\n", words.skip(1).collect::<Vec<_>>().join(" ")))
    }
}

/// The first audio line with PCMU and a port, and the first video line with H.264; `None` without audio.
pub(super) fn read(body: &[u8]) -> Option<Remote> {
    let lines: Vec<_> = media_lines(body).iter().filter_map(MediaLine::usable).collect();
    let first = |kind| lines.iter().find(|(k, _)| *k == kind).map(|(_, line)| *line);
    Some(Remote { audio: first(MediaKind::Audio)?, video: first(MediaKind::Video) })
}

/// How we take the m-lines of `offer`: the first usable one of each of `kinds`, all others refused.
pub(super) fn take_lines(offer: &[u8], kinds: &[MediaKind]) -> Vec<Line> {
    let mut taken: Vec<Line> = Vec::new();
    for media in media_lines(offer) {
        let ours = media.usable().map(|(kind, _)| kind).filter(|kind| kinds.contains(kind)).map(Line::Ours);
        let fresh = ours.filter(|line| !taken.contains(line));
        taken.push(fresh.unwrap_or_else(|| media.refused()));
    }
    taken
}

/// Our own side of a session: what goes into every description that we send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local<'a> {
    pub user: &'a str,
    pub addr: IpAddr,
    pub ports: Ports,
    pub ptime_ms: u8,
    pub session_id: u32,
    pub version: u32,
    pub direction: Direction,
}

impl Local<'_> {
    /// An offer of these lines, or the answer to an offer with the same lines that said `remote`.
    pub fn describe(&self, lines: &[Line], remote: Option<&Remote>) -> Vec<u8> {
        let (addr, family) = (self.addr, if self.addr.is_ipv4() { "IP4" } else { "IP6" });
        let mut out = format!(
            "v=0\r\no={} {} {} IN {family} {addr}\r\ns=SoFW phone\r\nc=IN {family} {addr}\r\nt=0 0\r\n",
            self.user, self.session_id, self.version
        );
        for line in lines {
            match line {
                Line::Ours(kind) => self.line(&mut out, *kind, remote.and_then(|r| r.line(*kind))),
                Line::Refused(line) => out.push_str(line),
            }
        }
        out.into_bytes()
    }

    fn line(&self, out: &mut String, kind: MediaKind, remote: Option<RemoteLine>) {
        let port = self.ports.rtp(kind);
        let text = match kind {
            MediaKind::Audio => {
                let event = remote.and_then(|r| r.telephone_event).unwrap_or(TELEPHONE_EVENT);
                format!(
                    "m=audio {port} RTP/AVP {PCMU} {event}\r\na=rtpmap:{PCMU} PCMU/8000\r\na=rtpmap:{event} \
                     telephone-event/8000\r\na=fmtp:{event} 0-15\r\na=ptime:{}\r\n",
                    self.ptime_ms
                )
            }
            MediaKind::Video => {
                let number = remote.map_or(VIDEO, |r| r.payload_type);
                format!(
                    "m=video {port} RTP/AVP {number}\r\na=rtpmap:{number} H264/{VIDEO_CLOCK_RATE}\r\n\
                     a=fmtp:{number} profile-level-id=42e01f;packetization-mode=1\r\n"
                )
            }
        };
        let direction = remote.map_or(self.direction, |r| self.direction.and(r.direction.mirrored()));
        out.push_str(&format!("{text}{}\r\n", direction.line()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIO: &[MediaKind] = &[MediaKind::Audio];
    const BOTH: &[MediaKind] = &[MediaKind::Audio, MediaKind::Video];

    fn local(direction: Direction) -> Local<'static> {
        Local {
            user: "alice",
            addr: IpAddr::from([10, 0, 0, 1]),
            ports: Ports { rtp: 4_000 },
            ptime_ms: 30,
            session_id: 1,
            version: 1,
            direction,
        }
    }

    fn ours(kinds: &[MediaKind]) -> Vec<Line> {
        kinds.iter().copied().map(Line::Ours).collect()
    }

    #[test]
    fn an_offer_reads_back() {
        let offer = local(Direction::SEND_ONLY).describe(&ours(BOTH), None);
        let remote = read(&offer).expect("audio");
        let (audio, video) = (remote.audio, remote.video.expect("video"));
        assert_eq!(audio.rtp, "10.0.0.1:4000".parse().unwrap());
        assert_eq!(audio.rtcp, "10.0.0.1:4001".parse().unwrap());
        assert_eq!((audio.direction, video.direction), (Direction::SEND_ONLY, Direction::SEND_ONLY));
        assert_eq!((audio.payload_type, audio.telephone_event), (0, Some(101)));
        assert_eq!(video.rtp, "10.0.0.1:4002".parse().unwrap());
        assert_eq!(video.rtcp, "10.0.0.1:4003".parse().unwrap());
        assert_eq!((video.payload_type, video.telephone_event), (96, None));
        assert!(String::from_utf8(offer).unwrap().contains("a=ptime:30\r\n"));
    }

    #[test]
    fn media_level_address_rtcp_and_old_hold() {
        let body = b"v=0\nc=IN IP4 1.1.1.1\na=sendonly\nm=video 5000 RTP/AVP 96\nm=audio 6000 RTP/AVP 8 0\n\
            c=IN IP4 0.0.0.0\na=rtcp:7001 IN IP4 2.2.2.2\na=sendrecv\n";
        let Remote { audio, video } = read(body).expect("audio");
        assert_eq!(audio.rtp, "0.0.0.0:6000".parse().unwrap());
        assert_eq!(audio.rtcp, "2.2.2.2:7001".parse().unwrap());
        assert_eq!(audio.direction, Direction { send: true, receive: false });
        assert_eq!(video, None, "without H.264");
    }

    #[test]
    fn other_lines_are_refused_in_the_answer() {
        let offer = b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=video 5000 RTP/AVP 97\r\na=rtpmap:97 h264/90000\r\n\
            m=audio 6000 RTP/AVP 0\r\na=sendonly\r\nm=audio 6002 RTP/AVP 0\r\n";
        let answer = |kinds| {
            let lines = take_lines(offer, kinds);
            String::from_utf8(local(Direction::BOTH).describe(&lines, read(offer).as_ref())).unwrap()
        };
        let text = answer(AUDIO);
        assert!(text.contains("m=video 0 RTP/AVP 97\r\nm=audio 4000 RTP/AVP 0 101\r\n"), "{text}");
        assert!(text.ends_with("a=recvonly\r\nm=audio 0 RTP/AVP 0\r\n"), "{text}");
        let text = answer(BOTH);
        assert!(text.contains("m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"), "{text}");
    }

    #[test]
    fn without_pcmu_there_is_nothing() {
        assert_eq!(read(b"c=IN IP4 1.1.1.1\r\nm=audio 6000 RTP/AVP 8\r\n"), None);
        assert_eq!(read(b"c=IN IP4 1.1.1.1\r\nm=audio 0 RTP/AVP 0\r\n"), None);
        assert_eq!(read(b"\xff\xfe"), None);
    }
}
