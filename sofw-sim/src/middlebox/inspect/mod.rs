//! Protocol inspection: on the ports of the web only the web's protocols pass. This is what stops Skype's protocol on port 80 in the paper.
//!
//! ```text
//! SYN ─▶ watch both streams ─▶ first bytes: a request line and a status line of HTTP/1.x, or TLS records ─▶ trusted from now on
//!                                         └▶ anything else: RST to both sides, and whatever follows is refused
//! ```
//! It reads a stream as far as it is in order. While it still judges, a segment beyond a gap is dropped and must come again; after that nothing is held.
//! Bytes are judged one by one, nothing is buffered.

mod judge;
#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use std::collections::BTreeMap;

use sofw_core::base::{Duration, Instant};

use super::flow::Flow;
use super::refuse::{reset_back, reset_on};
use super::{INSIDE, Middlebox, OUTSIDE};
use crate::packet::{Packet, Protocol};
use crate::world::{Outbox, PortId};
use judge::{Judge, Opinion};

/// What an inspector is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InspectParams {
    /// Destination ports on which connections must speak HTTP/1.x.
    pub http_ports: Vec<u16>,
    /// Destination ports on which connections must begin with a TLS ClientHello, if `tls`.
    pub tls_ports: Vec<u16>,
    /// Whether `tls_ports` are looked at.
    pub tls: bool,
    /// Whether a first request that asks for a tunnel by CONNECT is cut too.
    pub deny_connect: bool,
    /// Whether connections whose beginning it has not seen, or has forgotten, are cut; else they pass unseen.
    pub strict: bool,
    /// How long a silent connection is remembered.
    pub idle: Duration,
    /// Most connections remembered; more are cut, since they could not be judged.
    pub connections_max: usize,
}

impl Default for InspectParams {
    fn default() -> Self {
        InspectParams {
            http_ports: vec![80],
            tls_ports: vec![443],
            tls: true,
            deny_connect: false,
            strict: false,
            idle: Duration::from_secs(3600),
            connections_max: 65_536,
        }
    }
}

/// What an inspector has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InspectCounters {
    /// Connections looked at.
    pub connections: u64,
    /// Those whose both sides were found good.
    pub good: u64,
    /// Connections cut because of what the client said.
    pub cut_requests: u64,
    /// Connections cut because of what the server said.
    pub cut_responses: u64,
    /// Connections cut because their beginning is not known, or for want of room.
    pub cut_unknown: u64,
    /// Segments dropped because they came before their predecessors.
    pub out_of_order: u64,
}

/// A named inspector.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name that scenario files use.
    pub name: &'static str,
    /// What it stands for.
    pub about: &'static str,
    make: fn(InspectParams) -> InspectParams,
}

impl Preset {
    /// Its parameters.
    pub fn params(&self) -> InspectParams {
        (self.make)(InspectParams::default())
    }
}

/// The inspector of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// All of them.
pub static PRESETS: [Preset; 3] = [
    Preset {
        name: "http",
        about: "port 80 must speak HTTP; port 443 is not looked at",
        make: |params| InspectParams { tls: false, ..params },
    },
    Preset { name: "web", about: "port 80 must speak HTTP, port 443 TLS", make: |params| params },
    Preset {
        name: "web-strict",
        about: "as web; refuses CONNECT and connections whose beginning it has not seen",
        make: |params| InspectParams { deny_connect: true, strict: true, ..params },
    },
];

#[derive(Clone, Copy, Debug)]
struct Watched {
    /// The sequence number of the client's SYN: another one is another connection.
    begin: u32,
    /// By port: the next byte wanted of what arrives there; unknown before its SYN.
    next: [Option<u32>; 2],
    /// By port.
    judges: [Judge; 2],
    cut: bool,
    expires: Instant,
}

/// An inspector.
#[derive(Debug)]
pub struct Inspector {
    params: InspectParams,
    watched: BTreeMap<Flow, Watched>,
    /// There is no room; before then silent ones are not looked for again.
    full_until: Instant,
    counters: InspectCounters,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Pass,
    /// Dropped; its sender will send it again.
    Later,
    Cut,
}

impl Inspector {
    /// An inspector that knows no connection yet.
    pub fn new(params: InspectParams) -> Inspector {
        Inspector {
            params,
            watched: BTreeMap::new(),
            full_until: Instant::ZERO,
            counters: InspectCounters::default(),
        }
    }

    /// What it was told.
    pub fn params(&self) -> &InspectParams {
        &self.params
    }

    /// What it has counted.
    pub fn counters(&self) -> &InspectCounters {
        &self.counters
    }

    /// What the client and the server of a connection to this port must say first.
    fn judges(&self, port: u16) -> Option<[Judge; 2]> {
        if self.params.http_ports.contains(&port) {
            Some([Judge::request(self.params.deny_connect), Judge::response()])
        } else if self.params.tls && self.params.tls_ports.contains(&port) {
            Some([Judge::client_hello(), Judge::server_record()])
        } else {
            None
        }
    }

