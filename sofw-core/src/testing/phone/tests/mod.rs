//! Phones and a scripted registrar, joined by memory with virtual time.

mod calls;
mod media;
mod quirks;
mod registration;
mod transfer;

use core::net::SocketAddr;
use std::collections::VecDeque;

use super::message::Received;
use super::*;
use crate::base::Duration;
use crate::io::ConnId;

const SERVER: &str = "10.9.9.9:5060";
const DELAY: Duration = Duration::from_millis(7);

/// A world of phones and one registrar; every datagram takes [`DELAY`]. TCP connections are joined end to end.
struct World {
    now: Instant,
    phones: Vec<Phone>,
    events: Vec<Vec<PhoneEvent>>,
    /// The same with their Call-IDs.
    called: Vec<Vec<(Option<String>, PhoneEvent)>>,
    flying: VecDeque<(Instant, Flying)>,
    registrar: Registrar,
    /// Of the next SIP datagrams, these are lost.
    lose: VecDeque<bool>,
    lose_media: Option<u64>,
    media_count: u64,
    /// Every RTP packet that was sent: by whom, from which port, to where.
    media: Vec<(usize, u16, SocketAddr, Vec<u8>)>,
    accepted: u64,
    /// (phone, its name) of both ends of each connection.
    conns: Vec<[(usize, ConnId); 2]>,
    sip: Vec<String>,
    /// Every SIP message that was sent, by which phone.
    messages: Vec<(usize, String)>,
}

enum Flying {
    Datagram { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    Stream { phone: usize, conn: ConnId, bytes: Vec<u8> },
}

/// Challenges, checks that credentials came, grants.
#[derive(Default)]
struct Registrar {
    challenge: Option<&'static str>,
    unavailable: bool,
    expires_s: u32,
    requests: Vec<Received>,
}

impl Registrar {
    fn answer(&mut self, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Received::parse(bytes)?;
        let authorized = request.header("authorization").is_some() || self.challenge.is_none();
        self.requests.push(request.clone());
        if self.unavailable {
            return Some(request.response(503, from, "r", &[("Retry-After", "5 (soon)".into())], None));
        }
        if !authorized {
            let challenge = self.challenge.unwrap().to_owned();
            return Some(request.response(401, from, "r", &[("WWW-Authenticate", challenge)], None));
        }
        let expires = self.expires_s.min(request.header("expires")?.parse().ok()?);
        Some(request.response(200, from, "r", &[("Expires", expires.to_string())], None))
    }
}

impl World {
    fn new(configs: Vec<PhoneConfig>) -> World {
        let now = Instant::from_millis(1_000);
        let phones: Vec<_> =
            configs.into_iter().enumerate().map(|(n, c)| Phone::new(c, [n as u8; 32], now)).collect();
        World {
            now,
            events: phones.iter().map(|_| Vec::new()).collect(),
            called: phones.iter().map(|_| Vec::new()).collect(),
            phones,
            flying: VecDeque::new(),
            registrar: Registrar { expires_s: 60, ..Registrar::default() },
            lose: VecDeque::new(),
            lose_media: None,
            media_count: 0,
            media: Vec::new(),
            accepted: 0,
            conns: Vec::new(),
            sip: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            self.drain();
            let timeout = self.phones.iter().filter_map(|p| p.poll_timeout()).map(|d| d.at).min();
            let arrival = self.flying.front().map(|f| f.0);
            let Some(next) = [timeout, arrival].into_iter().flatten().min().filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some((_, flying)) = self.flying.pop_front_if_due(self.now) {
                self.deliver(flying);
            }
            for phone in &mut self.phones {
                if phone.poll_timeout().is_some_and(|d| d.at <= self.now) {
                    phone.handle_timeout(self.now);
                }
            }
        }
    }

    fn deliver(&mut self, flying: Flying) {
        match flying {
            Flying::Datagram { from, to, bytes } if to == SERVER.parse().unwrap() => {
                if let Some(answer) = self.registrar.answer(from, &bytes) {
                    let flying = Flying::Datagram { from: to, to: from, bytes: answer };
                    self.flying.push_back((self.now + DELAY, flying));
                }
            }
            Flying::Datagram { from, to, bytes } => {
                let now = self.now;
                for phone in &mut self.phones {
                    let port = to.port();
                    let socket = if port == phone.config().sip_port {
                        SocketId::Sip(0)
                    } else {
                        SocketId::Media(port)
                    };
                    if phone.config().addr == to.ip() {
                        phone.handle_input(now, Input::Datagram { socket, from, bytes: &bytes });
                    }
                }
            }
            Flying::Stream { phone, conn, bytes } => {
                self.phones[phone].handle_input(self.now, Input::Received { conn, bytes: &bytes });
            }
        }
    }

