//! The inside end of a tunnel.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::VecDeque;

use sofw_core::base::{Deadline, Instant, Rng};
use sofw_core::io::{ConnId, ConnNames, Endpoint, Input, Output};

use crate::host::{Act, Application};
use crate::packet::Packet;
use crate::world::PortId;

use super::ether::{self, Content};
use super::message::{self, Message};
use super::queue::{QUEUE_BYTES_MAX, Queue};
use super::{Carrier, Kind};

mod link;

use link::{Link, Said};

/// The way through a site's HTTP proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxy {
    /// The proxy.
    pub endpoint: Endpoint,
    /// Name and password, sent as Basic with the first request (RFC 7617).
    pub credentials: Option<(String, String)>,
}

/// What a client is told.
#[derive(Clone, PartialEq, Debug)]
pub struct TunnelClientConfig {
    /// Which system.
    pub kind: &'static Kind,
    /// Its server.
    pub server: Endpoint,
    /// The site's HTTP proxy. [`Carrier::Raw`] cannot use one and ignores it.
    pub proxy: Option<Proxy>,
    /// Virtual addresses of the phones behind port 1.
    pub addrs: Vec<IpAddr>,
    /// Most bytes that may wait; [`TunnelClientConfig::new`] takes 4 MiB.
    pub queue_bytes_max: usize,
}

impl TunnelClientConfig {
    /// With the usual bound and no proxy.
    pub fn new(kind: &'static Kind, server: Endpoint, addrs: Vec<IpAddr>) -> Self {
        TunnelClientConfig { kind, server, proxy: None, addrs, queue_bytes_max: QUEUE_BYTES_MAX }
    }
}

/// A program that carries packets of port 1 to a [`super::TunnelServer`] and back.
#[derive(Debug)]
pub struct TunnelClient {
    config: TunnelClientConfig,
    rng: Rng,
    names: ConnNames,
    acts: VecDeque<Act>,
    queue: Queue,
    link: Option<Link>,
    /// When the next attempt begins, without a link.
    retry_at: Instant,
    retry_after: Duration,
    keepalive_at: Instant,
    chatter_at: Instant,
    counters: Counters,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    packets_up: u64,
    packets_down: u64,
    dropped_while_down: u64,
    broken: u64,
    attempts: u64,
    refused: u64,
    tunnels: u64,
    losses: u64,
    keepalives: u64,
    broadcasts: u64,
}

impl TunnelClient {
    /// A client that begins at its first [`Application::handle_timeout`], due at once.
    pub fn new(config: TunnelClientConfig, rng: Rng) -> Self {
        let queue = Queue::new(config.queue_bytes_max);
        TunnelClient {
            config,
            rng,
            names: ConnNames::new(0, 1),
            acts: VecDeque::new(),
            queue,
            link: None,
            retry_at: Instant::ZERO,
            retry_after: RETRY_MIN,
            keepalive_at: Instant::ZERO,
            chatter_at: Instant::ZERO,
            counters: Counters::default(),
        }
    }

    /// Whether the server has answered: packets pass.
    pub fn is_up(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.answered)
    }

    fn begin(&mut self, now: Instant) {
        self.counters.attempts += 1;
        self.queue.clear();
        let link = Link::new(now, &self.config, &mut self.names, &mut self.rng);
        let to = match &self.config.proxy {
            Some(proxy) if self.config.kind.carrier != Carrier::Raw => &proxy.endpoint,
            _ => &self.config.server,
        };
        for conn in link.conns() {
            self.acts.push_back(Act::Do(Output::Connect { conn, to: to.clone() }));
        }
        let announcement = message::announcement(&self.config.addrs);
        self.enqueue(message::ANNOUNCE, &announcement);
        self.link = Some(link);
        self.set_keepalive(now);
    }

    /// Gives the link up and tries again later, each time after twice the time, until one works.
    fn lose(&mut self, now: Instant) {
        let Some(link) = self.link.take() else { return };
        for conn in link.conns() {
            self.acts.push_back(Act::Do(Output::Close(conn)));
        }
        self.queue.clear();
        if link.answered {
            self.counters.losses += 1;
            self.retry_after = RETRY_MIN;
        }
        self.retry_at = now + self.retry_after;
        self.retry_after = (self.retry_after * 2).min(RETRY_MAX);
    }

    fn enqueue(&mut self, number: u8, body: &[u8]) -> bool {
        let mut message = Vec::with_capacity(self.config.kind.message_header + body.len());
        let fits = message::encode(self.config.kind, number, body, &mut message);
        if fits {
            self.queue.push(message);
        }
        fits
    }

    fn set_keepalive(&mut self, now: Instant) {
        self.keepalive_at = now + super::keepalive_after(self.config.kind, &mut self.rng);
    }

    fn received(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let Some(link) = self.link.as_mut().filter(|link| link.is_mine(conn)) else { return };
        link.heard = now;
        match link.received(conn, bytes, &self.config.server, &mut self.rng) {
            Ok(()) => {}
            Err(Said::No) => {
                self.counters.refused += 1;
                return self.lose(now);
            }
            Err(Said::Nonsense) => {
                self.counters.broken += 1;
                return self.lose(now);
            }
            Err(Said::Over) => return self.lose(now),
        }
        loop {
            let Some(link) = &mut self.link else { return };
            match link.decoder.next() {
                Ok(Some(message)) => {
                    if !link.answered {
                        link.answered = true;
                        self.counters.tunnels += 1;
                        self.retry_after = RETRY_MIN;
                        self.chatter_at = now;
                    }
                    self.take(message);
                }
                Ok(None) => return,
                Err(message::Broken) => {
                    self.counters.broken += 1;
                    return self.lose(now);
                }
            }
        }
    }

    fn take(&mut self, message: Message) {
        // An announcement makes sense in the other direction only.
        let Message::Frame(frame) = message else { return };
        match ether::content(self.config.kind, frame) {
            Some(Content::Packet(packet)) => {
                self.counters.packets_down += 1;
                self.acts.push_back(Act::Packet(VIRTUAL, packet));
            }
            Some(Content::Broadcast) => self.counters.broadcasts += 1,
            None => self.counters.broken += 1,
        }
    }

    fn chatter(&mut self) {
        for at in 0..self.config.addrs.len() {
            let question = ether::question(self.config.kind, self.config.addrs[at]);
            self.enqueue(message::FRAME, &question);
        }
    }

    fn next(&self) -> Deadline {
        let Some(link) = &self.link else { return Deadline::new(self.retry_at, "tunnel retry") };
        let silent = Deadline::new(link.heard + self.config.kind.silence_max, "tunnel silence");
        if !link.answered {
            return silent;
        }
        let mut next = silent.min(Deadline::new(self.keepalive_at, "tunnel keep-alive"));
        if self.config.kind.chatter.is_some() {
            next = next.min(Deadline::new(self.chatter_at, "tunnel broadcast"));
        }
        next
    }
}

