use super::*;
use crate::middlebox::tests::{addr, at, give, pass, rng, secs, tcp, udp};

const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const PHONE: &str = "10.0.0.1:4000";
const A: &str = "192.0.2.1:80";
/// Another port of the same host.
const A2: &str = "192.0.2.1:82";
/// Another host.
const B: &str = "192.0.2.2:80";

fn params() -> NatParams {
    NatParams { public: PUBLIC, ..NatParams::default() }
}

fn preset(name: &str) -> Nat {
    Nat::new(find(name).expect("a preset").params(PUBLIC), rng())
}

/// The public port from which a datagram leaves.
fn out(nat: &mut Nat, now: Instant, from: &str, to: &str) -> Option<u16> {
    let packet = pass(nat, now, INSIDE, udp(from, to))?;
    assert_eq!((packet.source().ip(), packet.destination()), (IpAddr::V4(PUBLIC), addr(to)));
    Some(packet.source().port())
}

/// The inside endpoint at which a datagram to a public port arrives.
fn inward(nat: &mut Nat, now: Instant, from: &str, port: u16) -> Option<SocketAddr> {
    let packet = pass(nat, now, OUTSIDE, udp(from, &format!("{PUBLIC}:{port}")))?;
    assert_eq!(packet.source(), addr(from));
    Some(packet.destination())
}

#[test]
fn every_mapping_with_every_filtering() {
    use {Filtering as F, Mapping as M};
    // Public ports towards A, A2 and B. The first keeps its number, the next are the first even ones of the range.
    let mappings = [
        (M::EndpointIndependent, [4000, 4000, 4000]),
        (M::AddressDependent, [4000, 4000, 1024]),
        (M::AddressAndPortDependent, [4000, 1024, 1026]),
    ];
    // Who may send to the port towards A when nobody else was sent to: A, A2, B.
    let filterings = [
        (F::EndpointIndependent, [true, true, true]),
        (F::AddressDependent, [true, true, false]),
        (F::AddressAndPortDependent, [true, false, false]),
    ];
    for (mapping, ports) in mappings {
        for (filtering, enter) in filterings {
            let what = format!("{mapping:?} mapping, {filtering:?} filtering");
            let mut nat = Nat::new(NatParams { mapping, filtering, ..params() }, rng());
            assert_eq!(inward(&mut nat, at(0), A, 4000), None, "{what}");
            assert_eq!(out(&mut nat, at(0), PHONE, A), Some(4000), "{what}");
            let got = [A, A2, B].map(|from| inward(&mut nat, at(1), from, 4000));
            assert_eq!(got, enter.map(|enters| enters.then(|| addr(PHONE))), "{what}");
            assert_eq!([A, A2, B].map(|to| out(&mut nat, at(2), PHONE, to)), ports.map(Some), "{what}");
            for (to, port) in [A, A2, B].into_iter().zip(ports) {
                assert_eq!(inward(&mut nat, at(3), to, port), Some(addr(PHONE)), "{what}");
            }
            let filtered = enter.iter().filter(|enters| !**enters).count() as u64;
            assert_eq!((nat.counters().unknown, nat.counters().filtered), (1, filtered), "{what}");
            // TCP is another protocol with translations of its own, and the same rules.
            let packet = pass(&mut nat, at(4), INSIDE, tcp(PHONE, A, "S")).expect("passes");
            assert_eq!(packet.source().port(), 4000);
            let syn = tcp(B, &format!("{PUBLIC}:4000"), "S");
            assert_eq!(pass(&mut nat, at(5), OUTSIDE, syn).is_some(), enter[2], "{what}");
        }
    }
}

#[test]
fn presets_are_what_their_names_say() {
    use {Filtering as F, Mapping as M};
    let kinds = PRESETS.each_ref().map(|preset| {
        let params = preset.params(PUBLIC);
        assert_eq!(params.public, PUBLIC);
        (preset.name, params.mapping, params.filtering)
    });
    let (cone, symmetric) = (M::EndpointIndependent, M::AddressAndPortDependent);
    assert_eq!(
        kinds,
        [
            ("full-cone", cone, F::EndpointIndependent),
            ("restricted-cone", cone, F::AddressDependent),
            ("port-restricted", cone, F::AddressAndPortDependent),
            ("symmetric", symmetric, F::AddressAndPortDependent),
            ("cgnat", symmetric, F::AddressAndPortDependent),
            ("one-to-one", cone, F::AddressAndPortDependent),
        ]
    );
}

