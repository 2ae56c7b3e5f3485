//! What a stack says of its sockets.

use std::net::SocketAddr;

use sofw_core::base::Duration;

/// A socket of one stack. Never reused within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TcpId {
    pub(super) index: u32,
    pub(super) birth: u32,
}

/// What a socket tells its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpEvent {
    /// `connect` succeeded.
    Connected(TcpId),
    /// `connect` was answered by RST. The socket is gone.
    Refused(TcpId),
    /// Nobody answered, or no longer. The socket is gone.
    TimedOut(TcpId),
    /// A listener has a new connection.
    Accepted {
        /// The address given to `listen`.
        listener: SocketAddr,
        /// The new socket.
        id: TcpId,
        /// The far end.
        peer: SocketAddr,
    },
    /// Bytes can be read; said once until `read` is called.
    Readable(TcpId),
    /// A write was cut short or filled the socket to its mark; now there is room again.
    Writable(TcpId),
    /// The peer sends no more. What it sent before can still be read.
    PeerClosed(TcpId),
    /// The peer broke the connection. The socket is gone.
    Reset(TcpId),
    /// Both directions ended in order, or the owner aborted. The socket is gone.
    Closed(TcpId),
}

/// State names of RFC 9293 §3.3.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum TcpState {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

/// A look into a socket, for traces and tests.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TcpStatus {
    /// State.
    pub state: TcpState,
    /// Congestion window, segments.
    pub window: u32,
    /// Slow-start threshold, segments.
    pub threshold: u32,
    /// Segments in flight by the best knowledge.
    pub in_flight: u32,
    /// Bytes written and never sent.
    pub unsent: usize,
    /// Bytes received in order and not read.
    pub unread: usize,
    /// Smoothed round trip; `None` before the first measurement.
    pub srtt: Option<Duration>,
    /// Present retransmission time-out.
    pub rto: Duration,
    /// Segments sent again so far.
    pub retransmissions: u64,
    /// Repairing a loss.
    pub in_recovery: bool,
}
