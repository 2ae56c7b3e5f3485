use core::net::IpAddr;

use super::*;
use crate::middlebox::tests::{addr, at, give, pass, secs, tcp, udp};

const PHONE: &str = "10.0.0.1:4000";
const WEB: &str = "192.0.2.1:80";

fn firewall(name: &str) -> Firewall {
    let proxy = Some(IpAddr::from([10, 0, 0, 9]));
    Firewall::new(find(name).expect("a preset").params(proxy))
}

/// Opens a TCP connection from [`PHONE`] to [`WEB`].
fn open(firewall: &mut Firewall, now: Instant) {
    assert!(pass(firewall, now, INSIDE, tcp(PHONE, WEB, "S")).is_some());
    assert!(pass(firewall, now, OUTSIDE, tcp(WEB, PHONE, "SA")).is_some());
    assert!(pass(firewall, now, INSIDE, tcp(PHONE, WEB, "A")).is_some());
}

#[test]
fn presets_let_out_what_they_say_and_let_in_nothing() {
    let packets = [
        ("udp", udp(PHONE, "192.0.2.1:5060")),
        ("http", tcp(PHONE, WEB, "S")),
        ("https", tcp(PHONE, "192.0.2.1:443", "S")),
        ("ssh", tcp(PHONE, "192.0.2.1:22", "S")),
        ("proxy", tcp("10.0.0.9:4000", WEB, "S")),
        ("proxy ssh", tcp("10.0.0.9:4000", "192.0.2.1:22", "S")),
    ];
    let expected: [(&str, &[&str]); 5] = [
        ("open", &["udp", "http", "https", "ssh", "proxy", "proxy ssh"]),
        ("web-only", &["http", "https", "proxy"]),
        ("proxy-only", &["proxy"]),
        ("no-udp", &["http", "https", "ssh", "proxy", "proxy ssh"]),
        ("closed", &[]),
    ];
    assert_eq!(expected.map(|(name, _)| name), PRESETS.each_ref().map(|preset| preset.name));
    for (name, passing) in expected {
        let mut firewall = firewall(name);
        let passed: Vec<_> = packets
            .iter()
            .filter(|(_, packet)| pass(&mut firewall, at(0), INSIDE, packet.clone()).is_some())
            .map(|(what, _)| *what)
            .collect();
        assert_eq!(passed, passing, "{name}");
        assert_eq!(pass(&mut firewall, at(0), OUTSIDE, udp("192.0.2.7:9", PHONE)), None, "{name}");
        assert_eq!(pass(&mut firewall, at(0), OUTSIDE, tcp("192.0.2.7:9", PHONE, "S")), None, "{name}");
        assert_eq!(firewall.counters().inward.blocked, 2);
    }
    let alone = find("proxy-only").expect("a preset").params(None);
    assert_eq!(pass(&mut Firewall::new(alone), at(0), INSIDE, tcp("10.0.0.9:4000", WEB, "S")), None);
}

#[test]
fn answers_come_in_and_only_they() {
    let mut firewall = firewall("open");
    assert!(pass(&mut firewall, at(0), INSIDE, udp(PHONE, WEB)).is_some());
    assert!(pass(&mut firewall, at(1), OUTSIDE, udp(WEB, PHONE)).is_some());
    for (from, to) in [("192.0.2.1:81", PHONE), ("192.0.2.2:80", PHONE), (WEB, "10.0.0.1:4001")] {
        assert_eq!(pass(&mut firewall, at(1), OUTSIDE, udp(from, to)), None, "{from} to {to}");
    }
    assert_eq!(pass(&mut firewall, at(1), OUTSIDE, tcp(WEB, PHONE, "S")), None, "another protocol");
    let counters = firewall.counters();
    assert_eq!((counters.out.passed, counters.inward.passed, counters.inward.blocked), (1, 1, 4));
    assert_eq!((counters.inward.passed_bytes, counters.flows), (33, 1));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let network = |text: &str| Some(text.parse().expect("a network"));
    let mut firewall = Firewall::new(FirewallParams {
        rules: vec![
            Rule {
                source: network("10.0.0.0/30"),
                source_ports: Some((4001, 4009)),
                ..Rule::all(INSIDE, Verdict::Drop)
            },
            Rule {
                destination: network("192.0.2.0/24"),
                destination_ports: Some((10, 20)),
                protocol: Some(Protocol::Udp),
                ..Rule::all(INSIDE, Verdict::Allow)
            },
            Rule {
                destination: network("10.0.0.7"),
                ..Rule::to_port(OUTSIDE, Protocol::Tcp, 25, Verdict::Allow)
            },
        ],
        default_out: Verdict::Drop,
        ..FirewallParams::default()
    });
    let cases = [
        (INSIDE, udp("10.0.0.1:4000", "192.0.2.1:10"), true),
        (INSIDE, udp("10.0.0.1:4000", "192.0.2.1:20"), true),
        (INSIDE, udp("10.0.0.1:4000", "192.0.2.1:21"), false),
        (INSIDE, udp("10.0.0.1:4000", "192.0.3.1:10"), false),
        (INSIDE, udp("10.0.0.1:4001", "192.0.2.1:10"), false),
        (INSIDE, udp("10.0.0.4:4001", "192.0.2.1:10"), true),
        (INSIDE, tcp("10.0.0.4:4001", "192.0.2.1:10", "S"), false),
        (OUTSIDE, tcp("192.0.2.1:9", "10.0.0.7:25", "S"), true),
        (OUTSIDE, tcp("192.0.2.1:9", "10.0.0.8:25", "S"), false),
        (INSIDE, tcp("10.0.0.7:25", "192.0.2.1:9", "SA"), true),
    ];
    for (port, packet, passes) in cases {
        let text = format!("{} to {}", packet.source(), packet.destination());
        assert_eq!(pass(&mut firewall, at(0), port, packet).is_some(), passes, "{text}");
    }
}

