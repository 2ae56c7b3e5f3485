//! What a translator remembers: translations by inside endpoint and by public port, and the peers of each.

use core::net::SocketAddrV4;
use std::collections::BTreeMap;

use slab::Slab;
use sofw_core::base::{Instant, Rng};

use super::{Allocation, NatParams};
use crate::middlebox::track::Track;
use crate::packet::Protocol;

/// An IPv4 endpoint in order: address, then port. 0 is none.
pub(super) fn word(endpoint: SocketAddrV4) -> u64 {
    u64::from(endpoint.ip().to_bits()) << 16 | u64::from(endpoint.port())
}

/// One translation.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) protocol: Protocol,
    pub(super) inside: SocketAddrV4,
    /// The part of the outside endpoint that the translation depends on; 0: none.
    pub(super) remote: u64,
    pub(super) port: u16,
    /// From then on it is forgotten.
    pub(super) expires: Instant,
    /// Whether everybody may send to it, whatever the filtering.
    pub(super) open: bool,
    /// Whom the inside endpoint talks with: endpoints, or addresses if filtering looks at no more.
    pub(super) peers: BTreeMap<u64, Peer>,
    /// When so many peers are remembered, old ones are cleared away.
    pub(super) peers_prune_at: usize,
}

/// One outside end of a translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) expires: Instant,
    pub(super) track: Track,
}

impl Entry {
    /// The peer `remote`, made if it is new; `None` if there are too many.
    pub(super) fn peer(&mut self, now: Instant, remote: u64, first: Track) -> Option<&mut Peer> {
        if self.peers.len() >= self.peers_prune_at && !self.peers.contains_key(&remote) {
            self.peers.retain(|_, peer| peer.expires > now);
            if self.peers.len() >= PEERS_MAX {
                return None;
            }
            self.peers_prune_at = (self.peers.len() * 2).clamp(PEERS_PRUNE_MIN, PEERS_MAX);
        }
        let peer = self.peers.entry(remote).or_insert(Peer { expires: now, track: first });
        if peer.expires <= now {
            peer.track = first;
        }
        Some(peer)
    }

    /// Whether a live peer lies in this range.
    pub(super) fn knows(&self, now: Instant, first: u64, last: u64) -> bool {
        self.peers.range(first..=last).any(|(_, peer)| peer.expires > now)
    }

    /// Keeps the peer until `at`, and the translation as long as its longest-lived peer.
    pub(super) fn keep(&mut self, remote: u64, at: Instant) {
        let Some(peer) = self.peers.get_mut(&remote) else { return };
        let former = core::mem::replace(&mut peer.expires, at);
        if at >= self.expires {
            self.expires = at;
        } else if former == self.expires {
            self.expires = self.peers.values().map(|peer| peer.expires).max().unwrap_or(at);
        }
    }
}

/// All translations.
#[derive(Debug)]
pub(super) struct Table {
    entries: Slab<Entry>,
    by_inside: BTreeMap<(u64, u64, Protocol), usize>,
    by_port: BTreeMap<(u16, Protocol), usize>,
    per_host: BTreeMap<u32, usize>,
    /// Translations that ignore the kind of mapping.
    pub(super) independent: usize,
    next_port: u16,
    /// Where the clearing away goes on.
    cursor: usize,
    rng: Rng,
}

impl Table {
    pub(super) fn new(params: &NatParams, rng: Rng) -> Table {
        Table {
            entries: Slab::new(),
            by_inside: BTreeMap::new(),
            by_port: BTreeMap::new(),
            per_host: BTreeMap::new(),
            independent: 0,
            next_port: params.ports.0,
            cursor: 0,
            rng,
        }
    }

    /// The live translation of an inside endpoint towards `remote`.
    pub(super) fn find_inside(
        &self,
        now: Instant,
        protocol: Protocol,
        inside: u64,
        remote: u64,
    ) -> Option<usize> {
        let &id = self.by_inside.get(&(inside, remote, protocol))?;
        (self.entries[id].expires > now).then_some(id)
    }

    /// The live translation behind a public port.
    pub(super) fn find_port(&self, now: Instant, protocol: Protocol, port: u16) -> Option<usize> {
        let &id = self.by_port.get(&(port, protocol))?;
        (self.entries[id].expires > now).then_some(id)
    }

    pub(super) fn entry(&mut self, id: usize) -> &mut Entry {
        &mut self.entries[id]
    }

