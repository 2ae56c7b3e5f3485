//! The admin listener: a few GET paths over HTTP/1.1, one request per connection, every step bounded.

use core::net::SocketAddr;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use smol::LocalExecutor;
use smol::future::FutureExt;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::lock::{Semaphore, SemaphoreGuardArc};
use smol::net::{TcpListener, TcpStream};

/// Answers `GET /status` with what `status` gives and `GET /healthz` with `ok`, until dropped. `status` gives `None` while the
/// machine cannot say.
pub async fn serve<F, S>(listener: TcpListener, executor: &LocalExecutor<'_>, status: F)
where
    F: Fn() -> S + Clone + 'static,
    S: Future<Output = Option<String>> + 'static,
{
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // Taken before accepting: who comes while all are busy waits in the kernel.
        let permit: SemaphoreGuardArc = permits.acquire_arc().await;
        let Ok((stream, peer)) = listener.accept().await else {
            smol::Timer::after(ACCEPT_PAUSE).await;
            continue;
        };
        let status = status.clone();
        executor
            .spawn(async move {
                let timeout = async {
                    smol::Timer::after(REQUEST_TIMEOUT).await;
                    Err(io::ErrorKind::TimedOut.into())
                };
                if let Err(error) = answer(stream, status).or(timeout).await {
                    tracing::debug!(%peer, %error, "admin request");
                }
                drop(permit);
            })
            .detach();
    }
}

/// Asks an admin listener for a path; status and body.
///
/// # Errors
/// No connection, no answer in time, or no HTTP.
pub async fn get(addr: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(ANSWER_MAX).read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        status.zip(body).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
    };
    let timeout = async {
        smol::Timer::after(REQUEST_TIMEOUT).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    exchange.or(timeout).await
}

async fn answer<F, S>(mut stream: TcpStream, status: F) -> io::Result<()>
where
    F: Fn() -> S,
    S: Future<Output = Option<String>>,
{
    let mut head = Vec::with_capacity(1024);
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let len = stream.read(&mut part).await?;
        if len == 0 || head.len() + len > HEAD_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend_from_slice(&part[..len]);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (code, kind, body) = match (method, path) {
        (b"GET", b"/status") => match status().await {
            Some(body) => ("200 OK", "application/json", body),
            None => ("503 Service Unavailable", "text/plain", "stopping\n".to_owned()),
        },
        (b"GET", b"/healthz") => ("200 OK", "text/plain", "ok\n".to_owned()),
        (b"GET", _) => ("404 Not Found", "text/plain", "there are /status and /healthz\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "GET only\n".to_owned()),
    };
    let len = body.len();
    let head = format!(
        "HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.close().await
}

/// Requests at once.
const CONNECTIONS_MAX: usize = 16;
/// Longest request head.
const HEAD_MAX: usize = 8 * 1024;
/// Longest answer that `sofw status` reads: some 100,000 records.
const ANSWER_MAX: u64 = 64 * 1024 * 1024;
/// Time for one exchange.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
