//! HRAS's SIP element: the record-routing proxy (paper P5, P6) with its registrar (P4).
//!
//! ```text
//!            handle_message ─▶ parse, Via stamped ─┬▶ request:  match a transaction ─▶ validate ─▶ target ─▶ forward
//!                                                  └▶ response: match a branch ─▶ relay ─▶ best of a fork ─▶ upstream
//! Context = server transaction + what its branches answered        Branch = client transaction of one copy
//! ```
//!
//! Invariants: one final response per request (several 2xx for INVITE); every context and branch has a deadline that
//! ends it; no deadline is left that is due; every request that leaves has passed the [`RelayModule`] once per copy. A dialog is only forwarded into if
//! it is in the table, except from a site whose Route says where it leads.
//!
//! Absent: sockets, names (no DNS: only numeric targets outside), TLS, and serialisation (messages are edited in place).

mod authorize;
mod cancel;
mod dialogs;
mod forward;
mod hang_up;
mod learn;
mod local;
mod relay;
mod request;
mod response;
mod route;
mod spaces;
mod state;
mod target;
mod timers;

pub use relay::{BranchId, Forward, RelayModule};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::{Deadline, Expiring, Hop, Instant, Payload, Rng, SiteId};
use crate::config::{HrasConfig, limits};
use crate::event::Event;
use crate::fill::Fill;
use crate::registrar::{Authenticator, Location};
use crate::transaction::{ClientKey, ServerKey};
use crate::tunnel::RaHeader;
use dialogs::Dialogs;
use spaces::Spaces;
use state::{Branch, Context, Timer};

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
pub struct SipServer {
    spaces: Spaces,
    auth: Authenticator,
    location: Location,
    /// See [`HrasConfig::outside_calls`].
    outside_calls: bool,
    dialogs: Dialogs,
    contexts: BTreeMap<u64, Context>,
    by_server_key: BTreeMap<ServerKey, u64>,
    branches: BTreeMap<BranchId, Branch>,
    by_client_key: BTreeMap<ClientKey, BranchId>,
    by_hop: BTreeSet<(Hop, BranchId)>,
    timers: Expiring<Timer>,
    rng: Rng,
    loop_secret: [u8; 32],
    /// Bytes of the requests in `contexts` and `branches`.
    kept_bytes: usize,
    next_context: u64,
    next_branch: u64,
    out: VecDeque<SipOutput>,
    /// [`limits::TRANSACTIONS_MAX`], [`limits::OUTSIDE_TRANSACTIONS_MAX`] and [`limits::TRANSACTION_BYTES_MAX`]; tests
    /// take less.
    transactions_max: usize,
    outside_transactions_max: usize,
    transaction_bytes_max: (usize, usize),
}

impl SipServer {
    /// A server for the users and listeners of `config`.
    pub fn new(config: &HrasConfig, rng: Rng, _now: Instant) -> Self {
        let mut loop_secret = [0; 32];
        rng.fork("loop detection").fill(&mut loop_secret);
        SipServer {
            spaces: Spaces::new(config),
            auth: Authenticator::new(config, &mut rng.fork("nonces")),
            location: Location::default(),
            outside_calls: config.outside_calls,
            dialogs: Dialogs::new(),
            contexts: BTreeMap::new(),
            by_server_key: BTreeMap::new(),
            branches: BTreeMap::new(),
            by_client_key: BTreeMap::new(),
            by_hop: BTreeSet::new(),
            timers: Expiring::new("SIP transaction"),
            rng: rng.fork("tags and branches"),
            loop_secret,
            kept_bytes: 0,
            next_context: 0,
            next_branch: 0,
            out: VecDeque::new(),
            transactions_max: limits::TRANSACTIONS_MAX,
            outside_transactions_max: limits::OUTSIDE_TRANSACTIONS_MAX,
            transaction_bytes_max: limits::TRANSACTION_BYTES_MAX,
        }
    }

    /// Takes one message: a datagram, or one framed message of a TCP connection.
    pub fn handle_message(&mut self, now: Instant, from: Hop, bytes: &[u8], relay: &mut impl RelayModule) {
        self.on_message(now, from, bytes, relay);
        self.on_timeout(now, relay);
    }

    /// A message to this hop could not be delivered: requests under way to it fail as if answered 503 (RFC 3261 §16.9).
    pub fn handle_undelivered(&mut self, now: Instant, to: Hop, relay: &mut impl RelayModule) {
        self.on_undelivered(now, to, relay);
        self.on_timeout(now, relay);
    }

    /// A site's HRAC announced its SIP addresses on the LAN.
    pub fn site_up(&mut self, _now: Instant, site: SiteId, interfaces: &[RaHeader]) {
        self.spaces.set_site(site, interfaces);
    }

    /// A site's session is over: calls through it end, and the other side is told by BYE; bindings stay until they
    /// expire.
    pub fn site_ended(&mut self, now: Instant, site: SiteId, relay: &mut impl RelayModule) {
        self.on_site_ended(now, site, relay);
        self.on_timeout(now, relay);
    }

    /// Lets due timers act.
    pub fn handle_timeout(&mut self, now: Instant, relay: &mut impl RelayModule) {
        self.on_timeout(now, relay);
    }

    /// When to call [`SipServer::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let records = Deadline::earlier(self.dialogs.poll_timeout(), self.location.poll_timeout());
        Deadline::earlier(self.timers.next(), records)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<SipOutput> {
        self.out.pop_front()
    }

    /// All bindings at `now`.
    pub fn bindings(&self, now: Instant) -> Vec<BindingInfo> {
        let info = |(user, binding): (&str, &crate::registrar::Binding)| BindingInfo {
            user: user.to_owned(),
            hop: binding.hop,
            contact: binding.contact.clone(),
            remaining_s: binding.remaining_s(now),
        };
        self.location.all(now).map(info).collect()
    }

    /// Whether `user` has a binding at `now`.
    pub fn has_binding(&self, now: Instant, user: &str) -> bool {
        self.location.of(now, user).next().is_some()
    }

    /// How many dialogs are remembered, early ones too.
    pub fn dialogs(&self) -> usize {
        self.dialogs.len()
    }

    /// How many transactions exist, server and client ones together.
    pub fn transactions(&self) -> usize {
        self.contexts.len() + self.branches.len()
    }

    /// How many of the transactions are registrations: phones that refresh theirs often always have one, also without a call.
    pub fn registering(&self) -> usize {
        self.contexts.values().filter(|context| context.request.starts_with(b"REGISTER ")).count()
    }

    /// How full its tables are.
    pub fn fills(&self) -> [Fill; 4] {
        [
            Fill::new("bindings of one user", self.location.most_of_one(), limits::USER_BINDINGS_MAX),
            Fill::new("SIP transactions", self.transactions(), self.transactions_max),
            Fill::new("requests kept, bytes", self.kept_bytes, self.transaction_bytes_max.0),
            Fill::new("SIP dialogs", self.dialogs(), limits::DIALOGS_MAX),
        ]
    }

    fn send(&mut self, to: Hop, message: Payload) {
        self.out.push_back(SipOutput::Send { to, message });
    }

    fn event(&mut self, event: Event) {
        self.out.push_back(SipOutput::Event(event));
    }
}

#[cfg(test)]
mod tests;
