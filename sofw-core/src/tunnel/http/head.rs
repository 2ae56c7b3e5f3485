//! Request and response heads: parsed by httparse, then refused if any two parsers could disagree about them.

use httparse::{EMPTY_HEADER, Header, Status};

use super::HttpError;
use crate::config::limits::HTTP_HEADERS_MAX;

/// How the body of a message ends (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyLength {
    /// There is none.
    Empty,
    /// After so many bytes; not 0.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// With the connection (responses only).
    UntilClose,
}

/// What a response answers, as far as its framing depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// GET, POST, …
    Plain,
    /// HEAD: never a body.
    Head,
    /// CONNECT: a 2xx has no body, what follows is the tunnel (RFC 9110 §9.3.6).
    Connect,
}

/// Header fields of one head.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    fields: [Header<'a>; HTTP_HEADERS_MAX],
    len: usize,
}

/// A request head.
#[derive(Clone, Debug)]
pub struct RequestHead<'a> {
    /// The method, as written.
    pub method: &'a str,
    /// The request target, as written.
    pub target: &'a str,
    /// 0 or 1.
    pub minor: u8,
    /// Its fields.
    pub headers: Headers<'a>,
}

/// A response head.
#[derive(Clone, Debug)]
pub struct ResponseHead<'a> {
    /// The status code.
    pub status: u16,
    /// 0 or 1.
    pub minor: u8,
    /// Its fields.
    pub headers: Headers<'a>,
}

impl<'a> Headers<'a> {
    /// All values of a field, in order, trimmed; values that are not ASCII text are left out.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        self.raw(name)
            .filter_map(|value| core::str::from_utf8(value).ok())
            .map(|value| value.trim_matches(OWS))
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).find_map(|value| core::str::from_utf8(value).ok()).map(|value| value.trim_matches(OWS))
    }

    /// Whether a comma-separated field contains `token`, without regard to case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|part| part.trim_matches(OWS).eq_ignore_ascii_case(token))
    }

    fn raw<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        let fields = self.fields.get(..self.len).unwrap_or_default();
        fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }
}

impl<'a> RequestHead<'a> {
    /// Parses a whole head, up to and including its empty line.
    pub fn parse(bytes: &'a [u8]) -> Result<RequestHead<'a>, HttpError> {
        check_lines(bytes)?;
        let mut fields = [EMPTY_HEADER; HTTP_HEADERS_MAX];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(bytes).map_err(named)? {
            Status::Complete(len) if len == bytes.len() => {}
            _ => return Err(HttpError::Malformed),
        }
        let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
        else {
            return Err(HttpError::Malformed);
        };
        let len = request.headers.len();
        let head = RequestHead { method, target, minor, headers: Headers { fields, len } };
        // RFC 9112 §3.2: exactly one Host in HTTP/1.1.
        if head.headers.raw("host").count() != 1 && (minor > 0 || head.headers.raw("host").count() > 1) {
            return Err(HttpError::Host);
        }
        Ok(head)
    }

    /// How its body ends.
    pub fn body(&self) -> Result<BodyLength, HttpError> {
        // RFC 9112 §6.3 rule 7: no length means no body.
        Ok(declared_length(&self.headers, self.minor)?.unwrap_or(BodyLength::Empty))
    }

    /// The path of the target: origin-form, or absolute-form, which every server must take (RFC 9112 §3.2.2).
    pub fn path(&self) -> Option<&'a str> {
        if self.target.starts_with('/') {
            return Some(self.target);
        }
        let scheme = self.target.get(..7)?;
        if !scheme.eq_ignore_ascii_case("http://") {
            return None;
        }
        let rest = self.target.get(7..)?;
        Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"))
    }

    /// Whether the connection may be used for another request (RFC 9112 §9.3).
    pub fn keep_alive(&self) -> bool {
        keep_alive(&self.headers, self.minor)
    }
}

