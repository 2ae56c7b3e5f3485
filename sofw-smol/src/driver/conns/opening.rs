//! From a name or address to a connection that is up: one attempt after the other.

use core::net::SocketAddr;
use std::io;

use socket2::{Domain, Protocol, Socket, Type};
use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Input, IoError};

use super::conn::State;
use super::{Conns, UNKNOWN_ENDS};
use crate::driver::observer::{Ends, Observer, Way};
use crate::driver::poller::{GENERATION_MASK, Poller, READ, Token, WRITE};
use crate::driver::trouble::io_error;
use crate::driver::tune::tune;
use crate::driver::{Half, Machine};

impl Conns {
    /// Notes a connection whose name is being resolved.
    pub fn resolving(&mut self, now: Instant, id: ConnId) {
        let slot = self.insert(id, UNKNOWN_ENDS, State::Resolving);
        self.set_deadline(slot, Some(now + CONNECT_TIMEOUT));
    }

    /// Begins to connect to the first of `addrs`, falling back on the others.
    pub fn connect(
        &mut self,
        poller: &Poller,
        now: Instant,
        id: ConnId,
        addrs: Vec<SocketAddr>,
    ) -> Result<(), IoError> {
        let (slot, give_up) = match self.by_id.get(&id) {
            // A resolved one keeps the deadline that it began with.
            Some(&slot) => (slot, self.slots[slot].deadline.unwrap_or(now)),
            None => (self.insert(id, UNKNOWN_ENDS, State::Resolving), now + CONNECT_TIMEOUT),
        };
        self.slots[slot].state = State::Connecting { rest: addrs.into(), give_up };
        self.try_next(poller, now, slot, IoError::Unreachable)
    }

    /// The name of a connection did not resolve.
    pub fn unresolved(&mut self, id: ConnId) {
        if let Some(&slot) = self.by_id.get(&id) {
            self.forget(slot);
        }
    }

    /// Whether the core still waits for this connection to be resolved.
    pub fn is_resolving(&self, id: ConnId) -> bool {
        self.by_id.get(&id).is_some_and(|&slot| matches!(self.slots[slot].state, State::Resolving))
    }

    pub(super) fn finish_connect<M: Machine, O: Observer>(
        &mut self,
        poller: &Poller,
        now: Instant,
        slot: usize,
        half: &mut Half<M, O>,
    ) {
        let Some(socket) = &self.slots[slot].socket else { return };
        let id = self.slots[slot].id;
        let failure = match socket.take_error() {
            Ok(None) => match (socket.peer_addr(), socket.local_addr()) {
                (Ok(peer), Ok(local)) => {
                    let (Some(remote), Some(local)) = (peer.as_socket(), local.as_socket()) else { return };
                    let token = self.token(slot);
                    let conn = &mut self.slots[slot];
                    conn.ends = Ends { local, remote };
                    conn.state = State::Open;
                    if let Some(socket) = &conn.socket {
                        let _ = poller.change(socket, token, READ);
                    }
                    let ends = conn.ends;
                    self.set_deadline(slot, None);
                    half.observer.connected(now, Way::Out, id, ends);
                    half.feed(now, Input::Connected { conn: id, local: ends.local });
                    return;
                }
                // Writable but not connected: not ready yet.
                _ => return,
            },
            Ok(Some(error)) | Err(error) => io_error(&error),
        };
        if let Err(error) = self.try_next(poller, now, slot, failure) {
            half.feed(now, Input::ConnectFailed(id, error));
        }
    }

    /// Begins the next attempt. If there is none, the connection is gone and `failure` is the last attempt's.
    pub(super) fn try_next(
        &mut self,
        poller: &Poller,
        now: Instant,
        slot: usize,
        mut failure: IoError,
    ) -> Result<(), IoError> {
        loop {
            let State::Connecting { rest, give_up } = &mut self.slots[slot].state else { return Ok(()) };
            let give_up = *give_up;
            let next = if now < give_up { rest.pop_front() } else { None };
            let Some(addr) = next else {
                self.forget(slot);
                return Err(failure);
            };
            let is_last = rest.is_empty();
            self.generation = self.generation.wrapping_add(1) & GENERATION_MASK;
            self.slots[slot].generation = self.generation;
            match begin(poller, self.token(slot), addr) {
                Ok(socket) => {
                    self.slots[slot].socket = Some(socket);
                    let patience = if is_last { give_up } else { give_up.min(now + ATTEMPT_TIMEOUT) };
                    self.set_deadline(slot, Some(patience));
                    return Ok(());
                }
                Err(error) => failure = io_error(&error),
            }
        }
    }
}

fn begin(poller: &Poller, token: Token, addr: SocketAddr) -> io::Result<Socket> {
    let socket =
        Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    tune(&socket);
    match socket.connect(&addr.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    poller.add(&socket, token, WRITE)?;
    Ok(socket)
}

/// Time for resolving and all attempts together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for an attempt while other addresses are left.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
