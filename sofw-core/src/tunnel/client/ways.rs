//! The ways out of the site, in the order of the configuration, and when to try which.

use crate::base::{Duration, Instant, Rng};
use crate::config::limits::{CREDENTIALS_PAUSE, RECONNECT_PAUSE, TUNNEL_WRITE_MAX};
use crate::config::{Proxy, TunnelVia};
use crate::io::Endpoint;
use crate::tunnel::http::proxy_auth::ProxyAuth;
use crate::tunnel::ladder::Ladder;

/// One way out and what was learned about it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub via: TunnelVia,
    pub auth: ProxyAuth,
    pub ladder: Ladder,
    /// Longest body of a short POST: [`TUNNEL_WRITE_MAX`] until the proxy says that it is too long.
    pub post_max: usize,
    /// The proxy refused our credentials; not before then.
    blocked_until: Option<Instant>,
}

/// All ways, and which is in use.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    list: Vec<Way>,
    current: usize,
}

impl Way {
    fn new(via: TunnelVia) -> Way {
        let credentials = match &via {
            TunnelVia::Direct => None,
            TunnelVia::Forward(proxy) | TunnelVia::Connect(proxy) => proxy.credentials.clone(),
        };
        Way {
            via,
            auth: ProxyAuth::new(credentials),
            ladder: Ladder::default(),
            post_max: TUNNEL_WRITE_MAX,
            blocked_until: None,
        }
    }

    /// Where its TCP connections go.
    pub fn endpoint<'a>(&'a self, server: &'a Endpoint) -> &'a Endpoint {
        match &self.via {
            TunnelVia::Direct => server,
            TunnelVia::Forward(Proxy { endpoint, .. }) | TunnelVia::Connect(Proxy { endpoint, .. }) => {
                endpoint
            }
        }
    }

    /// For the operator.
    pub fn name(&self) -> String {
        match &self.via {
            TunnelVia::Direct => "directly".to_owned(),
            TunnelVia::Forward(proxy) => format!("through the proxy {}", proxy.endpoint),
            TunnelVia::Connect(proxy) => format!("through the proxy {} by CONNECT", proxy.endpoint),
        }
    }
}

impl Ways {
    /// An empty configuration means no proxy.
    pub fn new(via: &[TunnelVia]) -> Ways {
        let via = if via.is_empty() { &[TunnelVia::Direct] } else { via };
        Ways { list: via.iter().cloned().map(Way::new).collect(), current: 0 }
    }

    pub const fn current(&self) -> usize {
        self.current
    }

    pub fn get(&self, index: usize) -> Option<&Way> {
        self.list.get(index)
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Way> {
        self.list.get_mut(index)
    }

    pub fn ladder(&self, index: usize) -> Ladder {
        self.get(index).map(|way| way.ladder).unwrap_or_default()
    }

    pub fn ladder_mut(&mut self, index: usize) -> Option<&mut Ladder> {
        self.list.get_mut(index).map(|way| &mut way.ladder)
    }

    /// Something failed on way `failed`: the next one, unless another failure has chosen it already.
    pub fn failed(&mut self, failed: usize) {
        if failed == self.current {
            self.current = (self.current + 1) % self.list.len().max(1);
        }
    }

    /// The proxy of this way refused our credentials.
    pub fn block(&mut self, index: usize, now: Instant) {
        if let Some(way) = self.list.get_mut(index) {
            way.blocked_until = Some(now + CREDENTIALS_PAUSE);
        }
    }

    /// Leaves blocked ways out; if all are blocked, says how long to wait.
    pub fn skip_blocked(&mut self, now: Instant) -> Option<Duration> {
        let is_open = |way: &Way| way.blocked_until.is_none_or(|until| until <= now);
        let count = self.list.len();
        let open = (0..count)
            .map(|step| (self.current + step) % count)
            .find(|at| self.list.get(*at).is_some_and(is_open));
        if let Some(open) = open {
            self.current = open;
            return None;
        }
        self.list.iter().filter_map(|way| way.blocked_until).min().map(|until| until.since(now))
    }

    /// The pause before attempt number `attempts` (0 is the first after a success): short for each first try of all
    /// ways, then doubling; half of it by chance, so that the sites of a restarted HRAS do not come all at once.
    pub fn pause(&self, attempts: u32, rng: &mut Rng) -> Duration {
        let rounds = attempts / u32::try_from(self.list.len()).unwrap_or(1).max(1);
        let full = RECONNECT_PAUSE.0.saturating_mul(1 << rounds.min(16)).min(RECONNECT_PAUSE.1);
        let half = full / 2;
        half + Duration::from_nanos(rng.below(u64::try_from(half.as_nanos()).unwrap_or(u64::MAX)))
    }
}
