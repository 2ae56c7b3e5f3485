//! People on the public network who have no business here: junk, scans, voice for calls that are not theirs.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use sofw_core::base::{Deadline, Duration, Instant, Rng};
use sofw_core::io::{ConnNames, Endpoint, Input, Output};

use crate::host::{Act, Application};
use crate::packet::Packet;
use crate::run::Map;
use crate::tcp::{Flags, Head, Options};

/// Single packets from a stranger: to HRAS's SIP and relay ports, to its HTTP port (TCP segments of no connection), and to the public
/// addresses of all places.
pub fn stranger_packets(rng: &mut Rng, map: &Map) -> Vec<Packet> {
    let mut packets = Vec::new();
    let servers = map.server.1.into_iter();
    for target in servers.chain(map.places.iter().map(|place| place.public)) {
        let from = stranger_addr(target);
        let mut at = |port: u16| {
            let own = 1_024 + rng.below(60_000) as u16;
            (SocketAddr::new(from, own), SocketAddr::new(target, port))
        };
        let sip: Vec<_> = (0..SIP_PACKETS).map(|_| at(5_060)).collect();
        let relay: Vec<_> = (0..RELAY_PACKETS).map(|n| at(RELAY_FROM + n)).collect();
        let web: Vec<_> = (0..WEB_PACKETS).map(|n| at(if n % 2 == 0 { 80 } else { 443 })).collect();
        packets.extend(sip.into_iter().map(|(own, to)| Packet::udp(own, to, &sip_junk(rng, own, to))));
        packets.extend(relay.into_iter().map(|(own, to)| Packet::udp(own, to, &media_junk(rng))));
        packets.extend(web.into_iter().map(|(own, to)| segment(rng, own, to)));
    }
    packets
}

/// A program that connects and says wrong things for a while: to HRAS's HTTP and SIP ports.
#[derive(Debug)]
pub struct Strangers {
    servers: Vec<IpAddr>,
    rng: Rng,
    names: ConnNames,
    out: VecDeque<Act>,
    next: Instant,
    left: u32,
    received: u64,
}

impl Strangers {
    /// From now on for two seconds.
    pub fn new(servers: Vec<IpAddr>, rng: Rng, now: Instant) -> Self {
        Strangers {
            servers,
            rng,
            names: ConnNames::new(0, 1),
            out: VecDeque::new(),
            next: now,
            left: CONNECTIONS,
            received: 0,
        }
    }

    fn words(&mut self) -> Vec<u8> {
        let mut junk = vec![0; self.rng.below(400) as usize];
        self.rng.fill(&mut junk);
        let long = "x".repeat(20_000);
        let texts = [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            "POST /tunnel HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_owned(),
            format!("GET /{long} HTTP/1.1\r\n"),
            "CONNECT 10.10.10.1:22 HTTP/1.1\r\n\r\n".to_owned(),
            "OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 4000000000\r\n\r\n".to_owned(),
            // Says nothing, and waits.
            String::new(),
        ];
        let text = texts[self.rng.below(texts.len() as u64) as usize].as_bytes();
        if self.rng.below(3) == 0 { junk } else { text.to_vec() }
    }
}

impl Application for Strangers {
    fn handle_input(&mut self, _: Instant, input: Input<'_>) {
        match input {
            Input::Connected { conn, .. } => {
                let words = self.words();
                if !words.is_empty() {
                    self.out.push_back(Act::Do(Output::Write { conn, payload: words.into() }));
                }
            }
            Input::Received { conn, bytes } => {
                self.received += bytes.len() as u64;
                match self.rng.below(3) {
                    0 => self.out.push_back(Act::Reset(conn)),
                    1 => self.out.push_back(Act::Do(Output::Close(conn))),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.left > 0 && self.next <= now {
            self.left -= 1;
            self.next = now + CONNECT_EVERY;
            let port = [80, 80, 443, 5_060][self.rng.below(4) as usize];
            let at = self.rng.below(self.servers.len() as u64) as usize;
            if let Some(&server) = self.servers.get(at) {
                let conn = self.names.next_name();
                let to = Endpoint::Addr(SocketAddr::new(server, port));
                self.out.push_back(Act::Do(Output::Connect { conn, to }));
            }
        }
    }

    fn poll_act(&mut self) -> Option<Act> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        (self.left > 0).then(|| Deadline::new(self.next, "stranger"))
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("received", self.received)]
    }
}

/// An address of the same family that nobody else has.
fn stranger_addr(target: IpAddr) -> IpAddr {
    match target {
        IpAddr::V4(_) => IpAddr::from([203, 0, 113, 66]),
        IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 0x66]),
    }
}

fn sip_junk(rng: &mut Rng, own: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let (branch, tag) = (rng.token(10), rng.token(6));
    let request = |method: &str, user: &str| {
        format!(
            "{method} sip:{user}@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:100@{own}>;tag={tag}\r\nTo: <sip:{user}@{to}>\r\nCall-ID: {branch}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:100@{own}>\r\nContent-Length: 0\r\n\r\n"
        )
        .into_bytes()
    };
    match rng.below(6) {
        0 => request("OPTIONS", "100"),
        1 => request("REGISTER", "alice"),
        2 => request("INVITE", "00442012345678"),
        3 => request("BYE", "alice"),
        4 => b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKx\r\n\r\n".to_vec(),
        _ => {
            let mut junk = vec![0; rng.below(300) as usize];
            rng.fill(&mut junk);
            junk
        }
    }
}

/// RTP, RTCP or noise of somebody who guesses.
fn media_junk(rng: &mut Rng) -> Vec<u8> {
    let mut packet = vec![0; 12 + rng.below(200) as usize];
    rng.fill(&mut packet);
    match rng.below(4) {
        0 => {}
        1 => packet[..2].copy_from_slice(&[0x80, 200]),
        _ => packet[..2].copy_from_slice(&[0x80, 0]),
    }
    packet
}

/// The begin of a connection that does not go on, or the middle of one that never was.
fn segment(rng: &mut Rng, src: SocketAddr, dst: SocketAddr) -> Packet {
    let flags = match rng.below(3) {
        0 => Flags { syn: true, ..Flags::default() },
        1 => Flags { rst: true, ..Flags::default() },
        _ => Flags { psh: true, ..Flags::default() },
    };
    let ack = (!flags.syn).then(|| rng.u32());
    let payload: &[u8] = if flags.psh { b"GET / HTTP/1.1\r\n\r\n" } else { b"" };
    let head = Head { src, dst, seq: rng.u32(), ack, flags, window: 1_000, options: Options::default() };
    Packet::tcp(&head, payload)
}

const SIP_PACKETS: u16 = 32;
const RELAY_PACKETS: u16 = 64;
const WEB_PACKETS: u16 = 16;
/// First of the relay ports of both halves.
const RELAY_FROM: u16 = 20_000;
const CONNECTIONS: u32 = 100;
const CONNECT_EVERY: Duration = Duration::from_millis(20);
