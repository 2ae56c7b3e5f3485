//! ICMP errors cross with the packet that they quote translated back (RFC 5508 §4.2).

use core::net::{IpAddr, SocketAddr, SocketAddrV4};

use smoltcp::wire::{Icmpv4Packet, Ipv4Packet};
use sofw_core::base::Instant;

use super::{INSIDE, Nat, OUTSIDE, Refused, bare};
use crate::middlebox::flow::Quoted;
use crate::packet::Packet;
use crate::world::Outbox;

impl Nat {
    /// An error from outside about a packet that we sent for somebody inside.
    pub(super) fn error_in(&mut self, now: Instant, packet: Packet, out: &mut Outbox) {
        let known = Quoted::of(&packet).filter(|_| self.is_hairpin(&packet)).and_then(|quoted| {
            let inside = self.behind(now, quoted, quoted.source)?;
            with_quoted(packet, quoted, Side::Source, inside)
        });
        match known {
            Some((mut packet, SocketAddr::V4(inside))) => {
                packet.set_destination(bare(*inside.ip()));
                self.counters.inward += 1;
                out.send(INSIDE, packet);
            }
            _ => self.count(Refused::Unknown),
        }
    }

    /// An error from inside about a packet that we let in.
    pub(super) fn error_out(&mut self, now: Instant, packet: Packet, out: &mut Outbox) {
        let known = Quoted::of(&packet).and_then(|quoted| {
            let public = self.in_front(now, quoted)?;
            with_quoted(packet, quoted, Side::Destination, SocketAddr::V4(public))
        });
        match known {
            Some((mut packet, _)) => {
                packet.set_source(bare(self.params.public));
                self.counters.out += 1;
                out.send(OUTSIDE, packet);
            }
            None => self.count(Refused::Unknown),
        }
    }

    /// Who has the public endpoint of a quoted packet.
    fn behind(&mut self, now: Instant, quoted: Quoted, public: SocketAddr) -> Option<SocketAddr> {
        if public.ip() != IpAddr::V4(self.params.public) {
            return None;
        }
        self.internal(now, quoted.protocol, public.port()).map(SocketAddr::V4)
    }

    /// The public endpoint to which a quoted packet came.
    fn in_front(&mut self, now: Instant, quoted: Quoted) -> Option<SocketAddrV4> {
        let (SocketAddr::V4(outside), SocketAddr::V4(inside)) = (quoted.source, quoted.destination) else {
            return None;
        };
        if self.params.one_to_one.is_some() {
            return (self.host == Some(IpAddr::V4(*inside.ip()))).then(|| self.public(inside.port()));
        }
        let id = self.find(now, quoted.protocol, inside, outside)?;
        let port = self.table.entry(id).port;
        Some(self.public(port))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

/// The error with one end of the quoted packet replaced, and that end.
fn with_quoted(packet: Packet, quoted: Quoted, side: Side, end: SocketAddr) -> Option<(Packet, SocketAddr)> {
    let SocketAddr::V4(v4) = end else { return None };
    let start = packet.len() - packet.payload().len();
    let mut bytes = packet.into_bytes();
    let mut ip = Ipv4Packet::new_unchecked(&mut bytes[start..]);
    let offset = match side {
        Side::Source => {
            ip.set_src_addr(*v4.ip());
            0
        }
        Side::Destination => {
            ip.set_dst_addr(*v4.ip());
            2
        }
    };
    ip.fill_checksum();
    let at = start + quoted.transport + offset;
    bytes.get_mut(at..at + 2)?.copy_from_slice(&v4.port().to_be_bytes());
    Icmpv4Packet::new_unchecked(&mut bytes[start - ICMP_HEADER..]).fill_checksum();
    Some((Packet::read(bytes)?, end))
}

const ICMP_HEADER: usize = 8;
