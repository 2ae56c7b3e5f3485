//! URIs (RFC 3261 §19.1) and hosts.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::borrow::Cow;

use super::lex::text;

/// A URI, taken apart. Of schemes other than `sip` and `sips` only the scheme is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uri<'a> {
    whole: &'a str,
    scheme: &'a str,
    userinfo: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: &'a str,
    headers: Option<&'a str>,
}

impl<'a> Uri<'a> {
    /// Takes `whole` apart; `None` if it is no URI, or no valid SIP URI.
    pub fn parse(whole: &'a str) -> Option<Uri<'a>> {
        let colon = whole.bytes().position(|b| b == b':')?;
        let (scheme, rest) = (whole.get(..colon)?, whole.get(colon + 1..)?);
        let valid_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        // Bytes that would end the URI wherever it is written next: in a start line, or between < and >.
        let breaks = |b: u8| b <= b' ' || matches!(b, b'"' | b'<' | b'>' | 0x7f);
        if !valid_scheme || rest.is_empty() || rest.bytes().any(breaks) {
            return None;
        }
        let mut uri = Uri { whole, scheme, userinfo: None, host: "", port: None, params: "", headers: None };
        if !uri.is_sip() {
            return Some(uri);
        }
        // The user part may hold `;`, `?`, `,` and `/`, but no `@` (RFC 4475 §3.1.1.9), so `@` is looked for first.
        let mut rest = rest;
        if let Some(at) = memchr::memchr(b'@', rest.as_bytes()) {
            uri.userinfo = Some(rest.get(..at)?);
            rest = rest.get(at + 1..)?;
            if at == 0 {
                return None;
            }
        }
        let len = host_len(rest.as_bytes());
        uri.host = rest.get(..len).filter(|host| Host::is_valid(host))?;
        rest = rest.get(len..)?;
        if let Some(after) = rest.strip_prefix(':') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            uri.port = Some(after.get(..digits)?.parse().ok()?);
            rest = after.get(digits..)?;
        }
        if rest.is_empty() {
            return Some(uri);
        }
        if let Some(mark) = rest.bytes().position(|b| b == b'?') {
            uri.headers = rest.get(mark + 1..);
            rest = rest.get(..mark)?;
        }
        // A second `@` would make two readers see two hosts.
        if (!rest.is_empty() && !rest.starts_with(';')) || rest.bytes().any(|b| b == b'@') {
            return None;
        }
        uri.params = rest;
        Some(uri)
    }

    /// The whole URI as written.
    pub const fn as_str(&self) -> &'a str {
        self.whole
    }

    /// The scheme as written; compare without case.
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether the scheme is `sip` or `sips`.
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sip") || self.is_sips()
    }

    /// Whether the scheme is `sips`.
    pub fn is_sips(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sips")
    }

    /// The user part as written, without a password.
    pub fn user(&self) -> Option<&'a str> {
        self.userinfo.map(|info| info.split_once(':').map_or(info, |(user, _)| user))
    }

    /// The user part with its %-escapes resolved: `%61lice` is `alice` (RFC 3261 §19.1.4).
    pub fn user_unescaped(&self) -> Option<Cow<'a, str>> {
        self.user().map(unescape)
    }

    /// The host. Empty for schemes other than `sip` and `sips`.
    pub fn host(&self) -> Host<'a> {
        Host::of_valid(self.host)
    }

    /// The port, if written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a URI parameter: `Some("")` for a flag such as `lr`.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.unwrap_or(""))
    }

    /// All URI parameters.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.params.split(';').filter(|p| !p.is_empty()).map(|param| match param.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (param, None),
        })
    }

    /// What stands after `?`, if anything.
    pub const fn headers(&self) -> Option<&'a str> {
        self.headers
    }

    /// Whether two URIs are the same (RFC 3261 §19.1.4).
    pub fn is_equivalent(&self, other: &Uri<'_>) -> bool {
        if !self.is_sip() || !other.is_sip() {
            return self.whole == other.whole;
        }
        let same_users = match (self.userinfo, other.userinfo) {
            (Some(a), Some(b)) => unescape(a) == unescape(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        // A parameter that only one of them has is ignored, except these (same section).
        let must_match =
            |name: &str| ["user", "ttl", "method", "maddr"].iter().any(|m| m.eq_ignore_ascii_case(name));
        let params_of = |a: &Uri<'_>, b: &Uri<'_>| {
            // Of a parameter that stands there twice, which is an error, the first counts.
            a.params().all(|(name, _)| match (a.param(name), b.param(name)) {
                (Some(ours), Some(theirs)) => unescape(ours).eq_ignore_ascii_case(&unescape(theirs)),
                _ => !must_match(name),
            })
        };
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && same_users
            && self.host().is_same(&other.host())
            && self.port == other.port
            && params_of(self, other)
            && params_of(other, self)
            && self.headers == other.headers
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.whole)
    }
}

