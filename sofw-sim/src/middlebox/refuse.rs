//! How a box says no aloud.

use core::net::IpAddr;

use crate::packet::{Packet, Protocol};
use crate::tcp::{Flags, Head, Options};

/// The answer to a refused packet: RST in the name of its destination, or "port unreachable" from `own`, the box's address, else
/// also in the name of the destination.
pub(super) fn refusal(packet: &Packet, own: Option<IpAddr>) -> Option<Packet> {
    match packet.protocol() {
        Protocol::Tcp => reset_back(packet),
        _ => {
            let destination = packet.destination().ip();
            packet
                .unreachable(own.filter(|own| own.is_ipv4() == destination.is_ipv4()).unwrap_or(destination))
        }
    }
}

/// The RST that the sender of a segment believes (RFC 9293 §3.10.7.1); none to a RST.
pub(super) fn reset_back(packet: &Packet) -> Option<Packet> {
    let head = packet.tcp_head().filter(|head| !head.flags.rst)?;
    let length = packet.payload().len() as u32 + u32::from(head.flags.syn) + u32::from(head.flags.fin);
    let (seq, ack) = match head.ack {
        Some(ack) => (ack, None),
        None => (0, Some(head.seq.wrapping_add(length))),
    };
    Some(Packet::tcp(&reset(Head { src: head.dst, dst: head.src, seq, ack, ..head }), b""))
}

/// The RST that the receiver of this segment believes, in its place.
pub(super) fn reset_on(packet: &Packet) -> Option<Packet> {
    let head = packet.tcp_head().filter(|head| !head.flags.rst)?;
    Some(Packet::tcp(&reset(head), b""))
}

fn reset(head: Head) -> Head {
    Head { flags: Flags { rst: true, ..Flags::default() }, window: 0, options: Options::default(), ..head }
}
