//! The record-routing proxy (paper P5, P6).

mod relay;

pub use relay::{BranchId, Forward, RelayModule};

use crate::base::{Deadline, Hop, Instant, Payload, Rng, SiteId};
use crate::config::HrasConfig;
use crate::event::Event;
use crate::tunnel::RaHeader;

/// What the SIP server wants done.
#[derive(Clone, Debug)]
pub enum SipOutput {
    /// Send one SIP message.
    Send {
        /// Where to: for TCP the connection with that peer, opened if there is none.
        to: Hop,
        /// The message.
        message: Payload,
    },
    /// Something an operator may want to know.
    Event(Event),
}

/// A registered contact, for status pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BindingInfo {
    /// The user part of the address-of-record.
    pub user: String,
    /// Where requests for this contact are sent.
    pub hop: Hop,
    /// The contact URI, as registered.
    pub contact: String,
    /// Seconds until it expires.
    pub remaining_s: u32,
}

/// HRAS's SIP element: registrar and transaction-stateful, record-routing proxy.
#[derive(Debug)]
pub struct SipServer {}

impl SipServer {
    /// A server for the users and listeners of `config`.
    pub fn new(config: &HrasConfig, rng: Rng, now: Instant) -> Self {
        let _ = (config, rng, now);
        SipServer {}
    }

    /// Takes one message: a datagram, or one framed message of a TCP connection.
    pub fn handle_message(&mut self, now: Instant, from: Hop, bytes: &[u8], relay: &mut impl RelayModule) {
        let _ = (now, from, bytes, relay);
    }

    /// A message to this hop could not be delivered (RFC 3261 §16.9, §18.4).
    pub fn handle_undelivered(&mut self, now: Instant, to: Hop, relay: &mut impl RelayModule) {
        let _ = (now, to, relay);
    }

    /// A site's HRAC announced its SIP addresses on the LAN.
    pub fn site_up(&mut self, now: Instant, site: SiteId, interfaces: &[RaHeader]) {
        let _ = (now, site, interfaces);
    }

    /// A site's session is over: calls through it end; bindings stay until they expire.
    pub fn site_ended(&mut self, now: Instant, site: SiteId, relay: &mut impl RelayModule) {
        let _ = (now, site, relay);
    }

    /// Lets due timers act.
    pub fn handle_timeout(&mut self, now: Instant, relay: &mut impl RelayModule) {
        let _ = (now, relay);
    }

    /// When to call [`SipServer::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<SipOutput> {
        None
    }

    /// All bindings at `now`.
    pub fn bindings(&self, now: Instant) -> Vec<BindingInfo> {
        let _ = now;
        Vec::new()
    }

    /// How many dialogs are remembered.
    pub fn dialogs(&self) -> usize {
        0
    }

    /// How many transactions exist, server and client ones together.
    pub fn transactions(&self) -> usize {
        0
    }
}
