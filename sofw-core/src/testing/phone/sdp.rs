//! The phone's own session descriptions (RFC 8866, RFC 3264): one PCMU stream and telephone events. Written and read
//! here independently of [`crate::sdp`], as a foreign phone would.

use core::net::{IpAddr, SocketAddr};

/// Payload type of PCMU.
pub(super) const PCMU: u8 = 0;
/// Payload type that we offer for telephone events.
pub(super) const TELEPHONE_EVENT: u8 = 101;

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

/// What the other end's description says about audio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Remote {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// From the other end's view.
    pub direction: Direction,
    pub telephone_event: Option<u8>,
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

/// The first audio line with PCMU and a port; `None` if there is none.
pub(super) fn read(body: &[u8]) -> Option<Remote> {
    media_lines(body).iter().find_map(|media| {
        let mut words = media.line.strip_prefix("m=audio ")?.split(' ');
        let port: u16 = words.next()?.parse().ok().filter(|&p| p != 0)?;
        words.next().filter(|proto| proto.starts_with("RTP/AVP"))?;
        words.find(|w| *w == "0")?;
        let addr = media.addr?;
        let attribute =
            |name: &str| media.lines.iter().rev().find_map(|l| l.strip_prefix("a=")?.strip_prefix(name));
        // A session-level direction is the default; the media level, which comes later, wins.
        let mut direction = media.lines.iter().fold(Direction::BOTH, |now, line| match *line {
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
        let rtcp = match attribute("rtcp:") {
            Some(value) => {
                let mut words = value.split(' ');
                let port = words.next()?.parse().ok()?;
                SocketAddr::new(words.nth(2).and_then(|a| a.parse().ok()).unwrap_or(addr), port)
            }
            None => SocketAddr::new(addr, port.checked_add(1)?),
        };
        let telephone_event = media.lines.iter().find_map(|l| {
            let (number, name) = l.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            name.to_ascii_lowercase().starts_with("telephone-event/8000").then(|| number.parse().ok())?
        });
        Some(Remote { rtp: SocketAddr::new(addr, port), rtcp, direction, telephone_event })
    })
}

/// Our own side of a session: what goes into every description that we send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local<'a> {
    pub user: &'a str,
    pub rtp: SocketAddr,
    pub session_id: u32,
    pub version: u32,
    pub direction: Direction,
}

impl Local<'_> {
    /// An offer.
    pub fn offer(&self) -> Vec<u8> {
        let mut out = self.head();
        self.audio(&mut out, TELEPHONE_EVENT, self.direction);
        out.into_bytes()
    }

    /// The answer to `offer`, which [`read`] accepted: the audio line that we take, every other line refused with
    /// port 0 (RFC 3264 §6).
    pub fn answer(&self, offer: &[u8], remote: &Remote) -> Vec<u8> {
        let mut out = self.head();
        let mut taken = false;
        for media in media_lines(offer) {
            let words: Vec<&str> = media.line.split(' ').collect();
            let is_it = !taken
                && media.line.starts_with("m=audio ")
                && words.get(1).and_then(|p| p.parse().ok()) == Some(remote.rtp.port());
            if is_it {
                taken = true;
                let event = remote.telephone_event.unwrap_or(TELEPHONE_EVENT);
                self.audio(&mut out, event, self.direction.and(remote.direction.mirrored()));
            } else {
                let kind = words.first().unwrap_or(&"m=audio");
                out.push_str(&format!("{kind} 0 {}\r\n", words.get(2..).unwrap_or(&[]).join(" ")));
            }
        }
        out.into_bytes()
    }

    fn head(&self) -> String {
        let addr = self.rtp.ip();
        let family = if addr.is_ipv4() { "IP4" } else { "IP6" };
        format!(
            "v=0\r\no={} {} {} IN {family} {addr}\r\ns=SoFW phone\r\nc=IN {family} {addr}\r\nt=0 0\r\n",
            self.user, self.session_id, self.version
        )
    }

    fn audio(&self, out: &mut String, event: u8, direction: Direction) {
        out.push_str(&format!(
            "m=audio {} RTP/AVP {PCMU} {event}\r\na=rtpmap:{PCMU} PCMU/8000\r\na=rtpmap:{event} \
             telephone-event/8000\r\na=fmtp:{event} 0-15\r\na=ptime:20\r\n{}\r\n",
            self.rtp.port(),
            direction.line()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(direction: Direction) -> Local<'static> {
        Local { user: "alice", rtp: "10.0.0.1:4000".parse().unwrap(), session_id: 1, version: 1, direction }
    }

    #[test]
    fn an_offer_reads_back() {
        let remote = read(&local(Direction::SEND_ONLY).offer()).expect("audio");
        assert_eq!(remote.rtp, "10.0.0.1:4000".parse().unwrap());
        assert_eq!(remote.rtcp, "10.0.0.1:4001".parse().unwrap());
        assert_eq!(remote.direction, Direction::SEND_ONLY);
        assert_eq!(remote.telephone_event, Some(101));
    }

    #[test]
    fn media_level_address_rtcp_and_old_hold() {
        let body = b"v=0\nc=IN IP4 1.1.1.1\na=sendonly\nm=video 5000 RTP/AVP 96\nm=audio 6000 RTP/AVP 8 0\n\
            c=IN IP4 0.0.0.0\na=rtcp:7001 IN IP4 2.2.2.2\na=sendrecv\n";
        let remote = read(body).expect("audio");
        assert_eq!(remote.rtp, "0.0.0.0:6000".parse().unwrap());
        assert_eq!(remote.rtcp, "2.2.2.2:7001".parse().unwrap());
        assert_eq!(remote.direction, Direction { send: true, receive: false });
    }

    #[test]
    fn other_lines_are_refused_in_the_answer() {
        let offer =
            b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=video 5000 RTP/AVP 96\r\nm=audio 6000 RTP/AVP 0\r\na=sendonly\r\n";
        let answer = local(Direction::BOTH).answer(offer, &read(offer).unwrap());
        let text = String::from_utf8(answer).unwrap();
        assert!(text.contains("m=video 0 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0 101\r\n"), "{text}");
        assert!(text.ends_with("a=recvonly\r\n"), "{text}");
    }

    #[test]
    fn without_pcmu_there_is_nothing() {
        assert_eq!(read(b"c=IN IP4 1.1.1.1\r\nm=audio 6000 RTP/AVP 8\r\n"), None);
        assert_eq!(read(b"c=IN IP4 1.1.1.1\r\nm=audio 0 RTP/AVP 0\r\n"), None);
        assert_eq!(read(b"\xff\xfe"), None);
    }
}
