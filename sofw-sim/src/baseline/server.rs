//! The public end of all tunnels of one system: a relay, or a virtual hub with a way out.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sofw_core::base::{Deadline, Expiring, Instant, Rng};
use sofw_core::io::{ConnId, Input, ListenerId, Output};

use crate::host::{Act, Application};
use crate::packet::Packet;
use crate::world::PortId;

use super::Kind;

use super::message;
use super::queue::QUEUE_BYTES_MAX;

mod conn;
mod counters;
mod relay;
mod session;

use conn::{Conn, Heard};
use counters::Counters;
use session::Session;

/// What a server is told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TunnelServerConfig {
    /// Which system.
    pub kind: &'static Kind,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Most bytes that may wait for one client; [`TunnelServerConfig::new`] takes 4 MiB.
    pub queue_bytes_max: usize,
}

impl TunnelServerConfig {
    /// On the kind's port of `addr`, with the usual bound.
    pub fn new(kind: &'static Kind, addr: IpAddr) -> Self {
        let listen = SocketAddr::new(addr, kind.port);
        TunnelServerConfig { kind, listen, queue_bytes_max: QUEUE_BYTES_MAX }
    }
}

/// A program that carries packets between its clients and port 0. Its host must adopt the clients' virtual addresses.
#[derive(Debug)]
pub struct TunnelServer {
    config: TunnelServerConfig,
    rng: Rng,
    acts: VecDeque<Act>,
    conns: BTreeMap<ConnId, Conn>,
    sessions: BTreeMap<u64, Session>,
    /// Sessions of [`super::Carrier::Http`] by the token of their requests.
    tokens: BTreeMap<String, u64>,
    /// Which session a virtual address is behind.
    routes: BTreeMap<IpAddr, u64>,
    names: u64,
    /// Sessions: when the next keep-alive or the end of patience is due.
    wakes: Expiring<u64>,
    /// Connections that belong to no session yet.
    strangers: Expiring<ConnId>,
    /// Connections that have something to write.
    ready: BTreeSet<ConnId>,
    counters: Counters,
}

impl TunnelServer {
    /// A server that asks for its listener at once.
    pub fn new(config: TunnelServerConfig, rng: Rng) -> Self {
        let listen = Output::Listen { listener: ListenerId::Tunnel(0), addr: config.listen };
        TunnelServer {
            config,
            rng,
            acts: VecDeque::from([Act::Do(listen)]),
            conns: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tokens: BTreeMap::new(),
            routes: BTreeMap::new(),
            names: 0,
            wakes: Expiring::new(WAKE),
            strangers: Expiring::new(STRANGER),
            ready: BTreeSet::new(),
            counters: Counters::default(),
        }
    }

    /// Tunnels whose client has said who it is.
    pub fn tunnels(&self) -> usize {
        self.sessions.values().filter(|session| session.announced).count()
    }

    fn accepted(&mut self, now: Instant, conn: ConnId) {
        if self.conns.len() >= CONNS_MAX {
            self.counters.turned_away += 1;
            self.acts.push_back(Act::Reset(conn));
            return;
        }
        self.conns.insert(conn, Conn::new(conn, self.config.kind.carrier));
        self.strangers.set(conn, now + self.config.kind.silence_max);
    }

    fn received(&mut self, now: Instant, name: ConnId, bytes: &[u8]) {
        let mut rest = bytes;
        loop {
            let Some(conn) = self.conns.get_mut(&name) else { return };
            let heard = conn.next(&mut rest, &mut self.rng);
            // Reading may have made an answer.
            self.ready.insert(name);
            match heard {
                Ok(None) => return,
                Ok(Some(Heard::Up(token))) => self.join(now, name, token, true),
                Ok(Some(Heard::Down(token))) => self.join(now, name, token, false),
                Ok(Some(Heard::Data(data))) => self.data(now, name, &data),
                Ok(Some(Heard::Over)) => return self.end_conn(name, true),
                Err(_) => {
                    self.counters.broken += 1;
                    return self.end_conn(name, true);
                }
            }
        }
    }

    /// A connection says which session it belongs to, and which direction it carries. Without a token it carries both.
    fn join(&mut self, now: Instant, name: ConnId, token: Option<String>, up: bool) {
        let known = token.as_ref().and_then(|token| self.tokens.get(token).copied());
        let key = known.unwrap_or_else(|| self.new_session(now, token.clone()));
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let old = if up { session.up.replace(name) } else { session.down.replace(name) };
        if token.is_none() {
            session.down = Some(name);
        }
        session.heard = now;
        self.strangers.clear(name);
        if let Some(conn) = self.conns.get_mut(&name) {
            conn.session = Some(key);
        }
        self.ready.insert(name);
        self.wake(key);
        if let Some(old) = old.filter(|old| *old != name) {
            // The session goes on without it.
            if let Some(conn) = self.conns.get_mut(&old) {
                conn.session = None;
            }
            self.end_conn(old, true);
        }
    }

    fn new_session(&mut self, now: Instant, token: Option<String>) -> u64 {
        self.names += 1;
        self.counters.sessions += 1;
        if let Some(token) = &token {
            self.tokens.insert(token.clone(), self.names);
        }
        let next = now + super::keepalive_after(self.config.kind, &mut self.rng);
        let session = Session::new(&self.config, token, now, next);
        self.sessions.insert(self.names, session);
        self.names
    }

