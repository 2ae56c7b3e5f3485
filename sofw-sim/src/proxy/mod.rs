//! HTTP proxies with the habits that real ones were seen to have: what a tunnel has to get through.
//!
//! ```text
//! client ─▶ Client: Reader ─▶ begin: 407? 403? 411? 413? ─▶ Passage (held, reframed) ─▶ Outlet (late, paced) ─▶ origin
//!        ◀─ Outlet ◀─ Passage ◀────────────────────────── Origin: Reader ◀──────────────────────────────────── origin
//! ```
//!
//! One engine for all: a forward proxy, the same in front of one server (reverse), the same behind a redirected port. What differs
//! is [`ProxyConfig`]; [`find`] gives the presets, each with the source of its numbers.
//!
//! Invariants: any bytes from any side end at worst in an error page or a closed connection; what waits is bounded by
//! [`ProxyConfig::window`] and [`ProxyConfig::buffer_max`] per direction, beyond which the sender is slowed down; a request is begun
//! when the one before it on its connection is answered (no pipelining towards servers).
//!
//! Not here: caches, content filters, TLS interception (a tunnel that begins like TLS is passed on as it is).

mod alarm;
mod auth;
mod begin;
mod compose;
mod config;
mod connection;
mod message;
mod origin;
mod outlet;
mod page;
mod passage;
mod preset;
mod request;
mod response;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sofw_core::base::{Deadline, Expiring, Instant, PayloadPool, Rng};
use sofw_core::io::{ConnId, ConnNames, Input, ListenerId, Output};

pub use config::{
    AuthScheme, Buffering, ChunkedRequests, ConnectPolicy, Duplex, Expect, ProxyAuth, ProxyConfig, Upgrade,
};
pub use preset::{PRESETS, Preset, find};

use crate::host::{Act, Application};
use alarm::Alarm;
use auth::Gate;
use connection::{Client, Origin, Stage};

/// An HTTP proxy.
#[derive(Debug)]
pub struct Proxy {
    config: ProxyConfig,
    gate: Gate,
    names: ConnNames,
    clients: BTreeMap<ConnId, Client>,
    origins: BTreeMap<ConnId, Origin>,
    /// Connections from before [`Application::forget`]: what arrives on them is swallowed.
    black_holes: BTreeSet<ConnId>,
    alarms: Expiring<Alarm>,
    todo: VecDeque<Todo>,
    acts: VecDeque<Act>,
    pool: PayloadPool,
    /// When the next request may begin, if their rate is limited.
    next_turn: Instant,
    counters: ProxyCounters,
}

/// What a proxy has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProxyCounters {
    /// Requests read, CONNECT included.
    pub requests: u64,
    /// Tunnels opened by CONNECT or a change of protocol.
    pub tunnels: u64,
    /// Bytes read from clients.
    pub bytes_up: u64,
    /// Bytes read from servers.
    pub bytes_down: u64,
    /// Connections beyond a limit, and requests answered by an error or cut off; without the next two.
    pub refused: u64,
    /// Requests for what is forbidden: 403.
    pub denied: u64,
    /// Requests answered by 407.
    pub challenged: u64,
}

/// Work that one input left behind.
#[derive(Clone, Copy, Debug)]
enum Todo {
    ReadClient(ConnId),
    ReadOrigin(ConnId),
}

const LISTENER: ListenerId = ListenerId::Tunnel(0);
/// Memory of writes is taken in such blocks.
const POOL_BLOCK: usize = 64 * 1024;

impl Proxy {
    /// A proxy that asks for its listener first.
    pub fn new(config: ProxyConfig, rng: Rng) -> Proxy {
        let listen = Output::Listen { listener: LISTENER, addr: config.listen };
        Proxy {
            gate: Gate::new(rng.fork("nonces")),
            names: ConnNames::new(1, 1),
            clients: BTreeMap::new(),
            origins: BTreeMap::new(),
            black_holes: BTreeSet::new(),
            alarms: Expiring::new("proxy"),
            todo: VecDeque::new(),
            acts: VecDeque::from([Act::Do(listen)]),
            pool: PayloadPool::new(POOL_BLOCK),
            next_turn: Instant::ZERO,
            counters: ProxyCounters::default(),
            config,
        }
    }

    /// What it is told.
    pub fn config(&self) -> &ProxyConfig {
        &self.config
    }

    /// What it has counted.
    pub fn counted(&self) -> ProxyCounters {
        self.counters
    }

    /// Connections from clients and to servers at present; forgotten ones are not among them.
    pub fn connections(&self) -> (usize, usize) {
        (self.clients.len(), self.origins.len())
    }

    /// The most bytes that wait in one place.
    #[cfg(test)]
    fn most_waiting(&self) -> usize {
        let clients = self.clients.values().map(|one| one.inbox.len().max(one.outlet.waiting()));
        let origins = self.origins.values().map(|one| one.inbox.len().max(one.outlet.waiting()));
        clients.chain(origins).max().unwrap_or(0)
    }

    fn work(&mut self, now: Instant) {
        while let Some(todo) = self.todo.pop_front() {
            match todo {
                Todo::ReadClient(conn) => self.read_client(now, conn, &[]),
                Todo::ReadOrigin(conn) => self.read_origin(now, conn, &[]),
            }
        }
    }

