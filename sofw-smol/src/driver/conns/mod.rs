//! TCP connections: connecting, open, and lingering after a close.
//!
//! ```text
//! Output::Connect ─▶ Resolving ─▶ Connecting ─▶ Open ─▶ Lingering ─▶ gone
//! Accepted ─────────────────────────────────────▶┘
//! ```

mod conn;
mod lingering;
mod opening;

use core::net::SocketAddr;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;

use slab::Slab;
use sofw_core::Payload;
use sofw_core::base::Instant;
use sofw_core::io::{ConnId, Input, IoError};

use conn::{Conn, State};

use crate::driver::listeners::Incoming;
use crate::driver::observer::{Ends, Observer, Way};
use crate::driver::poller::{GENERATION_MASK, Poller, READ, READ_WRITE, Ready, Token};
use crate::driver::trouble::io_error;
use crate::driver::tune::tune;
use crate::driver::{Half, Machine, Stats};

/// All connections of one machine.
pub struct Conns {
    slots: Slab<Conn>,
    by_id: HashMap<ConnId, usize>,
    /// When connecting or lingering has taken long enough.
    deadlines: BTreeSet<(Instant, usize)>,
    generation: u32,
    next_accepted: u64,
    buffer: Box<[u8]>,
}

impl Conns {
    pub fn new() -> Self {
        Conns {
            slots: Slab::new(),
            by_id: HashMap::new(),
            deadlines: BTreeSet::new(),
            generation: 0,
            next_accepted: 0,
            buffer: vec![0; READ_BUFFER].into(),
        }
    }

    /// Takes over an accepted connection; its name.
    pub fn accepted(&mut self, poller: &Poller, incoming: Incoming) -> io::Result<(ConnId, Ends)> {
        tune(&incoming.socket);
        let id = ConnId::Accepted(self.next_accepted);
        self.next_accepted += 1;
        let ends = Ends { local: incoming.local, remote: incoming.peer };
        let slot = self.insert(id, ends, State::Open);
        let token = self.token(slot);
        poller.add(&incoming.socket, token, READ).inspect_err(|_| self.forget(slot))?;
        self.slots[slot].socket = Some(incoming.socket);
        Ok((id, ends))
    }

    /// Writes what the kernel takes and keeps the rest. `true` if it took all.
    pub fn write<O: Observer>(
        &mut self,
        poller: &Poller,
        now: Instant,
        (id, payload): (ConnId, Payload),
        half: (&mut O, &mut Stats),
    ) -> bool {
        let Some(&slot) = self.by_id.get(&id) else { return false };
        let conn = &mut self.slots[slot];
        if !matches!(conn.state, State::Open) {
            return false;
        }
        half.0.stream(now, Way::Out, id, conn.ends, &payload);
        half.1.tcp_writes += 1;
        conn.unwritten.push_back(payload);
        if conn.wants_write {
            return false;
        }
        // A connection that breaks here is readable in the next round and reported there, after bytes still to be read.
        let all = conn.flush_or_note();
        self.update_interest(poller, slot);
        all
    }

    /// Lets what was written leave, then ends the connection.
    pub fn close<O: Observer>(&mut self, poller: &Poller, now: Instant, id: ConnId, observer: &mut O) {
        let Some(&slot) = self.by_id.get(&id) else { return };
        if matches!(self.slots[slot].state, State::Open) {
            observer.closed(now, id, self.slots[slot].ends);
            self.linger(poller, now, slot);
        } else if !matches!(self.slots[slot].state, State::Lingering) {
            self.forget(slot);
        }
    }

    /// Something happened on a connection.
    pub fn ready<M: Machine, O: Observer>(
        &mut self,
        poller: &Poller,
        ready: Ready,
        now: Instant,
        half: &mut Half<M, O>,
    ) {
        let Token::Conn(slot, generation) = ready.token else { return };
        let slot = slot as usize;
        let Some(conn) = self.slots.get_mut(slot) else { return };
        if conn.generation != generation {
            return;
        }
        match conn.state {
            State::Resolving => {}
            State::Connecting { .. } => self.finish_connect(poller, now, slot, half),
            State::Open => {
                if ready.writable && conn.wants_write && conn.flush_or_note() {
                    half.feed(now, Input::Written(conn.id));
                }
                if ready.readable {
                    self.read(poller, now, slot, half);
                }
                self.update_interest(poller, slot);
            }
            State::Lingering => self.lingering(poller, slot, ready),
        }
    }

