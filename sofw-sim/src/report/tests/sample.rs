//! A made-up run with something of everything in it.

use sofw_core::base::{Duration, Instant, Rng};

use crate::quality::Listener;
use crate::record::{
    Call, Capture, Finding, FindingKind, Hearing, PlaceTraffic, RatLife, Record, Registration, Rung,
};

pub(super) fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// Two calls, an outage in the second, a failed expectation.
pub(super) fn record() -> Record {
    let calls = vec![
        call("a1", "alice", "bob", 5_000, 65_000, None),
        call("b2", "carol", "anna", 70_000, 130_000, Some(95_000)),
    ];
    let finding = |name: &str, good: bool, measured: &str, expected: &str, line: usize| Finding {
        kind: if line > 0 { FindingKind::Expectation } else { FindingKind::Checker },
        name: name.to_owned(),
        good,
        measured: measured.to_owned(),
        expected: expected.to_owned(),
        at: (!good && line == 0).then(|| at(96_200)),
        line,
    };
    let mut record = Record {
        scenario: "tunnel outage <1 s>".to_owned(),
        about: "Two calls over a proxy that forgets its connections & comes back".to_owned(),
        shows: vec!["P2".to_owned(), "P9".to_owned(), "RFC 3665 3.1".to_owned()],
        system: "sofw".to_owned(),
        seed: 17,
        replay: "sofw-sim run tunnel_outage.toml --seeds 17..18".to_owned(),
        length: Duration::from_secs(140),
        digest: 0x0123_4567_89ab_cdef,
        events: 1_234_567,
        findings: vec![
            finding("setup_ms < 500", true, "212", "< 500", 41),
            finding(
                "mos of carol->anna >= 4.2",
                false,
                &format!("{:.2} (anna hears carol)", calls[1].hearings[0].mos),
                ">= 4.2",
                42,
            ),
            finding("rat_empty", true, "0 records", "0 records", 43),
            finding("no inside address outside", true, "none in 41 233 packets", "none", 0),
            finding(
                "voice belongs to its call",
                false,
                "packet of call a1 heard in b2",
                "no foreign packet",
                0,
            ),
        ],
        actors: ["alice", "hrac", "firewall", "hras", "bob"].map(str::to_owned).to_vec(),
        ladder: Vec::new(),
        calls,
        registrations: vec![
            Registration {
                phone: "alice".to_owned(),
                asked: at(200),
                granted: Some(at(291)),
                failed: None,
                registered: true,
            },
            Registration {
                phone: "anna".to_owned(),
                asked: at(210),
                granted: None,
                failed: Some(403),
                registered: false,
            },
        ],
        story: vec![
            (at(0), "HRAC opens the tunnel through proxy squid".to_owned()),
            (at(140), "tunnel up on rung websocket".to_owned()),
            (at(5_000), "alice calls bob".to_owned()),
            (at(65_000), "alice hangs up".to_owned()),
            (at(70_000), "carol calls anna".to_owned()),
            (at(95_000), "proxy forgets all connections".to_owned()),
            (at(96_150), "tunnel up again".to_owned()),
            (at(130_000), "carol hangs up".to_owned()),
        ],
        rat: vec![(at(5_100), 1), (at(65_050), 0), (at(70_100), 1), (at(71_000), 2), (at(130_040), 1)],
        rat_records: vec![
            life("a1", 0, 5_100, Some(65_050)),
            life("b2", 0, 70_100, Some(130_040)),
            life("b2", 1, 71_000, None),
        ],
        places: vec![traffic("office", 140), traffic("home of bob", 140)],
        captures: vec![capture()],
        ..Record::default()
    };
    ladder(&mut record, "a1", 5_000);
    record.ladder.push(Rung {
        at: at(95_000),
        from: 2,
        to: 2,
        label: "proxy forgets all connections".to_owned(),
        call_id: None,
        tunnelled: false,
    });
    record.queues.insert("hrac tunnel signalling bytes".to_owned(), (4_096, 262_144));
    record.queues.insert("hras voice frames of a flow".to_owned(), (29, 32));
    record.queues.insert("link office out bytes".to_owned(), (70_000, 65_536));
    for (name, value) in [
        ("dropped: too old", 61),
        ("dropped: queue of link office full", 4),
        ("proxy squid: connections", 12),
    ] {
        record.counters.insert(name.to_owned(), value);
    }
    record
}

fn call(id: &str, caller: &str, callee: &str, from: u64, to: u64, outage: Option<u64>) -> Call {
    Call {
        call_id: id.to_owned(),
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        invited: at(from),
        ringing: Some(at(from + 90)),
        callee_rings: Some(at(from + 50)),
        callee_answers: Some(at(from + 2_050)),
        answered: Some(at(from + 2_120)),
        ended: [Some(at(to)), Some(at(to + 40))],
        end: "hung up".to_owned(),
        status: 0,
        direct_media: false,
        keys: ["12#".to_owned(), String::new()],
        hearings: [
            hearing(callee, caller, from + 2_120, to, outage, 1),
            hearing(caller, callee, from + 2_120, to, outage, 2),
        ],
    }
}

