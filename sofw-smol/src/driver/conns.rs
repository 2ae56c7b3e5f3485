//! TCP connections: connecting, open, and lingering after a close.
//!
//! ```text
//! Output::Connect ─▶ Resolving ─▶ Connecting ─▶ Open ─▶ Lingering ─▶ gone
//! Accepted ─────────────────────────────────────▶┘
//! ```

use core::net::SocketAddr;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::Shutdown;

use slab::Slab;
use socket2::{Domain, Protocol, Socket, Type};
use sofw_core::Payload;
use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Input, IoError};

use super::listeners::Incoming;
use super::observer::{Ends, Observer, Way};
use super::poller::{GENERATION_MASK, Poller, READ, READ_WRITE, Ready, Token, WRITE};
use super::trouble::io_error;
use super::tune::tune;
use super::{Half, Machine, Stats};

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

struct Conn {
    id: ConnId,
    generation: u32,
    socket: Option<Socket>,
    ends: Ends,
    state: State,
    /// Bytes the kernel has not taken yet. The core keeps to one write at a time, so rarely more than one.
    unwritten: VecDeque<Payload>,
    /// How much of the first one the kernel has taken.
    taken: usize,
    wants_write: bool,
    /// What a write failed with. The kernel says it only once, so the read that then finds the end must be told.
    broken: Option<IoError>,
    deadline: Option<Instant>,
}

enum State {
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

    fn finish_connect<M: Machine, O: Observer>(
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
    fn try_next(
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

    fn linger(&mut self, poller: &Poller, now: Instant, slot: usize) {
        self.by_id.remove(&self.slots[slot].id);
        let conn = &mut self.slots[slot];
        conn.state = State::Lingering;
        if conn.unwritten.is_empty() {
            conn.end_writing();
        }
        self.set_deadline(slot, Some(now + LINGER));
        self.update_interest(poller, slot);
    }

    fn lingering(&mut self, poller: &Poller, slot: usize, ready: Ready) {
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

impl Conn {
    /// Gives the kernel what it takes. `true` if it took all.
    fn flush(&mut self) -> io::Result<bool> {
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

    fn flush_or_note(&mut self) -> bool {
        match self.flush() {
            Ok(all) => all,
            Err(error) => {
                self.broken.get_or_insert(io_error(&error));
                false
            }
        }
    }

    fn end_writing(&mut self) {
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }

    /// The peer's end would show as readable for ever: only writing matters from now on.
    fn peer_ended(&mut self, poller: &Poller, token: Token) {
        if let Some(socket) = &self.socket {
            let _ = poller.change(socket, token, WRITE);
        }
        self.wants_write = true;
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

/// Before a connection is up it has no ends worth showing.
const UNKNOWN_ENDS: Ends = {
    let any = SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0);
    Ends { local: any, remote: any }
};
/// Time for resolving and all attempts together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for an attempt while other addresses are left.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a closed connection may take to bring its last bytes to the peer.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes read by one call.
const READ_BUFFER: usize = 64 * 1024;
/// Full buffers read from one connection per round, before the others get their turn.
const READS_PER_ROUND: usize = 4;
