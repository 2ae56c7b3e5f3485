use super::*;
use crate::check::testing::{LAN, PUBLIC, Town, ordinary_day, scenario, seen};
use core::net::SocketAddr;

fn udp(from: &str, to: &str, payload: &[u8]) -> Packet {
    let addr = |text: &str| -> SocketAddr { text.parse().expect("an address") };
    Packet::udp(addr(from), addr(to), payload)
}

/// What a checker for the office says about one packet on a link.
fn judged(scenario: &Scenario, link: usize, packet: &Packet) -> Finding {
    let map = Town::new().map;
    let mut checker = Addresses::new(scenario);
    checker.packet(Instant::ZERO, &map, seen(link), packet);
    checker.finish(Instant::ZERO, &map).remove(0)
}

#[test]
fn an_ordinary_day_is_clean() {
    let (mut town, mut checker) = (Town::new(), Addresses::new(&scenario()));
    ordinary_day(&mut town, &mut [&mut checker]);
    let finding = town.finish(&mut checker);
    assert!(finding.good && !finding.measured.starts_with("0 "), "{}", finding.measured);
}

#[test]
fn an_inside_address_outside_is_told() {
    for packet in [
        udp("10.10.10.10:4000", "203.0.113.20:4000", b"x"),
        udp("203.0.113.5:5060", "10.10.10.10:5060", b"x"),
    ] {
        let finding = judged(&scenario(), PUBLIC, &packet);
        assert!(!finding.good && finding.measured.contains("10.10.10.10"), "{}", finding.measured);
    }
    assert!(judged(&scenario(), PUBLIC, &udp("198.51.100.1:4000", "203.0.113.5:80", b"x")).good);
}

#[test]
fn without_translation_the_tunnel_shows_hrac_but_no_phone() {
    let mut routed = scenario();
    routed.places[0].nat = None;
    let phone = udp("10.10.10.10:4000", "203.0.113.20:4000", b"x");
    assert!(judged(&routed, PUBLIC, &phone).good, "nothing hides it");
    routed.places[0].firewall = Some(crate::scenario::model::FirewallSpec {
        preset: "web".into(),
        rules: Vec::new(),
        reject: None,
        idle_udp: None,
        idle_tcp: None,
    });
    assert!(!judged(&routed, PUBLIC, &phone).good);
    assert!(judged(&routed, PUBLIC, &udp("10.10.10.2:4000", "203.0.113.5:80", b"x")).good);
}

#[test]
fn an_inside_address_in_an_outside_description_is_told() {
    let message = |addr: &str| {
        format!(
            "INVITE sip:bob@203.0.113.20 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.5\r\nVia: SIP/2.0/UDP 10.10.10.10\r\n\
             \r\nv=0\r\no=- 1 1 IN IP4 10.10.10.10\r\nc=IN IP4 {addr}\r\nm=audio 4000 RTP/AVP 0\r\n"
        )
    };
    let sent = |addr: &str| udp("203.0.113.5:5060", "203.0.113.20:5060", message(addr).as_bytes());
    let finding = judged(&scenario(), PUBLIC, &sent("10.10.10.10"));
    assert!(!finding.good && finding.measured.contains("SDP with 10.10.10.10"), "{}", finding.measured);
    assert!(judged(&scenario(), PUBLIC, &sent("203.0.113.5")).good, "headers may show it");
}

#[test]
fn an_outside_address_inside_is_told() {
    for packet in [
        udp("203.0.113.20:4000", "10.10.10.10:4000", b"x"),
        udp("10.10.10.10:5060", "203.0.113.5:5060", b"x"),
    ] {
        assert!(!judged(&scenario(), LAN, &packet).good, "{packet:?}");
    }
    assert!(judged(&scenario(), LAN, &udp("10.10.10.2:4000", "203.0.113.5:80", b"x")).good, "the tunnel");
}

#[test]
fn a_home_phones_announced_address_may_get_sip_but_no_media() {
    let mut homes = scenario();
    homes.places[0].hrac = None;
    let mut map = Town::new().map;
    (map.places[0].site, map.places[0].hrac) = (None, None);
    let good = |packet: &Packet| {
        let mut checker = Addresses::new(&homes);
        checker.packet(Instant::ZERO, &map, seen(PUBLIC), packet);
        checker.finish(Instant::ZERO, &map)[0].good
    };
    assert!(good(&udp("203.0.113.5:5060", "10.10.10.10:5060", b"x")));
    assert!(!good(&udp("203.0.113.5:20000", "10.10.10.10:4000", b"x")));
    assert!(!good(&udp("10.10.10.10:4000", "203.0.113.5:20000", b"x")));
}

#[test]
fn where_there_is_no_hrac_a_firewall_hides_nobody() {
    let mut without = scenario();
    (without.places[0].hrac, without.places[0].nat) = (None, None);
    without.places[0].firewall = Some(crate::scenario::model::FirewallSpec {
        preset: "open".into(),
        rules: Vec::new(),
        reject: None,
        idle_udp: None,
        idle_tcp: None,
    });
    let mut map = Town::new().map;
    (map.places[0].site, map.places[0].hrac) = (None, None);
    let packets = [
        (PUBLIC, udp("10.10.10.10:4000", "203.0.113.5:20000", b"x")),
        (PUBLIC, udp("203.0.113.5:5060", "10.10.10.10:5060", b"x")),
        (LAN, udp("203.0.113.5:5060", "10.10.10.10:5060", b"x")),
    ];
    let mut checker = Addresses::new(&without);
    for (link, packet) in &packets {
        checker.packet(Instant::ZERO, &map, seen(*link), packet);
    }
    let finding = checker.finish(Instant::ZERO, &map).remove(0);
    assert!(finding.good, "{}", finding.measured);
}
