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

use super::http::{Body, BodyReader, Request};

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

#[cfg(test)]
mod tests {
    use super::*;

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
