//! Just enough SIP to set up calls: an inside user agent that calls an outside one by its numeric address.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use sofw_core::sdp::Sdp;
use sofw_core::sip::{HeaderName, Message, Method, build};

use crate::peers::Ports;

const INSIDE: &str = "127.110.10.10:5570";
const OUTSIDE: &str = "127.213.0.20:5570";
const HRAC: &str = "127.110.10.2:5560";
/// Calls being set up at the same time.
const AT_ONCE: usize = 16;
/// A call that is not up by then is asked for again: the tunnel may still be starting.
const AGAIN: Duration = Duration::from_millis(500);
const LIMIT: Duration = Duration::from_secs(60);

/// Sets up `calls` calls and says where each call's inside and outside phone must send its media.
pub fn set_up(calls: usize) -> io::Result<Vec<(SocketAddr, SocketAddr)>> {
    let inside = UdpSocket::bind(INSIDE)?;
    let outside = UdpSocket::bind(OUTSIDE)?;
    for socket in [&inside, &outside] {
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
    }
    let start = Instant::now();
    let mut setup = SetUp {
        inside,
        outside,
        run: std::process::id(),
        inside_to: vec![None; calls],
        outside_to: vec![None; calls],
        asked: vec![None; calls],
    };
    while !setup.is_complete() {
        if start.elapsed() > LIMIT {
            let up = setup.inside_to.iter().flatten().count();
            return Err(io::Error::other(format!("only {up} of {calls} calls came up within {LIMIT:?}")));
        }
        setup.invite();
        setup.turn_inside();
        setup.turn_outside();
    }
    Ok(setup.inside_to.into_iter().flatten().zip(setup.outside_to.into_iter().flatten()).collect())
}

struct SetUp {
    inside: UdpSocket,
    outside: UdpSocket,
    run: u32,
    inside_to: Vec<Option<SocketAddr>>,
    outside_to: Vec<Option<SocketAddr>>,
    /// When, and how often: each attempt is a call of its own.
    asked: Vec<Option<(Instant, u32)>>,
}

impl SetUp {
    fn is_complete(&self) -> bool {
        self.inside_to.iter().all(Option::is_some)
    }

    fn invite(&mut self) {
        let now = Instant::now();
        let waiting = self.inside_to.iter().enumerate().filter(|(_, up)| up.is_none());
        let due: Vec<usize> = waiting.map(|(call, _)| call).take(AT_ONCE).collect();
        for call in due {
            let attempt = match self.asked[call] {
                Some((at, _)) if now - at < AGAIN => continue,
                Some((_, attempt)) => attempt + 1,
                None => 0,
            };
            self.asked[call] = Some((now, attempt));
            let (id, sdp) = (self.id(call, attempt), sdp(Ports::load_inside(call)));
            let request = format!(
                "INVITE sip:bench@{OUTSIDE} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {INSIDE};branch=z9hG4bK-{id};rport\r\n\
                 Max-Forwards: 70\r\n\
                 From: <sip:load@{INSIDE}>;tag=a{id}\r\n\
                 To: <sip:bench@{OUTSIDE}>\r\n\
                 Call-ID: {id}\r\n\
                 CSeq: 1 INVITE\r\n\
                 Contact: <sip:load@{INSIDE}>\r\n\
                 Content-Type: application/sdp\r\n\
                 Content-Length: {}\r\n\r\n{sdp}",
                sdp.len()
            );
            let _ = self.inside.send_to(request.as_bytes(), HRAC);
        }
    }

    fn id(&self, call: usize, attempt: u32) -> String {
        format!("{}-{call}-{attempt}", self.run)
    }

    /// The caller: on 200, note where to send and acknowledge.
    fn turn_inside(&mut self) {
        let mut buffer = vec![0u8; 65_536];
        while let Ok((length, from)) = self.inside.recv_from(&mut buffer) {
            let Ok(message) = Message::parse(&buffer[..length]) else { continue };
            if message.status() != Some(200) {
                continue;
            }
            let Some(call) = call_of(&message) else { continue };
            let Some(id) = message.header(HeaderName::CallId) else { continue };
            let to = message.header(HeaderName::To).unwrap_or_default();
            let mut routes: Vec<&str> =
                message.values(HeaderName::RecordRoute).map(|value| value.text()).collect();
            routes.reverse();
            let routes: String = routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
            let ack = format!(
                "ACK sip:bench@{OUTSIDE} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {INSIDE};branch=z9hG4bK-ack-{id};rport\r\n\
                 Max-Forwards: 70\r\n{routes}\
                 From: <sip:load@{INSIDE}>;tag=a{id}\r\n\
                 To: {to}\r\n\
                 Call-ID: {id}\r\n\
                 CSeq: 1 ACK\r\n\
                 Content-Length: 0\r\n\r\n"
            );
            let _ = self.inside.send_to(ack.as_bytes(), from);
            self.inside_to[call] = media(&message);
        }
    }

    /// The callee: answers every INVITE at once.
    fn turn_outside(&mut self) {
        let mut buffer = vec![0u8; 65_536];
        while let Ok((length, from)) = self.outside.recv_from(&mut buffer) {
            let Ok(message) = Message::parse(&buffer[..length]) else { continue };
            if !message.is_request() || message.method() != Method::Invite {
                continue;
            }
            let Some(call) = call_of(&message) else { continue };
            self.outside_to[call] = media(&message);
            let sdp = sdp(Ports::load_outside(call));
            let contact = format!("<sip:bench@{OUTSIDE}>");
            let extra =
                [(HeaderName::Contact, contact.as_str()), (HeaderName::ContentType, "application/sdp")];
            let copy = build::Copy { record_route: true };
            let answer =
                build::response_with(&message, 200, "OK", Some("callee"), &extra, copy, sdp.as_bytes());
            let _ = self.outside.send_to(&answer, from);
        }
    }
}

fn call_of(message: &Message<'_>) -> Option<usize> {
    message.header(HeaderName::CallId)?.split('-').nth(1)?.parse().ok()
}

fn media(message: &Message<'_>) -> Option<SocketAddr> {
    Sdp::parse(message.body()).ok()?.media().first()?.rtp
}

fn sdp(media: SocketAddr) -> String {
    let (address, port) = (media.ip(), media.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\n"
    )
}
