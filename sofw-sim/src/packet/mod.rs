//! IP packets: real bytes, with headers written and read by `smoltcp::wire`.
//!
//! Every hop asks the same few things of a packet (who, to whom, which protocol). Where to read them is kept beside the bytes, so that a
//! packet is small and moves fast. Checksums are left to the "network card": [`Packet::to_wire`] fills them in when a packet is captured.
//!
//! Datagrams longer than the MTU travel as one packet, as they do between a host and a card that fragments for it.

mod icmp;
mod pool;
mod tcp;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr, TcpPacket, UdpPacket};

/// The transport protocol of a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Protocol {
    /// UDP (RFC 768).
    Udp,
    /// TCP (RFC 9293).
    Tcp,
    /// ICMP or ICMPv6: "unreachable" only.
    Icmp,
}

/// One IP packet.
#[derive(PartialEq, Eq)]
pub struct Packet {
    bytes: Vec<u8>,
    protocol: Protocol,
    is_ipv4: bool,
    /// Where the transport header begins, and where the payload.
    transport: u16,
    payload: u16,
}

impl Packet {
    /// A UDP datagram. Both addresses must be of one family.
    ///
    /// # Panics
    /// If they are not, or if the payload does not fit a datagram: a defect of the simulated host.
    pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Packet {
        let length = UDP_HEADER + payload.len();
        let mut packet = Packet::start(source, destination, Protocol::Udp, UDP_HEADER, length);
        let at = usize::from(packet.transport);
        packet.bytes.extend_from_slice(&[0; UDP_HEADER]);
        let mut udp = UdpPacket::new_unchecked(&mut packet.bytes[at..]);
        udp.set_src_port(source.port());
        udp.set_dst_port(destination.port());
        udp.set_len(length as u16);
        udp.set_checksum(0);
        packet.bytes.extend_from_slice(payload);
        packet
    }

