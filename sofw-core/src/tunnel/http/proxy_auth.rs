//! Credentials for an HTTP proxy: Basic (RFC 7617) and Digest (RFC 7616; MD5 and SHA-256, qop=auth or none).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::challenge::{Challenge, challenges};
use super::head::Headers;
use crate::base::Rng;

/// What we know about one proxy's wishes.
#[derive(Clone, Debug)]
pub struct ProxyAuth {
    credentials: Option<Credentials>,
    scheme: Option<Scheme>,
    /// Answers 407 in a row to requests that carried credentials.
    refusals: u32,
}

/// What to do after a 407.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Send the request again, with [`ProxyAuth::header`].
    Retry,
    /// No scheme fits, or the credentials were refused. Schemes as offered.
    Refused {
        /// E.g. `["Negotiate", "NTLM"]`.
        schemes: Vec<String>,
        /// Credentials were sent and did not help. Trying again may lock the account.
        tried: bool,
    },
}

#[derive(Clone)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Clone, Debug)]
enum Scheme {
    Basic,
    Digest(Digest),
}

#[derive(Clone, Debug)]
struct Digest {
    algorithm: Algorithm,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// The server offered `qop=auth`; without qop the older form of RFC 2069 is used.
    auth: bool,
    /// Requests sent with this nonce (RFC 7616 §3.4: nc).
    count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Algorithm {
    Md5,
    Sha256,
}

/// 407 answers to one pair of credentials before we give up: the first may be a nonce used out of order by parallel
/// connections (Squid checks the order of nc).
const REFUSALS_MAX: u32 = 2;
/// The same with `stale=true`, which says that the password is right.
const STALE_MAX: u32 = 5;

impl ProxyAuth {
    /// For one proxy.
    pub fn new(credentials: Option<(String, String)>) -> ProxyAuth {
        let credentials = credentials.map(|(name, password)| Credentials { name, password });
        ProxyAuth { credentials, scheme: None, refusals: 0 }
    }

    /// Takes the fields of a 407 response. `sent`: the request carried our credentials.
    pub fn challenged(&mut self, headers: &Headers<'_>, sent: bool) -> Verdict {
        let offered: Vec<Challenge> = headers.all("proxy-authenticate").flat_map(challenges).collect();
        let best = offered.iter().filter_map(Scheme::of).max_by_key(Scheme::rank);
        let stale = offered
            .iter()
            .any(|one| one.param("stale").is_some_and(|value| value.eq_ignore_ascii_case("true")));
        if sent {
            self.refusals += 1;
        }
        let allowed = match best {
            Some(Scheme::Basic) | None => 1,
            Some(Scheme::Digest(_)) if stale => STALE_MAX,
            Some(Scheme::Digest(_)) => REFUSALS_MAX,
        };
        if best.is_some() && self.credentials.is_some() && self.refusals < allowed {
            self.scheme = best;
            return Verdict::Retry;
        }
        let tried = self.refusals > 0;
        self.scheme = None;
        self.refusals = 0;
        let mut schemes: Vec<String> = Vec::new();
        for challenge in offered {
            if !schemes.contains(&challenge.scheme) {
                schemes.push(challenge.scheme);
            }
        }
        Verdict::Refused { schemes, tried }
    }

    /// A request with our credentials was answered by something other than 407.
    pub fn accepted(&mut self) {
        self.refusals = 0;
    }

    /// Whether the proxy is known to want credentials that we can give.
    pub const fn is_wanted(&self) -> bool {
        self.scheme.is_some()
    }

    /// The value of Proxy-Authorization for a request, if the proxy is known to want one.
    pub fn header(&mut self, method: &str, target: &str, rng: &mut Rng) -> Option<String> {
        let credentials = self.credentials.as_ref()?;
        match self.scheme.as_mut()? {
            Scheme::Basic => {
                let pair = format!("{}:{}", credentials.name, credentials.password);
                Some(format!("Basic {}", BASE64.encode(pair)))
            }
            Scheme::Digest(digest) => {
                digest.count = digest.count.saturating_add(1);
                Some(digest.answer(credentials, method, target, &rng.token(16)))
            }
        }
    }
}

impl Scheme {
    /// The scheme of a challenge, if we can answer it.
    fn of(challenge: &Challenge) -> Option<Scheme> {
        if challenge.scheme.eq_ignore_ascii_case("basic") {
            return Some(Scheme::Basic);
        }
        if !challenge.scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let algorithm = match challenge.param("algorithm") {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("md5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("sha-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let auth = match challenge.param("qop") {
            None => false,
            Some(offered) if offered.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) => true,
            Some(_) => return None,
        };
        Some(Scheme::Digest(Digest {
            algorithm,
            realm: challenge.param("realm")?.to_owned(),
            nonce: challenge.param("nonce")?.to_owned(),
            opaque: challenge.param("opaque").map(str::to_owned),
            auth,
            count: 0,
        }))
    }

    /// RFC 7616 §3.7 leaves the choice to the client: the strongest.
    fn rank(&self) -> u8 {
        match self {
            Scheme::Basic => 0,
            Scheme::Digest(Digest { algorithm: Algorithm::Md5, .. }) => 1,
            Scheme::Digest(Digest { algorithm: Algorithm::Sha256, .. }) => 2,
        }
    }
}

impl Digest {
    /// RFC 7616 §3.4.
    fn answer(&self, credentials: &Credentials, method: &str, target: &str, cnonce: &str) -> String {
        let name = &credentials.name;
        let hash = |text: String| self.algorithm.hex(&text);
        let ha1 = hash(format!("{name}:{}:{}", self.realm, credentials.password));
        let ha2 = hash(format!("{method}:{target}"));
        let count = self.count;
        let response = if self.auth {
            hash(format!("{ha1}:{}:{count:08x}:{cnonce}:auth:{ha2}", self.nonce))
        } else {
            hash(format!("{ha1}:{}:{ha2}", self.nonce))
        };
        let mut header = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={}",
            quoted(name),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(target),
            self.algorithm.name(),
        );
        if self.auth {
            header.push_str(&format!(", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            header.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        header
    }
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn hex(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

impl core::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The header value with a chosen cnonce, for the examples of the RFC.
#[cfg(test)]
pub(super) fn answer_for_test(auth: &mut ProxyAuth, method: &str, target: &str, cnonce: &str) -> String {
    match (&auth.credentials, &mut auth.scheme) {
        (Some(credentials), Some(Scheme::Digest(digest))) => {
            digest.count += 1;
            digest.answer(credentials, method, target, cnonce)
        }
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A quoted-string (RFC 9110 §5.6.4). Control characters cannot be said in one and would end the header line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}
