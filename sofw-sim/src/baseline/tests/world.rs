//! Clients and a server joined by memory, with a toy HTTP proxy between them if wanted.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use sofw_core::base::{Instant, Payload, Rng};
use sofw_core::io::{ConnId, Endpoint, Input, IoError, ListenerId, Output};
use sofw_core::tunnel::http::exchange::{Piece, Reader};

use crate::baseline::{Kind, Proxy, TunnelClient, TunnelClientConfig, TunnelServer, TunnelServerConfig};
use crate::host::{Act, Application};
use crate::packet::Packet;

/// A connection between a client and the server.
struct Cable {
    client: usize,
    inside: ConnId,
    outside: ConnId,
    /// What a proxy makes of each direction.
    up: Option<Rewrite>,
    down: Option<Rewrite>,
}

/// What is on the way: to which side of which connection.
enum Event {
    ToServer(ConnId, Payload),
    ToClient(ConnId, Payload),
}

/// Everything, with its time.
pub struct World {
    pub now: Instant,
    pub server: TunnelServer,
    pub clients: Vec<TunnelClient>,
    cables: Vec<Cable>,
    accepted: u64,
    /// Length of the pieces in which bytes arrive.
    pub piece: usize,
    /// The proxy stands between, and wants this.
    proxy: Option<Option<String>>,
    /// New connections fail.
    pub closed: bool,
    /// No write is ever finished.
    pub stuck: bool,
    held: BTreeMap<usize, Vec<ConnId>>,
    /// Packets that left by port 1 of each client.
    pub phones: Vec<Vec<Packet>>,
    /// Packets that left by port 0 of the server.
    pub public: Vec<Packet>,
    /// Bytes of each write, of clients and of the server.
    pub writes: Vec<(bool, Payload)>,
    pub connects: u64,
}

pub const SERVER: &str = "203.0.113.9";

impl World {
    pub fn new(kind: &'static Kind) -> World {
        let config = TunnelServerConfig::new(kind, SERVER.parse().expect("an address"));
        World {
            now: Instant::ZERO,
            server: TunnelServer::new(config, Rng::new([1; 32])),
            clients: Vec::new(),
            cables: Vec::new(),
            accepted: 0,
            piece: usize::MAX,
            proxy: None,
            closed: false,
            stuck: false,
            held: BTreeMap::new(),
            phones: Vec::new(),
            public: Vec::new(),
            writes: Vec::new(),
            connects: 0,
        }
    }

    /// Through the toy proxy, which wants this header value if it wants any.
    pub fn through_proxy(mut self, authorization: Option<&str>) -> World {
        self.proxy = Some(authorization.map(str::to_owned));
        self
    }

    pub fn client(&mut self, kind: &'static Kind, addrs: &[&str]) -> usize {
        self.client_with(kind, addrs, |_| {})
    }

    pub fn client_with(
        &mut self,
        kind: &'static Kind,
        addrs: &[&str],
        change: impl FnOnce(&mut TunnelClientConfig),
    ) -> usize {
        let server = Endpoint::Addr(format!("{SERVER}:{}", kind.port).parse().expect("an address"));
        let addrs = addrs.iter().map(|addr| addr.parse::<IpAddr>().expect("an address")).collect();
        let mut config = TunnelClientConfig::new(kind, server, addrs);
        if let Some(authorization) = &self.proxy {
            let credentials = authorization.as_ref().map(|_| ("user".to_owned(), "secret".to_owned()));
            let endpoint = Endpoint::Name("proxy".into(), 3128);
            config.proxy = Some(Proxy { endpoint, credentials });
        }
        change(&mut config);
        let seed = [self.clients.len() as u8 + 2; 32];
        self.clients.push(TunnelClient::new(config, Rng::new(seed)));
        self.phones.push(Vec::new());
        self.clients.len() - 1
    }

    /// Lets everything happen until `time` has passed.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let deadlines =
                self.clients.iter().map(Application::poll_timeout).chain([self.server.poll_timeout()]);
            let next = deadlines.flatten().map(|deadline| deadline.at).min();
            match next.filter(|at| *at <= end) {
                Some(at) => self.now = self.now.max(at),
                None => break,
            }
            for client in &mut self.clients {
                client.handle_timeout(self.now);
            }
            self.server.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// A phone behind a client sends.
    pub fn speak(&mut self, client: usize, packet: Packet) {
        self.clients[client].handle_packet(self.now, 1, packet);
        self.settle();
    }

