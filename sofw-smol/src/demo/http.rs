//! Just enough HTTP for a proxy: request heads, and where a body ends.

/// What a proxy reads in the head of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// GET, POST, CONNECT, …
    pub method: String,
    /// Host and port.
    pub authority: String,
    /// Path and query; the authority for CONNECT.
    pub path: String,
    /// How the body is delimited.
    pub body: Body,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk and its trailers.
    Chunked,
}

impl Request {
    /// From a head with its empty line; `None` if it is nothing for a proxy.
    pub fn parse(head: &[u8]) -> Option<Request> {
        let text = core::str::from_utf8(head).ok()?;
        let mut words = text.lines().next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (authority, path) = match target.strip_prefix("http://") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None if method == "CONNECT" => (target, target),
            None => return None,
        };
        let value = |name: &str| {
            text.lines().skip(1).find_map(|line| {
                let (n, v) = line.split_once(':')?;
                n.eq_ignore_ascii_case(name).then_some(v.trim())
            })
        };
        let body = match value("transfer-encoding") {
            Some(_) => Body::Chunked,
            None => Body::Length(value("content-length").unwrap_or("0").parse().ok()?),
        };
        // A port is not written when it is 80.
        let authority = if authority.contains(':') { authority.into() } else { format!("{authority}:80") };
        let path = if path.is_empty() { "/" } else { path };
        Some(Request { method: method.into(), authority, path: path.into(), body })
    }

    /// The head in origin form, without what was for the proxy only, with Via (RFC 9110 §7.6.3).
    pub fn onward(&self, head: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(head);
        let mut out = format!("{} {} HTTP/1.1\r\nVia: 1.1 demo-proxy\r\n", self.method, self.path);
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            if !line.to_ascii_lowercase().starts_with("proxy-") {
                out.push_str(line);
                out.push_str("\r\n");
            }
        }
        out.push_str("\r\n");
        out.into_bytes()
    }
}

/// Finds the end of a body.
#[derive(Debug)]
pub struct BodyReader {
    state: BodyState,
}

#[derive(Debug, PartialEq, Eq)]
enum BodyState {
    /// So many bytes follow.
    Bytes(u64),
    /// A chunk's size line: its digits so far.
    Size(Vec<u8>),
    /// A chunk's bytes and its CRLF.
    Chunk(u64),
    /// Trailer lines after the last chunk: the line so far.
    Trailer(Vec<u8>),
    Over,
}

impl BodyReader {
    /// At the body's first byte.
    pub fn new(body: Body) -> Self {
        let state = match body {
            Body::Length(0) => BodyState::Over,
            Body::Length(len) => BodyState::Bytes(len),
            Body::Chunked => BodyState::Size(Vec::new()),
        };
        BodyReader { state }
    }

    /// Whether the body has ended.
    pub fn is_over(&self) -> bool {
        self.state == BodyState::Over
    }

    /// How many of `bytes` belong to the body.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.is_over() {
            let rest = (bytes.len() - at) as u64;
            match &mut self.state {
                BodyState::Bytes(left) | BodyState::Chunk(left) => {
                    let len = rest.min(*left);
                    *left -= len;
                    at += len as usize;
                    self.state = match self.state {
                        BodyState::Bytes(0) => BodyState::Over,
                        BodyState::Chunk(0) => BodyState::Size(Vec::new()),
                        BodyState::Bytes(left) => BodyState::Bytes(left),
                        BodyState::Chunk(left) => BodyState::Chunk(left),
                        _ => BodyState::Over,
                    };
                }
                BodyState::Size(line) => {
                    line.push(bytes[at]);
                    at += 1;
                    if line.ends_with(b"\n") {
                        let text = String::from_utf8_lossy(line);
                        let digits = text.trim().split(';').next().unwrap_or("");
                        self.state = match u64::from_str_radix(digits, 16) {
                            Ok(0) => BodyState::Trailer(Vec::new()),
                            Ok(len) => BodyState::Chunk(len.saturating_add(2)),
                            Err(_) => BodyState::Over,
                        };
                    }
                }
                BodyState::Trailer(line) => {
                    line.push(bytes[at]);
                    at += 1;
                    if line.ends_with(b"\n") {
                        self.state =
                            if line.len() <= 2 { BodyState::Over } else { BodyState::Trailer(Vec::new()) };
                    }
                }
                BodyState::Over => {}
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_form_becomes_origin_form() {
        let head = b"POST http://203.0.113.5/sofw/1/hello HTTP/1.1\r\nHost: 203.0.113.5\r\nProxy-Authorization: Basic x\r\n\
            Content-Length: 5\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!((request.authority.as_str(), request.body), ("203.0.113.5:80", Body::Length(5)));
        assert_eq!(
            String::from_utf8(request.onward(head)).unwrap(),
            "POST /sofw/1/hello HTTP/1.1\r\nVia: 1.1 demo-proxy\r\nHost: 203.0.113.5\r\nContent-Length: 5\r\n\r\n"
        );
        assert_eq!(Request::parse(b"GET / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(Request::parse(b"CONNECT 1.2.3.4:80 HTTP/1.1\r\n\r\n").unwrap().authority, "1.2.3.4:80");
    }

    #[test]
    fn a_chunked_body_ends_where_it_ends() {
        let body = b"5\r\nhello\r\n10;x=y\r\n0123456789abcdef\r\n0\r\nTrailer: 1\r\n\r\nGET next";
        let end = body.len() - 8;
        for step in 1..body.len() {
            let mut reader = BodyReader::new(Body::Chunked);
            let mut taken = 0;
            for part in body.chunks(step) {
                taken += reader.take(part);
                if reader.is_over() {
                    break;
                }
            }
            assert_eq!(taken, end, "cut every {step} bytes");
        }
    }
}
