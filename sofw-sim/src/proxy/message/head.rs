//! Heads: parsed by httparse, kept as owned fields, written anew.

use httparse::{EMPTY_HEADER, Status};

use super::{FIELDS_MAX, Length, Malformed};

/// A request's or response's head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The start line.
    pub start: Start,
    /// The minor HTTP version: 0 or 1.
    pub minor: u8,
    fields: Vec<(String, Vec<u8>)>,
}

/// A start line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// A request line.
    Request {
        /// As written.
        method: String,
        /// As written.
        target: String,
    },
    /// A status line.
    Status {
        /// The status code.
        code: u16,
        /// The reason phrase.
        reason: String,
    },
}

impl Head {
    /// Parses a whole request head.
    pub fn request(bytes: &[u8]) -> Result<Head, Malformed> {
        let mut fields = [EMPTY_HEADER; FIELDS_MAX];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(bytes).map_err(named)?;
        match (parsed, request.method, request.path, request.version) {
            (Status::Complete(_), Some(method), Some(target), Some(minor)) => Ok(Head {
                start: Start::Request { method: method.to_owned(), target: target.to_owned() },
                minor,
                fields: owned(request.headers),
            }),
            _ => Err(Malformed(400)),
        }
    }

    /// Parses a whole response head.
    pub fn response(bytes: &[u8]) -> Result<Head, Malformed> {
        let mut fields = [EMPTY_HEADER; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(bytes).map_err(named)?;
        match (parsed, response.code, response.version) {
            (Status::Complete(_), Some(code), Some(minor)) => Ok(Head {
                start: Start::Status { code, reason: response.reason.unwrap_or_default().to_owned() },
                minor,
                fields: owned(response.headers),
            }),
            _ => Err(Malformed(502)),
        }
    }

    /// The method; empty for a response.
    pub fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Status { .. } => "",
        }
    }

    /// The request target; empty for a response.
    pub fn target(&self) -> &str {
        match &self.start {
            Start::Request { target, .. } => target,
            Start::Status { .. } => "",
        }
    }

    /// The status code; 0 for a request.
    pub fn status(&self) -> u16 {
        match &self.start {
            Start::Request { .. } => 0,
            Start::Status { code, .. } => *code,
        }
    }

    /// The values of a field that are text, trimmed.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.fields
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| core::str::from_utf8(value).ok())
            .map(str::trim)
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| core::str::from_utf8(value).ok())
            .map(str::trim)
    }

    /// Whether a comma-separated field contains `token`, without regard to case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name).flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    }

    /// Whether the connection may be used again (RFC 9112 §9.3).
    pub fn keep_alive(&self) -> bool {
        if self.has_token("connection", "close") || self.has_token("proxy-connection", "close") {
            return false;
        }
        self.minor > 0 || self.has_token("connection", "keep-alive")
    }

    /// The length that the fields declare (RFC 9112 §6.3); `None` if they declare none.
    pub fn declared(&self) -> Result<Option<Length>, Malformed> {
        let mut length = None;
        for part in self.all("content-length").flat_map(|value| value.split(',')) {
            let part = part.trim();
            let digits =
                !part.is_empty() && part.len() <= 18 && part.bytes().all(|byte| byte.is_ascii_digit());
            let part: u64 = part.parse().ok().filter(|_| digits).ok_or(Malformed(400))?;
            if length.is_some_and(|known| known != part) {
                return Err(Malformed(400));
            }
            length = Some(part);
        }
        let mut codings = self.all("transfer-encoding");
        if let Some(coding) = codings.next() {
            // RFC 9112 §6.1: both together may be an attempt at smuggling.
            if length.is_some() {
                return Err(Malformed(400));
            }
            if codings.next().is_some() || !coding.eq_ignore_ascii_case("chunked") {
                return Err(Malformed(501));
            }
            return Ok(Some(Length::Chunked));
        }
        Ok(length.map(|length| if length == 0 { Length::Empty } else { Length::Bytes(length) }))
    }

    /// Appends the end-to-end fields: without those of this hop, those that Connection names, and `except`
    /// (RFC 9110 §7.6.1).
    pub fn write_fields(&self, except: &[&str], out: &mut Vec<u8>) {
        for (name, value) in &self.fields {
            let known = |list: &[&str]| list.iter().any(|hop| hop.eq_ignore_ascii_case(name));
            if known(&HOP_BY_HOP) || known(except) || self.has_token("connection", name) {
                continue;
            }
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// RFC 9110 §7.6.1, and what proxies add to it; the body's framing is written anew.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
    "upgrade",
    "proxy-authorization",
    "proxy-authenticate",
    "proxy-authentication-info",
];

fn owned(fields: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect()
}

fn named(error: httparse::Error) -> Malformed {
    Malformed(match error {
        httparse::Error::TooManyHeaders => 431,
        httparse::Error::Version => 505,
        _ => 400,
    })
}
