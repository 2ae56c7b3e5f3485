//! SDP: line-oriented editing (RFC 8866, paper P8).
//!
//! ```text
//! body ─▶ Sdp::parse ─▶ media lines: addresses, ports, direction ─▶ (RAT chooses ports) ─▶ rewrite ─▶ body
//! ```
//!
//! Only what tells where media goes is read, and only that is written: `c=`, the port in `m=`, `a=rtcp`; ICE lines
//! are taken out, since a candidate would lead past the relay. All other bytes stay, also of lines no RFC knows.

#[cfg(any(test, feature = "testing"))]
mod exercise;
mod media;
mod multipart;
mod parse;
mod rewrite;

pub use media::{Direction, MediaKind, MediaLine};
pub use multipart::find;
pub use parse::{Sdp, SdpError};
pub use rewrite::{MediaRewrite, rewrite};

#[cfg(any(test, feature = "testing"))]
pub(crate) use exercise::exercise;

#[cfg(test)]
mod tests;