#[test]
fn ports_are_kept_or_next_or_random_and_their_parity_if_asked() {
    let of = |allocation, keeps_parity| {
        let ports = (3000, 3099);
        let mut nat = Nat::new(NatParams { allocation, keeps_parity, ports, ..params() }, rng());
        ["10.0.0.1:3011", "10.0.0.2:3011", "10.0.0.3:3011", "10.0.0.4:4000"]
            .map(|from| out(&mut nat, at(0), from, A).expect("a port"))
    };
    assert_eq!(of(Allocation::Preserving, true), [3011, 3001, 3003, 3004]);
    assert_eq!(of(Allocation::Preserving, false), [3011, 3000, 3001, 3002]);
    assert_eq!(of(Allocation::Sequential, false), [3000, 3001, 3002, 3003]);
    assert_eq!(of(Allocation::Sequential, true), [3001, 3003, 3005, 3006]);
    let random = of(Allocation::Random, true);
    assert!(random.iter().all(|port| (3000..3100).contains(port)), "{random:?}");
    assert_eq!(random.map(|port| port % 2), [1, 1, 1, 0]);
    assert_ne!(random, [3001, 3003, 3005, 3006]);
    assert_eq!(random, of(Allocation::Random, true), "the same seed, the same ports");
}

#[test]
fn silent_translations_end_exactly_then() {
    let mut nat = preset("port-restricted");
    assert_eq!(out(&mut nat, secs(0), PHONE, A), Some(4000));
    assert_eq!(inward(&mut nat, at(119_999), A, 4000), Some(addr(PHONE)));
    assert_eq!(nat.remembered(at(239_998)), 1);
    assert_eq!(nat.remembered(at(239_999)), 0);
    assert_eq!(inward(&mut nat, at(239_999), A, 4000), None);
}

#[test]
fn what_comes_in_keeps_a_translation_only_if_asked() {
    for (refreshed_inbound, alive) in [(true, true), (false, false)] {
        let mut nat = Nat::new(NatParams { refreshed_inbound, ..params() }, rng());
        out(&mut nat, secs(0), PHONE, A);
        assert!(inward(&mut nat, secs(100), A, 4000).is_some());
        assert_eq!(inward(&mut nat, secs(120), A, 4000).is_some(), alive);
        out(&mut nat, secs(300), PHONE, A);
        out(&mut nat, secs(400), PHONE, A);
        assert!(inward(&mut nat, secs(519), A, 4000).is_some(), "what goes out always does");
    }
}

#[test]
fn a_peer_is_forgotten_although_the_translation_lives() {
    let mut nat = preset("port-restricted");
    out(&mut nat, secs(0), PHONE, A);
    out(&mut nat, secs(100), PHONE, B);
    assert!(inward(&mut nat, secs(119), B, 4000).is_some());
    assert_eq!(inward(&mut nat, secs(120), A, 4000), None);
    assert_eq!(nat.counters().filtered, 1);
}

#[test]
fn tcp_translations_live_as_long_as_their_longest_connection() {
    let public = format!("{PUBLIC}:4000");
    let mut nat = preset("port-restricted");
    let established = 2 * 3600 + 4 * 60;
    pass(&mut nat, secs(0), INSIDE, tcp(PHONE, A, "S"));
    assert_eq!((nat.remembered(secs(239)), nat.remembered(secs(240))), (1, 0));
    assert!(pass(&mut nat, secs(1), OUTSIDE, tcp(A, &public, "SA")).is_some());
    pass(&mut nat, secs(2), INSIDE, tcp(PHONE, B, "S"));
    assert_eq!((nat.remembered(secs(established)), nat.remembered(secs(established + 1))), (1, 0));
    pass(&mut nat, secs(3), INSIDE, tcp(PHONE, A, "FA"));
    assert_eq!((nat.remembered(secs(242)), nat.remembered(secs(243))), (1, 0));
    pass(&mut nat, secs(4), INSIDE, tcp(PHONE, A, "R"));
    assert_eq!((nat.remembered(secs(241)), nat.remembered(secs(242))), (1, 0), "the other connection");
}

