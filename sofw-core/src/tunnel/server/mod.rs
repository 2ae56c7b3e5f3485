//! HRAS's end of the tunnels of all sites (paper P2): the HTTP server.

use std::collections::VecDeque;

use core::net::SocketAddr;

use super::client::TunnelStatus;
use super::{FlowId, Frame, TunnelOutput};
use crate::base::{Deadline, Instant, Rng, SiteId};
use crate::config::HrasConfig;
use crate::io::{ConnId, IoError};

/// HRAS's end of the tunnels of all sites.
///
/// Inputs go to the `handle_*` method of their kind; when the parent's own queue is drained it calls
/// [`TunnelServer::flush`] and then drains [`TunnelServer::poll`].
#[derive(Debug)]
pub struct TunnelServer {
    output: VecDeque<TunnelOutput>,
}

impl TunnelServer {
    /// A server for the sites of `config`.
    pub fn new(config: &HrasConfig, rng: Rng, now: Instant) -> Self {
        let _ = (config, rng, now);
        TunnelServer { output: VecDeque::new() }
    }

    /// Queues a reliable frame for a site. Without a session it is lost.
    pub fn send(&mut self, now: Instant, site: SiteId, frame: Frame) {
        let _ = (now, site, frame);
    }

    /// Queues one media datagram. `urgent`: never dropped for age.
    pub fn send_voice(&mut self, now: Instant, site: SiteId, flow: FlowId, urgent: bool, datagram: &[u8]) {
        let _ = (now, site, flow, urgent, datagram);
    }

    /// Whether frames flow in both directions at the moment.
    pub fn is_up(&self, site: SiteId) -> bool {
        let _ = site;
        false
    }

    /// Whether a connection is the tunnel's.
    pub fn owns(&self, conn: ConnId) -> bool {
        let _ = conn;
        false
    }

    /// A connection came in at a tunnel listener.
    pub fn handle_accepted(&mut self, now: Instant, conn: ConnId, peer: SocketAddr) {
        let _ = (now, conn, peer);
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

    /// When to call [`TunnelServer::handle_timeout`] next.
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

    /// For the operator; `None` while the site has no session.
    pub fn status(&self, site: SiteId) -> Option<TunnelStatus> {
        let _ = site;
        None
    }
}