    /// Somebody on the public network sends to a virtual address.
    pub fn arrive(&mut self, packet: Packet) {
        self.server.handle_packet(self.now, 0, packet);
        self.settle();
    }

    /// Every connection is reset.
    pub fn reset(&mut self) {
        for cable in std::mem::take(&mut self.cables) {
            let error = || Some(IoError::Reset);
            self.clients[cable.client].handle_input(self.now, Input::Closed(cable.inside, error()));
            self.server.handle_input(self.now, Input::Closed(cable.outside, error()));
        }
        self.settle();
    }

    pub fn connections(&self) -> usize {
        self.cables.len()
    }

    fn settle(&mut self) {
        loop {
            let mut events = VecDeque::new();
            for client in 0..self.clients.len() {
                while let Some(act) = self.clients[client].poll_act() {
                    self.client_act(client, act, &mut events);
                }
            }
            while let Some(act) = self.server.poll_act() {
                self.server_act(act, &mut events);
            }
            if events.is_empty() {
                break;
            }
            for event in events {
                self.deliver(event);
            }
        }
    }

    fn client_act(&mut self, client: usize, act: Act, events: &mut VecDeque<Event>) {
        match act {
            Act::Packet(1, packet) => self.phones[client].push(packet),
            Act::Do(Output::Connect { conn, to }) => {
                self.connects += 1;
                assert_eq!(matches!(to, Endpoint::Name(..)), self.proxy.is_some(), "goes to the proxy");
                if self.closed {
                    let failed = Input::ConnectFailed(conn, IoError::Refused);
                    self.clients[client].handle_input(self.now, failed);
                    return;
                }
                self.accepted += 1;
                let outside = ConnId::Accepted(self.accepted);
                let (up, down) = match &self.proxy {
                    Some(authorization) => (Some(Rewrite::up(authorization.clone())), Some(Rewrite::down())),
                    None => (None, None),
                };
                self.cables.push(Cable { client, inside: conn, outside, up, down });
                let peer = SocketAddr::from(([198, 51, 100, 7], 40_000));
                let listener = ListenerId::Tunnel(0);
                self.server.handle_input(self.now, Input::Accepted { listener, conn: outside, peer });
                self.clients[client].handle_input(self.now, Input::Connected { conn, local: peer });
            }
            Act::Do(Output::Write { conn, payload }) => {
                self.writes.push((true, payload.clone()));
                if let Some(at) = self.cable(|cable| cable.client == client && cable.inside == conn) {
                    let outside = self.cables[at].outside;
                    self.written(client, conn);
                    events.push_back(Event::ToServer(outside, payload));
                }
            }
            Act::Do(Output::Close(conn)) => {
                if let Some(at) = self.cable(|cable| cable.client == client && cable.inside == conn) {
                    let cable = self.cables.remove(at);
                    self.server.handle_input(self.now, Input::Closed(cable.outside, None));
                }
            }
            other => panic!("a client does {other:?}"),
        }
    }

    fn written(&mut self, client: usize, conn: ConnId) {
        if self.stuck {
            self.held.entry(client).or_default().push(conn);
        } else {
            self.clients[client].handle_input(self.now, Input::Written(conn));
        }
    }

    /// Writes that were held are done.
    pub fn release(&mut self) {
        self.stuck = false;
        for (client, conns) in std::mem::take(&mut self.held) {
            for conn in conns {
                self.clients[client].handle_input(self.now, Input::Written(conn));
            }
        }
        self.settle();
    }

    fn server_act(&mut self, act: Act, events: &mut VecDeque<Event>) {
        match act {
            Act::Packet(0, packet) => self.public.push(packet),
            Act::Do(Output::Listen { listener, .. }) => {
                self.server.handle_input(self.now, Input::Listening(listener));
            }
            Act::Do(Output::Write { conn, payload }) => {
                self.writes.push((false, payload.clone()));
                self.server.handle_input(self.now, Input::Written(conn));
                events.push_back(Event::ToClient(conn, payload));
            }
            Act::Do(Output::Close(conn)) | Act::Reset(conn) => {
                if let Some(at) = self.cable(|cable| cable.outside == conn) {
                    let cable = self.cables.remove(at);
                    self.clients[cable.client].handle_input(self.now, Input::Closed(cable.inside, None));
                }
            }
            other => panic!("a server does {other:?}"),
        }
    }

