//! What can be wrong with bytes that arrive, and with frames that are to be sent.

use core::fmt;

use crate::tunnel::frame::FrameError;
use crate::tunnel::seal::SealError;

/// Why body bytes were refused. End the connection that brought them; the session goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionError {
    /// A record's length is above the bound or below the smallest record.
    RecordLength,
    /// A record did not open.
    Seal(SealError),
    /// A frame in a record is malformed.
    Frame(FrameError),
    /// A reliable frame lies further ahead than the other end may send.
    ReliableWindow,
    /// An acknowledgement of what was never sent.
    AckBeyondSent,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::RecordLength => f.write_str("record length out of bounds"),
            SessionError::Seal(error) => error.fmt(f),
            SessionError::Frame(error) => error.fmt(f),
            SessionError::ReliableWindow => f.write_str("reliable frame beyond the window"),
            SessionError::AckBeyondSent => f.write_str("acknowledgement of what was never sent"),
        }
    }
}

impl std::error::Error for SessionError {}

/// Why [`super::Session::send`] refused a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// More unacknowledged than [`crate::config::limits::RELIABLE_BYTES_MAX`] bytes or
    /// [`crate::config::limits::RELIABLE_WINDOW`] parts.
    ReliableFull,
    /// The frame, or a list in it, is longer than its bound.
    Oversize,
    /// A field has a value that the other end would refuse.
    Invalid,
    /// A flow id above [`crate::tunnel::FlowId::MAX`].
    BadFlow,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::ReliableFull => "too much is unacknowledged",
            SendError::Oversize => "frame longer than its bound",
            SendError::Invalid => "frame with a bad value",
            SendError::BadFlow => "flow id above 21 bits",
        })
    }
}

impl std::error::Error for SendError {}