    fn look(&mut self, now: Instant, port: PortId, packet: &Packet) -> Fate {
        let flags = packet.tcp_flags();
        let flow = Flow::of(port, packet);
        let known = self.watched.get(&flow).filter(|watched| watched.expires > now);
        let begin = flags.syn.then(|| packet.tcp_head()).flatten().filter(|head| head.ack.is_none());
        if let Some(head) = begin.filter(|head| known.is_none_or(|watched| watched.begin != head.seq)) {
            match self.judges(packet.destination().port()) {
                Some(judges) if self.has_room(now) => self.watch(flow, port, head.seq, judges),
                Some(_) => return self.unknown(),
                None => return Fate::Pass,
            }
        } else if known.is_none() {
            let is_watched = |addr: SocketAddr| self.judges(addr.port()).is_some();
            let cut = self.params.strict
                && !flags.rst
                && (is_watched(packet.destination()) || is_watched(packet.source()));
            return if cut { self.unknown() } else { Fate::Pass };
        }
        self.read(now, flow, port, packet)
    }

    fn unknown(&mut self) -> Fate {
        self.counters.cut_unknown += 1;
        Fate::Cut
    }

    fn watch(&mut self, flow: Flow, client: PortId, begin: u32, [request, response]: [Judge; 2]) {
        self.counters.connections += 1;
        let judges = if client == INSIDE { [request, response] } else { [response, request] };
        let watched = Watched { begin, next: [None; 2], judges, cut: false, expires: Instant::ZERO };
        self.watched.insert(flow, watched);
    }

    fn read(&mut self, now: Instant, flow: Flow, port: PortId, packet: &Packet) -> Fate {
        let Some(watched) = self.watched.get_mut(&flow) else { return Fate::Pass };
        watched.expires = now + self.params.idle;
        if watched.cut {
            return Fate::Cut;
        }
        if packet.tcp_flags().rst {
            self.watched.remove(&flow);
            return Fate::Pass;
        }
        if watched.judges[port].is_good() {
            return Fate::Pass;
        }
        let Some(head) = packet.tcp_head() else { return Fate::Cut };
        if head.flags.syn {
            watched.next[port].get_or_insert(head.seq.wrapping_add(1));
        }
        let (Some(next), false) = (watched.next[port], packet.payload().is_empty()) else {
            return Fate::Pass;
        };
        let first = head.seq.wrapping_add(u32::from(head.flags.syn));
        let ahead = next.wrapping_sub(first);
        if ahead > HALF {
            self.counters.out_of_order += 1;
            return Fate::Later;
        }
        let fresh = packet.payload().get(ahead as usize..).unwrap_or_default();
        watched.next[port] = Some(next.wrapping_add(fresh.len() as u32));
        match watched.judges[port].read(fresh) {
            Opinion::Undecided => Fate::Pass,
            Opinion::Good => {
                self.counters.good += u64::from(watched.judges.iter().all(|judge| judge.is_good()));
                Fate::Pass
            }
            Opinion::Bad => {
                watched.cut = true;
                if watched.judges[port].is_client() {
                    self.counters.cut_requests += 1;
                } else {
                    self.counters.cut_responses += 1;
                }
                Fate::Cut
            }
        }
    }

    /// Whether one more connection may be watched. Silent ones are cleared away when there is no room else.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.watched.len() >= self.params.connections_max && now >= self.full_until {
            self.watched.retain(|_, watched| watched.expires > now);
            self.full_until = now + FULL_FOR;
        }
        self.watched.len() < self.params.connections_max
    }
}

impl Middlebox for Inspector {
    fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet, out: &mut Outbox) {
        let other = INSIDE + OUTSIDE - port;
        if packet.protocol() != Protocol::Tcp {
            return out.send(other, packet);
        }
        match self.look(now, port, &packet) {
            Fate::Pass => out.send(other, packet),
            Fate::Later => {}
            Fate::Cut => {
                out.packets.extend(reset_back(&packet).map(|reset| (port, reset)));
                out.packets.extend(reset_on(&packet).map(|reset| (other, reset)));
            }
        }
    }

    fn forget(&mut self) {
        self.watched.clear();
        self.full_until = Instant::ZERO;
    }

    fn remembered(&self, now: Instant) -> usize {
        self.watched.values().filter(|watched| watched.expires > now).count()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let InspectCounters { connections, good, cut_requests, cut_responses, cut_unknown, out_of_order } =
            self.counters;
        vec![
            ("inspected connections", connections),
            ("inspected good", good),
            ("inspection cut requests", cut_requests),
            ("inspection cut responses", cut_responses),
            ("inspection cut unknown", cut_unknown),
            ("inspection out of order", out_of_order),
        ]
    }
}

/// How long no room is taken to stay so.
const FULL_FOR: Duration = Duration::from_millis(100);
/// Sequence numbers further than that ahead are behind (RFC 9293 §3.4).
const HALF: u32 = 1 << 31;
