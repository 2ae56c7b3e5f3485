//! TCP.

use core::net::SocketAddr;

/// The control flags of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// SYN.
    pub syn: bool,
    /// FIN.
    pub fin: bool,
    /// RST.
    pub rst: bool,
    /// PSH.
    pub psh: bool,
}

/// The options of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// Window scale.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// SACK blocks.
    pub sack: [Option<(u32, u32)>; 3],
    /// Timestamp and echo.
    pub timestamps: Option<(u32, u32)>,
}

/// A segment without its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// From.
    pub src: SocketAddr,
    /// To.
    pub dst: SocketAddr,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: Option<u32>,
    /// Flags.
    pub flags: Flags,
    /// Window as on the wire.
    pub window: u16,
    /// Options.
    pub options: Options,
}

use core::net::IpAddr;
use sofw_core::base::{Instant, Rng};

/// A socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TcpId(u32);

/// Configuration.
#[derive(Clone, Debug, Default)]
pub struct TcpConfig {}

/// What the stack tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpEvent {
    /// Up.
    Connected(TcpId),
    /// Refused.
    Refused(TcpId),
    /// No answer.
    TimedOut {
        /// Which.
        id: TcpId,
        /// Whether it was up.
        connected: bool,
    },
    /// Accepted.
    Accepted {
        /// Where.
        listener: SocketAddr,
        /// Which.
        id: TcpId,
        /// Who.
        peer: SocketAddr,
    },
    /// There is something to read.
    Readable(TcpId),
    /// There is room again.
    Writable(TcpId),
    /// FIN came.
    PeerClosed(TcpId),
    /// RST came.
    Reset(TcpId),
    /// Gone.
    Closed(TcpId),
}

/// A host's TCP.
#[derive(Debug)]
pub struct Stack {}

#[allow(missing_docs, clippy::missing_const_for_fn)]
impl Stack {
    pub fn new(_: TcpConfig, _: Rng) -> Self {
        Stack {}
    }
    pub fn listen(&mut self, _: SocketAddr) {}
    pub fn connect(&mut self, _: Instant, _: IpAddr, _: SocketAddr) -> TcpId {
        TcpId(0)
    }
    pub fn write(&mut self, _: Instant, _: TcpId, _: &[u8]) -> usize {
        0
    }
    pub fn is_writable(&self, _: TcpId) -> bool {
        false
    }
    pub fn read(&mut self, _: Instant, _: TcpId, _: &mut Vec<u8>) -> usize {
        0
    }
    pub fn shut_write(&mut self, _: Instant, _: TcpId) {}
    pub fn close(&mut self, _: Instant, _: TcpId) {}
    pub fn abort(&mut self, _: Instant, _: TcpId) {}
    pub fn abort_all(&mut self) {}
    pub fn forget_all(&mut self) {}
    pub fn remind(&mut self, _: TcpId) {}
    pub fn handle_segment(&mut self, _: Instant, _: &Head, _: &[u8]) {}
    pub fn handle_timeout(&mut self, _: Instant) {}
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    pub fn poll_segment(&mut self, _: Instant, _: &mut Vec<u8>) -> Option<Head> {
        None
    }
    pub fn poll_event(&mut self) -> Option<TcpEvent> {
        None
    }
    pub fn has_events(&self) -> bool {
        false
    }
}