#[test]
fn after_it_forgot_a_connection_is_lost_or_gets_another_port() {
    for strict in [true, false] {
        let mut nat = Nat::new(NatParams { strict, allocation: Allocation::Random, ..params() }, rng());
        let first = pass(&mut nat, at(0), INSIDE, tcp(PHONE, A, "S")).expect("passes").source();
        let answer = tcp(A, &first.to_string(), "SA");
        assert!(pass(&mut nat, at(1), OUTSIDE, answer.clone()).is_some());
        assert!(pass(&mut nat, at(1), INSIDE, tcp(PHONE, A, "A")).is_some(), "not a stray");
        nat.forget();
        assert_eq!(nat.remembered(at(2)), 0);
        assert_eq!(pass(&mut nat, at(2), OUTSIDE, answer), None);
        let again = pass(&mut nat, at(2), INSIDE, tcp(PHONE, A, "A"));
        assert_eq!(again.map(|packet| packet.source() != first), (!strict).then_some(true));
        assert_eq!(nat.counters().strays, u64::from(strict));
    }
}

#[test]
fn inside_hosts_meet_at_the_public_address_if_it_hairpins() {
    let (one, other) = ("10.0.0.1:4000", "10.0.0.2:5000");
    for hairpin in [true, false] {
        let mut nat = Nat::new(NatParams { hairpin, ..preset("full-cone").params().clone() }, rng());
        assert_eq!(out(&mut nat, at(0), other, A), Some(5000));
        let got = give(&mut nat, at(1), INSIDE, udp(one, &format!("{PUBLIC}:5000")));
        assert_eq!(got.len(), usize::from(hairpin));
        for (port, packet) in got {
            assert_eq!((port, packet.destination()), (INSIDE, addr(other)));
            assert_eq!(packet.source(), addr(&format!("{PUBLIC}:4000")), "external source: RFC 4787 REQ-9");
        }
        assert_eq!(nat.counters().hairpinned, u64::from(hairpin));
    }
    // The filtering holds for neighbours too.
    let mut nat = preset("port-restricted");
    out(&mut nat, at(0), other, A);
    assert_eq!(give(&mut nat, at(1), INSIDE, udp(one, &format!("{PUBLIC}:5000"))), []);
    assert_eq!(nat.counters().filtered, 1);
    assert_eq!(give(&mut nat, at(2), INSIDE, udp(other, &format!("{PUBLIC}:4000"))).len(), 1);
    assert_eq!(give(&mut nat, at(3), INSIDE, udp(one, &format!("{PUBLIC}:5000"))).len(), 1);
}

#[test]
fn translations_are_bounded_in_all_by_host_and_by_ports() {
    let count = |params: NatParams, host: fn(u16) -> u16| {
        let mut nat = Nat::new(params, rng());
        let from = |n: u16| format!("10.0.0.{}:{}", host(n), 4000 + n);
        let made = (0..40).filter(|&n| out(&mut nat, at(0), &from(n), A).is_some()).count();
        assert_eq!((made, nat.counters().full), (nat.remembered(at(0)), 40 - made as u64));
        // Room again when they have expired.
        assert!(out(&mut nat, secs(121), &from(39), A).is_some());
        made
    };
    assert_eq!(count(NatParams { mappings_max: 10, ..params() }, |_| 1), 10);
    assert_eq!(count(NatParams { mappings_per_host_max: 7, ..params() }, |n| n % 3), 21);
    assert_eq!(count(NatParams { ports: (3000, 3008), keeps_parity: false, ..params() }, |_| 1), 9);
    assert_eq!(count(NatParams { ports: (3000, 3008), ..params() }, |_| 1), 9, "five even, four odd");
}

