//! Events of a machine, as log lines.

use std::collections::BTreeSet;

use smol::channel::Sender;
use sofw_core::base::{Hop, Instant, SiteId};
use sofw_core::event::DropReason;
use sofw_core::event::{Event, SipPassage};
use sofw_core::io::{IoError, ListenerId, SocketId};
use tracing::{debug, error, info, warn};

use super::log::READY;
use crate::driver::Observer;

/// A configured socket or listener could not be opened: the half cannot work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The configuration's key, e.g. `sip.listen[0]`.
    pub key: String,
    /// What could not be opened, and why.
    pub reason: String,
}

/// Logs what a machine reports, and tells whoever waits about failures.
#[derive(Debug)]
pub struct Watch {
    half: &'static str,
    sites: Vec<String>,
    failures: Sender<Failure>,
    drops: [u64; DropReason::ALL.len()],
    wrong_credentials: PerMinute,
    /// Bindings, so that their renewals, one each 90 s behind a NAT, need no line; as bounded as the location service.
    bindings: BTreeSet<(String, Hop)>,
}

impl Watch {
    /// A log of the half named `half`, whose sites have these names.
    pub fn new(half: &'static str, sites: Vec<String>, failures: Sender<Failure>) -> Self {
        Watch {
            half,
            sites,
            failures,
            drops: [0; DropReason::ALL.len()],
            wrong_credentials: PerMinute::default(),
            bindings: BTreeSet::new(),
        }
    }

    fn site(&self, site: Option<SiteId>) -> &str {
        // An HRAC has one site and does not name it.
        let index = site.map_or(0, |site| usize::from(site.0));
        self.sites.get(index).map_or("-", String::as_str)
    }

    fn failed(&self, key: String, what: String, error: &IoError) {
        // The waiting end is gone only when the process ends anyway.
        let _ = self.failures.try_send(Failure { key, reason: format!("{what}: {error}") });
    }

    /// What changed, if anything did.
    fn registered(&mut self, user: &str, hop: Hop, expires_s: u32) -> Option<&'static str> {
        let binding = (user.to_owned(), hop);
        match expires_s {
            0 => self.bindings.remove(&binding).then_some("unregistered"),
            _ => self.bindings.insert(binding).then_some("registered"),
        }
    }

    /// Says it the first time, the second, the fourth, the eighth…: a flood must not become a flood of log lines.
    fn dropped(&mut self, reason: DropReason, from: Option<core::net::SocketAddr>) {
        let at = DropReason::ALL.iter().position(|known| *known == reason);
        let Some(count) = at.and_then(|at| self.drops.get_mut(at)) else { return };
        *count += 1;
        if count.is_power_of_two() {
            let from = from.map(|from| from.to_string()).unwrap_or_default();
            warn!(reason = reason.name(), from, count, "dropped");
        }
    }
}

impl Observer for Watch {
    fn event(&mut self, now: Instant, event: &Event) {
        match event {
            Event::SocketFailed(SocketId::Sip(index), addr, error) => {
                self.failed(format!("sip.listen[{index}]"), format!("udp:{addr}"), error);
            }
            Event::SocketFailed(SocketId::Media(port), addr, error) => {
                warn!(port, %addr, %error, "a relay port cannot be opened");
            }
            Event::ListenerFailed(ListenerId::Sip(index), addr, error) => {
                self.failed(format!("sip.listen[{index}]"), format!("tcp:{addr}"), error);
            }
            Event::ListenerFailed(ListenerId::Tunnel(index), addr, error) => {
                self.failed(format!("tunnel.listen[{index}]"), format!("http:{addr}"), error);
            }
            Event::Ready => info!(target: READY, "sofw {}: ready", self.half),
            Event::TunnelUp { site, rung, round_trip, resumed } => {
                let site = self.site(*site);
                let round_trip_ms = round_trip.as_secs_f64() * 1e3;
                info!(target: READY, site, %rung, round_trip_ms, resumed, "sofw {}: tunnel up", self.half);
            }
            Event::TunnelDown { site, reason } => warn!(site = self.site(*site), reason, "tunnel down"),
            Event::ProxyAuthRequired { schemes } => error!(
                ?schemes,
                "the HTTP proxy wants credentials: write them into tunnel.proxy as http://name:password@host:port \
                 (Basic and Digest are known)"
            ),
            Event::TunnelRefused { status, advice } => error!(status, advice, "no tunnel"),
            Event::HelloRefused { peer, reason } => warn!(%peer, reason, "a tunnel was refused"),
            Event::Sip(passage) => {
                let SipPassage { from, to, start_line, call_id } = &**passage;
                debug!(%from, %to, call_id, "{start_line}");
            }
            Event::Registered { user, hop, expires_s } => match self.registered(user, *hop, *expires_s) {
                Some(what) => info!(user, %hop, expires_s, "{what}"),
                None => debug!(user, %hop, expires_s, "registered again"),
            },
            Event::AuthFailed { user, hop } => {
                if let Some(unsaid) = self.wrong_credentials.say(now) {
                    warn!(user, %hop, unsaid, "wrong credentials");
                }
            }
            Event::MediaOpen { call_id, media_line } => info!(call_id, media_line, "media open"),
            Event::MediaClosed { call_id, media_line, reason, packets: [caller, callee] } => {
                info!(call_id, media_line, reason, caller, callee, "media closed");
            }
            Event::Dropped(reason, from) => self.dropped(*reason, *from),
            Event::InvariantBroken(what) => error!(what, "a call was ended by a defect; please report it"),
        }
    }
}

/// Lets so many lines of a kind pass in a minute, and counts the others: strangers must not fill the disk.
#[derive(Debug, Default)]
struct PerMinute {
    minute: u64,
    said: u32,
    unsaid: u64,
}

impl PerMinute {
    /// Whether to say it now; if so, how many lines before were not said.
    fn say(&mut self, now: Instant) -> Option<u64> {
        let minute = now.as_secs() / 60;
        if minute != self.minute {
            (self.minute, self.said) = (minute, 0);
        }
        if self.said == LINES_PER_MINUTE {
            self.unsaid += 1;
            return None;
        }
        self.said += 1;
        Some(core::mem::take(&mut self.unsaid))
    }
}

const LINES_PER_MINUTE: u32 = 20;

#[cfg(test)]
mod tests {
    use sofw_core::base::{OutsideAddr, Transport};

    use super::*;

    #[test]
    fn a_renewed_binding_needs_no_line() {
        let mut watch = Watch::new("hras", Vec::new(), smol::channel::unbounded().0);
        let addr = ([198, 51, 100, 7], 5060).into();
        let hop = Hop::Outside(OutsideAddr { listener: 0, transport: Transport::Udp, addr });
        let said = [90, 90, 0, 90].map(|expires_s| watch.registered("bob", hop, expires_s));
        assert_eq!(said, [Some("registered"), None, Some("unregistered"), Some("registered")]);
    }

    #[test]
    fn a_flood_is_counted_and_not_said() {
        let mut lines = PerMinute::default();
        let at = |secs: u64| Instant::from_millis(secs * 1_000);
        assert!((0..20).all(|_| lines.say(at(59)) == Some(0)));
        assert!((0..80).all(|_| lines.say(at(59)).is_none()));
        assert_eq!([lines.say(at(60)), lines.say(at(60))], [Some(80), Some(0)]);
    }
}
