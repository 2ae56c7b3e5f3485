//! HRAC's end of the tunnel (paper P2): opens the connections, is the HTTP client.

use std::collections::VecDeque;

use core::net::SocketAddr;

use super::{FlowId, Frame, TunnelOutput};
use crate::base::{Deadline, Duration, Instant, Rng, SiteId};
use crate::config::HracConfig;
use crate::event::Rung;
use crate::io::{ConnId, ConnNames, IoError};

/// HRAC's end of the tunnel.
///
/// Inputs go to the `handle_*` method of their kind; when the parent's own queue is drained it calls
/// [`TunnelClient::flush`] and then drains [`TunnelClient::poll`].
#[derive(Debug)]
pub struct TunnelClient {
    names: ConnNames,
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

impl TunnelClient {
    /// Starts: the first [`TunnelClient::poll`] asks for a connection. Connections get their names from `names`.
    pub fn new(config: &HracConfig, rng: Rng, names: ConnNames, now: Instant) -> Self {
        let _ = (config, rng, now);
        TunnelClient { names, output: VecDeque::new() }
    }

    /// Queues a reliable frame. Without a session it is lost: announce again at [`TunnelOutput::Started`].
    pub fn send(&mut self, now: Instant, frame: Frame) {
        let _ = (now, frame);
    }

    /// Queues one media datagram. `urgent`: never dropped for age.
    pub fn send_voice(&mut self, now: Instant, flow: FlowId, urgent: bool, datagram: &[u8]) {
        let _ = (now, flow, urgent, datagram);
    }

    /// Whether frames flow in both directions at the moment.
    pub fn is_up(&self) -> bool {
        false
    }

    /// Whether `conn` is one of the tunnel's connections, also of former ones.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.names.is_mine(conn)
    }

    /// A connection is up.
    pub fn handle_connected(&mut self, now: Instant, conn: ConnId, local: SocketAddr) {
        let _ = (now, conn, local);
    }

    /// A connection could not be opened.
    pub fn handle_connect_failed(&mut self, now: Instant, conn: ConnId, error: IoError) {
        let _ = (now, conn, error);
    }

    /// Bytes arrived.
    pub fn handle_received(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let _ = (now, conn, bytes);
    }

    /// The write under way is done.
    pub fn handle_written(&mut self, now: Instant, conn: ConnId) {
        let _ = (now, conn);
    }

    /// A connection ended.
    pub fn handle_closed(&mut self, now: Instant, conn: ConnId, error: Option<IoError>) {
        let _ = (now, conn, error);
    }

    /// Lets due deadlines act.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When to call [`TunnelClient::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// Turns what is queued into at most one write per connection without one under way.
    pub fn flush(&mut self, now: Instant) {
        let _ = now;
    }

    /// What the parent must do, in order.
    pub fn poll(&mut self) -> Option<TunnelOutput> {
        self.output.pop_front()
    }

    /// For the operator; `None` while there is no tunnel.
    pub fn status(&self) -> Option<TunnelStatus> {
        None
    }
}

/// The only site that a client knows.
pub const OWN_SITE: SiteId = SiteId(0);
