//! What stands between the two ends: nothing, or an HTTP proxy with the habits that were measured of real ones.

use std::collections::BTreeMap;

use crate::io::Endpoint;
use crate::tunnel::http::exchange::{Piece, Reader};
use crate::tunnel::http::head::Asked;

/// One of the two ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tunnel) enum Side {
    Client,
    Server,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// How a proxy asks for credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tunnel) enum Auth {
    Basic,
    Digest,
    Ntlm,
}

/// The habits. The default is a wire.
#[derive(Clone, Debug, Default)]
pub(in crate::tunnel) struct Middle {
    /// An HTTP proxy; else a wire.
    pub is_proxy: bool,
    /// Request bodies are sent on when they are complete.
    pub buffers_requests: bool,
    /// Requests with a longer body are answered 413.
    pub body_max: Option<usize>,
    /// How many were.
    pub too_long_seen: usize,
    /// Response bodies, too: no tunnel comes from it.
    pub buffers_responses: bool,
    /// Bodies are cut into chunks of so many bytes.
    pub chunk: Option<usize>,
    pub auth: Option<Auth>,
    pub refuses_connect: bool,
    /// After one response the connection is closed without a word (tinyproxy).
    pub one_request: bool,
    /// Every request is answered so, without asking the server.
    pub portal: Option<&'static str>,
    /// Nobody listens where the proxy should be.
    pub is_away: bool,
    pub connects_seen: usize,
    pub heads_seen: Vec<String>,
    pub links: BTreeMap<u64, Link>,
}

#[derive(Clone, Debug)]
pub struct Link {
    requests: Reader,
    responses: Reader,
    tunnel: bool,
    forward: bool,
    held: Vec<u8>,
    chunked: bool,
    response_chunked: bool,
    answer: Option<String>,
    close: bool,
}

impl Middle {
    pub fn proxy() -> Middle {
        Middle { is_proxy: true, ..Middle::default() }
    }

    pub fn refuses(&self, to: &Endpoint) -> bool {
        self.is_away && matches!(to, Endpoint::Name(name, _) if name == "proxy")
    }

    pub fn open(&mut self, conn: u64) {
        let link = Link {
            requests: Reader::requests(),
            responses: Reader::responses(),
            tunnel: !self.is_proxy,
            forward: true,
            held: vec![],
            chunked: false,
            response_chunked: false,
            answer: None,
            close: false,
        };
        self.links.insert(conn, link);
    }

    pub fn wants_close(&mut self, conn: u64) -> bool {
        self.links.get(&conn).is_some_and(|link| link.close)
    }

    /// What arrives where when `from` writes `bytes`.
    pub fn pass(&mut self, from: Side, conn: u64, bytes: &[u8]) -> Vec<(Side, Vec<u8>)> {
        let Some(mut link) = self.links.remove(&conn) else { return vec![] };
        let mut out = Vec::new();
        let mut input = bytes;
        match from {
            _ if link.tunnel => out.push((from.other(), bytes.to_vec())),
            Side::Client => self.requests(&mut link, &mut input, &mut out),
            Side::Server => self.responses(&mut link, &mut input, &mut out),
        }
        self.links.insert(conn, link);
        out
    }

    fn requests(&mut self, link: &mut Link, input: &mut &[u8], out: &mut Vec<(Side, Vec<u8>)>) {
        while let Some(piece) = link.requests.next(input).expect("our requests are sound") {
            match piece {
                Piece::Head => self.request_head(link, out),
                Piece::Body(data) if !link.forward => {
                    let _ = data;
                }
                Piece::Body(data) if self.buffers_requests => link.held.extend_from_slice(data),
                Piece::Body(data) if link.chunked => {
                    out.push((Side::Server, rechunk(data, self.chunk.unwrap_or(data.len()))));
                }
                Piece::Body(data) => out.push((Side::Server, data.to_vec())),
                Piece::End => {
                    if let Some(answer) = link.answer.take() {
                        out.push((Side::Client, answer.into_bytes()));
                    } else if link.tunnel {
                        out.push((Side::Client, b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec()));
                        return;
                    } else if self.buffers_requests && link.forward {
                        let held = core::mem::take(&mut link.held);
                        out.push((
                            Side::Server,
                            format!("Content-Length: {}\r\n\r\n", held.len()).into_bytes(),
                        ));
                        out.push((Side::Server, held));
                    } else if link.chunked && link.forward {
                        out.push((Side::Server, b"0\r\n\r\n".to_vec()));
                    }
                }
            }
        }
    }

    fn is_too_long(&self, length: Option<&str>) -> bool {
        let length = length.and_then(|length| length.parse::<usize>().ok());
        self.body_max.is_some_and(|max| length.is_some_and(|length| length > max))
    }

