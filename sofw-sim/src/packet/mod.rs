//! IP packets: real bytes, with headers written and read by `smoltcp::wire`.
//!
//! Every hop asks the same few things of a packet (who, to whom, which protocol). Where to read them is kept beside the bytes, and a packet
//! is a pointer to both, because it is moved from hand to hand often. Checksums are left to the "network card": [`Packet::to_wire`] fills them in when a packet is captured.
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
    /// There until the packet is dropped.
    body: Option<Box<Body>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Body {
    bytes: Vec<u8>,
    protocol: Protocol,
    is_ipv4: bool,
    /// Where the transport header begins, and where the payload.
    transport: u16,
    payload: u16,
}

/// An address as a number: cheap to compare and to find. One of IPv4 is the IPv6 address that maps it (RFC 4291 §2.5.5.2), which never is on a
/// wire.
pub type AddrBits = u128;

/// The number of an address.
#[inline]
pub fn addr_bits(addr: IpAddr) -> AddrBits {
    match addr {
        IpAddr::V4(addr) => mapped(addr.to_bits()),
        IpAddr::V6(addr) => addr.to_bits(),
    }
}

#[inline]
fn mapped(addr: u32) -> AddrBits {
    0xffff << 32 | AddrBits::from(addr)
}

impl Packet {
    /// A UDP datagram. Both addresses must be of one family.
    ///
    /// # Panics
    /// If they are not, or if the payload does not fit a datagram: a defect of the simulated host.
    pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Packet {
        let length = UDP_HEADER + payload.len();
        let mut packet = Packet::start(source, destination, Protocol::Udp, UDP_HEADER, length);
        let body = packet.body_mut();
        let at = usize::from(body.transport);
        body.bytes.extend_from_slice(&[0; UDP_HEADER]);
        let mut udp = UdpPacket::new_unchecked(&mut body.bytes[at..]);
        udp.set_src_port(source.port());
        udp.set_dst_port(destination.port());
        udp.set_len(length as u16);
        udp.set_checksum(0);
        body.bytes.extend_from_slice(payload);
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
        let body = Body {
            protocol,
            is_ipv4,
            transport: u16::try_from(transport).ok()?,
            payload: u16::try_from(transport + header).ok()?,
            bytes,
        };
        Some(Packet { body: Some(Box::new(body)) })
    }

    #[inline(always)]
    fn body(&self) -> &Body {
        self.body.as_ref().expect(ALIVE)
    }

    #[inline(always)]
    fn body_mut(&mut self) -> &mut Body {
        self.body.as_mut().expect(ALIVE)
    }

    /// From where; port 0 for ICMP.
    pub fn source(&self) -> SocketAddr {
        self.body().end(12, 8, 0)
    }

    /// To where; port 0 for ICMP.
    pub fn destination(&self) -> SocketAddr {
        self.body().end(16, 24, 2)
    }

    /// The address from which it comes.
    #[inline]
    pub fn source_bits(&self) -> AddrBits {
        self.body().addr(12, 8)
    }

    /// The address to which it goes.
    #[inline]
    pub fn destination_bits(&self) -> AddrBits {
        self.body().addr(16, 24)
    }

    /// The ports of source and destination; 0 for ICMP.
    #[inline]
    pub fn ports(&self) -> (u16, u16) {
        let body = self.body();
        (body.port(0), body.port(2))
    }

    /// Both addresses of an IPv4 packet in one number, to compare fast; `None` for IPv6.
    pub fn ipv4_pair(&self) -> Option<u64> {
        // Not one read of eight bytes: a processor waits for two writes of four to reach its cache before it can read both as one.
        self.body()
            .is_ipv4
            .then(|| (self.source_bits() as u64) << 32 | u64::from(self.destination_bits() as u32))
    }

    /// Which protocol.
    pub fn protocol(&self) -> Protocol {
        self.body().protocol
    }

    /// What the transport carries.
    pub fn payload(&self) -> &[u8] {
        let body = self.body();
        &body.bytes[usize::from(body.payload)..]
    }

    /// Bytes on the wire, IP header included, link layer not.
    pub fn len(&self) -> usize {
        self.body().bytes.len()
    }

    /// Never: a packet has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bytes as they are, checksums not filled in.
    pub fn bytes(&self) -> &[u8] {
        &self.body().bytes
    }