    fn wake(&mut self, key: u64) {
        if let Some(session) = self.sessions.get(&key) {
            self.wakes.set(key, session.keepalive_at.min(session.heard + self.config.kind.silence_max));
        }
    }

    fn data(&mut self, now: Instant, name: ConnId, data: &[u8]) {
        let Some(key) = self.conns.get(&name).and_then(|conn| conn.session) else { return };
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.heard = now;
        session.decoder.push(data);
        loop {
            let Some(session) = self.sessions.get_mut(&key) else { return };
            match session.decoder.next() {
                Ok(Some(message)) => self.take(key, message),
                Ok(None) => return,
                Err(message::Broken) => {
                    self.counters.broken += 1;
                    return self.end(key);
                }
            }
        }
    }

    /// A connection is over, and with it its session: the client starts both anew.
    fn end_conn(&mut self, name: ConnId, close: bool) {
        let Some(mut conn) = self.conns.remove(&name) else { return };
        self.strangers.clear(name);
        self.ready.remove(&name);
        if close {
            // What it was told goes before the end, if nothing is under way.
            self.acts.extend(conn.pipe.flush(self.config.kind, None).map(Act::Do));
            self.acts.push_back(Act::Do(Output::Close(name)));
        }
        if let Some(key) = conn.session {
            self.end(key);
        }
    }

    fn end(&mut self, key: u64) {
        let Some(session) = self.sessions.remove(&key) else { return };
        self.counters.dropped += session.queue.dropped;
        self.counters.queue_peak = self.counters.queue_peak.max(session.queue.peak as u64);
        self.wakes.clear(key);
        if let Some(token) = &session.token {
            self.tokens.remove(token);
        }
        for addr in &session.addrs {
            if self.routes.get(addr) == Some(&key) {
                self.routes.remove(addr);
            }
        }
        for name in session.up.into_iter().chain(session.down) {
            self.end_conn(name, true);
        }
    }

    fn due(&mut self, now: Instant, key: u64) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if now >= session.heard + self.config.kind.silence_max {
            self.counters.silent += 1;
            return self.end(key);
        }
        if now >= session.keepalive_at {
            session.keepalive_at = now + super::keepalive_after(self.config.kind, &mut self.rng);
            self.counters.keepalives += 1;
            let body = super::keepalive_body(self.config.kind, &mut self.rng);
            self.push(key, message::KEEP_ALIVE, &body);
        }
        self.wake(key);
    }

    fn written(&mut self, now: Instant, name: ConnId) {
        let Some(conn) = self.conns.get_mut(&name) else { return };
        conn.pipe.written();
        self.ready.insert(name);
        let Some(session) = conn.session.and_then(|key| self.sessions.get_mut(&key)) else { return };
        // Whatever was written shows the client that this end lives. The wake-up that is set may come early, it finds this.
        session.keepalive_at = now + super::keepalive_after(self.config.kind, &mut self.rng);
    }

    fn flush(&mut self) -> Option<Output> {
        while let Some(name) = self.ready.pop_first() {
            let Some(conn) = self.conns.get_mut(&name) else { continue };
            let session = conn.session.and_then(|key| self.sessions.get_mut(&key));
            let queue =
                session.filter(|session| session.down == Some(name)).map(|session| &mut session.queue);
            if let Some(write) = conn.pipe.flush(self.config.kind, queue) {
                return Some(write);
            }
        }
        None
    }
}

impl Application for TunnelServer {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Accepted { conn, .. } => self.accepted(now, conn),
            Input::Received { conn, bytes } => self.received(now, conn, bytes),
            Input::Written(conn) => self.written(now, conn),
            Input::Closed(conn, _) => self.end_conn(conn, false),
            Input::Bound(_)
            | Input::BindFailed(..)
            | Input::Listening(_)
            | Input::ListenFailed(..)
            | Input::Datagram { .. }
            | Input::Connected { .. }
            | Input::ConnectFailed(..) => {}
        }
    }

    fn handle_packet(&mut self, _now: Instant, port: PortId, packet: Packet) {
        if port != PUBLIC {
            return;
        }
        match self.routes.get(&packet.destination().ip()) {
            Some(&key) => self.down(key, packet),
            None => self.counters.unroutable += 1,
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.wakes.pop_due(now) {
            self.due(now, key);
        }
        while let Some(name) = self.strangers.pop_due(now) {
            self.counters.turned_away += 1;
            self.end_conn(name, true);
        }
    }

    fn poll_act(&mut self) -> Option<Act> {
        self.acts.pop_front().or_else(|| self.flush().map(Act::Do))
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earlier(self.wakes.next(), self.strangers.next())
    }

    /// Connections become black holes; new ones are served.
    fn forget(&mut self) {
        self.acts.retain(|act| matches!(act, Act::Do(Output::Listen { .. })));
        self.conns.clear();
        self.sessions.clear();
        self.tokens.clear();
        self.routes.clear();
        self.wakes = Expiring::new(WAKE);
        self.strangers = Expiring::new(STRANGER);
        self.ready.clear();
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        self.counters.list(self.sessions.values().map(|session| &session.queue))
    }
}

/// The public network.
const PUBLIC: PortId = 0;
/// Names of timers.
const WAKE: &str = "tunnel keep-alive";
const STRANGER: &str = "tunnel stranger";
/// Most connections at once.
const CONNS_MAX: usize = 8192;
