//! Request line and status line (RFC 3261 §7.1, §7.2).

use super::lex::{is_token, text};
use super::{Method, SipError, Uri};

/// A start line.
#[derive(Clone, Copy, Debug)]
pub(super) enum StartLine<'a> {
    Request { method: Method<'a>, uri: Uri<'a> },
    Response { status: u16, reason: &'a [u8] },
}

impl<'a> StartLine<'a> {
    /// Reads a start line without its CRLF. Exactly one SP separates its parts, none ends it (RFC 3261 §7.1;
    /// RFC 4475 §3.1.2.8 – §3.1.2.10).
    pub fn parse(line: &'a [u8]) -> Result<StartLine<'a>, SipError> {
        if line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
            return parse_status(line);
        }
        let method_len = line.iter().position(|b| !is_token(*b)).unwrap_or(line.len());
        let (method, rest) = line.split_at_checked(method_len).unwrap_or_default();
        let rest = rest.strip_prefix(b" ").ok_or(SipError::bad("Malformed request line"))?;
        let method = text(method).filter(|m| !m.is_empty()).ok_or(SipError::bad("Malformed method"))?;
        let space = memchr::memchr(b' ', rest).ok_or(SipError::bad("No SIP version in the request line"))?;
        let (uri, version) = rest.split_at_checked(space).unwrap_or_default();
        let version = version.get(1..).unwrap_or_default();
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(if is_version(version) {
                SipError { status: 505, reason: "Version Not Supported" } // RFC 4475 §3.1.2.16
            } else {
                SipError::bad("Malformed request line")
            });
        }
        let uri = text(uri).and_then(Uri::parse).ok_or(SipError::bad("Malformed Request-URI"))?;
        if uri.headers().is_some() {
            // RFC 3261 §19.1.1: not allowed there. Following them could smuggle a Route in (RFC 4475 §3.1.2.11).
            return Err(SipError::bad("Headers in the Request-URI"));
        }
        Ok(StartLine::Request { method: Method::parse(method), uri })
    }
}

fn parse_status<'a>(line: &'a [u8]) -> Result<StartLine<'a>, SipError> {
    let bad = SipError::bad("Malformed status line");
    let (version, rest) = line.split_at_checked(b"SIP/2.0".len()).ok_or(bad)?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(SipError { status: 505, reason: "Version Not Supported" });
    }
    let rest = rest.strip_prefix(b" ").ok_or(bad)?;
    let (code, rest) = rest.split_at_checked(3).ok_or(bad)?;
    let status = text(code).and_then(|c| c.parse().ok()).filter(|s| (100..700).contains(s)).ok_or(bad)?;
    // The SP before an empty reason phrase is mandatory, and some leave it out; nothing depends on it.
    let reason = if rest.is_empty() { rest } else { rest.strip_prefix(b" ").ok_or(bad)? };
    Ok(StartLine::Response { status, reason })
}

/// `SIP/1*DIGIT.1*DIGIT`.
fn is_version(version: &[u8]) -> bool {
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
        && version.get(4..).is_some_and(|rest| {
            rest.iter().position(|b| *b == b'.').is_some_and(|dot| {
                rest.get(..dot).is_some_and(digits) && rest.get(dot + 1..).is_some_and(digits)
            })
        })
}
