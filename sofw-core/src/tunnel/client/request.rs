//! Request heads, as direct, absolute-form or CONNECT requests.

use bytes::BytesMut;

use super::ways::Way;
use crate::base::Rng;
use crate::config::TunnelVia;
use crate::tunnel::http::USER_AGENT;

/// What follows a request head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    /// GET.
    Nothing,
    /// POST of so many bytes.
    Length(usize),
    /// POST in chunks.
    Chunked,
}

/// Appends the head of a request for `path` to `out`. True if it carries credentials.
pub(super) fn write_head(
    out: &mut BytesMut,
    way: &mut Way,
    authority: &str,
    path: &str,
    content: Content,
    rng: &mut Rng,
) -> bool {
    let method = if content == Content::Nothing { "GET" } else { "POST" };
    let forward = matches!(way.via, TunnelVia::Forward(_));
    // RFC 9112 §3.2.2: absolute-form to a proxy, origin-form to the server itself.
    let (scheme, host) = if forward { ("http://", authority) } else { ("", "") };
    let credentials = if forward && way.auth.is_wanted() {
        way.auth.header(method, &format!("{scheme}{host}{path}"), rng)
    } else {
        None
    };
    line(out, &[method, " ", scheme, host, path, " HTTP/1.1"]);
    line(out, &["Host: ", authority]);
    line(out, &["User-Agent: ", USER_AGENT]);
    if let Some(credentials) = &credentials {
        line(out, &["Proxy-Authorization: ", credentials]);
    }
    match content {
        Content::Nothing => line(out, &["Cache-Control: no-store"]),
        Content::Length(length) => {
            line(out, &["Content-Type: application/octet-stream"]);
            line(out, &["Content-Length: ", itoa(length, &mut [0; 20])]);
        }
        Content::Chunked => {
            line(out, &["Content-Type: application/octet-stream"]);
            line(out, &["Transfer-Encoding: chunked"]);
        }
    }
    line(out, &[]);
    credentials.is_some()
}

/// Appends a CONNECT request (RFC 9110 §9.3.6) to `out`. True if it carries credentials.
pub(super) fn write_connect(out: &mut BytesMut, way: &mut Way, authority: &str, rng: &mut Rng) -> bool {
    let target = with_port(authority);
    let credentials = way.auth.header("CONNECT", &target, rng);
    line(out, &["CONNECT ", &target, " HTTP/1.1"]);
    line(out, &["Host: ", &target]);
    line(out, &["User-Agent: ", USER_AGENT]);
    // RFC 7639: says honestly what the tunnel will carry, so that the proxy's owner can allow or refuse it by name.
    line(out, &["ALPN: sofw"]);
    if let Some(credentials) = &credentials {
        line(out, &["Proxy-Authorization: ", credentials]);
    }
    line(out, &[]);
    credentials.is_some()
}

/// The authority with the port that CONNECT needs; HTTP's own is 80.
pub(super) fn with_port(authority: &str) -> String {
    let after_address = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    if after_address.contains(':') { authority.to_owned() } else { format!("{authority}:80") }
}

fn line(out: &mut BytesMut, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Decimal digits without an allocation.
fn itoa(mut value: usize, room: &mut [u8; 20]) -> &str {
    let mut at = room.len();
    loop {
        at -= 1;
        if let Some(place) = room.get_mut(at) {
            *place = b'0' + (value % 10) as u8;
        }
        value /= 10;
        if value == 0 {
            break;
        }
    }
    room.get(at..).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or("0")
}
