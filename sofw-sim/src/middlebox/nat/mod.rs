//! Translation of addresses and ports between a private IPv4 network and one public address (RFC 4787, RFC 5382).
//!
//! ```text
//! from inside:  (protocol, inside endpoint, outside endpoint as far as `mapping` looks) ─▶ translation ─▶ source := public port
//! from outside: public port ─▶ translation ─▶ has the inside sent there, as far as `filtering` looks? ─▶ destination := inside
//! ```
//!
//! No two live translations share a public port of one protocol. IPv6 is not translated: it passes, as through a router.

mod icmp;
mod params;
mod preset;
mod table;
#[cfg(test)]
mod tests;
mod translate;

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use sofw_core::base::{Duration, Instant, Rng};

pub use params::{Allocation, Filtering, Forward, Mapping, NatParams, OneToOne};
pub use preset::{PRESETS, Preset, find};

use super::refuse::refusal;
use super::{INSIDE, Middlebox, OUTSIDE};
use crate::packet::{Packet, Protocol};
use crate::world::{Outbox, PortId};
use table::{Table, word};

/// What a translator has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NatCounters {
    /// Packets translated on their way out.
    pub out: u64,
    /// Packets translated on their way in.
    pub inward: u64,
    /// Packets from inside to inside by the public address.
    pub hairpinned: u64,
    /// Translations made.
    pub mappings: u64,
    /// Packets dropped because no translation could be made: too many, or no port free.
    pub full: u64,
    /// Packets from outside to a public port that leads nowhere.
    pub unknown: u64,
    /// Packets from outside that the filtering stopped.
    pub filtered: u64,
    /// TCP segments in the middle of unknown connections, if strict.
    pub strays: u64,
}

/// Why a packet goes nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refused {
    Full,
    Unknown,
    Filtered,
    Stray,
}

/// A translator.
#[derive(Debug)]
pub struct Nat {
    params: NatParams,
    table: Table,
    /// The inside host of a translator one to one.
    host: Option<IpAddr>,
    counters: NatCounters,
}

impl Nat {
    /// A translator that remembers nothing yet. `rng` is its own.
    pub fn new(params: NatParams, rng: Rng) -> Nat {
        Nat {
            table: Table::new(&params, rng),
            host: params.one_to_one.and_then(|one| one.host),
            params,
            counters: NatCounters::default(),
        }
    }

    /// What it was told.
    pub fn params(&self) -> &NatParams {
        &self.params
    }

    /// What it has counted.
    pub fn counters(&self) -> &NatCounters {
        &self.counters
    }

    /// The public endpoint from which `inside` talks to `outside`; the translation is made if there is none. For gateways that write addresses into payloads.
    pub fn external(
        &mut self,
        now: Instant,
        protocol: Protocol,
        inside: SocketAddrV4,
        outside: SocketAddrV4,
    ) -> Option<SocketAddrV4> {
        if self.params.one_to_one.is_some() {
            return self.is_host(IpAddr::V4(*inside.ip())).then(|| self.public(inside.port()));
        }
        let id = self.find_or_map(now, protocol, inside, outside).ok()?;
        self.hold(id, now + self.params.timeouts.udp);
        let port = self.table.entry(id).port;
        Some(self.public(port))
    }

    /// A public endpoint of `inside` for whatever outside endpoint, open to everybody for `time`: a gateway's pinhole for media whose sender is not yet known. It
    /// gets `wanted` as its port if that is free.
    pub fn open(
        &mut self,
        now: Instant,
        protocol: Protocol,
        inside: SocketAddrV4,
        wanted: Option<u16>,
        time: Duration,
    ) -> Option<SocketAddrV4> {
        if self.params.one_to_one.is_some() {
            return self.is_host(IpAddr::V4(*inside.ip())).then(|| self.public(inside.port()));
        }
        let id = match self.table.find_inside(now, protocol, word(inside), 0) {
            Some(id) => id,
            None => self.map(now, protocol, inside, 0, wanted).ok()?,
        };
        self.hold(id, now + time);
        let entry = self.table.entry(id);
        entry.open = true;
        let port = entry.port;
        Some(self.public(port))
    }

    /// The inside endpoint behind a public port.
    pub fn internal(&mut self, now: Instant, protocol: Protocol, port: u16) -> Option<SocketAddrV4> {
        if self.params.one_to_one.is_some() {
            return match self.host {
                Some(IpAddr::V4(host)) => Some(SocketAddrV4::new(host, port)),
                _ => None,
            };
        }
        let id = self.table.find_port(now, protocol, port)?;
        Some(self.table.entry(id).inside)
    }

    fn public(&self, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(self.params.public, port)
    }

    fn hold(&mut self, id: usize, at: Instant) {
        let entry = self.table.entry(id);
        entry.expires = entry.expires.max(at);
    }

    /// The part of an outside endpoint that a translation depends on.
    fn remote(&self, outside: SocketAddrV4) -> u64 {
        match self.params.mapping {
            Mapping::EndpointIndependent => 0,
            Mapping::AddressDependent => word(SocketAddrV4::new(*outside.ip(), 0)),
            Mapping::AddressAndPortDependent => word(outside),
        }
    }

