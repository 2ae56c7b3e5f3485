//! Which socket a segment or an id belongs to, and what becomes of segments that belong to none.

use std::net::{IpAddr, SocketAddr};

use sofw_core::base::Instant;

use super::socket::{Pair, Socket, Stage};
use super::{Flags, Head, Options, Stack, TcpId};

/// Ports that `connect` picks from (Linux `ip_local_port_range`).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 32_768..=60_999;
/// Sockets of one stack; beyond, SYNs are not answered.
const SOCKETS_MAX: usize = 1 << 20;

impl Stack {
    /// A segment for no socket: a SYN to a listener opens one, anything else is refused.
    pub(super) fn handle_stray(&mut self, now: Instant, head: &Head, payload: usize) {
        let opens = head.flags.syn && head.ack.is_none() && !head.flags.rst;
        let Some(listener) = self.listener(head.dst).filter(|_| opens) else {
            self.refuse(head, payload);
            return;
        };
        if self.sockets.len() >= SOCKETS_MAX {
            return;
        }
        let iss = self.rng.u32();
        let id = self.next_id();
        self.insert(Socket::accept(now, id, head, &self.config, iss, listener));
    }

    /// Answers by RST (RFC 9293 §3.10.7.1).
    pub(super) fn refuse(&mut self, head: &Head, payload: usize) {
        if head.flags.rst {
            return;
        }
        let (seq, ack) = match head.ack {
            Some(ack) => (ack, None),
            None => (0, Some(head.seq.wrapping_add(head.span(payload)))),
        };
        self.loose.push_back(Head {
            src: head.dst,
            dst: head.src,
            seq,
            ack,
            flags: Flags { rst: true, ..Flags::default() },
            window: 0,
            options: Options::default(),
        });
    }

    pub(super) fn listener(&self, dst: SocketAddr) -> Option<SocketAddr> {
        let any: IpAddr = match dst {
            SocketAddr::V4(_) => core::net::Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => core::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        [dst, SocketAddr::new(any, dst.port())].into_iter().find(|addr| self.listeners.contains(addr))
    }

    pub(super) fn find(&mut self, pair: Pair) -> Option<u32> {
        self.found.get_or(pair.hint(), pair, || self.by_pair.get(&pair).copied())
    }

    pub(super) fn free_pair(&mut self, local: IpAddr, remote: SocketAddr) -> Pair {
        let span = EPHEMERAL.end() - EPHEMERAL.start() + 1;
        let first = self.rng.below(u64::from(span)) as u16;
        let pair = |offset: u16| {
            Pair::new(SocketAddr::new(local, EPHEMERAL.start() + (first + offset) % span), remote)
        };
        let free = (0..span).map(pair).find(|pair| !self.by_pair.contains_key(pair));
        let chosen = free.unwrap_or_else(|| pair(0));
        if let Some(&old) = self.by_pair.get(&chosen) {
            // All ports taken: the chosen one's connection is dropped without a word rather than the caller's plan.
            self.remove(old);
        }
        chosen
    }

    pub(super) fn next_id(&mut self) -> TcpId {
        self.births = self.births.wrapping_add(1);
        TcpId { index: self.sockets.vacant_key() as u32, birth: self.births }
    }

    pub(super) fn insert(&mut self, socket: Socket) {
        let index = socket.id.index;
        self.by_pair.insert(socket.pair, index);
        self.sockets.insert(socket);
        self.settle(index);
    }

    pub(super) fn remove(&mut self, index: u32) {
        if let Some(socket) = self.sockets.try_remove(index as usize) {
            self.by_pair.remove(&socket.pair);
            self.timers.remove(index);
            self.found.clear();
        }
    }

    /// Brings queue, timers and table in line with what a call did to a socket.
    pub(super) fn settle(&mut self, index: u32) {
        let Some(socket) = self.sockets.get_mut(index as usize) else { return };
        if socket.stage == Stage::Gone {
            self.remove(index);
            return;
        }
        if !socket.queued && socket.has_output() {
            socket.queued = true;
            self.ready.push_back(index);
        }
        self.timers.lower(index, socket.deadline());
    }

    /// The slot of a socket whose owner may still use it.
    pub(super) fn index(&self, id: TcpId) -> Option<usize> {
        self.get(id).map(|_| id.index as usize)
    }

    pub(super) fn get(&self, id: TcpId) -> Option<&Socket> {
        self.sockets
            .get(id.index as usize)
            .filter(|socket| socket.id == id && socket.stage != Stage::TimeWait)
    }

    pub(super) fn get_mut(&mut self, id: TcpId) -> Option<&mut Socket> {
        self.sockets
            .get_mut(id.index as usize)
            .filter(|socket| socket.id == id && socket.stage != Stage::TimeWait)
    }
}
