//! Digest arithmetic and credentials (RFC 7616, RFC 8760).

use core::fmt::Write;
use std::borrow::Cow;

use md5::Md5;
use sha2::{Digest, Sha256};

/// A digest algorithm that we know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// MD5, for phones that know nothing else.
    Md5,
}

impl Algorithm {
    /// All.
    pub const ALL: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

    /// As in the `algorithm` parameter.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The hash of `parts` joined by colons, in lower-case hex.
    pub fn hash(self, parts: &[&str]) -> String {
        match self {
            Algorithm::Sha256 => joined::<Sha256>(parts),
            Algorithm::Md5 => joined::<Md5>(parts),
        }
    }
}

fn joined<D: Digest>(parts: &[&str]) -> String {
    let mut hash = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// HMAC-SHA-256 (RFC 2104) of `parts`, each preceded by its length so that they cannot run into each other.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block[..32].copy_from_slice(key);
    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    for part in parts {
        inner.update((part.len() as u64).to_be_bytes());
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// Compares without telling by its duration where the difference is.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// The value of an Authorization or Proxy-Authorization header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials<'a> {
    /// `username`.
    pub username: Cow<'a, str>,
    /// `realm`.
    pub realm: Cow<'a, str>,
    /// `nonce`.
    pub nonce: Cow<'a, str>,
    /// `uri`.
    pub uri: Cow<'a, str>,
    /// `response`.
    pub response: Cow<'a, str>,
    /// `algorithm`; `None` if it is one that we never offered.
    pub algorithm: Option<Algorithm>,
    /// `qop`, `nc` and `cnonce`, all three or none (RFC 7616 §3.4).
    pub protection: Option<(Cow<'a, str>, Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Credentials<'a> {
    /// The credentials in `value`; `None` if they are none of the Digest scheme, or incomplete.
    pub fn parse(value: &'a str) -> Option<Credentials<'a>> {
        let (scheme, mut rest) = value.trim().split_once([' ', '\t', '\r', '\n'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut found: [Option<Cow<'a, str>>; 9] = Default::default();
        while let Some((name, value, after)) = next_param(rest) {
            rest = after;
            let index = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
            if let Some(slot) = index.and_then(|index| found.get_mut(index)) {
                slot.get_or_insert(value);
            }
        }
        let [username, realm, nonce, uri, response, algorithm, qop, nc, cnonce] = found;
        let algorithm = match algorithm {
            // RFC 7616 §3.3: MD5 if absent.
            None => Some(Algorithm::Md5),
            Some(name) => Algorithm::ALL.into_iter().find(|a| a.name().eq_ignore_ascii_case(&name)),
        };
        let protection = match (qop, nc, cnonce) {
            (Some(qop), Some(nc), Some(cnonce)) => Some((qop, nc, cnonce)),
            _ => None,
        };
        Some(Credentials {
            username: username?,
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            response: response?,
            algorithm,
            protection,
        })
    }

    /// Whether `response` is right for the hashed password `ha1`. Without qop it never is: such a response could be
    /// replayed for as long as the nonce lives (RFC 7616 §3.4 makes qop mandatory).
    pub fn is_right(&self, algorithm: Algorithm, method: &str, ha1: &str) -> bool {
        let Some((qop, nc, cnonce)) = &self.protection else { return false };
        if !qop.eq_ignore_ascii_case("auth") {
            return false;
        }
        let ha2 = algorithm.hash(&[method, &self.uri]);
        let ha1 = ha1.to_ascii_lowercase();
        let expected = algorithm.hash(&[&ha1, &self.nonce, nc, cnonce, qop, &ha2]);
        same(expected.as_bytes(), self.response.to_ascii_lowercase().as_bytes())
    }

    /// The nonce count.
    pub fn nonce_count(&self) -> Option<u32> {
        let (_, nc, _) = self.protection.as_ref()?;
        u32::from_str_radix(nc, 16).ok()
    }
}

const NAMES: [&str; 9] =
    ["username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce"];

/// Splits `name = value` or `name = "quoted value"` off the front of a comma-separated list.
fn next_param(list: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let list = list.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    let (name, rest) = list.split_once('=')?;
    let rest = rest.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(',').unwrap_or(rest.len());
        let (value, after) = rest.split_at_checked(end)?;
        return Some((name.trim(), Cow::Borrowed(value.trim()), after));
    };
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let (value, after) = quoted.split_at_checked(end)?;
    Some((name.trim(), unescape(value), after.get(1..)?))
}

/// Resolves quoted pairs (RFC 3261 §25.1).
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    Cow::Owned(out)
}
