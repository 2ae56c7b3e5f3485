//! A host: addresses, sockets, TCP, and one application with the core's five methods.
//!
//! ```text
//! packet ─▶ UDP socket? ─▶ (media of a half: gathered) ─▶ App ─▶ Act ─▶ packet
//!        └▶ tcp::Stack ─▶ TcpEvent ─▶ streams ───────────▶
//! ```
//! It keeps the same contract as the production driver: inputs of one wake-up are one batch, one drain follows, at most one
//! write per connection is under way, and media of the two halves is read at most once per millisecond while it flows.

mod app;
mod perform;
mod sockets;
mod streams;
#[cfg(test)]
mod tests;

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use sofw_core::base::{Duration, Instant, Rng};
use sofw_core::io::{Input, SocketId};
use sofw_core::testing::phone::Phone;
use sofw_core::{Hrac, Hras};

pub use app::{Act, App, Application, Plain};

use crate::packet::{AddrBits, Packet, Protocol, addr_bits};
use crate::tcp::{Stack, TcpConfig};
use crate::world::{NodeId, Observer, Outbox, PortId};
use app::Gathered;
use sockets::Sockets;
use streams::Streams;

/// A host. Its network interface is port 0; others are virtual ones of its program.
#[derive(Debug)]
pub struct Host {
    addrs: Vec<IpAddr>,
    /// The same as numbers: every packet is compared with them.
    own: Vec<AddrBits>,
    /// Addresses that it answers for besides its own.
    adopted: Vec<IpAddr>,
    names: BTreeMap<String, IpAddr>,
    app: App,
    udp: Sockets,
    tcp: Stack,
    /// Whether TCP was ever used here: most phones do without, and need not be asked about it.
    uses_tcp: bool,
    streams: Streams,
    answers: VecDeque<Input<'static>>,
    gather: Gather,
    counters: HostCounters,
    segment: Vec<u8>,
    clock_stopped: bool,
    /// The program was given something, or commanded, since it last said that it wants nothing more.
    stirred: bool,
    /// The program's deadline as of then.
    app_timeout: Option<Instant>,
}

/// What a host has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostCounters {
    /// Datagrams that found no socket.
    pub refused_datagrams: u64,
    /// Packets for other addresses.
    pub foreign_packets: u64,
    /// Datagrams that no socket would send: too long, or to another address family.
    pub unsendable: u64,
    /// Bytes of TCP payload written by the application.
    pub written: u64,
}

#[derive(Debug, Default)]
struct Gather {
    time: Duration,
    waiting: Vec<Gathered>,
    last_read: Option<Instant>,
    read_at: Option<Instant>,
}

impl Host {
    /// A host with these addresses that runs nothing yet.
    pub fn new(addrs: Vec<IpAddr>, tcp: TcpConfig, rng: Rng) -> Self {
        Host {
            own: addrs.iter().copied().map(addr_bits).collect(),
            addrs,
            adopted: Vec::new(),
            names: BTreeMap::new(),
            app: App::Idle,
            udp: Sockets::default(),
            tcp: Stack::new(tcp, rng),
            uses_tcp: false,
            streams: Streams::default(),
            answers: VecDeque::new(),
            gather: Gather { time: GATHER, ..Gather::default() },
            counters: HostCounters::default(),
            segment: Vec::new(),
            clock_stopped: false,
            stirred: false,
            app_timeout: None,
        }
    }

    /// Starts a program in the place of the former one, whose sockets are closed and whose connections are reset.
    pub fn start(&mut self, app: App) {
        self.tcp.abort_all();
        self.clear(app);
    }

    /// As [`Host::start`] after a power cut: nobody was told; peers learn by silence, or by RST when they speak.
    pub fn start_after_power_cut(&mut self, app: App) {
        self.tcp.forget_all();
        self.clear(app);
    }

    fn clear(&mut self, app: App) {
        self.udp.clear();
        self.streams = Streams::default();
        self.answers.clear();
        self.gather = Gather { time: self.gather.time, ..Gather::default() };
        self.app = app;
        self.stirred = true;
    }

