//! Messages that we write ourselves: responses, CANCEL, ACK.

use core::net::SocketAddr;

use super::headers::Header;
use super::lex::text;
use super::{HeaderName, Message, Method, NameAddr, SipError, Via};

/// A response to `request`: its Vias, From, To, Call-ID, CSeq (RFC 3261 §8.2.6.2), then `extra`, and no body.
/// `to_tag` is added unless To has one already.
pub fn response(
    request: &Message<'_>,
    status: u16,
    reason: &str,
    to_tag: Option<&str>,
    extra: &[(HeaderName<'_>, &str)],
) -> Vec<u8> {
    response_with(request, status, reason, to_tag, extra, Copy::default(), b"")
}

/// What else a response takes over from its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Copy {
    /// Record-Route, in responses that establish a dialog (RFC 3261 §12.1.1).
    pub record_route: bool,
}

/// As [`response`], with a body (its Content-Type is to be among `extra`) and more taken over from the request.
pub fn response_with(
    request: &Message<'_>,
    status: u16,
    reason: &str,
    to_tag: Option<&str>,
    extra: &[(HeaderName<'_>, &str)],
    copy: Copy,
    body: &[u8],
) -> Vec<u8> {
    let mut out = start_response(status, reason, request.bytes().len() / 2 + body.len());
    for header in request.headers() {
        match header.name {
            HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                copy_line(&mut out, request.bytes(), &header);
            }
            HeaderName::RecordRoute if copy.record_route => copy_line(&mut out, request.bytes(), &header),
            // RFC 3261 §8.2.6.1: a 100 echoes the Timestamp.
            HeaderName::Timestamp if status == 100 => copy_line(&mut out, request.bytes(), &header),
            HeaderName::To => copy_to(&mut out, &header, to_tag.filter(|_| request.to().tag().is_none())),
            _ => {}
        }
    }
    for (name, value) in extra {
        line(&mut out, name.as_str(), value.as_bytes());
    }
    end(&mut out, body);
    out
}

/// The answer to bytes that [`Message::parse`] refused with `error`: a stateless response with whatever can be read
/// of Via, From, To, Call-ID and CSeq, the top Via stamped with `source` (RFC 3261 §18.2.1, RFC 3581 §4).
///
/// `None` if it was no request, or an ACK (never answered), or has no Via or CSeq that can be read: then drop it.
pub fn response_to_malformed(bytes: &[u8], error: &SipError, source: SocketAddr) -> Option<Vec<u8>> {
    let mut bytes = bytes;
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    let line_len = memchr::memchr(b'\n', bytes)?;
    let method = text(bytes.get(..bytes.iter().position(|b| *b == b' ')?)?)?;
    if method == Method::Ack.as_str()
        || method.is_empty()
        || method.get(..4).is_some_and(|m| m.eq_ignore_ascii_case("SIP/"))
    {
        return None;
    }
    let mut out = start_response(error.status, error.reason, 512);
    let wanted = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
    let mut seen = [false; 5];
    let mut pos = line_len + 1;
    while let Ok(header) = Header::read(bytes, pos) {
        pos = header.line_range.end;
        let Some(slot) = wanted.iter().position(|name| *name == header.name).and_then(|at| seen.get_mut(at))
        else {
            continue;
        };
        let repeated = core::mem::replace(slot, true);
        match header.name {
            HeaderName::Via => {
                // A Via too broken to be stamped goes back as it came (RFC 4475 §3.1.2.1).
                let stamped = if repeated { None } else { stamp(bytes, &header, source) };
                line(&mut out, "Via", stamped.as_deref().unwrap_or(header.value));
            }
            _ if repeated => {}
            HeaderName::To => {
                let tagless =
                    NameAddr::parse(bytes, header.value_range.clone()).is_ok_and(|to| to.tag().is_none());
                // Any constant does: no state is kept (RFC 3261 §8.2.7 asks for equal tags in equal answers).
                copy_to(&mut out, &header, tagless.then_some("malformed"));
            }
            _ => copy_line(&mut out, bytes, &header),
        }
    }
    if !(seen[0] && seen[4]) {
        return None;
    }
    end(&mut out, b"");
    Some(out)
}

/// The CANCEL of an INVITE that we sent (RFC 3261 §9.1).
pub fn cancel(sent: &Message<'_>) -> Vec<u8> {
    follow_up(sent, Method::Cancel, None)
}

/// The ACK of a failure `response` to an INVITE that we sent (RFC 3261 §17.1.1.3).
pub fn ack(sent: &Message<'_>, response: &Message<'_>) -> Vec<u8> {
    follow_up(sent, Method::Ack, Some(response))
}

/// Same Request-URI, top Via, Call-ID, From, CSeq number and Route; To as in `response`, if any.
fn follow_up(sent: &Message<'_>, method: Method<'_>, response: Option<&Message<'_>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(sent.bytes().len() / 2);
    let uri = sent.request_uri().map(|uri| uri.as_str()).unwrap_or_default();
    for part in [method.as_str(), " ", uri, " SIP/2.0\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    line(&mut out, "Via", sent.bytes().get(sent.via().range()).unwrap_or_default());
    line(&mut out, "Max-Forwards", b"70");
    for header in sent.headers() {
        match header.name {
            HeaderName::Route | HeaderName::From | HeaderName::CallId => {
                copy_line(&mut out, sent.bytes(), &header)
            }
            HeaderName::To => {
                let to = response.and_then(|r| r.header(HeaderName::To)).map_or(header.value, str::as_bytes);
                line(&mut out, "To", to);
            }
            HeaderName::CSeq => line(&mut out, "CSeq", format!("{} {method}", sent.cseq().0).as_bytes()),
            _ => {}
        }
    }
    end(&mut out, b"");
    out
}

fn start_response(status: u16, reason: &str, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(room + 128);
    out.extend_from_slice(format!("SIP/2.0 {status} {reason}\r\n").as_bytes());
    out
}

fn copy_line(out: &mut Vec<u8>, message: &[u8], header: &Header<'_>) {
    out.extend_from_slice(message.get(header.line_range.clone()).unwrap_or_default());
}

fn copy_to(out: &mut Vec<u8>, to: &Header<'_>, tag: Option<&str>) {
    match tag {
        Some(tag) => line(out, "To", &[to.value, b";tag=", tag.as_bytes()].concat()),
        None => line(out, "To", to.value),
    }
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

fn end(out: &mut Vec<u8>, body: &[u8]) {
    line(out, "Content-Length", body.len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// The value of a Via line with `received` and `rport` set in its first value.
fn stamp(message: &[u8], header: &Header<'_>, source: SocketAddr) -> Option<Vec<u8>> {
    let first = super::Values::of_line(message, header.value_range.clone()).next()?;
    let via = Via::parse(message, first.range).ok()?;
    let mut value = header.value.to_vec();
    let base = header.value_range.start;
    let received = format!(";received={}", source.ip());
    let rport = via.rport().map(|_| format!(";rport={}", source.port()));
    let mut edits = vec![(via.params().find("received").map(|p| p.range), received)];
    edits.extend(rport.map(|new| (via.params().find("rport").map(|p| p.range), new)));
    let end = via.range().end;
    let mut edits: Vec<_> = edits.into_iter().map(|(old, new)| (old.unwrap_or(end..end), new)).collect();
    edits.sort_by_key(|(old, _)| core::cmp::Reverse(old.start));
    for (old, new) in edits {
        value.splice(old.start - base..old.end - base, new.into_bytes());
    }
    Some(value)
}