#[test]
fn networks_are_read_as_they_are_written() {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "fd00::/16", "192.0.2.1/32"] {
        assert_eq!(text.parse::<Network>().expect("a network").to_string(), text);
    }
    assert_eq!("192.0.2.1".parse(), Ok(Network::one(IpAddr::from([192, 0, 2, 1]))));
    for text in ["10.0.0.0/33", "fd00::/129", "10.0.0/8", "x", "10.0.0.0/", ""] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
    let all: Network = "0.0.0.0/0".parse().expect("a network");
    assert!(all.contains(addr(WEB).ip()) && !all.contains(addr("[fd00::1]:1").ip()));
}

#[test]
fn silent_udp_is_forgotten_exactly_then_and_packets_of_both_sides_keep_it() {
    let mut firewall = firewall("open");
    pass(&mut firewall, secs(0), INSIDE, udp(PHONE, WEB));
    assert!(pass(&mut firewall, at(119_999), OUTSIDE, udp(WEB, PHONE)).is_some());
    assert_eq!(firewall.remembered(at(239_998)), 1);
    assert_eq!(firewall.remembered(at(239_999)), 0);
    assert_eq!(pass(&mut firewall, at(239_999), OUTSIDE, udp(WEB, PHONE)), None);
}

#[test]
fn tcp_is_remembered_by_its_phase() {
    let end = |kinds: &[(PortId, &str)]| {
        let mut firewall = firewall("open");
        for &(port, kind) in kinds {
            let packet = if port == INSIDE { tcp(PHONE, WEB, kind) } else { tcp(WEB, PHONE, kind) };
            assert!(pass(&mut firewall, secs(0), port, packet).is_some());
        }
        (0..10_000).find(|&sec| firewall.remembered(secs(sec)) == 0).expect("an end")
    };
    assert_eq!(end(&[(INSIDE, "S")]), 120);
    assert_eq!(end(&[(INSIDE, "S"), (OUTSIDE, "SA")]), 3600);
    assert_eq!(end(&[(INSIDE, "S"), (OUTSIDE, "SA"), (INSIDE, "A")]), 3600);
    assert_eq!(end(&[(INSIDE, "S"), (OUTSIDE, "SA"), (INSIDE, "FA")]), 120);
    assert_eq!(end(&[(INSIDE, "S"), (OUTSIDE, "SA"), (INSIDE, "FA"), (OUTSIDE, "FA"), (INSIDE, "A")]), 120);
    assert_eq!(end(&[(INSIDE, "S"), (OUTSIDE, "SA"), (OUTSIDE, "RA")]), 10);
    assert_eq!(end(&[(INSIDE, "S"), (OUTSIDE, "SA"), (OUTSIDE, "RA"), (INSIDE, "S"), (OUTSIDE, "SA")]), 3600);
}