#[test]
fn forwarded_ports_are_open_to_all_and_belong_to_one() {
    let forward = Forward {
        protocol: Protocol::Udp,
        port: 5060,
        to: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 7), 5062),
    };
    let mut nat = Nat::new(NatParams { forwards: vec![forward], ..params() }, rng());
    assert_eq!(inward(&mut nat, at(0), B, 5060), Some(addr("10.0.0.7:5062")));
    assert_eq!(out(&mut nat, at(1), "10.0.0.7:5062", A), Some(5060));
    assert_eq!(out(&mut nat, at(1), "10.0.0.8:5060", A), Some(1024), "the port is taken");
    nat.forget();
    assert_eq!(out(&mut nat, at(2), "10.0.0.8:5060", A), Some(1026));
    assert_eq!(inward(&mut nat, at(3), B, 5060), Some(addr("10.0.0.7:5062")));
}

#[test]
fn one_to_one_keeps_ports_and_filters_nothing() {
    let mut nat = preset("one-to-one");
    assert_eq!(inward(&mut nat, at(0), A, 9), None, "nobody is there yet");
    assert_eq!(out(&mut nat, at(0), "10.0.0.1:9", A), Some(9));
    assert_eq!(inward(&mut nat, secs(1_000_000), B, 77), Some(addr("10.0.0.1:77")));
    assert_eq!(out(&mut nat, at(1), "10.0.0.2:9", A), None);
    nat.forget();
    assert_eq!(out(&mut nat, at(2), "10.0.0.2:9", A), Some(9));
}

#[test]
fn what_leads_nowhere_is_refused_aloud_if_asked() {
    let public = format!("{PUBLIC}:4000");
    assert_eq!(give(&mut preset("full-cone"), at(0), OUTSIDE, udp(A, &public)), []);
    let mut nat = Nat::new(NatParams { rejects: true, ..params() }, rng());
    let got = give(&mut nat, at(0), OUTSIDE, udp(A, &public));
    assert_eq!((got[0].0, got[0].1.refused_source()), (OUTSIDE, Some(addr(A))));
    let got = give(&mut nat, at(0), OUTSIDE, tcp(A, &public, "S"));
    assert!(got[0].0 == OUTSIDE && got[0].1.tcp_flags().rst);
    assert_eq!(give(&mut nat, at(0), OUTSIDE, udp(A, PHONE)), [], "another's address");
}

#[test]
fn errors_cross_with_their_quotation_translated() {
    let quoted =
        |packet: &Packet| Packet::read(packet.payload().to_vec()).map(|q| (q.source(), q.destination()));
    let mut nat = Nat::new(NatParams { ports: (7000, 7999), ..preset("full-cone").params().clone() }, rng());
    let sent = pass(&mut nat, at(0), INSIDE, Packet::udp(addr(PHONE), addr(A), b"")).expect("passes");
    assert_eq!(sent.source().port(), 7000);
    let error = sent.unreachable(addr(A).ip()).expect("an error");
    let got = pass(&mut nat, at(1), OUTSIDE, error.clone()).expect("passes");
    assert_eq!((got.destination(), got.refused_source()), (addr("10.0.0.1:0"), Some(addr(PHONE))));
    assert_eq!(quoted(&got), Some((addr(PHONE), addr(A))));
    let wire = got.to_wire();
    assert!(smoltcp::wire::Icmpv4Packet::new_unchecked(&wire[20..]).verify_checksum());
    // The other way: the phone refuses what was let in.
    let came = Packet::udp(addr(B), addr(&format!("{PUBLIC}:7000")), b"");
    let came = pass(&mut nat, at(2), OUTSIDE, came).expect("passes");
    let error_out = came.unreachable(addr(PHONE).ip()).expect("an error");
    let got = pass(&mut nat, at(3), INSIDE, error_out).expect("passes");
    assert_eq!((got.source().ip(), got.destination().ip()), (IpAddr::V4(PUBLIC), addr(B).ip()));
    assert_eq!(quoted(&got), Some((addr(B), addr(&format!("{PUBLIC}:7000")))));
    nat.forget();
    assert_eq!(pass(&mut nat, at(4), OUTSIDE, error), None);
}

