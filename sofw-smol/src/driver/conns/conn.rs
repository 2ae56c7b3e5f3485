//! One connection and the bytes that the kernel has not taken yet.

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;

use socket2::Socket;
use sofw_core::Payload;
use sofw_core::base::Instant;
use sofw_core::io::{ConnId, IoError};

use crate::driver::observer::Ends;
use crate::driver::poller::{Poller, Token, WRITE};
use crate::driver::trouble::io_error;

/// A connection.
pub(super) struct Conn {
    pub(super) id: ConnId,
    pub(super) generation: u32,
    pub(super) socket: Option<Socket>,
    pub(super) ends: Ends,
    pub(super) state: State,
    /// Bytes the kernel has not taken yet. The core keeps to one write at a time, so rarely more than one.
    pub(super) unwritten: VecDeque<Payload>,
    /// How much of the first one the kernel has taken.
    pub(super) taken: usize,
    pub(super) wants_write: bool,
    /// What a write failed with. The kernel says it only once, so the read that then finds the end must be told.
    pub(super) broken: Option<IoError>,
    pub(super) deadline: Option<Instant>,
}

/// How far it is.
pub(super) enum State {
    /// The name is being resolved.
    Resolving,
    /// The addresses that have not been tried, and when to give up.
    Connecting {
        rest: VecDeque<SocketAddr>,
        give_up: Instant,
    },
    Open,
    /// The core is done with it; what was written leaves, then the peer's end is awaited, both bounded.
    Lingering,
}

impl Conn {
    /// Gives the kernel what it takes. `true` if it took all.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Some(socket) = &self.socket else { return Ok(false) };
        while let Some(first) = self.unwritten.front() {
            if self.taken >= first.len() {
                self.unwritten.pop_front();
                self.taken = 0;
                continue;
            }
            match rustix::net::send(socket, &first[self.taken..], rustix::net::SendFlags::NOSIGNAL) {
                Ok(len) => self.taken += len,
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    pub(super) fn flush_or_note(&mut self) -> bool {
        match self.flush() {
            Ok(all) => all,
            Err(error) => {
                self.broken.get_or_insert(io_error(&error));
                false
            }
        }
    }

    pub(super) fn end_writing(&mut self) {
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }

    /// The peer's end would show as readable for ever: only writing matters from now on.
    pub(super) fn peer_ended(&mut self, poller: &Poller, token: Token) {
        if let Some(socket) = &self.socket {
            let _ = poller.change(socket, token, WRITE);
        }
        self.wants_write = true;
    }
}
