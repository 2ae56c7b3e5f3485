//! The text of a SIP message with its endpoints replaced.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::{AlgParams, SIP_PORT};

/// What becomes of endpoints.
pub(super) trait Names {
    /// The address that is replaced.
    fn host(&self) -> Ipv4Addr;
    /// The address that SDP gets for it.
    fn other_host(&self) -> Ipv4Addr;
    /// What stands for this port of it.
    fn endpoint(&mut self, port: u16) -> Option<SocketAddrV4>;
    /// Which port stands for this media port of it.
    fn media(&mut self, port: u16) -> Option<u16>;
}

/// Where endpoints are replaced in one direction.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    request_line: bool,
    body: bool,
}

impl Scope {
    /// Our requests lead with our Via. The first one of our responses is the other's and holds no address of ours.
    pub(super) const OUT: Scope = Scope { request_line: false, body: true };
    /// What was put in on the way out is taken out again; the other's SDP stays.
    pub(super) const IN: Scope = Scope { request_line: true, body: false };
}

/// The changed message; `None` if nothing in it changes.
pub(super) fn rewritten(
    message: &[u8],
    params: &AlgParams,
    scope: Scope,
    names: &mut dyn Names,
) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(message).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let changes_body = params.rewrites_sdp && scope.body && body.starts_with("v=0");
    let new_body = if changes_body { sdp(body, names) } else { body.to_owned() };
    let mut new = String::with_capacity(text.len() + SPARE);
    let (start_line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    if scope.request_line && params.rewrites_contact && !start_line.starts_with("SIP/2.0") {
        endpoints(start_line, names, &mut new);
    } else {
        new.push_str(start_line);
    }
    let mut via_seen = false;
    for line in headers.split("\r\n").filter(|_| !headers.is_empty()) {
        new.push_str("\r\n");
        let name = line.split(':').next().unwrap_or_default().trim_end();
        let is =
            |full: &str, compact: &str| name.eq_ignore_ascii_case(full) || name.eq_ignore_ascii_case(compact);
        let top_via = is("via", "v") && !core::mem::replace(&mut via_seen, true);
        if top_via && params.rewrites_via || is("contact", "m") && params.rewrites_contact {
            endpoints(line, names, &mut new);
        } else if is("content-length", "l") && !params.breaks_content_length && new_body.len() != body.len() {
            new.push_str(name);
            new.push_str(": ");
            new.push_str(&new_body.len().to_string());
        } else {
            new.push_str(line);
        }
    }
    new.push_str("\r\n\r\n");
    new.push_str(&new_body);
    (new != text).then(|| new.into_bytes())
}

/// A line with every `host` and `host:port` replaced. Where no port stands, 5060 is meant (RFC 3261 §19.1.2).
fn endpoints(line: &str, names: &mut dyn Names, new: &mut String) {
    let host = names.host().to_string();
    let mut rest = line;
    while let Some(at) = rest.find(&host) {
        let (before, from) = rest.split_at(at);
        let after = &from[host.len()..];
        new.push_str(before);
        let (port, tail) = port_of(after);
        let whole = !continues(before.chars().next_back()) && !continues(after.chars().next());
        match names.endpoint(port.unwrap_or(SIP_PORT)).filter(|_| whole) {
            Some(to) if port.is_none() && to.port() == SIP_PORT => new.push_str(&to.ip().to_string()),
            Some(to) => new.push_str(&to.to_string()),
            None => new.push_str(&from[..from.len() - tail.len()]),
        }
        rest = tail;
    }
    new.push_str(rest);
}

/// The port behind a host, and what follows.
fn port_of(text: &str) -> (Option<u16>, &str) {
    let Some(digits) = text.strip_prefix(':') else { return (None, text) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match digits[..end].parse() {
        Ok(port) => (Some(port), &digits[end..]),
        Err(_) => (None, text),
    }
}

/// Whether a character beside an address says that it is part of a longer word.
fn continues(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

/// A session description with the host in `c=` and `o=` replaced, and media ports that are the host's (RFC 8866 §5.7, §5.14).
fn sdp(body: &str, names: &mut dyn Names) -> String {
    let lines: Vec<&str> = body.split_inclusive('\n').collect();
    let host = names.host().to_string();
    let other = names.other_host().to_string();
    let is_ours = |line: &str| {
        line.trim_end().strip_prefix("c=IN IP4 ").map(|addr| addr.split('/').next() == Some(&host))
    };
    let first_media = lines.iter().position(|line| line.starts_with("m=")).unwrap_or(lines.len());
    let session = lines[..first_media].iter().find_map(|line| is_ours(line)).unwrap_or(false);
    let mut new = String::with_capacity(body.len() + SPARE);
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with("m=") {
            let section = lines[index + 1..].iter().take_while(|line| !line.starts_with("m="));
            let ours = section.into_iter().find_map(|line| is_ours(line)).unwrap_or(session);
            new.push_str(&if ours { media(line, names) } else { None }.unwrap_or_else(|| (*line).to_owned()));
        } else if is_ours(line) == Some(true) || line.starts_with("o=") {
            new.push_str(&last_word(line, &host, &other));
        } else {
            new.push_str(line);
        }
    }
    new
}

/// `m=audio 4000 RTP/AVP 0` with another port. Port 0 stays: the media is off.
fn media(line: &str, names: &mut dyn Names) -> Option<String> {
    let (kind, rest) = line.split_once(' ')?;
    let (port, rest) = rest.split_once(' ')?;
    let port = port.parse().ok().filter(|&port| port != 0)?;
    Some(format!("{kind} {} {rest}", names.media(port)?))
}

/// A line whose last word, `host`, is replaced.
fn last_word(line: &str, host: &str, other: &str) -> String {
    let content = line.trim_end();
    match content.strip_suffix(host).filter(|before| before.ends_with(' ')) {
        Some(before) => format!("{before}{other}{}", &line[content.len()..]),
        None => line.to_owned(),
    }
}

/// Addresses grow by so much at most, in all of a message.
const SPARE: usize = 64;
