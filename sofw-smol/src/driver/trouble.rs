//! The operating system's errors in the core's words.

use std::io::{Error, ErrorKind};

use sofw_core::io::IoError;

/// What `error` is called in the core.
pub fn io_error(error: &Error) -> IoError {
    match error.kind() {
        ErrorKind::AddrInUse => IoError::AddressInUse,
        ErrorKind::AddrNotAvailable => IoError::AddressNotLocal,
        ErrorKind::PermissionDenied => IoError::PermissionDenied,
        ErrorKind::ConnectionRefused => IoError::Refused,
        ErrorKind::TimedOut => IoError::TimedOut,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => IoError::Unreachable,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => IoError::Reset,
        _ => IoError::Other(error.to_string()),
    }
}
