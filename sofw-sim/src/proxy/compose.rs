//! Heads as they are sent on.

use core::net::{IpAddr, SocketAddr};
use std::io::Write as _;

use sofw_core::io::Endpoint;

use super::config::{Expect, ProxyConfig};
use super::connection::{Exchange, Kind};
use super::message::{Head, Length, Start};

/// What a request is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    /// Path and query; empty for CONNECT.
    pub path: String,
    /// The value of Host.
    authority: String,
    /// The fixed server of a reverse proxy.
    pub to: Option<SocketAddr>,
}

impl Target {
    /// From a request's target and Host (RFC 9112 §3.2).
    pub fn of(config: &ProxyConfig, head: &Head) -> Option<Target> {
        let target = head.target();
        if head.method() == "CONNECT" {
            let (host, port) = authority(target, None)?;
            return Some(Target { host, port, path: String::new(), authority: target.to_owned(), to: None });
        }
        let scheme = "http://";
        let is_absolute = target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        let (named, path) = if is_absolute {
            let rest = target.get(scheme.len()..)?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let path = rest.get(end..)?;
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            (rest.get(..end)?, path)
        } else if target.starts_with('/') && (config.origin.is_some() || config.intercepts) {
            (head.get("host")?, target.to_owned())
        } else {
            return None;
        };
        let (host, port) = authority(named, Some(80))?;
        Some(Target { host, port, path, authority: named.to_owned(), to: config.origin })
    }
}

/// Splits `host:port` or `[address]:port`.
fn authority(text: &str, default: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => default?,
    };
    let is_sound =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'%');
    (!host.is_empty() && host.bytes().all(is_sound)).then(|| (host.to_owned(), port))
}

pub(super) fn endpoint(host: &str, port: u16) -> Endpoint {
    match host.parse::<IpAddr>() {
        Ok(addr) => Endpoint::Addr(SocketAddr::new(addr, port)),
        Err(_) => Endpoint::Name(host.to_owned(), port),
    }
}

/// The request head for the server. If the length is said later (`with_length`), it lacks the framing and the empty line.
pub(super) fn request_head(
    config: &ProxyConfig,
    head: &Head,
    target: &Target,
    exchange: &Exchange,
    with_length: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let minor = if config.origin_http_1_0 { 0 } else { 1 };
    let _ = write!(out, "{} {} HTTP/1.{minor}\r\nHost: {}\r\n", head.method(), target.path, target.authority);
    let asks = matches!(config.expect, Expect::Pass | Expect::Lose | Expect::AnswerAndAsk);
    let except: &[&str] = if asks { &["host"] } else { &["host", "expect"] };
    head.write_fields(except, &mut out);
    if let Some(via) = &config.via {
        let _ = write!(out, "Via: 1.{} {via}\r\n", head.minor);
    }
    if exchange.upgrades {
        let _ =
            write!(out, "Connection: upgrade\r\nUpgrade: {}\r\n", head.get("upgrade").unwrap_or_default());
    } else if config.origin_keep_alive.is_none() {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    match exchange.length {
        _ if with_length => return out,
        Length::Bytes(len) => {
            let _ = write!(out, "Content-Length: {len}\r\n");
        }
        Length::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        // RFC 9110 §8.6: a POST without a body says so.
        Length::Empty if exchange.kind == Kind::Get && head.get("content-length").is_some() => {
            out.extend_from_slice(b"Content-Length: 0\r\n");
        }
        Length::Empty | Length::UntilClose => {}
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The response head for the client; `length` is how the body leaves. `None`: said later, with the empty line.
pub(super) fn response_head(
    config: &ProxyConfig,
    head: &Head,
    closes: bool,
    length: Option<Length>,
    is_head: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_status(head, &mut out);
    head.write_fields(&[], &mut out);
    if let Some(via) = &config.via {
        let _ = write!(out, "Via: 1.{} {via}\r\n", head.minor);
    }
    // A silent close is one that this field does not announce.
    if closes && !config.one_request {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    match length {
        None => return out,
        Some(Length::Bytes(len)) => {
            let _ = write!(out, "Content-Length: {len}\r\n");
        }
        Some(Length::Chunked) => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Some(Length::Empty) => {
            let said = head.get("content-length");
            if let Some(said) = said.filter(|_| is_head || !matches!(head.status(), 204 | 304)) {
                let _ = write!(out, "Content-Length: {said}\r\n");
            }
        }
        Some(Length::UntilClose) => {}
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// A 101 with the fields that change the protocol.
pub(super) fn switching_head(head: &Head) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_status(head, &mut out);
    head.write_fields(&[], &mut out);
    let upgrade = head.get("upgrade").unwrap_or_default();
    let _ = write!(out, "Connection: upgrade\r\nUpgrade: {upgrade}\r\n\r\n");
    out
}

fn write_status(head: &Head, out: &mut Vec<u8>) {
    if let Start::Status { code, reason } = &head.start {
        let _ = write!(out, "HTTP/1.1 {code} {reason}\r\n");
    }
}