#[test]
fn a_strict_one_that_forgot_does_not_know_the_connection() {
    for reject in [false, true] {
        let params = FirewallParams { reject_strays: reject, ..FirewallParams::default() };
        let mut firewall = Firewall::new(params);
        open(&mut firewall, at(0));
        firewall.forget();
        assert_eq!(firewall.remembered(at(0)), 0);
        let out = give(&mut firewall, at(1), INSIDE, tcp(PHONE, WEB, "A"));
        if reject {
            let head = out[0].1.tcp_head().expect("a segment");
            assert!(out.len() == 1 && out[0].0 == INSIDE && head.flags.rst);
            assert_eq!((head.src, head.dst, head.seq, head.ack), (addr(WEB), addr(PHONE), 2000, None));
            assert_eq!(give(&mut firewall, at(1), INSIDE, tcp(PHONE, WEB, "R")), [], "no RST to a RST");
        } else {
            assert_eq!(out, []);
        }
        let out = give(&mut firewall, at(1), OUTSIDE, tcp(WEB, PHONE, "SA"));
        assert_eq!(out.iter().map(|(port, _)| *port).collect::<Vec<_>>(), vec![OUTSIDE; usize::from(reject)]);
        assert_eq!(firewall.counters().strays, if reject { 3 } else { 2 });
        open(&mut firewall, at(2));
    }
}

#[test]
fn a_loose_one_picks_connections_up_where_a_new_one_might_begin() {
    let mut firewall = Firewall::new(FirewallParams { strict: false, ..FirewallParams::default() });
    assert_eq!(pass(&mut firewall, at(0), OUTSIDE, tcp(WEB, PHONE, "A")), None);
    assert!(pass(&mut firewall, at(1), INSIDE, tcp(PHONE, WEB, "A")).is_some());
    assert!(pass(&mut firewall, at(2), OUTSIDE, tcp(WEB, PHONE, "A")).is_some());
    assert_eq!(firewall.remembered(secs(3600)), 1, "it counts as established");
}

#[test]
fn refusing_aloud_tells_the_sender() {
    let own = IpAddr::from([10, 0, 0, 254]);
    let params =
        FirewallParams { default_out: Verdict::Reject, addr: Some(own), ..FirewallParams::default() };
    let mut firewall = Firewall::new(params);
    let out = give(&mut firewall, at(0), INSIDE, tcp(PHONE, WEB, "S"));
    let head = out[0].1.tcp_head().expect("a segment");
    assert_eq!((out.len(), out[0].0, head.flags.rst), (1, INSIDE, true));
    assert_eq!((head.src, head.dst, head.seq, head.ack), (addr(WEB), addr(PHONE), 0, Some(1001)));
    let out = give(&mut firewall, at(0), INSIDE, udp(PHONE, WEB));
    assert_eq!((out[0].0, out[0].1.protocol(), out[0].1.source().ip()), (INSIDE, Protocol::Icmp, own));
    assert_eq!(out[0].1.refused_source(), Some(addr(PHONE)));
    let out = give(&mut firewall, at(0), INSIDE, udp("[fd00::1]:4000", "[2001:db8::1]:80"));
    assert_eq!(
        out[0].1.source().ip(),
        addr("[2001:db8::1]:80").ip(),
        "its own address is of the other family"
    );
}

#[test]
fn errors_pass_when_they_are_about_a_known_flow() {
    let mut firewall = firewall("open");
    let packet = udp(PHONE, WEB);
    let error = packet.unreachable(addr(WEB).ip()).expect("an error");
    assert_eq!(pass(&mut firewall, at(0), OUTSIDE, error.clone()), None);
    pass(&mut firewall, at(0), INSIDE, packet);
    assert_eq!(pass(&mut firewall, at(0), OUTSIDE, error.clone()), Some(error));
}

#[test]
fn the_table_has_an_end_and_what_expired_makes_room() {
    let mut firewall = Firewall::new(FirewallParams { flows_max: 50, ..FirewallParams::default() });
    let from = |n: u16| udp(&format!("10.0.0.1:{}", 1000 + n), WEB);
    for n in 0..60 {
        assert_eq!(pass(&mut firewall, secs(0), INSIDE, from(n)).is_some(), n < 50, "{n}");
    }
    assert_eq!((firewall.remembered(secs(0)), firewall.counters().table_full), (50, 10));
    assert!(pass(&mut firewall, secs(60), INSIDE, from(0)).is_some());
    assert!(pass(&mut firewall, secs(120), INSIDE, from(55)).is_some());
    assert_eq!(firewall.remembered(secs(120)), 2);
}

#[test]
fn old_flows_are_cleared_away_while_new_ones_come() {
    let mut firewall = firewall("open");
    for second in 0..10_000u64 {
        let from = format!("10.0.{}.{}:4000", second / 250 % 250, second % 250);
        pass(&mut firewall, secs(second), INSIDE, udp(&from, WEB));
    }
    assert_eq!(firewall.remembered(secs(9_999)), 120);
    assert!(firewall.table.len() < 400, "{} lie about", firewall.table.len());
}
