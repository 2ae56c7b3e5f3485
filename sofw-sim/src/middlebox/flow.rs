//! One conversation as a box between its two ends knows it.

use core::net::SocketAddr;

use crate::packet::{AddrBits, Packet, Protocol, addr_bits};
use crate::world::PortId;

use super::INSIDE;

/// Protocol and both ends, all as numbers. The ports come first: a comparison seldom needs to look at the addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Flow {
    ports: u64,
    inside: AddrBits,
    outside: AddrBits,
}

impl Flow {
    pub(super) fn new(protocol: Protocol, inside: SocketAddr, outside: SocketAddr) -> Flow {
        let (inside_addr, outside_addr) = (addr_bits(inside.ip()), addr_bits(outside.ip()));
        Flow::between(protocol, (inside_addr, inside.port()), (outside_addr, outside.port()))
    }

    fn between(protocol: Protocol, inside: (AddrBits, u16), outside: (AddrBits, u16)) -> Flow {
        let ports = (protocol as u64) << 32 | u64::from(inside.1) << 16 | u64::from(outside.1);
        Flow { ports, inside: inside.0, outside: outside.0 }
    }

    /// The flow of a packet that arrived at `port`.
    pub(super) fn of(port: PortId, packet: &Packet) -> Flow {
        let (source_port, destination_port) = packet.ports();
        let (from, to) = ((packet.source_bits(), source_port), (packet.destination_bits(), destination_port));
        let (inside, outside) = if port == INSIDE { (from, to) } else { (to, from) };
        Flow::between(packet.protocol(), inside, outside)
    }

    /// The flow of the packet that an ICMP error which arrived at `port` complains of.
    pub(super) fn refused(port: PortId, error: &Packet) -> Option<Flow> {
        let quoted = Quoted::of(error)?;
        // The refused packet went the other way.
        let (inside, outside) = if port == INSIDE {
            (quoted.destination, quoted.source)
        } else {
            (quoted.source, quoted.destination)
        };
        Some(Flow::new(quoted.protocol, inside, outside))
    }
}

/// What an ICMP error tells of the packet that it refuses (RFC 792: its IP header and 8 bytes). IPv4 only: the short quotation of
/// an IPv6 packet does not reach its ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Quoted {
    pub(super) protocol: Protocol,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// Where the quoted transport header begins, from the start of the quotation.
    pub(super) transport: usize,
}

impl Quoted {
    pub(super) fn of(error: &Packet) -> Option<Quoted> {
        if error.protocol() != Protocol::Icmp || !error.source().is_ipv4() {
            return None;
        }
        let quoted = error.payload();
        let transport = usize::from(quoted.first()? & 0x0f) * 4;
        let protocol = match quoted.get(9)? {
            6 => Protocol::Tcp,
            17 => Protocol::Udp,
            _ => return None,
        };
        let end = |addr: usize, port: usize| {
            let addr: [u8; 4] = quoted.get(addr..addr + 4)?.try_into().ok()?;
            let port: [u8; 2] = quoted.get(port..port + 2)?.try_into().ok()?;
            Some(SocketAddr::from((addr, u16::from_be_bytes(port))))
        };
        let (source, destination) = (end(12, transport)?, end(16, transport + 2)?);
        Some(Quoted { protocol, source, destination, transport })
    }
}
