//! The only words spoken with the outside: [`Input`] in, [`Output`] out.
//!
//! The core asks for sockets and connections by output and learns of them by input. It never holds one.

use core::net::SocketAddr;

use crate::base::Payload;
use crate::event::Event;

/// A UDP socket. Media sockets are named by their port on the half's one media address, so that looking up the flow
/// of a datagram is one array access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum SocketId {
    /// SIP over UDP: index of the listener in the configuration.
    Sip(u16),
    /// A relay port on the media address.
    Media(u16),
}

/// A listening TCP socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum ListenerId {
    /// SIP over TCP: index of the listener in the configuration.
    Sip(u16),
    /// HTTP for tunnels (HRAS): index of the listener in the configuration.
    Tunnel(u16),
}

/// A TCP connection. The driver names those that it accepted, the core those that it asked for; the two kinds never
/// collide. A name is not used again while the machine lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum ConnId {
    /// Accepted: a number that the driver chooses, unique for its lifetime.
    Accepted(u64),
    /// Asked for by [`Output::Connect`]: a number that the core chose.
    Opened(u64),
}

/// Gives out [`ConnId::Opened`] names; parts of one machine use disjoint series.
#[derive(Clone, Debug)]
pub struct ConnNames {
    next: u64,
    step: u64,
}

impl ConnNames {
    /// The series `first, first + step, …`.
    pub const fn new(first: u64, step: u64) -> Self {
        ConnNames { next: first, step }
    }

    /// A name never given before.
    pub fn next_name(&mut self) -> ConnId {
        let name = ConnId::Opened(self.next);
        self.next += self.step;
        name
    }

    /// Whether `conn` is of this series.
    pub const fn is_mine(&self, conn: ConnId) -> bool {
        matches!(conn, ConnId::Opened(n) if n < self.next && n % self.step == self.next % self.step)
    }
}

/// What to connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// An address.
    Addr(SocketAddr),
    /// A name that the driver resolves (all addresses, tried in order), and a port.
    Name(String, u16),
}

impl core::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Endpoint::Addr(addr) => addr.fmt(f),
            Endpoint::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// Why the machine could not do what was asked. The text of the operating system travels for the operator only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IoError {
    /// The address and port are taken.
    AddressInUse,
    /// The address is not one of this host.
    AddressNotLocal,
    /// Not allowed, e.g. a port below 1024.
    PermissionDenied,
    /// The peer refused.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No route, or the name did not resolve.
    Unreachable,
    /// The peer reset the connection.
    Reset,
    /// Anything else.
    Other(String),
}

impl core::fmt::Display for IoError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            IoError::AddressInUse => "address in use",
            IoError::AddressNotLocal => "address is not local",
            IoError::PermissionDenied => "permission denied",
            IoError::Refused => "connection refused",
            IoError::TimedOut => "timed out",
            IoError::Unreachable => "unreachable",
            IoError::Reset => "connection reset",
            IoError::Other(text) => text,
        })
    }
}

/// What the world did.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A UDP socket that was asked for is open.
    Bound(SocketId),
    /// A UDP socket could not be opened.
    BindFailed(SocketId, IoError),
    /// A listener that was asked for listens.
    Listening(ListenerId),
    /// A listener could not be opened.
    ListenFailed(ListenerId, IoError),
    /// A datagram arrived.
    Datagram {
        /// On which socket.
        socket: SocketId,
        /// From where.
        from: SocketAddr,
        /// The whole datagram.
        bytes: &'a [u8],
    },
    /// A connection came in on a listener.
    Accepted {
        /// Which listener.
        listener: ListenerId,
        /// [`ConnId::Accepted`] with a number never used before.
        conn: ConnId,
        /// The other end.
        peer: SocketAddr,
    },
    /// A connection that was asked for is up.
    Connected {
        /// Which.
        conn: ConnId,
        /// Our end's address.
        local: SocketAddr,
    },
    /// A connection that was asked for failed. The connection is gone.
    ConnectFailed(ConnId, IoError),
    /// Bytes arrived on a connection.
    Received {
        /// Which.
        conn: ConnId,
        /// The bytes, cut anywhere.
        bytes: &'a [u8],
    },
    /// The last [`Output::Write`] of this connection is in the hands of the operating system; the next may follow.
    Written(ConnId),
    /// The peer ended the connection (`None`), or it broke. The connection is gone, also for writing.
    Closed(ConnId, Option<IoError>),
}

/// What the world must do. Outputs are to be carried out in the order in which they are polled.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open a UDP socket; answer by [`Input::Bound`] or [`Input::BindFailed`].
    Bind {
        /// Its name from now on.
        socket: SocketId,
        /// Local address and port.
        addr: SocketAddr,
    },
    /// Close a UDP socket.
    Unbind(SocketId),
    /// Listen for TCP; answer by [`Input::Listening`] or [`Input::ListenFailed`].
    Listen {
        /// Its name from now on.
        listener: ListenerId,
        /// Local address and port.
        addr: SocketAddr,
    },
    /// Send one datagram. If the socket's buffer is full, drop it and count.
    Send {
        /// From which socket.
        socket: SocketId,
        /// Where to.
        to: SocketAddr,
        /// The whole datagram.
        payload: Payload,
    },
    /// Open a TCP connection; answer by [`Input::Connected`] or [`Input::ConnectFailed`].
    Connect {
        /// [`ConnId::Opened`] with a new number.
        conn: ConnId,
        /// Where to.
        to: Endpoint,
    },
    /// Write all of these bytes to a connection, in order, then answer by [`Input::Written`]. The core has at most
    /// one write under way per connection: what waits behind it waits in the core, where stale voice can be dropped.
    Write {
        /// Which.
        conn: ConnId,
        /// The bytes.
        payload: Payload,
    },
    /// Close a connection after what was written has left. No input about it follows, or is ignored.
    Close(ConnId),
    /// Something an operator may want to know. It stands in order with its causes and effects.
    Event(Event),
}
