//! The view of one message, and the checks it has passed.

use core::ops::Range;

use super::headers::{HeaderName, Headers, Line, Lines};
use super::lex::{Cursor, is_ws, number, text};
use super::start_line::StartLine;
use super::{Method, NameAddr, NameAddrs, SipError, Uri, Value, Values, Via, Vias};
use crate::config::limits;

/// A valid SIP message: slices of the bytes it was read from.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    start: StartLine<'a>,
    headers_start: usize,
    headers_end: usize,
    /// Where the first line of each known header stands; 0 is "nowhere", since the start line is there.
    first: [u16; HeaderName::KNOWN],
    /// Known headers that stand more than once, by place.
    repeated: u128,
    via: Via<'a>,
    from: NameAddr<'a>,
    to: NameAddr<'a>,
    call_id: &'a str,
    cseq: (u32, Method<'a>),
    max_forwards: Option<u8>,
}

/// Header fields that must not stand twice: two readers could choose differently (RFC 3261 §7.3.1, RFC 4475 §3.3.8,
/// §3.3.9). One bit each.
const SINGLE: u128 = {
    use HeaderName::*;
    let names = [CallId, ContentLength, ContentType, CSeq, Expires, From, MaxForwards, To];
    let mut bits = 0;
    let mut at = 0;
    while at < names.len() {
        bits |= 1 << names[at].index();
        at += 1;
    }
    bits
};

impl<'a> Message<'a> {
    /// Reads one message from a datagram, or from a stream as cut by [`super::Framer`]. CRLFs before it are skipped
    /// (RFC 3261 §7.5); what follows the body by Content-Length is ignored (§18.3).
    ///
    /// # Errors
    /// What RFC 3261 makes invalid and RFC 4475 says to refuse, with the status that answers it.
    pub fn parse(datagram: &'a [u8]) -> Result<Message<'a>, SipError> {
        let bytes = skip_crlf(datagram);
        if bytes.len() > limits::SIP_MESSAGE_MAX {
            return Err(SipError { status: 513, reason: "Message Too Large" });
        }
        let line_len =
            memchr::memchr2(b'\r', b'\n', bytes).ok_or(SipError::bad("Start line does not end"))?;
        let headers_start = line_len + 2;
        if bytes.get(line_len..headers_start) != Some(b"\r\n") {
            return Err(SipError::bad("Lone CR or LF in the start line"));
        }
        let start = StartLine::parse(bytes.get(..line_len).unwrap_or_default())?;

        let mut first = [0_u16; HeaderName::KNOWN];
        let mut repeated = 0_u128;
        let is_request = matches!(start, StartLine::Request { .. });
        let mut found = Found::default();
        let mut pos = headers_start;
        let mut count = 0;
        while bytes.get(pos..pos + 2) != Some(b"\r\n") {
            let line = Line::read(bytes, pos).map_err(SipError::bad)?;
            pos = line.end;
            count += 1;
            if count > limits::SIP_HEADERS_MAX {
                return Err(SipError::bad("Too many header fields"));
            }
            let Some(name) = line.name else { continue };
            let place = name.index();
            if let Some(slot) = first.get_mut(place) {
                if *slot == 0 {
                    *slot = line.start as u16; // The message is no longer than u16::MAX.
                } else if SINGLE & (1 << place) != 0 {
                    return Err(SipError::bad("Header field repeated that may stand once only"));
                } else {
                    repeated |= 1 << place;
                }
            }
            found.take(bytes, name, line.value, is_request)?;
        }
        let headers_end = pos;
        let body_start = pos + 2;
        let available = bytes.len() - body_start;
        let body_len = found.content_length.unwrap_or(available);
        if body_len > available {
            return Err(SipError::bad("Content-Length exceeds the message")); // RFC 3261 §18.3
        }
        let bytes = bytes.get(..body_start + body_len).unwrap_or_default();

        let missing = |what| SipError::bad(what);
        let cseq = found.cseq.ok_or(missing("Missing CSeq header field"))?;
        let message = Message {
            bytes,
            start,
            headers_start,
            headers_end,
            first,
            repeated,
            via: found.via.ok_or(missing("Missing Via header field"))?,
            from: found.from.ok_or(missing("Missing From header field"))?,
            to: found.to.ok_or(missing("Missing To header field"))?,
            call_id: found.call_id.ok_or(missing("Missing Call-ID header field"))?,
            cseq,
            max_forwards: found.max_forwards,
        };
        match start {
            StartLine::Request { method, .. } if method != cseq.1 => {
                Err(SipError::bad("CSeq method does not match")) // RFC 3261 §8.1.1.5, RFC 4475 §3.1.2.17
            }
            _ => Ok(message),
        }
    }

    /// The message: from its start line to the end of its body. All ranges count from here.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether this is a request.
    pub const fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The method of a request; of a response, the method it answers (CSeq).
    pub const fn method(&self) -> Method<'a> {
        match self.start {
            StartLine::Request { method, .. } => method,
            StartLine::Response { .. } => self.cseq.1,
        }
    }

