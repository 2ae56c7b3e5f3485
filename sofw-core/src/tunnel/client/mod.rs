//! HRAC's end of the tunnel (paper P2): opens the connections, is the HTTP client.
//!
//! ```text
//! hello (POST) ──▶ session ──▶ downlink: one GET, its chunked response ──▶ frames, voice
//!                          └─▶ uplink:   rung stream: one POST in chunks (probed first)
//!                                        rung post:   short POSTs over a few connections
//! ```
//!
//! Invariants: never both directions in one exchange; never a wait for `100 Continue`; at most one write under way per
//! connection; the session outlives every connection; a way out or a rung that fails is left, and tried again later.

mod alarm;
mod answer;
mod connection;
mod dial;
mod downlink;
mod joined;
mod post;
mod request;
mod trouble;
mod uplink;
mod ways;

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use bytes::BytesMut;

use self::alarm::Alarm;
use self::connection::Connection;
use self::joined::{Joined, Uplink};
use self::ways::Ways;
use super::session::SessionEvent;
use super::{FlowId, Frame, TunnelOutput};
use crate::base::{Duration, Expiring, Instant, PayloadPool, Rng, SiteId};
use crate::config::limits::{CARRIER_SILENCE_MAX, TUNNEL_WRITE_MAX};
use crate::config::{HracConfig, SiteKey};
use crate::event::{DropReason, Event, Rung};
use crate::fill::Fill;
use crate::io::{ConnId, ConnNames, Endpoint, IoError, Output};

/// HRAC's end of the tunnel.
///
/// Inputs go to the `handle_*` method of their kind; when the parent's own queue is drained it calls
/// [`TunnelClient::flush`] and then drains [`TunnelClient::poll`].
#[derive(Debug)]
pub struct TunnelClient {
    site: String,
    key: SiteKey,
    server: Endpoint,
    authority: String,
    voice_age_max: Duration,
    rng: Rng,
    names: ConnNames,
    ways: Ways,
    /// The way that the uplink takes: the downlink's when the uplink was opened.
    up_way: usize,
    connections: BTreeMap<ConnId, Connection>,
    joined: Option<Joined>,
    alarms: Expiring<Alarm>,
    /// Attempts in a row that failed, on all ways together.
    attempts: u32,
    /// The trouble that was reported last, so that it is not repeated with every attempt.
    reported: Option<Event>,
    pool: PayloadPool,
    /// Bodies whose length must be known before their head is written.
    scratch: BytesMut,
    output: VecDeque<TunnelOutput>,
}

/// What an operator sees of a tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TunnelStatus {
    /// How frames are carried.
    pub rung: Rung,
    /// The newest round trip measured through the whole tunnel.
    pub round_trip: Duration,
    /// When the session began.
    pub since: Instant,
    /// HTTP body bytes of this session towards the peer.
    pub bytes_sent: u64,
    /// HTTP body bytes of this session from the peer.
    pub bytes_received: u64,
}

/// The only site that a client knows.
pub const OWN_SITE: SiteId = SiteId(0);

impl TunnelClient {
    /// Starts: the first [`TunnelClient::poll`] asks for a connection. Connections get their names from `names`.
    pub fn new(config: &HracConfig, rng: Rng, names: ConnNames, now: Instant) -> Self {
        let mut client = TunnelClient {
            site: config.site.clone(),
            key: config.key.clone(),
            server: config.server.clone(),
            authority: config.authority.clone(),
            voice_age_max: config.voice_age_max,
            rng,
            names,
            ways: Ways::new(&config.via),
            up_way: 0,
            connections: BTreeMap::new(),
            joined: None,
            alarms: Expiring::new("tunnel client"),
            attempts: 0,
            reported: None,
            pool: PayloadPool::new(4 * TUNNEL_WRITE_MAX),
            scratch: BytesMut::new(),
            output: VecDeque::new(),
        };
        client.say_hello(now);
        client
    }

    /// Queues a reliable frame. Without a session it is lost: announce again at [`TunnelOutput::Started`].
    pub fn send(&mut self, now: Instant, frame: Frame) {
        let Some(joined) = &mut self.joined else { return };
        if joined.session.send(now, frame).is_err() {
            self.event(Event::Dropped(DropReason::QueueFull, None));
        }
    }

    /// Queues one media datagram. `urgent`: never dropped for age.
    pub fn send_voice(&mut self, now: Instant, flow: FlowId, urgent: bool, datagram: &[u8]) {
        if let Some(joined) = &mut self.joined {
            joined.session.send_voice(now, flow, urgent, datagram);
        }
    }

    /// Whether frames flow in both directions at the moment.
    pub fn is_up(&self) -> bool {
        self.joined.as_ref().is_some_and(|joined| joined.up_since.is_some())
    }