    fn received(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        if matches!(conn, ConnId::Accepted(_)) {
            self.counters.bytes_up += bytes.len() as u64;
            self.read_client(now, conn, bytes);
        } else {
            self.counters.bytes_down += bytes.len() as u64;
            self.read_origin(now, conn, bytes);
        }
    }

    fn closed(&mut self, now: Instant, conn: ConnId) {
        if let Some(client) = self.clients.remove(&conn) {
            self.clear_alarms(conn);
            if let Some(origin) = client.stage.origin() {
                self.drop_origin(now, origin);
            }
        } else if self.origins.contains_key(&conn) {
            self.origin_closed(now, conn);
        }
    }

    /// Writes what may be written.
    fn flush(&mut self, now: Instant, conn: ConnId) {
        let outlet = match self.clients.get_mut(&conn) {
            Some(client) => &mut client.outlet,
            None => match self.origins.get_mut(&conn) {
                Some(origin) if origin.connected => &mut origin.outlet,
                Some(origin) => {
                    if !origin.asked && !origin.outlet.is_empty() {
                        self.ask_for(now, conn);
                    }
                    return;
                }
                None => return,
            },
        };
        match outlet.next(now, self.config.bytes_per_second) {
            outlet::Next::Write(len) => {
                let pool = &mut self.pool;
                let mut payload = sofw_core::Payload::default();
                outlet.take(len, |bytes| payload = pool.copy(bytes));
                self.acts.push_back(Act::Do(Output::Write { conn, payload }));
            }
            outlet::Next::Later(at) => self.alarms.set(Alarm::Outlet(conn), at),
            outlet::Next::End if self.clients.contains_key(&conn) => {
                self.acts.push_back(Act::ShutWrite(conn));
                self.alarms.set(Alarm::Linger(conn), now + request::LINGER);
            }
            outlet::Next::End => self.close_origin(conn),
            outlet::Next::Nothing => {}
        }
    }

    fn written(&mut self, now: Instant, conn: ConnId) {
        let client = match (self.clients.get_mut(&conn), self.origins.get_mut(&conn)) {
            (Some(client), _) => {
                client.outlet.writing = false;
                Some(conn)
            }
            (None, Some(origin)) => {
                origin.outlet.writing = false;
                origin.client
            }
            (None, None) => return,
        };
        self.flush(now, conn);
        if let Some(client) = client {
            self.govern(client);
        }
    }

    /// Slows a sender down whose bytes wait, and lets it go on when they have left.
    fn govern(&mut self, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let window = self.config.window;
        let over = |paused: bool, waiting: usize| waiting > if paused { window / 2 } else { window };
        let mut origin =
            client.stage.origin().and_then(|origin| Some((origin, self.origins.get_mut(&origin)?)));
        let to_origin = origin.as_ref().map_or(0, |(_, origin)| origin.outlet.waiting());
        let pause =
            !matches!(client.stage, Stage::Ending) && over(client.paused, client.inbox.len().max(to_origin));
        if core::mem::replace(&mut client.paused, pause) != pause {
            self.acts.push_back(if pause { Act::Pause(conn) } else { Act::Resume(conn) });
        }
        if let Some((name, origin)) = &mut origin {
            let pause = over(origin.paused, origin.inbox.len().max(client.outlet.waiting()));
            // One that has ended itself sends no more.
            if core::mem::replace(&mut origin.paused, pause) != pause && !origin.gone {
                self.acts.push_back(if pause { Act::Pause(*name) } else { Act::Resume(*name) });
            }
        }
    }
}

impl Application for Proxy {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Accepted { conn, peer, .. } => self.accept(now, conn, peer),
            Input::Received { conn, bytes } => self.received(now, conn, bytes),
            Input::Written(conn) => self.written(now, conn),
            Input::Connected { conn, .. } => self.origin_connected(now, conn),
            Input::ConnectFailed(conn, _) => {
                self.black_holes.remove(&conn);
                self.origin_failed(now, conn, 502);
            }
            Input::Closed(conn, _) => {
                self.black_holes.remove(&conn);
                self.closed(now, conn);
            }
            Input::Bound(_)
            | Input::BindFailed(..)
            | Input::Listening(_)
            | Input::ListenFailed(..)
            | Input::Datagram { .. } => {}
        }
        self.work(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(alarm) = self.alarms.pop_due(now) {
            self.ring(now, alarm);
            self.work(now);
        }
    }

    fn poll_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        self.alarms.next()
    }

    fn forget(&mut self) {
        let paused = |(conn, paused): (&ConnId, bool)| paused.then_some(Act::Resume(*conn));
        self.acts.extend(self.clients.iter().map(|(conn, one)| (conn, one.paused)).filter_map(paused));
        self.acts.extend(self.origins.iter().map(|(conn, one)| (conn, one.paused)).filter_map(paused));
        self.black_holes.extend(core::mem::take(&mut self.clients).into_keys());
        self.black_holes.extend(core::mem::take(&mut self.origins).into_keys());
        self.alarms = Expiring::new("proxy");
        self.gate.forget();
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let counted = self.counters;
        vec![
            ("requests", counted.requests),
            ("tunnels", counted.tunnels),
            ("bytes_up", counted.bytes_up),
            ("bytes_down", counted.bytes_down),
            ("refused", counted.refused),
            ("denied", counted.denied),
            ("challenged", counted.challenged),
            ("black_holes", self.black_holes.len() as u64),
        ]
    }
}
