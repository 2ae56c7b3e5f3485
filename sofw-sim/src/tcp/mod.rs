//! TCP for the simulated network: a packet-level model in the image of Linux, sans-IO.
//!
//! ```text
//!  write ─▶ send (ring, records) ─▶ socket/output ─▶ poll_segment ─▶ world
//!  read  ◀─ receive (reassembly) ◀─ socket/arrive ◀─ handle_segment ◀─ world
//!                                        │ socket/acknowledge
//!          recovery (RACK, TLP, PRR, RTO) ◀┴▶ congestion (CUBIC, BBR), rtt
//! ```
//!
//! Modelled: handshake, MSS, window scaling, timestamps, SACK and duplicate SACK, delayed and quick acknowledgements, RACK with
//! tail loss probes (RFC 8985), RTO (RFC 6298, 200 ms floor), PRR, undo of needless reductions, CUBIC and BBR, Nagle, the
//! not-sent low-water mark, zero-window probes, keep-alives, FIN, RST, half-open death.
//! Absent: ECN, urgent data, simultaneous open, Fast Open, path MTU discovery, SYN cookies, autotuned buffers.
//!
//! Contract: feed all segments that arrive at one instant, and let owners read before they poll, as a host's processes do: the
//! acknowledgements of a burst depend on it. After any call that takes `&mut self`, call [`Stack::poll_event`] and [`Stack::poll_segment`]
//! until both give `None`, then ask [`Stack::poll_timeout`]. The deadline may be earlier than needed; an early call does no harm. Nothing here
//! reads a clock, and the same calls with the same seed give the same segments.
//!
//! Every socket ends with exactly one of `Refused`, `TimedOut`, `Reset`, `Closed`; its id means nothing afterwards.
//! Sockets that [`Stack::abort_all`] or [`Stack::forget_all`] end say nothing: their owner is gone too.

mod config;
mod congestion;
mod event;
mod receive;
mod recovery;
mod ring;
mod rtt;
mod segment;
mod send;
mod socket;
mod table;
mod timers;

pub mod calibration;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use slab::Slab;
use sofw_core::base::{Instant, Rng};

pub use config::{Congestion, Keepalive, TcpConfig};
pub use event::{TcpEvent, TcpId, TcpState, TcpStatus};
pub use segment::{Flags, Head, Options};
use socket::{Pair, Socket, Verdict};
use timers::Timers;

use crate::world::Memo;

/// All sockets of one host.
#[derive(Debug)]
pub struct Stack {
    config: TcpConfig,
    rng: Rng,
    sockets: Slab<Socket>,
    by_pair: BTreeMap<Pair, u32>,
    /// Pairs looked up before: segments of the same few connections come again and again.
    found: Memo<Pair, u32>,
    listeners: BTreeSet<SocketAddr>,
    timers: Timers,
    ready: VecDeque<u32>,
    /// Segments that belong to no socket.
    loose: VecDeque<Head>,
    events: VecDeque<TcpEvent>,
    births: u32,
}

impl Stack {
    /// A host without sockets; accepted ones get `config`.
    pub fn new(config: TcpConfig, rng: Rng) -> Stack {
        Stack {
            config,
            rng,
            sockets: Slab::new(),
            by_pair: BTreeMap::new(),
            found: Memo::new(FOUND_MAX),
            listeners: BTreeSet::new(),
            timers: Timers::default(),
            ready: VecDeque::new(),
            loose: VecDeque::new(),
            events: VecDeque::new(),
            births: 0,
        }
    }

    /// Accepts connections to `addr`; with the unspecified address, to its port on any address of the same family.
    pub fn listen(&mut self, addr: SocketAddr) {
        self.listeners.insert(addr);
    }

    /// Accepts no more. Connections already accepted go on.
    pub fn unlisten(&mut self, addr: SocketAddr) {
        self.listeners.remove(&addr);
    }

    /// Opens a connection from a free port of `local` with the stack's configuration.
    pub fn connect(&mut self, now: Instant, local: IpAddr, remote: SocketAddr) -> TcpId {
        self.connect_with(now, local, remote, self.config)
    }

    /// Opens a connection from a free port of `local`.
    pub fn connect_with(
        &mut self,
        now: Instant,
        local: IpAddr,
        remote: SocketAddr,
        config: TcpConfig,
    ) -> TcpId {
        let pair = self.free_pair(local, remote);
        let iss = self.rng.u32();
        let id = self.next_id();
        self.insert(Socket::connect(now, id, pair, &config, iss));
        id
    }

    /// Writes; returns how many bytes fitted the send buffer. 0 for a socket that is gone or shut.
    pub fn write(&mut self, _now: Instant, id: TcpId, bytes: &[u8]) -> usize {
        let Some(socket) = self.get_mut(id) else { return 0 };
        let taken = socket.write(bytes);
        self.settle(id.index);
        taken
    }

