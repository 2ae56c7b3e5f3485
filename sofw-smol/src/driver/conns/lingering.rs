//! After a close: what was written leaves, then the peer's end is awaited, both bounded.

use sofw_core::base::{Duration, Instant};

use super::Conns;
use super::conn::State;
use crate::driver::poller::{Poller, Ready, Token};

impl Conns {
    pub(super) fn linger(&mut self, poller: &Poller, now: Instant, slot: usize) {
        self.by_id.remove(&self.slots[slot].id);
        let conn = &mut self.slots[slot];
        conn.state = State::Lingering;
        if conn.unwritten.is_empty() {
            conn.end_writing();
        }
        self.set_deadline(slot, Some(now + LINGER));
        self.update_interest(poller, slot);
    }

    pub(super) fn lingering(&mut self, poller: &Poller, slot: usize, ready: Ready) {
        let conn = &mut self.slots[slot];
        if ready.writable && !conn.unwritten.is_empty() {
            match conn.flush() {
                Ok(true) => conn.end_writing(),
                Ok(false) => {}
                Err(_) => return self.forget(slot),
            }
        }
        if ready.readable {
            // Closing with unread bytes would make the kernel send a reset, which may overtake our last answer.
            let Some(socket) = &conn.socket else { return self.forget(slot) };
            match rustix::net::recv(socket, &mut self.buffer[..], rustix::net::RecvFlags::empty()) {
                Ok((0, _)) if conn.unwritten.is_empty() => return self.forget(slot),
                Ok((0, _)) => conn.peer_ended(poller, Token::Conn(slot as u32, conn.generation)),
                Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(_) => return self.forget(slot),
            }
            return;
        }
        self.update_interest(poller, slot);
    }
}

/// How long a closed connection may take to bring its last bytes to the peer.
const LINGER: Duration = Duration::from_secs(5);