    /// The live translation that `inside` uses towards `outside`.
    fn find(
        &self,
        now: Instant,
        protocol: Protocol,
        inside: SocketAddrV4,
        outside: SocketAddrV4,
    ) -> Option<usize> {
        let (inside, remote) = (word(inside), self.remote(outside));
        let independent = remote != 0 && self.table.independent > 0;
        let pinned = independent.then(|| self.table.find_inside(now, protocol, inside, 0)).flatten();
        pinned.or_else(|| self.table.find_inside(now, protocol, inside, remote))
    }

    fn find_or_map(
        &mut self,
        now: Instant,
        protocol: Protocol,
        inside: SocketAddrV4,
        outside: SocketAddrV4,
    ) -> Result<usize, Refused> {
        match self.find(now, protocol, inside, outside) {
            Some(id) => Ok(id),
            None => self.map(now, protocol, inside, self.remote(outside), None),
        }
    }

    fn map(
        &mut self,
        now: Instant,
        protocol: Protocol,
        inside: SocketAddrV4,
        remote: u64,
        wanted: Option<u16>,
    ) -> Result<usize, Refused> {
        let forward =
            self.params.forwards.iter().find(|forward| forward.protocol == protocol && forward.to == inside);
        if let Some(&Forward { port, .. }) = forward {
            return Ok(self
                .table
                .find_port(now, protocol, port)
                .unwrap_or_else(|| self.table.insert(now, protocol, inside, 0, port)));
        }
        if !self.table.has_room(now, &self.params, inside) {
            return Err(Refused::Full);
        }
        let (first, last) = self.params.ports;
        let wanted = wanted.filter(|port| (first..=last).contains(port));
        let wanted = wanted.filter(|&port| self.table.is_free(now, &self.params, protocol, port));
        let port = wanted.or_else(|| self.table.allocate(now, &self.params, protocol, inside));
        let port = port.ok_or(Refused::Full)?;
        self.counters.mappings += 1;
        Ok(self.table.insert(now, protocol, inside, remote, port))
    }

    fn is_host(&mut self, addr: IpAddr) -> bool {
        *self.host.get_or_insert(addr) == addr
    }

    fn is_hairpin(&self, packet: &Packet) -> bool {
        packet.destination().ip() == IpAddr::V4(self.params.public)
    }

    fn leave(&mut self, now: Instant, mut packet: Packet, out: &mut Outbox) {
        if packet.protocol() == Protocol::Icmp {
            return self.error_out(now, packet, out);
        }
        if let Err(refused) = self.outbound(now, &mut packet) {
            return self.count(refused);
        }
        if !self.is_hairpin(&packet) {
            self.counters.out += 1;
            return out.send(OUTSIDE, packet);
        }
        let passed = if self.params.hairpin { self.inbound(now, &mut packet) } else { Err(Refused::Unknown) };
        match passed {
            Ok(()) => {
                self.counters.hairpinned += 1;
                out.send(INSIDE, packet);
            }
            Err(refused) => self.count(refused),
        }
    }

    fn enter(&mut self, now: Instant, mut packet: Packet, out: &mut Outbox) {
        if packet.protocol() == Protocol::Icmp {
            return self.error_in(now, packet, out);
        }
        match self.inbound(now, &mut packet) {
            Ok(()) => {
                self.counters.inward += 1;
                out.send(INSIDE, packet);
            }
            Err(refused) => {
                self.count(refused);
                let own = IpAddr::V4(self.params.public);
                if self.params.rejects && packet.destination().ip() == own {
                    out.packets.extend(refusal(&packet, Some(own)).map(|answer| (OUTSIDE, answer)));
                }
            }
        }
    }

    fn count(&mut self, refused: Refused) {
        *match refused {
            Refused::Full => &mut self.counters.full,
            Refused::Unknown => &mut self.counters.unknown,
            Refused::Filtered => &mut self.counters.filtered,
            Refused::Stray => &mut self.counters.strays,
        } += 1;
    }
}

impl Middlebox for Nat {
    fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet, out: &mut Outbox) {
        if packet.source().is_ipv6() {
            out.send(INSIDE + OUTSIDE - port, packet);
        } else if port == INSIDE {
            self.leave(now, packet, out);
        } else {
            self.enter(now, packet, out);
        }
    }

    fn forget(&mut self) {
        self.table.clear();
        self.host = self.params.one_to_one.and_then(|one| one.host);
    }

    fn remembered(&self, now: Instant) -> usize {
        self.table.live(now)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let NatCounters { out, inward, hairpinned, mappings, full, unknown, filtered, strays } =
            self.counters;
        vec![
            ("nat packets out", out),
            ("nat packets in", inward),
            ("nat hairpinned", hairpinned),
            ("nat translations", mappings),
            ("nat full", full),
            ("nat unknown", unknown),
            ("nat filtered", filtered),
            ("nat strays", strays),
        ]
    }
}

/// An address without a port.
fn bare(addr: Ipv4Addr) -> SocketAddr {
    SocketAddr::from((addr, 0))
}