/// A host: name or address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host<'a> {
    /// A domain name.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 reference, without its brackets.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// The host written `text`: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn parse(text: &'a str) -> Option<Host<'a>> {
        if text.starts_with('[') {
            return match ip_literal(text)? {
                IpAddr::V6(addr) => Some(Host::V6(addr)),
                IpAddr::V4(_) => None,
            };
        }
        if text.is_empty() {
            return None;
        }
        if text.as_bytes().last().is_some_and(u8::is_ascii_digit) {
            if let Ok(addr) = text.parse() {
                return Some(Host::V4(addr));
            }
        }
        Some(Host::Name(text))
    }

    /// Whether `text`, as cut by [`host_len`], is a host.
    pub(super) fn is_valid(text: &str) -> bool {
        if text.starts_with('[') { ip_literal(text).is_some_and(|ip| ip.is_ipv6()) } else { !text.is_empty() }
    }

    /// The host written `text`, which has been found valid.
    pub(super) fn of_valid(text: &'a str) -> Host<'a> {
        Host::parse(text).unwrap_or(Host::Name(text))
    }

    /// The address, if it is one.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(addr) => Some(IpAddr::V4(*addr)),
            Host::V6(addr) => Some(IpAddr::V6(*addr)),
        }
    }

    /// Whether two hosts are written for the same thing. No names are resolved.
    pub fn is_same(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            // A last dot only says that nothing follows (RFC 1034 §3.1).
            (Host::Name(a), Host::Name(b)) => {
                let [a, b] = [a, b].map(|name| name.strip_suffix('.').unwrap_or(name));
                a.eq_ignore_ascii_case(b)
            }
            (a, b) => a.ip().is_some() && a.ip() == b.ip(),
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(addr) => addr.fmt(f),
            Host::V6(addr) => write!(f, "[{addr}]"),
        }
    }
}

/// How many bytes of `bytes` belong to the host at its start.
pub(super) fn host_len(bytes: &[u8]) -> usize {
    if bytes.first() == Some(&b'[') {
        return memchr::memchr(b']', bytes).map_or(0, |at| at + 1);
    }
    // RFC 1123 letters, digits, hyphens and dots; underscores are common in private networks.
    bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')).count()
}

/// An address, IPv6 with or without brackets.
pub(super) fn ip_literal(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').map_or(Some(text), |t| t.strip_suffix(']'))?;
    if let Ok(addr) = inner.parse() {
        return Some(addr);
    }
    // RFC 5118 §4.10: a grammar bug lets `2001:db8:::192.0.2.1` through; it means two colons.
    let (before, after) = inner.split_once(":::")?;
    let mut fixed = [0_u8; 48];
    let mut len = 0;
    for part in [before, "::", after] {
        fixed.get_mut(len..len + part.len())?.copy_from_slice(part.as_bytes());
        len += part.len();
    }
    text_of(&fixed, len)?.parse().ok()
}

fn text_of(bytes: &[u8], len: usize) -> Option<&str> {
    text(bytes.get(..len)?)
}

/// Resolves %-escapes. What is no escape, or yields no UTF-8, stays as written.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, hex(after.first()), hex(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}