    fn request_head(&mut self, link: &mut Link, out: &mut Vec<(Side, Vec<u8>)>) {
        let head = link.requests.request().unwrap();
        let mut text = format!("{} {}\n", head.method, head.target);
        for name in ["Host", "User-Agent", "ALPN", "Proxy-Authorization", "Expect"] {
            if let Some(value) = head.headers.get(name) {
                text.push_str(&format!("{name}: {value}\n"));
            }
        }
        self.heads_seen.push(text);
        let (method, path) = (head.method.to_owned(), head.path().map(str::to_owned));
        let length = head.headers.get("content-length").map(str::to_owned);
        link.chunked = head.headers.get("transfer-encoding").is_some();
        link.forward = false;
        let credentials = head.headers.get("proxy-authorization");
        if let Some(auth) = self.auth.filter(|auth| !auth.accepts(&method, head.target, credentials)) {
            link.answer = Some(auth.challenge());
        } else if let Some(portal) = self.portal {
            link.answer = Some(portal.to_owned());
        } else if self.is_too_long(length.as_deref()) {
            self.too_long_seen += 1;
            link.answer = Some("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlong!".to_owned());
        } else if method == "CONNECT" && self.refuses_connect {
            link.answer = Some("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_owned());
        } else if method == "CONNECT" {
            self.connects_seen += 1;
            link.tunnel = true;
        } else {
            link.forward = true;
            assert!(head.target.starts_with("http://relay.example.net/"), "absolute-form: {}", head.target);
            let mut text = format!(
                "{method} {} HTTP/1.1\r\nHost: relay.example.net\r\nVia: 1.1 test\r\n",
                path.unwrap()
            );
            if !self.buffers_requests {
                match (link.chunked, length) {
                    (true, _) => text.push_str("Transfer-Encoding: chunked\r\n\r\n"),
                    (_, Some(length)) => text.push_str(&format!("Content-Length: {length}\r\n\r\n")),
                    _ => text.push_str("\r\n"),
                }
            }
            link.responses.asked(Asked::Plain);
            out.push((Side::Server, text.into_bytes()));
        }
    }

    fn responses(&mut self, link: &mut Link, input: &mut &[u8], out: &mut Vec<(Side, Vec<u8>)>) {
        while let Some(piece) = link.responses.next(input).expect("our responses are sound") {
            match piece {
                Piece::Head => {
                    let head = link.responses.response().unwrap();
                    let mut text = format!("HTTP/1.1 {} Whatever\r\nVia: 1.1 test\r\n", head.status);
                    for name in ["Content-Type", "Content-Length", "Transfer-Encoding"] {
                        if let Some(value) = head.headers.get(name) {
                            text.push_str(&format!("{name}: {value}\r\n"));
                        }
                    }
                    link.response_chunked = head.headers.get("transfer-encoding").is_some();
                    text.push_str("\r\n");
                    out.push((Side::Client, text.into_bytes()));
                }
                Piece::Body(_) if self.buffers_responses && link.response_chunked => {}
                Piece::Body(data) if link.response_chunked => {
                    out.push((Side::Client, rechunk(data, self.chunk.unwrap_or(data.len()))));
                }
                Piece::Body(data) => out.push((Side::Client, data.to_vec())),
                Piece::End => {
                    if link.response_chunked {
                        out.push((Side::Client, b"0\r\n\r\n".to_vec()));
                    }
                    link.close = self.one_request;
                }
            }
        }
    }
}

impl Auth {
    fn challenge(self) -> String {
        let offer = match self {
            Auth::Basic => "Basic realm=\"proxy\"".to_owned(),
            Auth::Digest => "Digest realm=\"proxy\", qop=\"auth\", algorithm=MD5, nonce=\"abc\"".to_owned(),
            Auth::Ntlm => "Negotiate\r\nProxy-Authenticate: NTLM".to_owned(),
        };
        format!(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: {offer}\r\nContent-Length: 4\r\n\r\nnope"
        )
    }

    fn accepts(self, method: &str, target: &str, credentials: Option<&str>) -> bool {
        let Some(credentials) = credentials else { return false };
        match self {
            Auth::Basic => credentials == "Basic dXNlcjpzZWNyZXQ=",
            Auth::Ntlm => false,
            Auth::Digest => {
                let field = |name: &str| {
                    let start = credentials.find(&format!("{name}=")).unwrap() + name.len() + 1;
                    credentials[start..].split(", ").next().unwrap().trim_matches('"').to_owned()
                };
                use md5::Digest as _;
                let hash = |text: String| {
                    md5::Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                };
                assert_eq!(field("uri"), target);
                let ha1 = hash("user:proxy:secret".to_owned());
                let ha2 = hash(format!("{method}:{target}"));
                field("response") == hash(format!("{ha1}:abc:{}:{}:auth:{ha2}", field("nc"), field("cnonce")))
            }
        }
    }
}

fn rechunk(data: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for part in data.chunks(size.max(1)) {
        out.extend_from_slice(format!("{:X}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out
}