    fn drain(&mut self) {
        for at in 0..self.phones.len() {
            while let Some(output) = self.phones[at].poll_output() {
                self.perform(at, output);
            }
            while let Some((call_id, event)) = self.phones[at].poll_call_event() {
                self.events[at].push(event.clone());
                self.called[at].push((call_id, event));
            }
        }
    }

    fn perform(&mut self, at: usize, output: Output) {
        match output {
            Output::Send { socket, to, payload } => {
                let (port, lost) = match socket {
                    SocketId::Sip(_) => {
                        self.note(at, &payload);
                        (self.phones[at].config().sip_port, self.lose.pop_front().unwrap_or(false))
                    }
                    SocketId::Media(port) => {
                        self.media_count += 1;
                        if port % 2 == 0 {
                            self.media.push((at, port, to, payload.to_vec()));
                        }
                        (port, self.lose_media.is_some_and(|n| self.media_count % n == 0))
                    }
                };
                if !lost {
                    let from = (self.phones[at].config().addr, port).into();
                    let flying = Flying::Datagram { from, to, bytes: payload.to_vec() };
                    self.flying.push_back((self.now + DELAY, flying));
                }
            }
            Output::Connect { conn, to: crate::io::Endpoint::Addr(to) } => {
                let other = self.phones.iter().position(|p| p.config().sip_addr() == to).expect("a phone");
                let theirs = ConnId::Accepted(self.accepted);
                self.accepted += 1;
                self.conns.push([(at, conn), (other, theirs)]);
                let peer: SocketAddr = (self.phones[at].config().addr, 40_000).into();
                let accepted = Input::Accepted { listener: ListenerId::Sip(0), conn: theirs, peer };
                self.phones[other].handle_input(self.now, accepted);
                self.phones[at].handle_input(self.now, Input::Connected { conn, local: peer });
            }
            Output::Write { conn, payload } => {
                self.note(at, &payload);
                let ends = self.conns.iter().find(|ends| ends.contains(&(at, conn))).expect("a connection");
                let (phone, theirs) = if ends[0] == (at, conn) { ends[1] } else { ends[0] };
                for part in payload.chunks(100) {
                    let flying = Flying::Stream { phone, conn: theirs, bytes: part.to_vec() };
                    self.flying.push_back((self.now + DELAY, flying));
                }
                self.phones[at].handle_input(self.now, Input::Written(conn));
            }
            _ => {}
        }
    }

    fn note(&mut self, from: usize, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or("CRLF").to_owned();
        self.sip.push(if first == "SIP/2.0" { words.next().unwrap().to_owned() } else { first });
        self.messages.push((from, text));
    }

    fn sip(&mut self) -> String {
        core::mem::take(&mut self.sip).join(" ")
    }

    fn heard(&self, phone: usize, event: &PhoneEvent) -> bool {
        self.events[phone].contains(event)
    }
}

trait PopDue {
    fn pop_front_if_due(&mut self, now: Instant) -> Option<(Instant, Flying)>;
}

impl PopDue for VecDeque<(Instant, Flying)> {
    fn pop_front_if_due(&mut self, now: Instant) -> Option<(Instant, Flying)> {
        (self.front()?.0 <= now).then(|| self.pop_front())?
    }
}

fn config(user: &str, last: u8, tone_hz: f64, server: &str) -> PhoneConfig {
    let addr = core::net::Ipv4Addr::new(10, 0, 0, last).into();
    PhoneConfig { tone_hz, ..PhoneConfig::new(user, "secret", "example.net", addr, server.parse().unwrap()) }
}

/// Alice's server is Bob himself.
fn pair() -> Vec<PhoneConfig> {
    vec![config("alice", 1, 440.0, "10.0.0.2:5060"), config("bob", 2, 660.0, "10.0.0.1:5060")]
}