    /// The next time at which a connect or a linger has taken long enough.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Lets due deadlines act.
    pub fn handle_timeout<M: Machine, O: Observer>(
        &mut self,
        poller: &Poller,
        now: Instant,
        half: &mut Half<M, O>,
    ) {
        while let Some(&(at, slot)) = self.deadlines.first() {
            if at > now {
                break;
            }
            self.set_deadline(slot, None);
            let id = self.slots[slot].id;
            match self.slots[slot].state {
                State::Resolving => {
                    self.forget(slot);
                    half.feed(now, Input::ConnectFailed(id, IoError::TimedOut));
                }
                State::Connecting { .. } => {
                    if let Err(error) = self.try_next(poller, now, slot, IoError::TimedOut) {
                        half.feed(now, Input::ConnectFailed(id, error));
                    }
                }
                State::Open | State::Lingering => self.forget(slot),
            }
        }
    }

    fn read<M: Machine, O: Observer>(
        &mut self,
        poller: &Poller,
        now: Instant,
        slot: usize,
        half: &mut Half<M, O>,
    ) {
        for _ in 0..READS_PER_ROUND {
            let conn = &self.slots[slot];
            let Some(socket) = &conn.socket else { return };
            let (id, ends) = (conn.id, conn.ends);
            match rustix::net::recv(socket, &mut self.buffer[..], rustix::net::RecvFlags::empty()) {
                Ok((0, _)) => return self.ended(poller, now, slot, None, half),
                Ok((len, _)) => {
                    let bytes = &self.buffer[..len];
                    half.stats.tcp_reads += 1;
                    half.observer.stream(now, Way::In, id, ends, bytes);
                    half.feed(now, Input::Received { conn: id, bytes });
                    if len < self.buffer.len() {
                        return;
                    }
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return,
                Err(error) => {
                    return self.ended(poller, now, slot, Some(io_error(&error.into())), half);
                }
            }
        }
    }

    /// The peer ended the connection, or it broke.
    fn ended<M: Machine, O: Observer>(
        &mut self,
        poller: &Poller,
        now: Instant,
        slot: usize,
        error: Option<IoError>,
        half: &mut Half<M, O>,
    ) {
        let conn = &mut self.slots[slot];
        let (id, ends, error) = (conn.id, conn.ends, conn.broken.take().or(error));
        half.observer.closed(now, id, ends);
        if error.is_none() && !self.slots[slot].unwritten.is_empty() {
            // The peer has said all but may still listen: an answer under way is brought to it.
            self.linger(poller, now, slot);
        } else {
            self.forget(slot);
        }
        half.feed(now, Input::Closed(id, error));
    }

    fn insert(&mut self, id: ConnId, ends: Ends, state: State) -> usize {
        self.generation = self.generation.wrapping_add(1) & GENERATION_MASK;
        let slot = self.slots.insert(Conn {
            id,
            generation: self.generation,
            socket: None,
            ends,
            state,
            unwritten: VecDeque::new(),
            taken: 0,
            wants_write: false,
            broken: None,
            deadline: None,
        });
        self.by_id.insert(id, slot);
        slot
    }

    /// Closes the socket, which takes it out of the poller, and frees the slot.
    fn forget(&mut self, slot: usize) {
        self.set_deadline(slot, None);
        let conn = self.slots.remove(slot);
        if self.by_id.get(&conn.id) == Some(&slot) {
            self.by_id.remove(&conn.id);
        }
    }

    fn token(&self, slot: usize) -> Token {
        Token::Conn(slot as u32, self.slots[slot].generation)
    }

    fn set_deadline(&mut self, slot: usize, deadline: Option<Instant>) {
        if let Some(old) = self.slots[slot].deadline.take() {
            self.deadlines.remove(&(old, slot));
        }
        if let Some(new) = deadline {
            self.slots[slot].deadline = Some(new);
            self.deadlines.insert((new, slot));
        }
    }

    fn update_interest(&mut self, poller: &Poller, slot: usize) {
        let Some(conn) = self.slots.get_mut(slot) else { return };
        let wants_write = !conn.unwritten.is_empty();
        if conn.wants_write != wants_write {
            conn.wants_write = wants_write;
            let token = Token::Conn(slot as u32, conn.generation);
            if let Some(socket) = &conn.socket {
                let _ = poller.change(socket, token, if wants_write { READ_WRITE } else { READ });
            }
        }
    }
}

/// Before a connection is up it has no ends worth showing.
const UNKNOWN_ENDS: Ends = {
    let any = SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0);
    Ends { local: any, remote: any }
};
/// Bytes read by one call.
const READ_BUFFER: usize = 64 * 1024;
/// Full buffers read from one connection per round, before the others get their turn.
const READS_PER_ROUND: usize = 4;
