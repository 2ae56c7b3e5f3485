//! The link layer inside a tunnel: an Ethernet header that a virtual interface writes, or none.

use core::net::IpAddr;

use crate::packet::Packet;

use super::Kind;

/// What a frame carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Content {
    /// An IP packet.
    Packet(Packet),
    /// A question to everyone on the virtual network.
    Broadcast,
}

/// The frame that carries `packet`.
pub(super) fn frame(kind: &Kind, packet: Packet) -> Vec<u8> {
    if kind.frame_header == 0 {
        return packet.into_bytes();
    }
    let (source, destination) = (packet.source().ip(), packet.destination().ip());
    let ether_type = if source.is_ipv4() { IPV4 } else { IPV6 };
    let mut frame = header(mac(destination), mac(source), ether_type, kind.frame_header);
    frame.extend_from_slice(&packet.into_bytes());
    frame
}

/// What `frame` carries; `None` if that is nothing known or broken.
pub(super) fn content(kind: &Kind, mut frame: Vec<u8>) -> Option<Content> {
    if kind.frame_header == 0 {
        return Packet::read(frame).map(Content::Packet);
    }
    let ether_type = u16::from_be_bytes(frame.get(12..14)?.try_into().ok()?);
    match ether_type {
        ARP => Some(Content::Broadcast),
        IPV4 | IPV6 if frame.len() >= kind.frame_header => {
            frame.drain(..kind.frame_header);
            Packet::read(frame).map(Content::Packet)
        }
        _ => None,
    }
}

/// The broadcast by which the host with `addr` makes itself known (RFC 826, RFC 5227 §3), padded to what Ethernet asks for.
pub(super) fn question(kind: &Kind, addr: IpAddr) -> Vec<u8> {
    let mut frame = header([0xff; 6], mac(addr), ARP, kind.frame_header);
    // Ethernet, IPv4, lengths 6 and 4, a request.
    frame.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&mac(addr));
    let IpAddr::V4(addr) = addr else { return frame };
    frame.extend_from_slice(&addr.octets());
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&addr.octets());
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}

fn header(to: [u8; 6], from: [u8; 6], ether_type: u16, length: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(length + 64);
    frame.extend_from_slice(&to);
    frame.extend_from_slice(&from);
    frame.extend_from_slice(&ether_type.to_be_bytes());
    frame.resize(length, 0);
    frame
}

/// A locally administered address made from the last four octets of `addr`.
fn mac(addr: IpAddr) -> [u8; 6] {
    let [a, b, c, d] = match addr {
        IpAddr::V4(addr) => addr.octets(),
        IpAddr::V6(addr) => {
            let octets = addr.octets();
            [octets[12], octets[13], octets[14], octets[15]]
        }
    };
    [0x02, 0, a, b, c, d]
}

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// A frame without its check sequence (IEEE 802.3).
const SHORTEST: usize = 60;