    /// The bytes of the packet itself, for a tunnel that carries whole packets.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.body_mut().bytes)
    }

    /// Rewrites the source, as address translation does. The family stays.
    pub fn set_source(&mut self, source: SocketAddr) {
        debug_assert_eq!(source.is_ipv4(), self.body().is_ipv4);
        self.write_address(source.ip(), true);
        self.write_port(source.port(), 0);
    }

    /// Rewrites the destination.
    pub fn set_destination(&mut self, destination: SocketAddr) {
        debug_assert_eq!(destination.is_ipv4(), self.body().is_ipv4);
        self.write_address(destination.ip(), false);
        self.write_port(destination.port(), 2);
    }

    /// The datagram with another payload, as an application-level gateway makes it.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Packet {
        debug_assert_eq!(self.protocol(), Protocol::Udp, "a stream cannot be edited packet by packet");
        Packet::udp(self.source(), self.destination(), payload)
    }

    /// The bytes with all checksums filled in, as a capture on the wire shows them.
    pub fn to_wire(&self) -> Vec<u8> {
        let Body { mut bytes, transport, protocol, .. } = self.body().clone();
        let (source, destination) = (self.source().ip(), self.destination().ip());
        let (ip, body) = bytes.split_at_mut(usize::from(transport));
        if source.is_ipv4() {
            Ipv4Packet::new_unchecked(ip).fill_checksum();
        }
        match protocol {
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
        let mut body = pool::take();
        let bytes = &mut body.bytes;
        let transport = match (source.ip(), destination.ip()) {
            (IpAddr::V4(src_addr), IpAddr::V4(dst_addr)) => {
                let repr =
                    Ipv4Repr { src_addr, dst_addr, next_header, payload_len: length, hop_limit: HOP_LIMIT };
                bytes.extend_from_slice(&[0; IPV4_HEADER]);
                repr.emit(&mut Ipv4Packet::new_unchecked(bytes), &unchecked());
                IPV4_HEADER
            }
            (IpAddr::V6(src_addr), IpAddr::V6(dst_addr)) => {
                let repr =
                    Ipv6Repr { src_addr, dst_addr, next_header, payload_len: length, hop_limit: HOP_LIMIT };
                bytes.extend_from_slice(&[0; IPV6_HEADER]);
                repr.emit(&mut Ipv6Packet::new_unchecked(bytes));
                IPV6_HEADER
            }
            (from, to) => panic!("a packet from {from} to {to}"),
        };
        assert!(transport + length <= usize::from(u16::MAX), "{length} bytes do not fit a packet");
        body.protocol = protocol;
        body.is_ipv4 = source.is_ipv4();
        body.transport = transport as u16;
        body.payload = (transport + header) as u16;
        Packet { body: Some(body) }
    }

    fn write_address(&mut self, addr: IpAddr, source: bool) {
        match addr {
            IpAddr::V4(addr) => {
                let mut ip = Ipv4Packet::new_unchecked(&mut self.body_mut().bytes);
                if source { ip.set_src_addr(addr) } else { ip.set_dst_addr(addr) }
            }
            IpAddr::V6(addr) => {
                let mut ip = Ipv6Packet::new_unchecked(&mut self.body_mut().bytes);
                if source { ip.set_src_addr(addr) } else { ip.set_dst_addr(addr) }
            }
        }
    }

    fn write_port(&mut self, port: u16, offset: usize) {
        let body = self.body_mut();
        if body.protocol != Protocol::Icmp {
            let at = usize::from(body.transport) + offset;
            body.bytes[at..at + 2].copy_from_slice(&port.to_be_bytes());
        }
    }
}

impl Body {
    /// Address and port at their places in an IPv4, IPv6 and transport header.
    #[inline]
    fn end(&self, ipv4: usize, ipv6: usize, port: usize) -> SocketAddr {
        let addr = match self.is_ipv4 {
            true => IpAddr::from(self.array::<4>(ipv4)),
            false => IpAddr::from(self.array::<16>(ipv6)),
        };
        SocketAddr::new(addr, self.port(port))
    }

    #[inline]
    fn addr(&self, ipv4: usize, ipv6: usize) -> AddrBits {
        match self.is_ipv4 {
            true => mapped(u32::from_be_bytes(self.array(ipv4))),
            false => u128::from_be_bytes(self.array(ipv6)),
        }
    }

    #[inline]
    fn port(&self, at: usize) -> u16 {
        match self.protocol {
            Protocol::Icmp => 0,
            _ => u16::from_be_bytes(self.array(usize::from(self.transport) + at)),
        }
    }

    /// Bytes of a header. Every packet has whole headers: it was made with them or read as well-formed.
    #[inline]
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }
}

impl Clone for Packet {
    fn clone(&self) -> Packet {
        let (mut body, model) = (pool::take(), self.body());
        body.bytes.extend_from_slice(&model.bytes);
        *body = Body { bytes: std::mem::take(&mut body.bytes), ..*model };
        Packet { body: Some(body) }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            pool::give(body);
        }
    }
}

impl core::fmt::Debug for Packet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (from, to, protocol) = (self.source(), self.destination(), self.protocol());
        write!(f, "{protocol:?} {from} > {to} {:?}", self.bytes())
    }
}

fn unchecked() -> ChecksumCapabilities {
    ChecksumCapabilities::ignored()
}

const ALIVE: &str = "only a dropped packet has no body";
const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const HOP_LIMIT: u8 = 64;