    /// Its program's deadlines never come any more: a defect to plant.
    pub fn stop_clock(&mut self) {
        self.clock_stopped = true;
        self.stirred = true;
    }

    /// Resets every TCP connection that this host opened; its program learns of it. Those that others opened to it stay.
    pub fn reset_connections(&mut self, now: Instant) {
        self.streams.reset_opened(now, &mut self.tcp, &mut self.answers);
    }

    /// Answers for one more address: packets to it go to [`Application::handle_packet`].
    pub fn adopt(&mut self, addr: IpAddr) {
        self.adopted.push(addr);
    }

    /// Tells the host an entry of its name service.
    pub fn know(&mut self, name: &str, addr: IpAddr) {
        self.names.insert(name.into(), addr);
    }

    /// Its first address.
    pub fn addr(&self) -> IpAddr {
        self.addrs[0]
    }

    /// What it has counted.
    pub fn counters(&self) -> HostCounters {
        self.counters
    }

    /// Its program.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Its program, to command.
    pub fn app_mut(&mut self) -> &mut App {
        self.stirred = true;
        &mut self.app
    }

    /// The HRAS that runs here.
    pub fn hras(&self) -> Option<&Hras> {
        match &self.app {
            App::Hras(hras) => Some(hras),
            _ => None,
        }
    }

    /// The HRAC that runs here.
    pub fn hrac(&self) -> Option<&Hrac> {
        match &self.app {
            App::Hrac(hrac) => Some(hrac),
            _ => None,
        }
    }

    /// The phone that this is.
    pub fn phone(&self) -> Option<&Phone> {
        self.app.phone()
    }

    /// The phone that this is, to command.
    pub fn phone_mut(&mut self) -> Option<&mut Phone> {
        self.stirred = true;
        match &mut self.app {
            App::Phone(phone) => Some(phone),
            _ => None,
        }
    }

    /// UDP sockets that are open.
    pub fn sockets(&self) -> usize {
        self.udp.len()
    }

    /// TCP connections of its program.
    pub fn connections(&self) -> usize {
        self.streams.len()
    }

    /// Its TCP, to look at.
    pub fn tcp(&self) -> &Stack {
        &self.tcp
    }

    pub(crate) fn handle_packet<O: Observer>(
        &mut self,
        now: Instant,
        at: (NodeId, PortId),
        packet: Packet,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        let (node, port) = at;
        let to = packet.destination_bits();
        let Some(own) = self.own.iter().position(|&own| own == to) else {
            if port == 0 && !self.adopted.contains(&packet.destination().ip()) {
                self.counters.foreign_packets += 1;
                return;
            }
            self.app.handle_packet(now, port, packet);
            self.stirred = true;
            return self.drain(now, node, out, observer);
        };
        match packet.protocol() {
            Protocol::Udp => self.datagram(now, node, own, packet, out, observer),
            Protocol::Tcp => {
                if let Some(head) = packet.tcp_head() {
                    self.uses_tcp = true;
                    self.tcp.handle_segment(now, &head, packet.payload());
                    self.drain(now, node, out, observer);
                }
            }
            // Programs here do not read errors of datagrams, as ours in production do not.
            Protocol::Icmp => {}
        }
    }

    fn datagram<O: Observer>(
        &mut self,
        now: Instant,
        node: NodeId,
        own: usize,
        packet: Packet,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        let Some(socket) = self.udp.at(own, packet.ports().1) else {
            self.counters.refused_datagrams += 1;
            if let Some(answer) = packet.unreachable(self.addrs[own]) {
                out.send(0, answer);
            }
            return;
        };
        let from = packet.source();
        if let SocketId::Media(port) = socket {
            if let Some(phone) = self.app.phone() {
                observer.heard(now, node, phone, from, packet.payload());
            } else if self.app.gathers() && !self.gather.time.is_zero() {
                return self.gathered(now, node, Gathered { port, from, packet }, out, observer);
            }
        }
        self.app.handle_input(now, Input::Datagram { socket, from, bytes: packet.payload() });
        self.stirred = true;
        self.drain(now, node, out, observer);
    }

