//! A small HTTP forward proxy: in the demo the only way out of the inside network.
//!
//! It takes absolute-form requests (RFC 9112 §3.2.2) and CONNECT (RFC 9110 §9.3.6), and reaches one destination only: the rest is
//! 403, as behind a firewall. It may hold back chunked request bodies until their end, as some real proxies do.

use core::net::SocketAddr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

/// What the proxy saw, for the ladder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// A request line from inside, in short: method and path.
    Request(String),
    /// A status line from outside, in short.
    Response(String),
}

/// How the proxy behaves and what it counts.
#[derive(Debug)]
pub struct Proxy {
    /// The only destination.
    pub allowed: SocketAddr,
    /// Hold chunked request bodies back until they end.
    pub holds_bodies: bool,
    /// Bytes carried out and in.
    pub bytes: [AtomicU64; 2],
    /// Connections taken.
    pub connections: AtomicU64,
    heard: smol::channel::Sender<Heard>,
}

const HEAD_MAX: usize = 16 * 1024;

impl Proxy {
    /// A proxy that tells `heard` what passes.
    pub fn new(allowed: SocketAddr, holds_bodies: bool, heard: smol::channel::Sender<Heard>) -> Arc<Self> {
        let (bytes, connections) = (Default::default(), AtomicU64::new(0));
        Arc::new(Proxy { allowed, holds_bodies, bytes, connections, heard })
    }

    /// Bytes carried out of the inside network, and into it.
    pub fn carried(&self) -> [u64; 2] {
        self.bytes.each_ref().map(|b| b.load(Ordering::Relaxed))
    }

    /// Serves until dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        let mut tasks = Vec::new();
        let executor = smol::LocalExecutor::new();
        executor
            .run(async {
                loop {
                    let (client, _) = listener.accept().await?;
                    self.connections.fetch_add(1, Ordering::Relaxed);
                    let proxy = Arc::clone(&self);
                    tasks.retain(|task: &smol::Task<()>| !task.is_finished());
                    tasks.push(executor.spawn(async move {
                        // A connection that breaks is the business of its two ends.
                        let _ = proxy.connection(client).await;
                    }));
                }
            })
            .await
    }

    async fn connection(&self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut inbox = Inbox { stream: client.clone(), bytes: Vec::new() };
        let Some(head) = inbox.head().await? else {
            return Ok(());
        };
        let Some(request) = Request::parse(&head) else {
            return refuse(client, "400 Bad Request").await;
        };
        let _ = self.heard.try_send(Heard::Request(format!("{} {}", request.method, request.path)));
        if request.authority.parse() != Ok(self.allowed) {
            return refuse(client, "403 Forbidden").await;
        }
        let Ok(server) = TcpStream::connect(self.allowed).await else {
            return refuse(client, "502 Bad Gateway").await;
        };
        server.set_nodelay(true)?;
        let up = async {
            if request.method == "CONNECT" {
                let mut client = client.clone();
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
                self.send_out(&mut server.clone(), &inbox.bytes).await?;
                self.copy(client, server.clone(), 0).await
            } else {
                self.requests(&mut inbox, server.clone(), head, request).await
            }
        };
        // When one way ends, so does the other: the tunnel needs both.
        let result = smol::future::or(up, self.copy(server.clone(), client.clone(), 1)).await;
        let _ = server.shutdown(std::net::Shutdown::Both);
        let _ = client.shutdown(std::net::Shutdown::Both);
        result
    }

    /// Carries requests of one connection on, heads rewritten to origin form, bodies as they come.
    async fn requests(
        &self,
        inbox: &mut Inbox,
        mut server: TcpStream,
        mut head: Vec<u8>,
        mut request: Request,
    ) -> io::Result<()> {
        loop {
            let mut held = request.onward(&head);
            if !(self.holds_bodies && request.body == Body::Chunked) {
                self.send_out(&mut server, &std::mem::take(&mut held)).await?;
            }
            let mut body = BodyReader::new(request.body);
            while !body.is_over() {
                if inbox.bytes.is_empty() && !inbox.fill().await? {
                    return Ok(());
                }
                let taken = body.take(&inbox.bytes);
                held.extend(inbox.bytes.drain(..taken));
                if !(self.holds_bodies && request.body == Body::Chunked) || body.is_over() {
                    self.send_out(&mut server, &std::mem::take(&mut held)).await?;
                }
            }
            match inbox.head().await? {
                Some(next) => head = next,
                None => return Ok(()),
            }
            match Request::parse(&head) {
                Some(next) if next.authority == request.authority => request = next,
                _ => return Ok(()),
            }
            let _ = self.heard.try_send(Heard::Request(format!("{} {}", request.method, request.path)));
        }
    }

    async fn send_out(&self, server: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        self.bytes[0].fetch_add(bytes.len() as u64, Ordering::Relaxed);
        server.write_all(bytes).await
    }

    async fn copy(&self, mut from: TcpStream, mut to: TcpStream, way: usize) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        let mut first = way == 1;
        loop {
            let len = from.read(&mut buffer).await?;
            if len == 0 {
                return Ok(());
            }
            if std::mem::take(&mut first) {
                let line = buffer[..len].split(|&b| b == b'\r').next().unwrap_or(b"");
                let text = String::from_utf8_lossy(line).trim_start_matches("HTTP/1.1 ").to_owned();
                let _ = self.heard.try_send(Heard::Response(text));
            }
            self.bytes[way].fetch_add(len as u64, Ordering::Relaxed);
            to.write_all(&buffer[..len]).await?;
        }
    }
}