/// 35 to 60 ms with a rare loss; an outage loses 1.2 s and lets 0.3 s come late.
fn hearing(listener: &str, talker: &str, from: u64, to: u64, outage: Option<u64>, seed: u8) -> Hearing {
    let mut rng = Rng::new([seed; 32]);
    let mut heard = Listener::new(Duration::from_millis(20));
    let mut arrivals = Vec::new();
    for number in 0..(to - from) / 20 {
        let sent = at(from + number * 20);
        heard.sent(number, sent);
        let since = outage.map(|outage| sent.as_millis() as i64 - outage as i64);
        let lost = rng.below(1_000) < 4 || since.is_some_and(|since| (0..1_200).contains(&since));
        let extra =
            since.filter(|since| (1_200..1_500).contains(since)).map_or(0, |since| 1_500 - since as u64);
        let swing = 6.0 + 6.0 * (number as f64 / 400.0).sin();
        if !lost {
            arrivals.push((
                sent + Duration::from_micros(35_000 + (swing * 1_000.0) as u64 + rng.below(9_000))
                    + Duration::from_millis(extra),
                number,
                sent,
            ));
        }
    }
    arrivals.sort();
    arrivals.iter().for_each(|(arrived, number, sent)| heard.packet(*number, *sent, *arrived));
    heard.finish(listener, talker, at(to))
}

fn life(call_id: &str, media_line: usize, from: u64, until: Option<u64>) -> RatLife {
    RatLife {
        call_id: call_id.to_owned(),
        media_line,
        ends: ["office/10.10.10.10:4000".to_owned(), "198.51.100.7:40000".to_owned()],
        from: at(from),
        until: until.map(at),
    }
}

fn traffic(place: &str, seconds: u64) -> PlaceTraffic {
    let mut rng = Rng::new([9; 32]);
    let talking = |second: &u64| (7..65).contains(second) || (72..130).contains(second);
    let seconds: Vec<_> = (0..seconds)
        .map(|second| {
            if talking(&second) {
                [12_400 + rng.below(900), 12_100 + rng.below(900)]
            } else {
                [rng.below(300), rng.below(200)]
            }
        })
        .collect();
    let bytes = seconds.iter().fold([0, 0], |sum, bytes: &[u64; 2]| [sum[0] + bytes[0], sum[1] + bytes[1]]);
    PlaceTraffic {
        place: place.to_owned(),
        seconds,
        bytes,
        packets: [6_020, 5_990],
        voice: 11_600,
        udp_packets: 0,
        connections_max: 5,
    }
}

fn ladder(record: &mut Record, call_id: &str, from: u64) {
    let forth = [(0, 1), (1, 3), (3, 4)];
    let back = [(4, 3), (3, 1), (1, 0)];
    let steps = [
        (0, "INVITE", forth, false),
        (50, "180 Ringing", back, false),
        (2_050, "200 OK", back, false),
        (2_130, "ACK", forth, false),
        (60_000, "BYE", forth, false),
        (60_040, "481 Call/Transaction Does Not Exist", back, false),
    ];
    for (after, label, hops, _) in steps {
        for (hop, (from_actor, to)) in hops.into_iter().enumerate() {
            record.ladder.push(Rung {
                at: at(from + after + hop as u64 * 15),
                from: from_actor,
                to,
                label: label.to_owned(),
                call_id: Some(call_id.to_owned()),
                tunnelled: (from_actor, to) == (1, 3) || (from_actor, to) == (3, 1),
            });
        }
    }
}

/// Two UDP packets, one of IPv4 and one of IPv6.
fn capture() -> Capture {
    let mut ipv4 = vec![0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7];
    let sum = ipv4.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ipv4[10..12].copy_from_slice(&sum.to_be_bytes());
    ipv4.extend([0x0f, 0xa0, 0x0f, 0xa2, 0, 12, 0, 0, 1, 2, 3, 4]);
    let mut ipv6 = vec![0x60, 0, 0, 0, 0, 12, 17, 64];
    ipv6.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    ipv6.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    ipv6.extend([0x0f, 0xa0, 0x0f, 0xa2, 0, 12, 0xa3, 0x4e, 1, 2, 3, 4]);
    Capture {
        name: "outer office".to_owned(),
        link: "office to firewall".to_owned(),
        packets: vec![
            (Instant::from_nanos(1_500_000_001), ipv4, Some("call a1".to_owned())),
            (Instant::from_nanos(2_000_000_007), ipv6, None),
        ],
        skipped: 3,
    }
}
