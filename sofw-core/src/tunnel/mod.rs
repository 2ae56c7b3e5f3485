//! The tunnel: sealed frames inside HTTP (paper P1, P2, P9).

pub mod client;
pub mod frame;
mod freshness;
pub mod http;
pub mod ladder;
mod reliable;
pub mod seal;
pub mod server;
pub mod session;
#[cfg(test)]
mod tests;

pub use client::{TunnelClient, TunnelStatus};
pub use frame::{FlowId, Frame, FrameError, RaHeader, Urgent};
pub use server::TunnelServer;
pub use session::{
    RecordReader, SendError, Session, SessionConfig, SessionError, SessionEvent, SessionStats,
};

use crate::base::{Payload, SiteId};
use crate::io::Output;

/// What a tunnel end gives its parent machine. `site` is always `SiteId(0)` on the HRAC.
#[derive(Clone, Debug)]
pub enum TunnelOutput {
    /// Connections to open, write and close, and events.
    Io(Output),
    /// A new session began: the peer knows nothing of what was said before. Announce everything again.
    Started(SiteId),
    /// The session is over: its resume window passed, or the peer began a new one (then `Started` follows).
    Ended(SiteId),
    /// A reliable frame arrived, in order, once.
    Frame(SiteId, Frame),
    /// A media datagram arrived.
    Voice(SiteId, FlowId, Payload),
}
