//! HTTP/1.1 (RFC 9112): the heads of the two exchanges, of CONNECT, and chunks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sofw_core::io::Endpoint;

/// `GET` or `POST` of a session. Through a proxy (absolute-form, RFC 9112 §3.2.2) with its credentials, if any.
pub fn request(method: &str, server: &Endpoint, token: &str, proxy: Option<Credentials<'_>>) -> String {
    let target = match proxy {
        Some(_) => format!("http://{server}{PATH}{token}"),
        None => format!("{PATH}{token}"),
    };
    let body = match method {
        "POST" => "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n",
        _ => "Accept: application/octet-stream\r\nCache-Control: no-store\r\n",
    };
    let credentials = proxy.map(authorization).unwrap_or_default();
    format!("{method} {target} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: hcap\r\n{credentials}{body}\r\n")
}

/// `CONNECT` (RFC 9110 §9.3.6).
pub fn connect(server: &Endpoint, credentials: Credentials<'_>) -> String {
    let credentials = authorization(credentials);
    format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n{credentials}\r\n")
}

/// The head of the response whose body carries down.
pub const RESPONSE: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
    Cache-Control: no-store\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";

/// To anyone else.
pub const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The session that a request's path names: at most [`TOKEN_MAX`] letters and digits.
pub fn token(path: &str) -> Option<&str> {
    let token = path.strip_prefix(PATH)?;
    let good =
        !token.is_empty() && token.len() <= TOKEN_MAX && token.bytes().all(|b| b.is_ascii_alphanumeric());
    good.then_some(token)
}

/// One chunk (RFC 9112 §7.1).
pub fn chunk(data: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Bytes that [`chunk`] adds to `length` bytes.
pub const fn chunk_bytes(length: usize) -> usize {
    let mut digits = 1;
    let mut rest = length / 16;
    while rest > 0 {
        digits += 1;
        rest /= 16;
    }
    digits + 4
}

/// Name and password for a proxy, if it wants any.
pub type Credentials<'a> = Option<&'a (String, String)>;

/// RFC 7617.
fn authorization(credentials: Credentials<'_>) -> String {
    credentials.map_or_else(String::new, |(name, password)| {
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{password}")))
    })
}

const PATH: &str = "/hcap/";
/// Length of the token that a client chooses for a session.
pub const TOKEN_MAX: usize = 32;
