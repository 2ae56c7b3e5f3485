//! HTTP/1.1 as the tunnel needs it: heads, chunked bodies, one message after the other on a connection, proxy
//! authentication. Nothing here knows what the bodies contain.
//!
//! ```text
//! connection bytes ──▶ exchange::Reader ──▶ Piece::{Head, Body, End}
//!                        ├─ head      request and response heads, refusals against smuggling
//!                        └─ chunked   chunk decoder; chunk boundaries mean nothing to us, proxies change them
//! proxy 407 ──▶ proxy_auth ──▶ Proxy-Authorization
//! ```
//!
//! Invariants: every length is bounded before bytes are kept; what two parsers could read differently is refused
//! (RFC 9112 §11.2); a body is passed on in slices of the input, never collected here.

mod challenge;
pub mod chunked;
pub mod exchange;
pub mod head;
pub mod proxy_auth;

#[cfg(test)]
mod tests;

/// What we call ourselves in every request: fixed and honest, so that a firewall engineer can allow or refuse us.
pub const USER_AGENT: &str = "SoFW/0.1";

/// Why an HTTP message is refused. The connection cannot go on after it: where its next message begins is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HttpError {
    /// A line ended by LF without CR, or CR without LF.
    BareLineEnd,
    /// The head is longer than [`crate::config::limits::HTTP_HEAD_MAX`].
    HeadTooLong,
    /// More header fields than [`crate::config::limits::HTTP_HEADERS_MAX`].
    TooManyHeaders,
    /// Not an HTTP/1.x head at all.
    Malformed,
    /// A header field continued on the next line (RFC 9112 §5.2).
    FoldedHeader,
    /// Content-Length is no number, or several differ.
    ContentLength,
    /// Content-Length and Transfer-Encoding together.
    LengthAndCoding,
    /// A transfer coding other than exactly `chunked`.
    TransferCoding,
    /// A chunk size, its extension or its line end is wrong or too long.
    Chunk,
    /// No Host, or several, in an HTTP/1.1 request.
    Host,
    /// An HTTP version other than 1.0 and 1.1.
    Version,
    /// The connection ended in the middle of a message.
    Truncated,
}

impl HttpError {
    /// The status with which a server answers it.
    pub const fn status(self) -> u16 {
        match self {
            HttpError::HeadTooLong | HttpError::TooManyHeaders => 431,
            HttpError::TransferCoding => 501,
            HttpError::Version => 505,
            _ => 400,
        }
    }

    /// For the operator.
    pub const fn text(self) -> &'static str {
        match self {
            HttpError::BareLineEnd => "line end is not CRLF",
            HttpError::HeadTooLong => "head too long",
            HttpError::TooManyHeaders => "too many header fields",
            HttpError::Malformed => "not HTTP",
            HttpError::FoldedHeader => "folded header field",
            HttpError::ContentLength => "bad or conflicting Content-Length",
            HttpError::LengthAndCoding => "Content-Length and Transfer-Encoding together",
            HttpError::TransferCoding => "unknown transfer coding",
            HttpError::Chunk => "bad chunk",
            HttpError::Host => "no Host or several",
            HttpError::Version => "HTTP version not supported",
            HttpError::Truncated => "connection ended inside a message",
        }
    }
}

/// Where a session begins.
pub const HELLO_PATH: &str = "/sofw/1/hello";

/// What stands before the session id in the paths of its exchanges.
pub const SESSION_PATH: &str = "/sofw/1/";

/// Bytes as a path segment: base64url without padding (RFC 4648 §5).
pub fn to_path_segment(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}

/// Bytes from a path segment.
pub fn from_path_segment(segment: &str) -> Option<Vec<u8>> {
    base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, segment).ok()
}
