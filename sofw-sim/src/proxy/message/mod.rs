//! HTTP/1.x messages as a proxy sees them: read tolerantly, written anew.
//!
//! ```text
//! bytes ─▶ Reader ─▶ Piece::{Head, Body, End}          Head ─▶ edited fields ─▶ bytes
//! ```
//! A proxy reads what servers and browsers write, bare LF included; it is less strict than the tunnel's own reader on purpose.

mod head;
mod reader;

pub use head::{Head, Start};
pub use reader::{Asked, Piece, Reader};

/// How the body of a message ends (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// There is none.
    Empty,
    /// After so many bytes; not 0.
    Bytes(u64),
    /// By the last chunk.
    Chunked,
    /// With the connection (responses only).
    UntilClose,
}

/// A message that cannot be understood; the status with which a server would answer it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed(pub u16);

/// Longest head (Squid's `request_header_max_size`).
const HEAD_MAX: usize = 64 * 1024;
/// Most fields in one head.
const FIELDS_MAX: usize = 128;
