//! An inside half with open sockets; the test plays phones, and HRAS by its frames.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::base::{Instant, Payload, Transport};
use crate::config::limits::VOICE_AGE_MAX;
use crate::config::{HracConfig, MediaConfig, SipListener, SiteKey, TunnelVia};
use crate::event::{DropReason, Event};
use crate::hrac::Hrac;
use crate::io::{ConnId, Endpoint, Input, ListenerId, Output, SocketId};
use crate::tunnel::{FlowId, Frame, RaHeader, Urgent};

pub(super) const UDP: u16 = 0;
pub(super) const TCP: u16 = 1;

pub(super) struct World {
    pub(super) hrac: Hrac,
    pub(super) now: Instant,
    pub(super) events: Vec<Event>,
    /// Datagrams: socket, to, bytes.
    pub(super) sent: Vec<(SocketId, SocketAddr, Vec<u8>)>,
    /// SIP connections: bytes written, oldest first.
    pub(super) written: Vec<(ConnId, Vec<u8>)>,
    pub(super) connecting: Vec<(ConnId, Endpoint)>,
    pub(super) closed: Vec<ConnId>,
    pub(super) unbound: Vec<u16>,
}

pub(super) fn config() -> HracConfig {
    let address = IpAddr::V4(Ipv4Addr::new(10, 10, 10, 2));
    let addr = SocketAddr::new(address, 5060);
    HracConfig {
        site: "hq".into(),
        key: SiteKey([7; 32]),
        server: Endpoint::Addr(SocketAddr::from(([203, 0, 113, 5], 80))),
        authority: "203.0.113.5".into(),
        via: vec![TunnelVia::Direct],
        sip: vec![
            SipListener { transport: Transport::Udp, addr },
            SipListener { transport: Transport::Tcp, addr },
        ],
        media: MediaConfig { bind: address, address, ports: (30_000, 30_199) },
        voice_age_max: VOICE_AGE_MAX,
    }
}

impl World {
    /// With a session.
    pub(super) fn new() -> Self {
        let mut world = World::without_session();
        world.start_session();
        world
    }

    pub(super) fn without_session() -> Self {
        let now = Instant::from_millis(5);
        let hrac = Hrac::new(config(), [1; 32], now).unwrap();
        let mut world = World {
            hrac,
            now,
            events: Vec::new(),
            sent: Vec::new(),
            written: Vec::new(),
            connecting: Vec::new(),
            closed: Vec::new(),
            unbound: Vec::new(),
        };
        world.drain();
        world
    }

    /// As if the tunnel had said `Started`, and had been up until now.
    pub(super) fn start_session(&mut self) {
        self.hrac.session_started();
        self.hrac.dirty = true;
        self.tunnel_is_back();
    }

    /// As if the tunnel carried frames again.
    pub(super) fn tunnel_is_back(&mut self) {
        self.hrac.waiting.tunnel_is_up(self.now, true);
        self.drain();
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.hrac.handle_input(self.now, input).unwrap();
        self.drain();
    }

    pub(super) fn timeout(&mut self) {
        self.hrac.handle_timeout(self.now);
        self.drain();
    }

    pub(super) fn udp(&mut self, from: &str, bytes: &[u8]) {
        self.input(Input::Datagram { socket: SocketId::Sip(UDP), from: addr(from), bytes });
    }

    pub(super) fn accept(&mut self, number: u64, peer: &str) -> ConnId {
        let conn = ConnId::Accepted(number);
        self.input(Input::Accepted { listener: ListenerId::Sip(TCP), conn, peer: addr(peer) });
        conn
    }

    /// HRAS says something.
    pub(super) fn frame(&mut self, frame: Frame) {
        self.hrac.frame_in(frame);
        self.hrac.drain_parts();
        self.drain();
    }

    pub(super) fn sip(&mut self, phone: RaHeader, message: &str) {
        self.frame(Frame::Sip { phone, message: Payload::from(message.as_bytes().to_vec()) });
    }

    pub(super) fn open_flow(&mut self, flow: u32, port: u16, phone: Option<&str>) {
        let phone = phone.map(addr);
        let phone_rtcp = phone.map(|rtp| SocketAddr::new(rtp.ip(), rtp.port() + 1));
        self.frame(Frame::OpenFlow { flow: FlowId(flow), port, phone, phone_rtcp, urgent: Urgent::None });
    }

    /// A datagram arrives on a relay port.
    pub(super) fn media(&mut self, port: u16, from: &str, bytes: &[u8]) {
        self.input(Input::Datagram { socket: SocketId::Media(port), from: addr(from), bytes });
    }

    /// HRAS sends voice.
    pub(super) fn voice(&mut self, flow: u32, bytes: &[u8]) -> crate::media::Forward {
        self.hrac.flows.relay.from_tunnel(self.now, crate::base::SiteId(0), FlowId(flow), bytes)
    }

    pub(super) fn said(&mut self) -> Vec<Frame> {
        core::mem::take(&mut self.hrac.said)
    }

    pub(super) fn dropped(&self, reason: DropReason) -> u64 {
        self.hrac.dropped(reason)
    }

    /// Opens every socket asked for; notes the rest.
    pub(super) fn drain(&mut self) {
        while let Some(output) = self.hrac.poll_output() {
            let answer = match output {
                Output::Bind { socket, .. } => Some(Input::Bound(socket)),
                Output::Listen { listener, .. } => Some(Input::Listening(listener)),
                Output::Unbind(SocketId::Media(port)) => {
                    self.unbound.push(port);
                    None
                }
                Output::Unbind(socket) => panic!("{socket:?}"),
                Output::Send { socket, to, payload } => {
                    self.sent.push((socket, to, payload.to_vec()));
                    None
                }
                Output::Connect { conn, .. } if self.hrac.tunnel.owns(conn) => None,
                Output::Connect { conn, to } => {
                    self.connecting.push((conn, to));
                    None
                }
                Output::Write { conn, .. } if self.hrac.tunnel.owns(conn) => None,
                Output::Write { conn, payload } => {
                    self.written.push((conn, payload.to_vec()));
                    None
                }
                Output::Close(conn) => {
                    self.closed.push(conn);
                    None
                }
                Output::Event(event) => {
                    self.events.push(event);
                    None
                }
            };
            if let Some(answer) = answer {
                self.hrac.handle_input(self.now, answer).unwrap();
            }
        }
    }
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) fn udp(at: &str) -> RaHeader {
    RaHeader { transport: Transport::Udp, addr: addr(at) }
}

pub(super) fn tcp(at: &str) -> RaHeader {
    RaHeader { transport: Transport::Tcp, addr: addr(at) }
}

/// A request of the phone at `host`; `contact` and `via` are host and port (and parameters).
pub(super) fn request(method: &str, via: &str, contact: &str, body: &str) -> String {
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:bob@10.10.10.2 SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@10.10.10.2>;tag=a\r\nTo: <sip:bob@10.10.10.2>\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:alice@{contact}>\r\n{content_type}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn invite(host: &str, media_port: u16) -> String {
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {media_port} RTP/AVP 0\r\n"
    );
    request("INVITE", &format!("UDP {host}:5060"), &format!("{host}:5060"), &body)
}