    /// Bytes written and never sent.
    pub fn unsent(&self, id: TcpId) -> usize {
        self.get(id).map_or(0, Socket::unsent)
    }

    /// Whether fewer bytes than the low-water mark are unsent and the buffer has room.
    pub fn is_writable(&self, id: TcpId) -> bool {
        self.get(id).is_some_and(Socket::is_writable)
    }

    /// Appends all in-order bytes to `into`; returns how many.
    pub fn read(&mut self, now: Instant, id: TcpId, into: &mut Vec<u8>) -> usize {
        let Some(index) = self.index(id) else { return 0 };
        let socket = &mut self.sockets[index];
        let count = socket.read(into);
        socket.check_closed(now, &mut self.events);
        self.settle(id.index);
        count
    }

    /// Sends FIN once all written bytes are sent; reading goes on.
    pub fn shut_write(&mut self, _now: Instant, id: TcpId) {
        if let Some(socket) = self.get_mut(id) {
            socket.shut_write();
            self.settle(id.index);
        }
    }

    /// Sends what was written, then FIN; the owner reads no more, data that still arrives is answered by RST. Unread bytes make
    /// it an abort, as in Linux.
    pub fn close(&mut self, now: Instant, id: TcpId) {
        let Some(index) = self.index(id) else { return };
        if self.sockets[index].close(now) {
            self.abort(now, id);
        } else {
            self.sockets[index].check_closed(now, &mut self.events);
            self.settle(id.index);
        }
    }

    /// Sends RST; the socket is gone.
    pub fn abort(&mut self, _now: Instant, id: TcpId) {
        let Some(index) = self.index(id) else { return };
        self.loose.extend(self.sockets[index].reset());
        self.events.push_back(TcpEvent::Closed(id));
        self.remove(id.index);
    }

    /// The process was killed: RST to every peer, no listener remains, no event is left.
    pub fn abort_all(&mut self) {
        let resets: Vec<Head> = self.sockets.iter().filter_map(|(_, socket)| socket.reset()).collect();
        self.forget_all();
        self.loose.extend(resets);
    }

    /// The power failed: nothing is sent, no listener remains; later segments of old connections are answered by RST.
    pub fn forget_all(&mut self) {
        self.sockets.clear();
        self.by_pair.clear();
        self.found.clear();
        self.listeners.clear();
        self.timers = Timers::default();
        self.ready.clear();
        self.loose.clear();
        self.events.clear();
    }

    /// Takes a segment addressed to this host.
    pub fn handle_segment(&mut self, now: Instant, head: &Head, payload: &[u8]) {
        let pair = Pair::new(head.dst, head.src);
        let Some(index) = self.find(pair) else {
            self.handle_stray(now, head, payload.len());
            return;
        };
        let verdict = self.sockets[index as usize].arrive(now, head, payload, &mut self.events);
        if verdict == Verdict::Reuse {
            self.remove(index);
        } else {
            self.settle(index);
        }
        match verdict {
            Verdict::Done => {}
            Verdict::Refuse => self.refuse(head, payload.len()),
            Verdict::Reuse => self.handle_stray(now, head, payload.len()),
        }
    }

    /// Acts on all timers due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(index) = self.timers.pop_due(now) {
            self.sockets[index as usize].timeout(now, &mut self.events);
            self.settle(index);
        }
    }

    /// When to call `handle_timeout` next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The next segment to send; its payload is appended to `payload`.
    pub fn poll_segment(&mut self, now: Instant, payload: &mut Vec<u8>) -> Option<Head> {
        if let Some(head) = self.loose.pop_front() {
            return Some(head);
        }
        while let Some(&index) = self.ready.front() {
            if let Some(socket) = self.sockets.get_mut(index as usize) {
                let head = socket.segment(now, payload);
                let more = head.is_some() && socket.has_output();
                if !more {
                    socket.queued = false;
                    self.ready.pop_front();
                    self.timers.lower(index, socket.deadline());
                }
                if head.is_some() {
                    return head;
                }
            } else {
                self.ready.pop_front();
            }
        }
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<TcpEvent> {
        self.events.pop_front()
    }

    /// Whether there is a next event.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// A look into a socket; `None` if it is gone.
    pub fn status(&self, id: TcpId) -> Option<TcpStatus> {
        self.get(id).map(Socket::status)
    }

    /// The near and far address of a socket; `None` if it is gone.
    pub fn addresses(&self, id: TcpId) -> Option<(SocketAddr, SocketAddr)> {
        self.get(id).map(|socket| (socket.pair.local(), socket.pair.remote()))
    }

    /// Sockets, those in TIME-WAIT included.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there is no socket.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }
}

/// Connections of a host that are found at once.
const FOUND_MAX: usize = 8;