    /// A lone packet is read at once; while media flows, all of a millisecond together.
    fn gathered<O: Observer>(
        &mut self,
        now: Instant,
        node: NodeId,
        datagram: Gathered,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        self.gather.waiting.push(datagram);
        let flows =
            self.gather.last_read.is_some_and(|last| now.since(last) < self.gather.time * BUSY_FACTOR);
        let at = match self.gather.last_read.filter(|_| flows) {
            Some(last) => last + self.gather.time,
            None => now,
        };
        if at <= now {
            self.read_gathered(now);
            self.drain(now, node, out, observer);
        } else {
            self.gather.read_at = Some(at);
        }
    }

    fn read_gathered(&mut self, now: Instant) {
        self.gather.last_read = Some(now);
        self.gather.read_at = None;
        self.stirred = true;
        for Gathered { port, from, packet } in self.gather.waiting.drain(..) {
            let socket = SocketId::Media(port);
            self.app.handle_input(now, Input::Datagram { socket, from, bytes: packet.payload() });
        }
    }

    pub(crate) fn handle_timeout<O: Observer>(
        &mut self,
        now: Instant,
        node: NodeId,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        if self.gather.read_at.is_some_and(|at| at <= now) {
            self.read_gathered(now);
        }
        if self.uses_tcp && self.tcp.poll_timeout().is_some_and(|at| at <= now) {
            self.tcp.handle_timeout(now);
        }
        if self.app_timeout.is_some_and(|at| at <= now) {
            self.app.handle_timeout(now);
            self.stirred = true;
        }
        self.drain(now, node, out, observer);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let tcp = if self.uses_tcp { self.tcp.poll_timeout() } else { None };
        earlier(earlier(self.app_timeout, tcp), self.gather.read_at)
    }

    /// Carries out what the program wants, and gives it the answers, until nothing is left. A program that nobody stirred is not asked:
    /// it said before that it wants nothing.
    pub(crate) fn drain<O: Observer>(
        &mut self,
        now: Instant,
        node: NodeId,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        let mut asked = false;
        loop {
            if self.uses_tcp {
                self.stirred |= self.streams.handle_events(now, &mut self.tcp, &mut self.app);
            }
            if std::mem::take(&mut self.stirred) {
                asked = true;
                while let Some(act) = self.app.poll_act() {
                    self.perform(now, node, act, out, observer);
                }
            }
            if self.uses_tcp {
                self.stirred |= self.streams.go_on(now, &mut self.tcp, &mut self.app, &mut self.answers);
            }
            while let Some(answer) = self.answers.pop_front() {
                self.stirred = true;
                self.app.handle_input(now, answer);
            }
            let is_over = !self.uses_tcp || !self.tcp.has_events();
            if is_over && !self.stirred {
                break;
            }
        }
        if asked {
            self.app_timeout = self.app.poll_timeout().filter(|_| !self.clock_stopped);
            self.tell(now, node, observer);
        }
        if !self.uses_tcp {
            return;
        }
        self.segment.clear();
        while let Some(head) = self.tcp.poll_segment(now, &mut self.segment) {
            out.send(0, Packet::tcp(&head, &self.segment));
            self.segment.clear();
        }
    }

    fn tell<O: Observer>(&mut self, now: Instant, node: NodeId, observer: &mut O) {
        if let App::Phone(phone) = &mut self.app {
            while let Some(event) = phone.poll_event() {
                observer.phone(now, node, phone, &event);
            }
        }
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// As the production driver does by default.
const GATHER: Duration = Duration::from_millis(1);
/// Media that comes again within so many gathering times flows; else a packet is a lone one and is not made to wait.
const BUSY_FACTOR: u32 = 3;
