//! Digest authentication, the client's side (RFC 7616, RFC 8760; RFC 3261 §22).

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::base::Rng;

/// A challenge that was received, and how often it was used.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    /// From Proxy-Authenticate (407) rather than WWW-Authenticate (401).
    pub proxy: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    qop_auth: bool,
    stale: bool,
    count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Challenge {
    /// From the header's value; `None` if the scheme or the algorithm is not ours.
    pub fn parse(value: &str, proxy: bool) -> Option<Challenge> {
        let (scheme, rest) = value.trim().split_once(char::is_whitespace)?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let params = parameters(rest);
        let get =
            |name: &str| params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
        let algorithm = match get("algorithm") {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        Some(Challenge {
            proxy,
            realm: get("realm")?.into(),
            nonce: get("nonce")?.into(),
            opaque: get("opaque").map(Into::into),
            algorithm,
            qop_auth: get("qop").is_some_and(|q| q.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth"))),
            stale: get("stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
            count: 0,
        })
    }

    /// Whether this replaces `other`: same protection space.
    pub fn replaces(&self, other: &Challenge) -> bool {
        self.proxy == other.proxy && self.realm == other.realm
    }

    /// Whether only the nonce was too old: the password is right.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Name of the header that answers.
    pub fn header(&self) -> &'static str {
        if self.proxy { "Proxy-Authorization" } else { "Authorization" }
    }

    /// Value of the header that answers, for a request `method uri`.
    pub fn answer(&mut self, rng: &mut Rng, user: &str, password: &str, method: &str, uri: &str) -> String {
        self.count += 1;
        let cnonce = rng.token(16);
        let ha1 = self.hash(&format!("{user}:{}:{password}", self.realm));
        let ha2 = self.hash(&format!("{method}:{uri}"));
        let nc = format!("{:08x}", self.count);
        let response = if self.qop_auth {
            self.hash(&format!("{ha1}:{}:{nc}:{cnonce}:auth:{ha2}", self.nonce))
        } else {
            self.hash(&format!("{ha1}:{}:{ha2}", self.nonce))
        };
        let name = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        };
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={name}",
            self.realm, self.nonce
        );
        if self.qop_auth {
            value.push_str(&format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        value
    }

    fn hash(&self, text: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// `name=value` pairs; values may be quoted, with escapes.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while let Some((name, after)) = rest.split_once('=') {
        let mut value = String::new();
        let after = after.trim_start();
        let end = if after.starts_with('"') {
            let (mut escaped, mut end) = (false, after.len());
            for (at, c) in after.char_indices().skip(1) {
                match c {
                    '\\' if !escaped => escaped = true,
                    '"' if !escaped => {
                        end = at + 1;
                        break;
                    }
                    c => {
                        value.push(c);
                        escaped = false;
                    }
                }
            }
            end
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value.push_str(after[..end].trim());
            end
        };
        out.push((name.trim().to_owned(), value));
        rest = after[end..].trim_start_matches([' ', '\t', ',']);
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_qop_it_is_the_example_of_rfc_2617_3_5() {
        // The example's values, computed without qop as RFC 2069 clients do.
        let mut challenge =
            Challenge::parse("Digest realm=\"testrealm@host.com\", nonce=\"abc\"", false).unwrap();
        let value = challenge.answer(&mut Rng::new([0; 32]), "Mufasa", "Circle", "GET", "/dir/index.html");
        let ha1 = hex(&Md5::digest("Mufasa:testrealm@host.com:Circle"));
        let ha2 = hex(&Md5::digest("GET:/dir/index.html"));
        assert_eq!(ha2, "39aff3a2bab6126f332b942af96d3366");
        assert!(value.contains(&hex(&Md5::digest(format!("{ha1}:abc:{ha2}")))));
    }

    #[test]
    fn quoted_commas_and_escapes_are_read() {
        let text =
            "Digest qop=\"auth,auth-int\", realm=\"a, \\\"b\\\"\",nonce=\"n=1\",stale=TRUE,algorithm=SHA-256";
        let challenge = Challenge::parse(text, true).unwrap();
        assert_eq!(challenge.realm, "a, \"b\"");
        assert_eq!(challenge.nonce, "n=1");
        assert!(challenge.qop_auth && challenge.stale && challenge.algorithm == Algorithm::Sha256);
    }

    #[test]
    fn foreign_schemes_and_algorithms_are_refused() {
        assert!(Challenge::parse("Basic realm=\"x\"", false).is_none());
        assert!(Challenge::parse("Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256", false).is_none());
        assert!(Challenge::parse("Digest nonce=\"y\"", false).is_none());
        assert!(Challenge::parse("", false).is_none());
    }

    #[test]
    fn the_count_rises_with_each_use() {
        let mut challenge = Challenge::parse("Digest realm=\"x\", nonce=\"y\", qop=\"auth\"", false).unwrap();
        let mut rng = Rng::new([0; 32]);
        assert!(challenge.answer(&mut rng, "u", "p", "REGISTER", "sip:x").contains("nc=00000001"));
        assert!(challenge.answer(&mut rng, "u", "p", "REGISTER", "sip:x").contains("nc=00000002"));
    }
}
