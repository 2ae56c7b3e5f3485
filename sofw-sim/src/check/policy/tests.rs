use super::*;
use crate::check::testing::{LAN, Town, ordinary_day, seen};
use crate::tcp::{Flags, Head, Options};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const HRAC_SIP: &str = "10.10.10.2:5060";

fn invite(via: &str, contact: &str, media: &str) -> String {
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {media}\r\ns=-\r\nc=IN IP4 {media}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    );
    format!(
        "INVITE sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bKa\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:bob@example.net>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:a@{contact}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Shows that a host said `bytes` to HRAC, then that HRAC sends to `to`.
fn judged(from: &str, bytes: &[u8], to: &str) -> Finding {
    let town = Town::new();
    let mut policy = Policy::new();
    let said = Packet::udp(addr(from), addr(HRAC_SIP), bytes);
    policy.packet(Instant::ZERO, &town.map, seen(LAN), &said);
    let hrac = town.pair.site_node(0);
    policy.datagram(Instant::ZERO, &town.map, hrac, addr(HRAC_SIP), addr(to), b"x");
    town.finish(&mut policy)
}

#[test]
fn an_ordinary_day_is_clean() {
    let (mut town, mut policy) = (Town::new(), Policy::new());
    ordinary_day(&mut town, &mut [&mut policy]);
    let finding = town.finish(&mut policy);
    assert!(finding.good && !finding.measured.starts_with("0 "), "{}", finding.measured);
}

#[test]
fn announced_addresses_are_spoken_to() {
    let message = invite("10.10.10.10:5070", "10.10.10.10:5080", "10.10.10.10");
    for to in
        ["10.10.10.10:5060", "10.10.10.10:5070", "10.10.10.10:5080", "10.10.10.10:4000", "10.10.10.10:4001"]
    {
        let finding = judged("10.10.10.10:5060", message.as_bytes(), to);
        assert!(finding.good, "{to}: {}", finding.measured);
    }
}

#[test]
fn others_are_not() {
    let message = invite("10.10.10.66:5060", "10.10.10.66:5080", "10.10.10.10");
    for to in ["10.10.10.10:22", "10.10.10.66:5060", "10.10.10.66:5080", "10.10.10.1:80", "10.10.10.10:4002"]
    {
        let finding = judged("10.10.10.10:5060", message.as_bytes(), to);
        assert!(!finding.good && finding.measured.contains(to), "{to}: {}", finding.measured);
    }
}

#[test]
fn connections_to_others_are_told() {
    let town = Town::new();
    let mut policy = Policy::new();
    let syn = |from: &str, to: &str| {
        let head = Head {
            src: addr(from),
            dst: addr(to),
            seq: 1,
            ack: None,
            flags: Flags { syn: true, ..Flags::default() },
            window: 1_000,
            options: Options::default(),
        };
        Packet::tcp(&head, &[])
    };
    let mut show = |from: &str, to: &str| {
        policy.packet(Instant::ZERO, &town.map, seen(LAN), &syn(from, to));
        town.finish(&mut policy).good
    };
    assert!(show("10.10.10.10:40000", HRAC_SIP));
    assert!(show("10.10.10.2:50000", "203.0.113.5:80"), "the tunnel");
    assert!(show("10.10.10.2:50001", "10.10.10.10:40000"));
    assert!(!show("10.10.10.2:50002", "10.10.10.1:80"));
}
