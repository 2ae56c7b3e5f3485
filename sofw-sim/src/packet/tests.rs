use core::net::SocketAddr;

use super::{Packet, Protocol, addr_bits};
use crate::tcp::{Flags, Head, Options};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn a_datagram_reads_back_from_its_bytes() {
    for (from, to) in [("10.0.0.1:5060", "203.0.113.5:5061"), ("[fd00::1]:4000", "[2001:db8::5]:4002")] {
        let packet = Packet::udp(addr(from), addr(to), b"voice");
        let again = Packet::read(packet.to_wire()).expect("well-formed");
        assert_eq!(
            (again.source(), again.destination(), again.protocol(), again.payload()),
            (addr(from), addr(to), Protocol::Udp, &b"voice"[..])
        );
        assert_eq!(packet.len(), if addr(from).is_ipv4() { 33 } else { 53 });
        let bits = [addr(from), addr(to)].map(|end| addr_bits(end.ip()));
        assert_eq!([packet.source_bits(), packet.destination_bits()], bits);
        assert_eq!(packet.ports(), (addr(from).port(), addr(to).port()));
    }
}

#[test]
fn translation_changes_the_bytes_and_keeps_checksums_right() {
    let mut packet = Packet::udp(addr("10.0.0.1:5060"), addr("203.0.113.5:5060"), b"x");
    packet.set_source(addr("198.51.100.1:61000"));
    packet.set_destination(addr("203.0.113.6:5070"));
    let wire = packet.to_wire();
    let again = Packet::read(wire.clone()).expect("well-formed");
    assert_eq!(again.source(), addr("198.51.100.1:61000"));
    assert_eq!(again.destination(), addr("203.0.113.6:5070"));
    let ip = smoltcp::wire::Ipv4Packet::new_checked(&wire[..]).expect("IPv4");
    assert!(ip.verify_checksum());
    let udp = smoltcp::wire::UdpPacket::new_checked(ip.payload()).expect("UDP");
    assert!(udp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into()));
}

#[test]
fn a_segment_reads_back_with_all_its_options() {
    let head = Head {
        src: addr("10.0.0.1:40000"),
        dst: addr("203.0.113.5:80"),
        seq: 0xffff_fff0,
        ack: Some(7),
        flags: Flags { psh: true, ..Flags::default() },
        window: 1234,
        options: Options {
            sack: [Some((10, 20)), Some((30, 40)), None],
            timestamps: Some((1, 2)),
            ..Options::default()
        },
    };
    let packet = Packet::tcp(&head, b"GET / HTTP/1.1");
    let again = Packet::read(packet.to_wire()).expect("well-formed");
    assert_eq!(again.tcp_head(), Some(head));
    assert_eq!(again.payload(), b"GET / HTTP/1.1");
    assert!(again.tcp_flags().psh && !again.tcp_flags().syn);
}

#[test]
fn a_segment_with_timestamps_alone_is_written_as_any_other() {
    let head = Head {
        src: addr("10.0.0.1:40000"),
        dst: addr("203.0.113.5:80"),
        seq: 0xffff_fff0,
        ack: Some(0x0102_0304),
        flags: Flags { psh: true, ..Flags::default() },
        window: 0x1234,
        options: Options { timestamps: Some((0x0506_0708, 0x090a_0b0c)), ..Options::default() },
    };
    for flags in [head.flags, Flags { fin: true, ..Flags::default() }, Flags::default()] {
        for ack in [head.ack, None] {
            let head = Head { flags, ack, ..head };
            let (usual, any) = (Packet::tcp(&head, b"voice"), super::tcp::any(&head, b"voice"));
            assert_eq!(usual.to_wire(), any.to_wire(), "{head:?}");
            assert_eq!(Packet::read(usual.to_wire()).and_then(|packet| packet.tcp_head()), Some(head));
        }
    }
}

#[test]
fn an_unreachable_names_the_socket_that_it_is_for() {
    let packet = Packet::udp(addr("10.0.0.1:5060"), addr("203.0.113.5:5060"), b"hello, is anybody there?");
    let answer = packet.unreachable("203.0.113.5".parse().expect("an address")).expect("an answer");
    let again = Packet::read(answer.to_wire()).expect("well-formed");
    assert_eq!((again.protocol(), again.refused_source()), (Protocol::Icmp, Some(addr("10.0.0.1:5060"))));
    assert_eq!(answer.unreachable("203.0.113.5".parse().expect("an address")), None);
}

#[test]
fn other_bytes_are_no_packet() {
    for bytes in [&b""[..], b"\x45", b"\x60\x00", b"GET / HTTP/1.1\r\n\r\n", &[0x45; 40]] {
        assert_eq!(Packet::read(bytes.to_vec()), None);
    }
}
