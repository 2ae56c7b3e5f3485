//! HRAS's end of the tunnels of all sites (paper P2): the HTTP server.
//!
//! ```text
//! connection ──▶ stranger ──▶ POST hello ───────────────▶ session, pending until it proves itself
//!                   │     ──▶ GET with a sealed token ──▶ downlink of that session
//!                   │     ──▶ POST with a sealed record ▶ uplink of that session
//!                   └───────▶ anything else ────────────▶ 404, as from any web server
//! ```
//!
//! Invariants: who has no key sees an ordinary web server without pages, whatever the reason; a site has one session,
//! and a new one takes its place only when it has proved that it is no replay; never both directions in one exchange;
//! at most one write under way per connection; strangers are bounded in number, time and bytes.

mod alarm;
mod connection;
mod down;
mod page;
mod refusals;
mod request;
mod sessions;

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use slab::Slab;

use self::alarm::Alarm;
use self::connection::{Connection, Phase};
use self::refusals::Refusals;
use self::sessions::{Entry, SiteEntry};
use super::client::TunnelStatus;
use super::seal::SiteHint;
use super::{FlowId, Frame, TunnelOutput};
use crate::base::{Duration, Expiring, Instant, PayloadPool, Rng, SiteId};
use crate::config::HrasConfig;
use crate::config::limits::{
    SITE_CONNECTIONS_MAX, SITE_PENDING_SESSIONS_MAX, STRANGER_CONNECTIONS_MAX, STRANGER_TIMEOUT,
    TUNNEL_WRITE_MAX,
};
use crate::event::{DropReason, Event};
use crate::fill::Fill;
use crate::io::{ConnId, IoError, Output};

/// HRAS's end of the tunnels of all sites.
///
/// Inputs go to the `handle_*` method of their kind; when the parent's own queue is drained it calls
/// [`TunnelServer::flush`] and then drains [`TunnelServer::poll`].
#[derive(Debug)]
pub struct TunnelServer {
    rng: Rng,
    voice_age_max: Duration,
    sites: Vec<SiteEntry>,
    by_hint: BTreeMap<SiteHint, usize>,
    sessions: Slab<Entry>,
    by_id: BTreeMap<[u8; 16], usize>,
    connections: BTreeMap<ConnId, Connection>,
    /// Connections that proved no key yet, each with the end of its time.
    strangers: Expiring<ConnId>,
    alarms: Expiring<Alarm>,
    refusals: Refusals,
    /// Sessions that may have something to write, each once.
    dirty: Vec<usize>,
    pool: PayloadPool,
    output: VecDeque<TunnelOutput>,
}

impl TunnelServer {
    /// A server for the sites of `config`.
    pub fn new(config: &HrasConfig, rng: Rng, now: Instant) -> Self {
        let _ = now;
        let sites: Vec<SiteEntry> =
            config.sites.iter().map(|site| SiteEntry::new(site.key.clone())).collect();
        let hints = config.sites.iter().enumerate().map(|(index, site)| (SiteHint::of(&site.name), index));
        TunnelServer {
            rng,
            voice_age_max: config.voice_age_max,
            sites,
            by_hint: hints.collect(),
            sessions: Slab::new(),
            by_id: BTreeMap::new(),
            connections: BTreeMap::new(),
            strangers: Expiring::new("stranger at the tunnel"),
            alarms: Expiring::new("tunnel server"),
            refusals: Refusals::new(),
            dirty: Vec::new(),
            pool: PayloadPool::new(4 * TUNNEL_WRITE_MAX),
            output: VecDeque::new(),
        }
    }

    /// Queues a reliable frame for a site. Without a session it is lost.
    pub fn send(&mut self, now: Instant, site: SiteId, frame: Frame) {
        let Some(key) = self.current(site) else { return };
        self.touch(key);
        if self.sessions.get_mut(key).is_some_and(|entry| entry.session.send(now, frame).is_err()) {
            self.event(Event::Dropped(DropReason::QueueFull, None));
        }
    }

    /// Queues one media datagram. `urgent`: never dropped for age.
    pub fn send_voice(&mut self, now: Instant, site: SiteId, flow: FlowId, urgent: bool, datagram: &[u8]) {
        let Some(key) = self.current(site) else { return };
        self.touch(key);
        if let Some(entry) = self.sessions.get_mut(key) {
            entry.session.send_voice(now, flow, urgent, datagram);
        }
    }