#[test]
fn ipv6_passes_as_it_is() {
    let mut nat = preset("symmetric");
    let packet = udp("[fd00::1]:4000", "[2001:db8::1]:80");
    assert_eq!(pass(&mut nat, at(0), INSIDE, packet.clone()), Some(packet.clone()));
    assert_eq!(pass(&mut nat, at(0), OUTSIDE, packet.clone()), Some(packet));
    assert_eq!(nat.remembered(at(0)), 0);
}

#[test]
fn a_gateways_pinhole_is_open_whatever_the_kind() {
    let inside = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 4000);
    let mut nat = preset("symmetric");
    let time = Duration::from_secs(180);
    let public = nat.open(at(0), Protocol::Udp, inside, Some(4000), time).expect("a port");
    assert_eq!(public, SocketAddrV4::new(PUBLIC, 4000));
    assert_eq!(inward(&mut nat, at(179_999), B, 4000), Some(addr(PHONE)));
    assert_eq!([A, B].map(|to| out(&mut nat, at(179_999), PHONE, to)), [Some(4000); 2]);
    let mut nat = preset("symmetric");
    nat.open(at(0), Protocol::Udp, inside, Some(4000), time);
    assert_eq!(inward(&mut nat, secs(180), B, 4000), None);
}

#[test]
fn a_long_run_leaves_nothing_behind() {
    let mut nat = preset("cgnat");
    for second in 0..5_000u64 {
        out(&mut nat, secs(second), &format!("10.0.0.{}:{}", second % 200, 4000 + second % 7), A);
    }
    assert_eq!(nat.remembered(secs(4_999)), 30);
    assert!(nat.table.len() < 100, "{} lie about", nat.table.len());
    assert_eq!(nat.counters().mappings, 5_000);
}

#[test]
fn whoever_is_sent_to_can_answer_and_reaches_the_sender() {
    for preset in PRESETS.iter().filter(|preset| preset.name != "one-to-one") {
        let mut nat = Nat::new(NatParams { ports: (6000, 6099), ..preset.params(PUBLIC) }, rng());
        let mut draw = rng().fork(preset.name);
        let (mut now, mut held) = (at(0), std::collections::BTreeMap::new());
        for _ in 0..20_000 {
            now += Duration::from_millis(draw.below(2_000));
            let inside = addr(&format!("10.0.0.{}:{}", draw.below(4), 6050 + draw.below(8)));
            let outside = addr(&format!("192.0.2.{}:{}", draw.below(4), 5000 + draw.below(4)));
            let packet = match draw.below(2) {
                0 => udp(&inside.to_string(), &outside.to_string()),
                _ => tcp(
                    &inside.to_string(),
                    &outside.to_string(),
                    ["S", "A", "FA", "R"][draw.below(4) as usize],
                ),
            };
            let protocol = packet.protocol();
            let Some(sent) = pass(&mut nat, now, INSIDE, packet) else { continue };
            let public = sent.source();
            let answer = match protocol {
                Protocol::Udp => udp(&outside.to_string(), &public.to_string()),
                _ => tcp(&outside.to_string(), &public.to_string(), "A"),
            };
            let got = pass(&mut nat, now, OUTSIDE, answer).expect("an answer passes");
            assert_eq!(got.destination(), inside, "{} at {now:?}", preset.name);
            // A public port belongs to one inside endpoint as long as it lives: at least 5 s here.
            if let Some((since, owner)) = held.insert((protocol, public), (now, inside)) {
                let changed = owner != inside && now.since(since) < Duration::from_secs(5);
                assert!(!changed, "{}: {public} passed from {owner} to {inside}", preset.name);
            }
        }
        assert!(nat.remembered(now) <= 200 && nat.table.len() <= 200);
        assert!(nat.counters().out > 5_000, "{:?}", nat.counters());
    }
}