impl<'a> ResponseHead<'a> {
    /// Parses a whole head, up to and including its empty line.
    pub fn parse(bytes: &'a [u8]) -> Result<ResponseHead<'a>, HttpError> {
        check_lines(bytes)?;
        let mut fields = [EMPTY_HEADER; HTTP_HEADERS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(bytes).map_err(named)? {
            Status::Complete(len) if len == bytes.len() => {}
            _ => return Err(HttpError::Malformed),
        }
        let (Some(status), Some(minor)) = (response.code, response.version) else {
            return Err(HttpError::Malformed);
        };
        let len = response.headers.len();
        Ok(ResponseHead { status, minor, headers: Headers { fields, len } })
    }

    /// How its body ends (RFC 9112 §6.3).
    pub fn body(&self, asked: Asked) -> Result<BodyLength, HttpError> {
        let success = (200..300).contains(&self.status);
        if asked == Asked::Head || self.status < 200 || matches!(self.status, 204 | 304) {
            return Ok(BodyLength::Empty);
        }
        if asked == Asked::Connect && success {
            // RFC 9110 §9.3.6: lengths in it are to be ignored.
            return Ok(BodyLength::Empty);
        }
        Ok(declared_length(&self.headers, self.minor)?.unwrap_or(BodyLength::UntilClose))
    }

    /// Whether the connection may be used for another request. Squid says it in `Proxy-Connection` too.
    pub fn keep_alive(&self) -> bool {
        keep_alive(&self.headers, self.minor) && !self.headers.has_token("proxy-connection", "close")
    }
}

/// Space and tab: optional white space of RFC 9110 §5.6.3.
const OWS: [char; 2] = [' ', '\t'];

fn keep_alive(headers: &Headers<'_>, minor: u8) -> bool {
    if headers.has_token("connection", "close") {
        return false;
    }
    minor > 0 || headers.has_token("connection", "keep-alive")
}

/// The body length that the fields declare; `None` if they declare none.
fn declared_length(headers: &Headers<'_>, minor: u8) -> Result<Option<BodyLength>, HttpError> {
    let mut codings = headers.raw("transfer-encoding");
    if let Some(coding) = codings.next() {
        // RFC 9112 §6.1: both fields together are an attempt at smuggling; an HTTP/1.0 message with the field is faulty.
        if headers.raw("content-length").next().is_some() {
            return Err(HttpError::LengthAndCoding);
        }
        if minor == 0 || codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(HttpError::TransferCoding);
        }
        return Ok(Some(BodyLength::Chunked));
    }
    let mut length = None;
    for value in headers.raw("content-length") {
        // RFC 9110 §8.6: the same number repeated, also as a list, counts once; anything else is refused.
        for part in value.split(|byte| *byte == b',') {
            let part = decimal(part.trim_ascii()).ok_or(HttpError::ContentLength)?;
            if length.is_some_and(|known| known != part) {
                return Err(HttpError::ContentLength);
            }
            length = Some(part);
        }
    }
    Ok(length.map(|length| if length == 0 { BodyLength::Empty } else { BodyLength::Length(length) }))
}

/// Digits only: no sign, no space, no overflow, which `str::parse` would treat differently from other parsers.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// What httparse lets pass: bare LF (RFC 9112 §2.2 allows it, and parsers differ), folded lines, stray CR.
fn check_lines(head: &[u8]) -> Result<(), HttpError> {
    let mut before = 0_u8;
    let mut line_start = 0_usize;
    for (at, byte) in head.iter().copied().enumerate() {
        match byte {
            b'\n' if before != b'\r' => return Err(HttpError::BareLineEnd),
            b'\n' => line_start = at + 1,
            _ if before == b'\r' => return Err(HttpError::BareLineEnd),
            b' ' | b'\t' if at == line_start => {
                return Err(if at == 0 { HttpError::Malformed } else { HttpError::FoldedHeader });
            }
            _ => {}
        }
        before = byte;
    }
    Ok(())
}

fn named(error: httparse::Error) -> HttpError {
    match error {
        httparse::Error::TooManyHeaders => HttpError::TooManyHeaders,
        httparse::Error::NewLine => HttpError::BareLineEnd,
        httparse::Error::Version => HttpError::Version,
        _ => HttpError::Malformed,
    }
}
