//! "Unreachable": how a host or a firewall that rejects says no to a datagram (RFC 792, RFC 4443 §3.1).

use core::net::{IpAddr, SocketAddr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet};

use super::{Body, Packet, Protocol};

/// Length of an ICMP "unreachable" header.
pub(super) const HEADER: usize = 8;
/// How much of the refused packet comes back: its IP header and 8 bytes, and no more than an old router sends.
const QUOTED: usize = 28;

impl Packet {
    /// The answer "port unreachable" of `router` to this packet; `None` to an ICMP packet (RFC 1122 §3.2.2).
    pub fn unreachable(&self, router: IpAddr) -> Option<Packet> {
        if self.protocol() == Protocol::Icmp || router.is_ipv4() != self.body().is_ipv4 {
            return None;
        }
        let quoted = &self.bytes()[..self.len().min(QUOTED)];
        let (from, to) = (SocketAddr::new(router, 0), SocketAddr::new(self.source().ip(), 0));
        let mut packet = Packet::start(from, to, Protocol::Icmp, HEADER, HEADER + quoted.len());
        let Body { bytes, transport, .. } = packet.body_mut();
        let at = usize::from(*transport);
        bytes.resize(at + HEADER + quoted.len(), 0);
        let body = &mut bytes[at..];
        body[HEADER..].copy_from_slice(quoted);
        // Type and code: RFC 792 (3, 3), RFC 4443 (1, 4).
        let (kind, code) = if router.is_ipv4() { (3, 3) } else { (1, 4) };
        body[..2].copy_from_slice(&[kind, code]);
        match (router, to.ip()) {
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                Icmpv6Packet::new_unchecked(body).fill_checksum(&from, &to);
            }
            _ => {
                debug_assert!(ChecksumCapabilities::default().icmpv4.tx(), "captures show checksums");
                Icmpv4Packet::new_unchecked(body).fill_checksum();
            }
        }
        Some(packet)
    }

    /// The source that an ICMP "unreachable" for one of our packets quotes, i.e. our own socket.
    pub fn refused_source(&self) -> Option<SocketAddr> {
        if self.protocol() != Protocol::Icmp {
            return None;
        }
        // The quoted packet is cut short, so it is read by hand: IPv4 only.
        let quoted = self.payload();
        let head = usize::from(quoted.first()? & 0x0f) * 4;
        let addr: [u8; 4] = quoted.get(12..16)?.try_into().ok()?;
        let port: [u8; 2] = quoted.get(head..head + 2)?.try_into().ok()?;
        Some(SocketAddr::from((addr, u16::from_be_bytes(port))))
    }
}