    /// Whether `conn` is one of the tunnel's connections, also of former ones.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.names.is_mine(conn)
    }

    /// A connection is up.
    pub fn handle_connected(&mut self, now: Instant, conn: ConnId, local: SocketAddr) {
        let _ = local;
        self.connected(now, conn);
    }

    /// A connection could not be opened.
    pub fn handle_connect_failed(&mut self, now: Instant, conn: ConnId, error: IoError) {
        self.gone(now, conn, &error.to_string());
    }

    /// Bytes arrived.
    pub fn handle_received(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let mut input = bytes;
        while self.read(now, conn, &mut input) {}
        self.drain_session(now);
    }

    /// The write under way is done.
    pub fn handle_written(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.writing = false;
        if connection.end_due {
            self.write_last_chunk(now, conn);
        }
    }

    /// A connection ended.
    pub fn handle_closed(&mut self, now: Instant, conn: ConnId, error: Option<IoError>) {
        let why = error.map_or_else(|| "closed by the other end".to_owned(), |error| error.to_string());
        self.gone(now, conn, &why);
        self.drain_session(now);
    }

    /// Turns what is queued into at most one write per connection without one under way.
    pub fn flush(&mut self, now: Instant) {
        match self.joined.as_ref().map(|joined| joined.uplink) {
            Some(Uplink::Stream { conn, .. }) => self.flush_stream(now, conn),
            Some(Uplink::Post) => {
                self.flush_posts(now);
                self.flush_climb(now);
            }
            Some(Uplink::None) | None => {}
        }
        // What grew old here is told, too.
        self.drain_session(now);
    }

    /// What the parent must do, in order.
    pub fn poll(&mut self) -> Option<TunnelOutput> {
        self.output.pop_front()
    }

    /// For the operator; `None` while there is no tunnel.
    pub fn status(&self) -> Option<TunnelStatus> {
        let joined = self.joined.as_ref().filter(|joined| joined.up_since.is_some())?;
        let stats = joined.session.stats();
        Some(TunnelStatus {
            rung: joined.rung(),
            round_trip: joined.session.round_trip().unwrap_or(joined.round_trip),
            since: joined.since,
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
        })
    }

    /// How full the session's queues are; nothing without one.
    pub fn fills(&self) -> impl Iterator<Item = Fill> + '_ {
        self.joined.iter().flat_map(|joined| joined.session.fills())
    }

    /// Passes on what the session says.
    fn drain_session(&mut self, now: Instant) {
        while let Some(event) = self.joined.as_mut().and_then(|joined| joined.session.poll()) {
            match event {
                SessionEvent::Frame(frame) => self.output.push_back(TunnelOutput::Frame(OWN_SITE, frame)),
                SessionEvent::Voice(flow, datagram) => {
                    self.output.push_back(TunnelOutput::Voice(OWN_SITE, flow, datagram));
                }
                SessionEvent::Dropped(reason) => self.event(Event::Dropped(reason, None)),
                SessionEvent::Pong { number, round_trip } => self.echo(now, number, round_trip),
                SessionEvent::GoAway => self.end_session(now, "the server ended the session"),
            }
        }
    }

    /// An echo: its ping went up and it came down.
    fn echo(&mut self, now: Instant, number: u64, round_trip: Duration) {
        let Some(joined) = &mut self.joined else { return };
        joined.echo_at = now;
        joined.round_trip = round_trip;
        if joined.climb.is_some_and(|(_, ping)| ping == Some(number)) {
            self.climbed(now);
            return;
        }
        let proved = joined.down.is_some() && joined.uplink != Uplink::None && number >= joined.proof;
        if joined.up_since.is_none() && proved {
            self.go_up(now);
        }
    }

    fn go_up(&mut self, now: Instant) {
        let Some(joined) = &mut self.joined else { return };
        joined.up_since = Some(now);
        let resumed = core::mem::replace(&mut joined.was_up, true);
        let (rung, round_trip) = (joined.rung(), joined.round_trip);
        if let (Rung::Stream, Some(ladder)) = (rung, self.ways.ladder_mut(self.up_way)) {
            ladder.stream_proved();
        }
        self.alarms.clear(Alarm::Probe);
        self.alarms.clear(Alarm::Resume);
        self.alarms.set(Alarm::Silence, now + CARRIER_SILENCE_MAX);
        if let (Rung::Post, Some(at)) = (rung, self.ways.ladder(self.up_way).climb_at()) {
            self.alarms.set(Alarm::Climb, at.max(now + CARRIER_SILENCE_MAX));
        }
        self.reported = None;
        self.event(Event::TunnelUp { site: None, rung, round_trip, resumed });
    }

    fn event(&mut self, event: Event) {
        self.output.push_back(TunnelOutput::Io(Output::Event(event)));
    }
}
