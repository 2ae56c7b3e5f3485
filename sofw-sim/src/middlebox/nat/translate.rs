//! One packet through the translator: its translation, who may enter by it, and what keeps it alive.

use core::net::{IpAddr, SocketAddr, SocketAddrV4};

use sofw_core::base::Instant;

use super::table::word;
use super::{Filtering, Nat, NatParams, Refused};
use crate::middlebox::track::{Track, is_stray};
use crate::middlebox::{INSIDE, OUTSIDE};
use crate::packet::{Packet, Protocol};
use crate::world::PortId;

impl Nat {
    /// Translates the source of a packet from inside.
    pub(super) fn outbound(&mut self, now: Instant, packet: &mut Packet) -> Result<(), Refused> {
        let (SocketAddr::V4(inside), SocketAddr::V4(outside)) = (packet.source(), packet.destination())
        else {
            return Ok(());
        };
        if self.params.one_to_one.is_some() {
            if !self.is_host(IpAddr::V4(*inside.ip())) {
                return Err(Refused::Full);
            }
            packet.set_source(self.public(inside.port()).into());
            return Ok(());
        }
        let protocol = packet.protocol();
        let id = match is_stray(packet) && self.params.strict {
            true => self.find(now, protocol, inside, outside).ok_or(Refused::Stray)?,
            false => self.find_or_map(now, protocol, inside, outside)?,
        };
        let port = self.table.entry(id).port;
        self.talk(now, id, INSIDE, outside, packet)?;
        packet.set_source(self.public(port).into());
        Ok(())
    }

    /// Translates the destination of a packet to the public address.
    pub(super) fn inbound(&mut self, now: Instant, packet: &mut Packet) -> Result<(), Refused> {
        let (SocketAddr::V4(outside), SocketAddr::V4(public)) = (packet.source(), packet.destination())
        else {
            return Ok(());
        };
        if *public.ip() != self.params.public {
            return Err(Refused::Unknown);
        }
        if self.params.one_to_one.is_some() {
            let host = self.host.ok_or(Refused::Unknown)?;
            packet.set_destination(SocketAddr::new(host, public.port()));
            return Ok(());
        }
        let protocol = packet.protocol();
        let id = match self.table.find_port(now, protocol, public.port()) {
            Some(id) => id,
            None => self.forwarded(now, protocol, public.port()).ok_or(Refused::Unknown)?,
        };
        if !self.may_enter(now, id, outside) {
            return Err(Refused::Filtered);
        }
        self.talk(now, id, OUTSIDE, outside, packet)?;
        packet.set_destination(self.table.entry(id).inside.into());
        Ok(())
    }

    fn forwarded(&mut self, now: Instant, protocol: Protocol, port: u16) -> Option<usize> {
        let forward = self
            .params
            .forwards
            .iter()
            .find(|forward| forward.protocol == protocol && forward.port == port)?;
        Some(self.table.insert(now, protocol, forward.to, 0, port))
    }

    fn may_enter(&mut self, now: Instant, id: usize, outside: SocketAddrV4) -> bool {
        let forwards = &self.params.forwards;
        let entry = self.table.entry(id);
        let address = SocketAddrV4::new(*outside.ip(), 0);
        let open = entry.open
            || forwards
                .iter()
                .any(|forward| forward.port == entry.port && forward.protocol == entry.protocol);
        open || match self.params.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => {
                entry.knows(now, word(address), word(address) | u64::from(u16::MAX))
            }
            Filtering::AddressAndPortDependent => entry.knows(now, word(outside), word(outside)),
        }
    }

    /// Notes a packet of a translation, and keeps the translation alive.
    fn talk(
        &mut self,
        now: Instant,
        id: usize,
        port: PortId,
        outside: SocketAddrV4,
        packet: &Packet,
    ) -> Result<(), Refused> {
        let NatParams { filtering, timeouts, refreshed_inbound, strict, .. } = &self.params;
        let entry = self.table.entry(id);
        if packet.protocol() != Protocol::Tcp {
            let at = now + timeouts.udp;
            if port == OUTSIDE && !refreshed_inbound && entry.expires > now {
                return Ok(());
            }
            entry.expires = entry.expires.max(at);
            let remote = match filtering {
                Filtering::EndpointIndependent => return Ok(()),
                Filtering::AddressDependent => word(SocketAddrV4::new(*outside.ip(), 0)),
                Filtering::AddressAndPortDependent => word(outside),
            };
            entry.peer(now, remote, Track::default()).ok_or(Refused::Full)?.expires = at;
            return Ok(());
        }
        let remote = word(outside);
        let stray = is_stray(packet);
        if stray && *strict && !entry.knows(now, remote, remote) {
            return Err(Refused::Stray);
        }
        let first = if stray { Track::MIDDLE } else { Track::default() };
        let peer = entry.peer(now, remote, first).ok_or(Refused::Full)?;
        peer.track.packet(port, packet);
        let at = now + timeouts.of(Protocol::Tcp, peer.track);
        entry.keep(remote, at);
        Ok(())
    }
}