impl Application for TunnelClient {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Connected { conn, .. } => {
                if let Some(link) = self.link.as_mut().filter(|link| link.is_mine(conn)) {
                    link.heard = now;
                    link.connected(conn, &self.config, &mut self.rng);
                }
            }
            Input::ConnectFailed(conn, _) | Input::Closed(conn, _) => {
                if self.link.as_ref().is_some_and(|link| link.is_mine(conn)) {
                    self.lose(now);
                }
            }
            Input::Received { conn, bytes } => self.received(now, conn, bytes),
            Input::Written(conn) => {
                if let Some(link) = &mut self.link {
                    link.written(conn);
                }
                // Whatever was written shows the server that this end lives.
                self.set_keepalive(now);
            }
            Input::Bound(_)
            | Input::BindFailed(..)
            | Input::Listening(_)
            | Input::ListenFailed(..)
            | Input::Datagram { .. }
            | Input::Accepted { .. } => {}
        }
    }

    fn handle_packet(&mut self, _now: Instant, port: PortId, packet: Packet) {
        if port != VIRTUAL {
            return;
        }
        if !self.is_up() {
            self.counters.dropped_while_down += 1;
            return;
        }
        let frame = ether::frame(self.config.kind, packet);
        if self.enqueue(message::FRAME, &frame) {
            self.counters.packets_up += 1;
        } else {
            self.counters.broken += 1;
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Some(link) = &self.link else {
            if now >= self.retry_at {
                self.begin(now);
            }
            return;
        };
        if now >= link.heard + self.config.kind.silence_max {
            return self.lose(now);
        }
        if !link.answered {
            return;
        }
        if now >= self.keepalive_at {
            let body = super::keepalive_body(self.config.kind, &mut self.rng);
            self.enqueue(message::KEEP_ALIVE, &body);
            self.counters.keepalives += 1;
            self.set_keepalive(now);
        }
        if let Some(every) = self.config.kind.chatter.filter(|_| now >= self.chatter_at) {
            self.chatter_at = now + every;
            self.chatter();
        }
    }

    fn poll_act(&mut self) -> Option<Act> {
        if let Some(act) = self.acts.pop_front() {
            return Some(act);
        }
        let link = self.link.as_mut()?;
        link.flush(self.config.kind, &mut self.queue).map(Act::Do)
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        Some(self.next())
    }

    /// The old connections are nobody's; it begins anew at its next deadline, which is due.
    fn forget(&mut self) {
        self.link = None;
        self.acts.clear();
        self.queue.clear();
        self.retry_at = Instant::ZERO;
        self.retry_after = RETRY_MIN;
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let counters = &self.counters;
        vec![
            ("attempts", counters.attempts),
            ("broadcasts", counters.broadcasts),
            ("broken", counters.broken),
            ("dropped_by_queue", self.queue.dropped),
            ("dropped_while_down", counters.dropped_while_down),
            ("keepalives", counters.keepalives),
            ("packets_down", counters.packets_down),
            ("packets_up", counters.packets_up),
            ("queue_bytes_peak", self.queue.peak as u64),
            ("refused", counters.refused),
            ("tunnel_losses", counters.losses),
            ("tunnels", counters.tunnels),
        ]
    }
}

/// The virtual network interface: where the phones hang.
const VIRTUAL: PortId = 1;
/// First and longest time between attempts.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
