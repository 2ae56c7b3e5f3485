//! Listening TCP sockets.

use core::net::SocketAddr;
use std::io;

use slab::Slab;
use socket2::{Domain, Protocol, Socket, Type};
use sofw_core::base::{Duration, Instant};
use sofw_core::io::ListenerId;

use super::Options;
use super::poller::{Poller, READ, Token};
use super::tune::tune;
use super::udp::{DSCP_SIGNALLING, set_dscp};

/// The listeners, in slots that tokens name.
pub struct Listeners {
    slots: Slab<Listener>,
    /// Accepting failed for want of descriptors or memory: not tried again before this time.
    paused_until: Option<Instant>,
}

struct Listener {
    id: ListenerId,
    socket: Socket,
    local: SocketAddr,
}

/// A connection that came in.
pub struct Incoming {
    pub listener: ListenerId,
    pub socket: Socket,
    pub local: SocketAddr,
    pub peer: SocketAddr,
}

impl Listeners {
    pub fn new() -> Self {
        Listeners { slots: Slab::new(), paused_until: None }
    }

    /// Opens a listener and adds it to the poller; its local address.
    pub fn listen(
        &mut self,
        poller: &Poller,
        options: &Options,
        id: ListenerId,
        addr: SocketAddr,
    ) -> io::Result<SocketAddr> {
        let socket = open(addr)?;
        if options.dscp && matches!(id, ListenerId::Sip(_)) {
            set_dscp(&socket, addr, DSCP_SIGNALLING);
        }
        // Accepted sockets inherit these, so that the handshake's answer already has them.
        tune(&socket);
        let local = socket.local_addr()?.as_socket().unwrap_or(addr);
        let entry = self.slots.vacant_entry();
        poller.add(&socket, Token::Listener(entry.key() as u32), READ)?;
        entry.insert(Listener { id, socket, local });
        Ok(local)
    }

    /// Takes the connections that wait, up to a bound per round.
    pub fn accept(&mut self, slot: u32, now: Instant, poller: &Poller, accepted: &mut Vec<Incoming>) {
        let Some(listener) = self.slots.get(slot as usize) else { return };
        for _ in 0..ACCEPTS_PER_ROUND {
            match listener.socket.accept() {
                Ok((socket, peer)) => {
                    let Some(peer) = peer.as_socket() else { continue };
                    if socket.set_nonblocking(true).is_err() {
                        continue;
                    }
                    let local =
                        socket.local_addr().ok().and_then(|a| a.as_socket()).unwrap_or(listener.local);
                    accepted.push(Incoming { listener: listener.id, socket, local, peer });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Out of descriptors or memory. The listener stays readable: without a pause this would be a busy loop.
                    tracing::warn!(listener = ?listener.id, %error, "cannot accept connections; pausing");
                    self.paused_until = Some(now + ACCEPT_PAUSE);
                    self.set_interest(poller, false);
                    return;
                }
            }
        }
    }

    /// When paused listeners want to be resumed.
    pub fn deadline(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Resumes listeners whose pause is over.
    pub fn handle_timeout(&mut self, now: Instant, poller: &Poller) {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            self.set_interest(poller, true);
        }
    }

    fn set_interest(&self, poller: &Poller, on: bool) {
        let interest = if on { READ } else { READ.difference(READ) };
        for (slot, listener) in &self.slots {
            let _ = poller.change(&listener.socket, Token::Listener(slot as u32), interest);
        }
    }
}

/// A nonblocking listener on `addr`.
pub fn open(addr: SocketAddr) -> io::Result<Socket> {
    let socket =
        Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Errors that concern the connection that was to be accepted, not the listener (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}

/// Connections taken from one listener per round.
const ACCEPTS_PER_ROUND: usize = 32;
/// How long to wait for descriptors to become free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Connections that the kernel holds for us.
const BACKLOG: i32 = 1024;