    /// Makes a translation on `port`, which must be free.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        protocol: Protocol,
        inside: SocketAddrV4,
        remote: u64,
        port: u16,
    ) -> usize {
        let key = (word(inside), remote, protocol);
        if let Some(&old) = self.by_inside.get(&key) {
            self.remove(old);
        }
        if let Some(&old) = self.by_port.get(&(port, protocol)) {
            self.remove(old);
        }
        let id = self.entries.insert(Entry {
            protocol,
            inside,
            remote,
            port,
            expires: now,
            open: false,
            peers: BTreeMap::new(),
            peers_prune_at: PEERS_PRUNE_MIN,
        });
        self.by_inside.insert(key, id);
        self.by_port.insert((port, protocol), id);
        *self.per_host.entry(inside.ip().to_bits()).or_default() += 1;
        self.independent += usize::from(remote == 0);
        id
    }

    /// Whether there is room for one more translation of this host. Expired ones are cleared away for it.
    pub(super) fn has_room(&mut self, now: Instant, params: &NatParams, inside: SocketAddrV4) -> bool {
        for _ in 0..SWEPT_PER_INSERT {
            self.sweep_one(now);
        }
        if !self.is_full(params, inside) {
            return true;
        }
        for _ in 0..self.entries.capacity() {
            self.sweep_one(now);
        }
        !self.is_full(params, inside)
    }

    fn is_full(&self, params: &NatParams, inside: SocketAddrV4) -> bool {
        let of_host = self.per_host.get(&inside.ip().to_bits()).copied().unwrap_or(0);
        self.entries.len() >= params.mappings_max || of_host >= params.mappings_per_host_max
    }

    /// A free public port for an inside port.
    pub(super) fn allocate(
        &mut self,
        now: Instant,
        params: &NatParams,
        protocol: Protocol,
        inside: SocketAddrV4,
    ) -> Option<u16> {
        let (first, last) = params.ports;
        let wanted = inside.port();
        if params.allocation == Allocation::Preserving
            && (first..=last).contains(&wanted)
            && self.is_free(now, params, protocol, wanted)
        {
            return Some(wanted);
        }
        let width = u32::from(last.checked_sub(first)?) + 1;
        let start = match params.allocation {
            Allocation::Random => self.rng.below(u64::from(width)) as u32,
            _ => u32::from(self.next_port.saturating_sub(first)),
        };
        let port = (0..width).map(|step| first + ((start + step) % width) as u16).find(|&port| {
            (!params.keeps_parity || port % 2 == wanted % 2) && self.is_free(now, params, protocol, port)
        })?;
        self.next_port = if port == last { first } else { port + 1 };
        Some(port)
    }

    /// Whether no live translation and no forward has this public port.
    pub(super) fn is_free(&self, now: Instant, params: &NatParams, protocol: Protocol, port: u16) -> bool {
        self.find_port(now, protocol, port).is_none()
            && !params.forwards.iter().any(|forward| forward.port == port && forward.protocol == protocol)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.by_inside.clear();
        self.by_port.clear();
        self.per_host.clear();
        self.independent = 0;
        self.cursor = 0;
    }

    pub(super) fn live(&self, now: Instant) -> usize {
        self.entries.iter().filter(|(_, entry)| entry.expires > now).count()
    }

    /// Translations that lie about, expired or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn sweep_one(&mut self, now: Instant) {
        self.cursor = if self.cursor + 1 < self.entries.capacity() { self.cursor + 1 } else { 0 };
        if self.entries.get(self.cursor).is_some_and(|entry| entry.expires <= now) {
            self.remove(self.cursor);
        }
    }

    fn remove(&mut self, id: usize) {
        let entry = self.entries.remove(id);
        self.by_inside.remove(&(word(entry.inside), entry.remote, entry.protocol));
        self.by_port.remove(&(entry.port, entry.protocol));
        self.independent -= usize::from(entry.remote == 0);
        if let Some(count) = self.per_host.get_mut(&entry.inside.ip().to_bits()) {
            *count -= 1;
            if *count == 0 {
                self.per_host.remove(&entry.inside.ip().to_bits());
            }
        }
    }
}

/// More than one, so that old translations go faster than new ones come.
const SWEPT_PER_INSERT: usize = 4;
/// Most outside ends of one translation: a server's behind a forwarded port.
const PEERS_MAX: usize = 4_096;
const PEERS_PRUNE_MIN: usize = 16;