    /// The status code of a response.
    pub const fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase of a response; may be empty.
    pub fn reason(&self) -> Option<&'a str> {
        match self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { reason, .. } => Some(text(reason).unwrap_or_default()),
        }
    }

    /// The Request-URI of a request.
    pub const fn request_uri(&self) -> Option<Uri<'a>> {
        match self.start {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The start line without its CRLF; empty if a reason phrase makes it no UTF-8.
    pub fn start_line(&self) -> &'a str {
        self.bytes.get(..self.headers_start.saturating_sub(2)).and_then(text).unwrap_or_default()
    }

    /// All header fields, in order.
    pub const fn headers(&self) -> Headers<'a> {
        Headers::new(self.bytes, self.headers_start, self.headers_end)
    }

    /// The value of the first header field `name`, as text; empty if it is no UTF-8.
    pub fn header(&self, name: HeaderName<'_>) -> Option<&'a str> {
        self.lines(name).next().map(|header| header.text())
    }

    /// Whether a header field `name` is there.
    pub fn has(&self, name: HeaderName<'_>) -> bool {
        self.lines(name).next().is_some()
    }

    /// The header fields `name`, in order.
    pub fn lines<'n>(&self, name: HeaderName<'n>) -> Lines<'a, 'n> {
        let place = name.index();
        let (start, single) = match self.first.get(place) {
            Some(0) => (self.headers_end, true),
            Some(first) => (usize::from(*first), self.repeated & (1 << place) == 0),
            None => (self.headers_start, false),
        };
        Lines::new(Headers::new(self.bytes, start, self.headers_end), name, single)
    }

    /// The comma-separated values of all header fields `name`. Only for headers whose grammar is a list: a Date or
    /// an Authorization holds commas of its own.
    pub fn values<'n>(&self, name: HeaderName<'n>) -> Values<'a, 'n> {
        Values::new(self.lines(name))
    }

    /// Whether `token` is among the values of `name`, e.g. `100rel` in Require. Case is ignored.
    pub fn has_token(&self, name: HeaderName<'_>, token: &str) -> bool {
        self.values(name).any(|value| value.bytes.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The topmost Via value.
    pub const fn via(&self) -> Via<'a> {
        self.via
    }

    /// All Via values, topmost first.
    pub fn vias(&self) -> Vias<'a> {
        Vias(self.values(HeaderName::Via))
    }

    /// From.
    pub const fn from(&self) -> NameAddr<'a> {
        self.from
    }

    /// To.
    pub const fn to(&self) -> NameAddr<'a> {
        self.to
    }

    /// Call-ID. Compared byte by byte (RFC 3261 §20.8).
    pub const fn call_id(&self) -> &'a str {
        self.call_id
    }

    /// CSeq: number and method.
    pub const fn cseq(&self) -> (u32, Method<'a>) {
        self.cseq
    }

    /// Max-Forwards; RFC 2543 requests have none.
    pub const fn max_forwards(&self) -> Option<u8> {
        self.max_forwards
    }

    /// Expires in seconds. What is no 32-bit number counts as 3600 (RFC 3261 §20.19).
    pub fn expires(&self) -> Option<u32> {
        self.header(HeaderName::Expires).map(parse_expires)
    }

    /// The media type of the body, without parameters; compare without case.
    pub fn content_type(&self) -> Option<&'a str> {
        self.header(HeaderName::ContentType).map(|value| value.split(';').next().unwrap_or_default().trim())
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(self.headers_end + 2..).unwrap_or_default()
    }

    /// The Contact addresses.
    pub fn contacts(&self) -> NameAddrs<'a> {
        NameAddrs(self.values(HeaderName::Contact))
    }

    /// Whether Contact is `*` (RFC 3261 §10.2.2).
    pub fn contact_is_star(&self) -> bool {
        self.values(HeaderName::Contact).any(|value| value.bytes == b"*")
    }

    /// The Route set, next hop first.
    pub fn routes(&self) -> NameAddrs<'a> {
        NameAddrs(self.values(HeaderName::Route))
    }

    /// The Record-Route values, topmost first.
    pub fn record_routes(&self) -> NameAddrs<'a> {
        NameAddrs(self.values(HeaderName::RecordRoute))
    }

    /// Where the first header field begins, and where the empty line after the last one does.
    pub(super) const fn headers_range(&self) -> Range<usize> {
        self.headers_start..self.headers_end
    }
}