    fn cable(&self, is: impl Fn(&Cable) -> bool) -> Option<usize> {
        self.cables.iter().position(is)
    }

    fn deliver(&mut self, event: Event) {
        let (conn, bytes, up) = match &event {
            Event::ToServer(conn, bytes) => (*conn, bytes, true),
            Event::ToClient(conn, bytes) => (*conn, bytes, false),
        };
        let Some(at) = self.cable(|cable| cable.outside == conn) else { return };
        let cable = &mut self.cables[at];
        let (client, inside) = (cable.client, cable.inside);
        let way = if up { &mut cable.up } else { &mut cable.down };
        let (bytes, answer) = match way {
            Some(rewrite) => rewrite.take(bytes),
            None => (bytes.to_vec(), Vec::new()),
        };
        if up && cable.up.as_ref().is_some_and(|rewrite| rewrite.opaque) {
            cable.down.iter_mut().for_each(|down| down.opaque = true);
        }
        for bytes in answer.chunks(self.piece) {
            self.clients[client].handle_input(self.now, Input::Received { conn: inside, bytes });
        }
        for bytes in bytes.chunks(self.piece) {
            if up {
                self.server.handle_input(self.now, Input::Received { conn, bytes });
            } else {
                self.clients[client].handle_input(self.now, Input::Received { conn: inside, bytes });
            }
        }
    }
}

/// One direction through the toy proxy: heads are written anew, bodies are re-chunked.
struct Rewrite {
    reader: Reader,
    up: bool,
    authorization: Option<String>,
    /// After CONNECT nothing is looked at.
    opaque: bool,
}

impl Rewrite {
    fn up(authorization: Option<String>) -> Rewrite {
        Rewrite { reader: Reader::requests(), up: true, authorization, opaque: false }
    }

    fn down() -> Rewrite {
        Rewrite { reader: Reader::responses(), up: false, authorization: None, opaque: false }
    }

    /// What goes on, and what the proxy itself answers.
    fn take(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut on, mut answer) = (Vec::new(), Vec::new());
        let mut rest = bytes;
        while !self.opaque {
            let Some(piece) = self.reader.next(&mut rest).expect("HTTP reaches the proxy") else { break };
            match piece {
                Piece::Head if self.up => self.request(&mut on, &mut answer),
                Piece::Head => {
                    let head = self.reader.response().expect("a head");
                    on.extend_from_slice(format!("HTTP/1.1 {} Fine\r\n", head.status).as_bytes());
                    on.extend_from_slice(b"Via: 1.1 toy\r\nTransfer-Encoding: chunked\r\n\r\n");
                }
                Piece::Body(data) => {
                    for piece in data.chunks(7) {
                        on.extend_from_slice(format!("{:03X};toy=1\r\n", piece.len()).as_bytes());
                        on.extend_from_slice(piece);
                        on.extend_from_slice(b"\r\n");
                    }
                }
                Piece::End => {}
            }
        }
        on.extend_from_slice(rest);
        (on, answer)
    }

    fn request(&mut self, on: &mut Vec<u8>, answer: &mut Vec<u8>) {
        let head = self.reader.request().expect("a head");
        if self.authorization.as_deref() != head.headers.get("proxy-authorization") {
            answer.extend_from_slice(b"HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        if head.method == "CONNECT" {
            answer.extend_from_slice(b"HTTP/1.1 200 Go On\r\n\r\n");
            self.opaque = true;
            return;
        }
        assert!(head.target.starts_with("http://"), "absolute-form: {}", head.target);
        let path = head.path().expect("a path");
        on.extend_from_slice(format!("{} {path} HTTP/1.1\r\nHost: {SERVER}\r\n", head.method).as_bytes());
        if head.method == "POST" {
            on.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        on.extend_from_slice(b"\r\n");
    }
}

/// An RTP packet of G.711 with 20 ms of voice: 172 bytes in UDP.
pub fn voice(from: &str, to: &str, number: u8) -> Packet {
    let (from, to) = (from.parse().expect("an address"), to.parse().expect("an address"));
    Packet::udp(from, to, &[number; 172])
}

/// A counter by name.
pub fn count(program: &impl Application, name: &str) -> u64 {
    let counters = program.counters();
    counters.iter().find(|(known, _)| *known == name).map(|(_, count)| *count).expect("a counter")
}
