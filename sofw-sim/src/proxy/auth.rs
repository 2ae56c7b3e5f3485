//! Proxy authentication, the server's side: Basic (RFC 7617) and Digest (RFC 7616).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sofw_core::base::{Instant, Rng};
use sofw_core::registrar::{Algorithm, Credentials};

use super::config::{AuthScheme, ProxyAuth};
use super::message::Head;

/// The nonces given out.
#[derive(Debug)]
pub(super) struct Gate {
    rng: Rng,
    nonces: BTreeMap<String, Nonce>,
}

#[derive(Clone, Copy, Debug)]
struct Nonce {
    since: Instant,
    /// The highest count seen.
    count: u32,
}

/// What became of a request's credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// Right but for the nonce, which is too old or was used out of order.
    Stale,
}

/// Most nonces remembered; beyond, the oldest is forgotten and its user is challenged again.
const NONCES_MAX: usize = 1_024;

impl Gate {
    pub fn new(rng: Rng) -> Gate {
        Gate { rng, nonces: BTreeMap::new() }
    }

    /// Loses all nonces.
    pub fn forget(&mut self) {
        self.nonces.clear();
    }

    pub fn check(&mut self, now: Instant, auth: &ProxyAuth, head: &Head) -> Verdict {
        let Some(value) = head.get("proxy-authorization") else { return Verdict::Wrong };
        let scheme = value.split([' ', '\t']).next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("basic") && auth.schemes.contains(&AuthScheme::Basic) {
            let pair = value.get(scheme.len()..).unwrap_or_default().trim();
            return basic(auth, pair);
        }
        match Credentials::parse(value) {
            // RFC 7616 §3.4.6: what was signed must be what is asked for.
            Some(credentials) if credentials.uri != head.target() => Verdict::Wrong,
            Some(credentials) => self.digest(now, auth, head.method(), &credentials),
            None => Verdict::Wrong,
        }
    }

    fn digest(
        &mut self,
        now: Instant,
        auth: &ProxyAuth,
        method: &str,
        credentials: &Credentials<'_>,
    ) -> Verdict {
        let offered = auth.schemes.iter().filter_map(|scheme| scheme.algorithm());
        let Some(algorithm) = offered.into_iter().find(|one| Some(*one) == credentials.algorithm) else {
            return Verdict::Wrong;
        };
        let Some((name, password)) = auth.users.iter().find(|(name, _)| *name == credentials.username) else {
            return Verdict::Wrong;
        };
        let ha1 = algorithm.hash(&[name, &auth.realm, password]);
        if credentials.realm != auth.realm || !credentials.is_right(algorithm, method, &ha1) {
            return Verdict::Wrong;
        }
        // Squid checks that the count rises by one with each request; a proxy that only wants it to rise is kinder to clients
        // whose connections overtake each other.
        let count = credentials.nonce_count().unwrap_or(0);
        match self.nonces.get_mut(&*credentials.nonce) {
            Some(nonce) if now.since(nonce.since) <= auth.nonce_life && count > nonce.count => {
                nonce.count = count;
                Verdict::Right
            }
            _ => Verdict::Stale,
        }
    }

    /// The fields of a challenge.
    pub fn challenge(&mut self, now: Instant, auth: &ProxyAuth, stale: bool) -> String {
        let nonce = self.rng.token(32);
        let realm = &auth.realm;
        let stale = if stale { ", stale=true" } else { "" };
        let mut fields = String::new();
        for scheme in &auth.schemes {
            let text = match scheme.algorithm() {
                Some(algorithm) => format!(
                    "Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\", algorithm={}{stale}",
                    algorithm.name()
                ),
                None => match scheme {
                    AuthScheme::Negotiate => "Negotiate".to_owned(),
                    AuthScheme::Ntlm => "NTLM".to_owned(),
                    _ => format!("Basic realm=\"{realm}\""),
                },
            };
            fields.push_str(&format!("Proxy-Authenticate: {text}\r\n"));
        }
        if self.nonces.len() >= NONCES_MAX {
            let oldest =
                self.nonces.iter().min_by_key(|(_, nonce)| nonce.since).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                self.nonces.remove(&oldest);
            }
        }
        self.nonces.insert(nonce, Nonce { since: now, count: 0 });
        fields
    }
}

impl AuthScheme {
    fn algorithm(self) -> Option<Algorithm> {
        match self {
            AuthScheme::DigestMd5 => Some(Algorithm::Md5),
            AuthScheme::DigestSha256 => Some(Algorithm::Sha256),
            AuthScheme::Basic | AuthScheme::Negotiate | AuthScheme::Ntlm => None,
        }
    }
}

fn basic(auth: &ProxyAuth, pair: &str) -> Verdict {
    let pair = BASE64.decode(pair).ok().and_then(|pair| String::from_utf8(pair).ok());
    let is_right = pair.as_deref().and_then(|pair| pair.split_once(':')).is_some_and(|(name, password)| {
        auth.users.iter().any(|(known, right)| known == name && right == password)
    });
    if is_right { Verdict::Right } else { Verdict::Wrong }
}