/// What the scan has met of the fields that every element must understand.
#[derive(Default)]
struct Found<'a> {
    via: Option<Via<'a>>,
    from: Option<NameAddr<'a>>,
    to: Option<NameAddr<'a>>,
    call_id: Option<&'a str>,
    cseq: Option<(u32, Method<'a>)>,
    max_forwards: Option<u8>,
    content_length: Option<usize>,
}

impl<'a> Found<'a> {
    fn take(
        &mut self,
        message: &'a [u8],
        name: HeaderName<'static>,
        range: Range<usize>,
        is_request: bool,
    ) -> Result<(), SipError> {
        let value = message.get(range.clone()).unwrap_or_default();
        match name {
            HeaderName::Via => {
                for value in Values::of_line(message, range) {
                    let via = Via::parse(message, value.range).map_err(SipError::bad)?;
                    self.via.get_or_insert(via);
                }
            }
            HeaderName::From => self.from = Some(NameAddr::parse(message, range).map_err(SipError::bad)?),
            HeaderName::To => self.to = Some(NameAddr::parse(message, range).map_err(SipError::bad)?),
            // A response with a fault in these is passed on all the same: its request cannot be refused any more,
            // and a proxy does not need them (RFC 3261 §16.7).
            HeaderName::Contact | HeaderName::Route | HeaderName::RecordRoute if is_request => {
                for Value { range, bytes } in Values::of_line(message, range) {
                    if bytes != b"*" || name != HeaderName::Contact {
                        NameAddr::parse(message, range).map_err(SipError::bad)?;
                    }
                }
            }
            HeaderName::CallId => {
                let id = text(value).filter(|id| !id.is_empty() && !id.bytes().any(is_ws));
                self.call_id = Some(id.ok_or(SipError::bad("Malformed Call-ID"))?);
            }
            HeaderName::CSeq => self.cseq = Some(parse_cseq(value).ok_or(SipError::bad("Malformed CSeq"))?),
            HeaderName::MaxForwards => {
                // RFC 3261 §20.22: 0 – 255; leading zeros are fine (RFC 4475 §3.1.1.1).
                let hops = number(value).and_then(|n| u8::try_from(n).ok());
                self.max_forwards = Some(hops.ok_or(SipError::bad("Malformed Max-Forwards"))?);
            }
            HeaderName::ContentLength => {
                let len = number(value).and_then(|n| usize::try_from(n).ok());
                self.content_length = Some(len.ok_or(SipError::bad("Malformed Content-Length"))?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// `1*DIGIT LWS Method`; the number fits 32 bits (RFC 3261 §20.16).
pub(super) fn parse_cseq(value: &[u8]) -> Option<(u32, Method<'_>)> {
    let mut cursor = Cursor::new(value, 0..value.len());
    let digits = number(cursor.take_while(|b| b.is_ascii_digit())).and_then(|n| u32::try_from(n).ok())?;
    let blank = cursor.pos;
    cursor.skip_ws();
    let gap = cursor.pos > blank;
    let method = text(cursor.token()).filter(|m| !m.is_empty() && gap)?;
    cursor.at_end().then_some((digits, Method::parse(method)))
}

/// Seconds of an Expires value; malformed ones count as an hour (RFC 3261 §20.19).
fn parse_expires(value: &str) -> u32 {
    number(value.as_bytes()).and_then(|n| u32::try_from(n).ok()).unwrap_or(3_600)
}

fn skip_crlf(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    bytes
}