    /// Reads a packet from bytes, as they come out of a tunnel that carries whole packets. `None` for anything that is
    /// no well-formed UDP, TCP or ICMP packet.
    pub fn read(bytes: Vec<u8>) -> Option<Packet> {
        let is_ipv4 = match bytes.first()? >> 4 {
            4 => true,
            6 => false,
            _ => return None,
        };
        let (next, transport, total) = if is_ipv4 {
            let ip = Ipv4Packet::new_checked(&bytes[..]).ok()?;
            (ip.next_header(), usize::from(ip.header_len()), usize::from(ip.total_len()))
        } else {
            let ip = Ipv6Packet::new_checked(&bytes[..]).ok()?;
            (ip.next_header(), IPV6_HEADER, ip.total_len())
        };
        let mut bytes = bytes;
        bytes.truncate(total);
        let body = bytes.get(transport..)?;
        let (protocol, header) = match next {
            IpProtocol::Udp => (Protocol::Udp, UdpPacket::new_checked(body).map(|_| UDP_HEADER).ok()?),
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(body).ok()?;
                (Protocol::Tcp, usize::from(tcp.header_len()))
            }
            IpProtocol::Icmp | IpProtocol::Icmpv6 => (Protocol::Icmp, icmp::HEADER.min(body.len())),
            _ => return None,
        };
        Some(Packet {
            protocol,
            is_ipv4,
            transport: u16::try_from(transport).ok()?,
            payload: u16::try_from(transport + header).ok()?,
            bytes,
        })
    }

    /// From where; port 0 for ICMP.
    pub fn source(&self) -> SocketAddr {
        self.end(12, 8, 0)
    }

    /// To where; port 0 for ICMP.
    pub fn destination(&self) -> SocketAddr {
        self.end(16, 24, 2)
    }

    /// Address and port at their places in an IPv4, IPv6 and transport header.
    #[inline]
    fn end(&self, ipv4: usize, ipv6: usize, port: usize) -> SocketAddr {
        let port = match self.protocol {
            Protocol::Icmp => 0,
            _ => u16::from_be_bytes(self.array(usize::from(self.transport) + port)),
        };
        let addr = match self.is_ipv4 {
            true => IpAddr::from(self.array::<4>(ipv4)),
            false => IpAddr::from(self.array::<16>(ipv6)),
        };
        SocketAddr::new(addr, port)
    }

    /// Bytes of a header. Every packet has whole headers: it was made with them or read as well-formed.
    #[inline]
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }

    /// Both addresses of an IPv4 packet in one number, to compare fast; `None` for IPv6.
    pub fn ipv4_pair(&self) -> Option<u64> {
        self.is_ipv4.then(|| u64::from_be_bytes(self.array(12)))
    }

    /// Which protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What the transport carries.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[usize::from(self.payload)..]
    }

    /// Bytes on the wire, IP header included, link layer not.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never: a packet has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bytes as they are, checksums not filled in.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the packet itself, for a tunnel that carries whole packets.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Rewrites the source, as address translation does. The family stays.
    pub fn set_source(&mut self, source: SocketAddr) {
        debug_assert_eq!(source.is_ipv4(), self.is_ipv4);
        self.write_address(source.ip(), true);
        self.write_port(source.port(), 0);
    }

    /// Rewrites the destination.
    pub fn set_destination(&mut self, destination: SocketAddr) {
        debug_assert_eq!(destination.is_ipv4(), self.is_ipv4);
        self.write_address(destination.ip(), false);
        self.write_port(destination.port(), 2);
    }

    /// The datagram with another payload, as an application-level gateway makes it.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Packet {
        debug_assert_eq!(self.protocol, Protocol::Udp, "a stream cannot be edited packet by packet");
        Packet::udp(self.source(), self.destination(), payload)
    }

    /// The bytes with all checksums filled in, as a capture on the wire shows them.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let (source, destination) = (self.source().ip(), self.destination().ip());
        let (ip, body) = bytes.split_at_mut(usize::from(self.transport));
        if source.is_ipv4() {
            Ipv4Packet::new_unchecked(ip).fill_checksum();
        }
        match self.protocol {
            Protocol::Udp => {
                UdpPacket::new_unchecked(body).fill_checksum(&source.into(), &destination.into())
            }
            Protocol::Tcp => {
                TcpPacket::new_unchecked(body).fill_checksum(&source.into(), &destination.into())
            }
            // Written with its checksum.
            Protocol::Icmp => {}
        }
        bytes
    }

    /// A packet that ends with its IP header; `length` bytes are to follow, of which the payload begins after `header`.
    fn start(
        source: SocketAddr,
        destination: SocketAddr,
        protocol: Protocol,
        header: usize,
        length: usize,
    ) -> Packet {
        let next_header = match (protocol, source.is_ipv4()) {
            (Protocol::Udp, _) => IpProtocol::Udp,
            (Protocol::Tcp, _) => IpProtocol::Tcp,
            (Protocol::Icmp, true) => IpProtocol::Icmp,
            (Protocol::Icmp, false) => IpProtocol::Icmpv6,
        };
        let (bytes, transport) = match (source.ip(), destination.ip()) {
            (IpAddr::V4(src_addr), IpAddr::V4(dst_addr)) => {
                let repr =
                    Ipv4Repr { src_addr, dst_addr, next_header, payload_len: length, hop_limit: HOP_LIMIT };
                let mut bytes = pool::take();
                bytes.extend_from_slice(&[0; IPV4_HEADER]);
                repr.emit(&mut Ipv4Packet::new_unchecked(&mut bytes), &unchecked());
                (bytes, IPV4_HEADER)
            }
            (IpAddr::V6(src_addr), IpAddr::V6(dst_addr)) => {
                let repr =
                    Ipv6Repr { src_addr, dst_addr, next_header, payload_len: length, hop_limit: HOP_LIMIT };
                let mut bytes = pool::take();
                bytes.extend_from_slice(&[0; IPV6_HEADER]);
                repr.emit(&mut Ipv6Packet::new_unchecked(&mut bytes));
                (bytes, IPV6_HEADER)
            }
            (from, to) => panic!("a packet from {from} to {to}"),
        };
        assert!(transport + length <= usize::from(u16::MAX), "{length} bytes do not fit a packet");
        Packet {
            bytes,
            protocol,
            is_ipv4: source.is_ipv4(),
            transport: transport as u16,
            payload: (transport + header) as u16,
        }
    }

    fn write_address(&mut self, addr: IpAddr, source: bool) {
        match addr {
            IpAddr::V4(addr) => {
                let mut ip = Ipv4Packet::new_unchecked(&mut self.bytes);
                if source { ip.set_src_addr(addr) } else { ip.set_dst_addr(addr) }
            }
            IpAddr::V6(addr) => {
                let mut ip = Ipv6Packet::new_unchecked(&mut self.bytes);
                if source { ip.set_src_addr(addr) } else { ip.set_dst_addr(addr) }
            }
        }
    }

    fn write_port(&mut self, port: u16, offset: usize) {
        if self.protocol != Protocol::Icmp {
            let at = usize::from(self.transport) + offset;
            self.bytes[at..at + 2].copy_from_slice(&port.to_be_bytes());
        }
    }
}

impl Clone for Packet {
    fn clone(&self) -> Packet {
        let mut bytes = pool::take();
        bytes.extend_from_slice(&self.bytes);
        Packet { bytes, ..*self }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.bytes));
    }
}

impl core::fmt::Debug for Packet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (from, to, protocol) = (self.source(), self.destination(), self.protocol);
        write!(f, "{protocol:?} {from} > {to} {:?}", self.bytes)
    }
}

fn unchecked() -> ChecksumCapabilities {
    ChecksumCapabilities::ignored()
}

const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const HOP_LIMIT: u8 = 64;