async fn refuse(mut client: TcpStream, status: &str) -> io::Result<()> {
    client
        .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
        .await
}

/// Bytes read from a client and not used yet.
struct Inbox {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Inbox {
    /// More bytes; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let len = self.stream.read(&mut buffer).await?;
        self.bytes.extend_from_slice(&buffer[..len]);
        Ok(len > 0)
    }

    /// The next head with its empty line; `None` at the end.
    async fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                return Ok(Some(self.bytes.drain(..at + 4).collect()));
            }
            if self.bytes.len() > HEAD_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Request {
    method: String,
    authority: String,
    path: String,
    body: Body,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Body {
    Length(u64),
    Chunked,
}

impl Request {
    fn parse(head: &[u8]) -> Option<Request> {
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
    fn onward(&self, head: &[u8]) -> Vec<u8> {
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
struct BodyReader {
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
    fn new(body: Body) -> Self {
        let state = match body {
            Body::Length(0) => BodyState::Over,
            Body::Length(len) => BodyState::Bytes(len),
            Body::Chunked => BodyState::Size(Vec::new()),
        };
        BodyReader { state }
    }

    fn is_over(&self) -> bool {
        self.state == BodyState::Over
    }

    /// How many of `bytes` belong to the body.
    fn take(&mut self, bytes: &[u8]) -> usize {
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

    #[test]
    fn it_reaches_only_what_is_allowed() {
        smol::block_on(async {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (allowed, proxy_addr) = (server.local_addr().unwrap(), listener.local_addr().unwrap());
            let (heard, hears) = smol::channel::unbounded();
            let proxy = Proxy::new(allowed, false, heard);
            let exchange = async {
                let mut client = TcpStream::connect(proxy_addr).await.unwrap();
                client.write_all(b"GET http://127.0.0.1:1/ HTTP/1.1\r\n\r\n").await.unwrap();
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");

                let mut client = TcpStream::connect(proxy_addr).await.unwrap();
                let connect = format!("CONNECT {allowed} HTTP/1.1\r\n\r\nping");
                client.write_all(connect.as_bytes()).await.unwrap();
                let (mut inner, _) = server.accept().await.unwrap();
                let mut ping = [0; 4];
                inner.read_exact(&mut ping).await.unwrap();
                assert_eq!(&ping, b"ping");
                inner.write_all(b"pong").await.unwrap();
                drop(inner);
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("pong"), "{answer}");
                io::Result::Ok(())
            };
            smol::future::or(exchange, proxy.clone().serve(listener)).await.unwrap();
            assert_eq!(proxy.carried(), [4, 4]);
            assert_eq!(hears.try_recv(), Ok(Heard::Request("GET /".into())));
        });
    }
}
