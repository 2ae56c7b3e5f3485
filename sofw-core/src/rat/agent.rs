//! The paper's relay module: RAT, relay ports and media relay as one, for HRAS.

use core::net::IpAddr;

use super::record::Record;
use crate::base::{Deadline, Instant, SiteId};
use crate::config::HrasConfig;
use crate::event::Event;
use crate::io::Output;
use crate::media::Relay;
use crate::tunnel::Frame;

/// HRAS's relay module. Hand it to [`crate::proxy::SipServer`] as its `RelayModule`; after each call drain
/// [`RelayAgent::poll`] *before* sending what the SIP server gave, so that `OpenFlow` precedes the SDP that needs it.
#[derive(Debug)]
pub struct RelayAgent {
    /// The media plane: give it every media datagram and voice frame.
    pub relay: Relay,
}

/// What the relay module wants.
#[derive(Clone, Debug)]
pub enum RatOutput {
    /// A frame for a site.
    Frame(SiteId, Frame),
    /// A relay socket to open or close.
    Io(Output),
    /// For the operator.
    Event(Event),
}

impl RelayAgent {
    /// An empty table; asks for its first relay ports.
    pub fn new(config: &HrasConfig, _now: Instant) -> Self {
        RelayAgent { relay: Relay::new(Some(config.media_silence_max)) }
    }

    /// A relay socket is open.
    pub fn handle_bound(&mut self, _now: Instant, _port: u16) {}

    /// A relay socket could not be opened.
    pub fn handle_bind_failed(&mut self, _now: Instant, _port: u16) {}

    /// A site's `Announce`: a session began. Its pool is emptied until `PortsReady`, and the flows of calls still alive
    /// are opened again.
    pub fn site_up(&mut self, _now: Instant, _site: SiteId, _media: IpAddr) {}

    /// A site's `PortsReady`.
    pub fn ports_ready(&mut self, _site: SiteId, _ports: &[u16]) {}

    /// A site's session is over: all its records end.
    pub fn site_ended(&mut self, _now: Instant, _site: SiteId) {}

    /// Lets silence and port retries act.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When to call [`RelayAgent::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<RatOutput> {
        None
    }

    /// All records, by dialog and media line.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        core::iter::empty()
    }
}