    /// Whether frames flow in both directions at the moment.
    pub fn is_up(&self, site: SiteId) -> bool {
        self.current(site)
            .and_then(|key| self.sessions.get(key))
            .is_some_and(|entry| entry.up_since.is_some())
    }

    /// Whether a connection is the tunnel's.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.connections.contains_key(&conn)
    }

    /// A connection came in at a tunnel listener.
    pub fn handle_accepted(&mut self, now: Instant, conn: ConnId, peer: SocketAddr) {
        // The oldest stranger makes room: whoever has a key proves it within a round trip or two.
        while self.strangers.len() >= STRANGER_CONNECTIONS_MAX {
            let Some(oldest) = self.strangers.next().and_then(|oldest| self.strangers.pop_due(oldest.at))
            else {
                break;
            };
            self.close(now, oldest, "too many strangers");
        }
        self.connections.insert(conn, Connection::new(peer, now));
        self.strangers.set(conn, now + STRANGER_TIMEOUT);
    }

    /// Bytes arrived.
    pub fn handle_received(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let mut input = bytes;
        while self.read(now, conn, &mut input) {}
    }

    /// The write under way is done.
    pub fn handle_written(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.writing = false;
        if !connection.waiting.is_empty() {
            let bytes = core::mem::take(&mut connection.waiting);
            connection.write(now, conn, bytes.into(), &mut self.output);
        } else if connection.phase == Phase::Closing {
            self.close(now, conn, "answered");
        } else if let Phase::Down { session, .. } = connection.phase {
            self.touch(session);
        }
    }

    /// A connection ended.
    pub fn handle_closed(&mut self, now: Instant, conn: ConnId, error: Option<IoError>) {
        let why = error.map_or_else(|| "closed by the other end".to_owned(), |error| error.to_string());
        self.forget(now, conn, &why);
    }

    /// Turns what is queued into at most one write per connection without one under way.
    pub fn flush(&mut self, now: Instant) {
        while let Some(key) = self.dirty.pop() {
            self.flush_down(now, key);
            // What grew old here is told, too.
            self.drain_session(now, key);
        }
    }

    /// What the parent must do, in order.
    pub fn poll(&mut self) -> Option<TunnelOutput> {
        self.output.pop_front()
    }

    /// For the operator; `None` while the site has no session.
    pub fn status(&self, site: SiteId) -> Option<TunnelStatus> {
        let entry = self.sessions.get(self.current(site)?)?;
        let stats = entry.session.stats();
        Some(TunnelStatus {
            rung: entry.rung,
            round_trip: entry.session.round_trip().unwrap_or(entry.round_trip),
            since: entry.since,
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
        })
    }

    /// How full the queues of the sessions and the tables of connections are.
    pub fn fills(&self) -> impl Iterator<Item = Fill> + '_ {
        let sessions = self.sessions.iter().flat_map(|(_, entry)| entry.session.fills());
        let pending = self.sites.iter().map(|site| site.pending()).max().unwrap_or(0);
        let connections = self.sessions.iter().map(|(_, entry)| entry.connections()).max().unwrap_or(0);
        sessions.chain([
            Fill::new("strangers at the tunnel", self.strangers.len(), STRANGER_CONNECTIONS_MAX),
            Fill::new("sessions pending of one site", pending, SITE_PENDING_SESSIONS_MAX),
            Fill::new("tunnel connections of one site", connections, SITE_CONNECTIONS_MAX),
        ])
    }

    /// Sessions, those that have not proved themselves included.
    #[cfg(test)]
    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The session of a site.
    fn current(&self, site: SiteId) -> Option<usize> {
        self.sites.get(usize::from(site.0))?.current
    }

    /// A session may have something to write.
    fn touch(&mut self, key: usize) {
        if let Some(entry) = self.sessions.get_mut(key).filter(|entry| !entry.is_dirty) {
            entry.is_dirty = true;
            self.dirty.push(key);
        }
    }

    fn event(&mut self, event: Event) {
        self.output.push_back(TunnelOutput::Io(Output::Event(event)));
    }
}
