use core::time::Duration;

use sofw_core::base::Instant;

use super::plan::{across, calls, idle, loss};
use super::{BARRIERS, Barrier, Document, Figure, Measured, Point, SYSTEMS, document, plan};
use crate::link::profile::Line;
use crate::record::{Call, Hearing, PlaceTraffic, Record, Second};
use crate::scenario::model::{Action, System};

/// A run of `point` in which every packet of 20 ms weighs `bytes` and takes `delay_ms`.
fn record(point: &Point, bytes: u64, delay_ms: u64) -> Record {
    let steady = point.steady();
    let hearing = || {
        let mut hearing = Hearing { sent: 3000, received: 2990, late: 20, mos: 4.1, ..Hearing::default() };
        (0..2990).for_each(|_| hearing.delay.add(Duration::from_millis(delay_ms)));
        let second = |second| Second { second, sent: 50, received: 50, ..Second::default() };
        hearing.seconds = (0..steady.end as u32 + 5).map(second).collect();
        hearing
    };
    let call = || Call {
        invited: Instant::from_millis(1_000),
        answered: Some(Instant::from_millis(1_250)),
        hearings: [hearing(), hearing()],
        ..Call::default()
    };
    let second = u64::from(point.calls) * 50 * bytes;
    Record {
        calls: (0..point.calls).map(|_| call()).collect(),
        places: vec![PlaceTraffic {
            seconds: vec![[second, second]; steady.end + 5],
            packets: [100, 100],
            connections_max: 3,
            ..PlaceTraffic::default()
        }],
        length: Duration::from_secs(100),
        ..Record::default()
    }
}

#[test]
fn each_point_is_run_once_and_every_system_alike() {
    let points = plan();
    let count = |system| points.iter().filter(|point| point.system == system).count();
    for system in SYSTEMS {
        // 10 calls at 40 ms without loss and with 1 % are in two sweeps each, and 2 calls across nothing, too.
        assert_eq!(count(system), 7 + 6 + 6 + 6 + 5 - 3, "{system:?}");
    }
    let mut names: Vec<String> = points.iter().map(Point::name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), points.len(), "a name tells points apart");
}

#[test]
fn a_scenario_is_what_its_point_says() {
    for point in plan() {
        let scenario = point.scenario(7);
        assert_eq!(scenario.system, point.system);
        assert_eq!(
            scenario.phones.iter().filter(|phone| phone.place == Some(0)).count(),
            point.phones as usize
        );
        let place = &scenario.places[0];
        let Line { up, down } = place.line;
        assert_eq!(up.delay + down.delay, Duration::from_millis(u64::from(point.round_trip_ms)));
        assert!((up.loss * 1000.0 - f64::from(point.loss_permille)).abs() < 1e-9);
        assert_eq!(place.nat.is_some(), point.barrier != Barrier::Open);
        assert_eq!(place.hrac.is_some(), point.system == System::Sofw);
        let mut addrs: Vec<_> = scenario.phones.iter().map(|phone| phone.addr).collect();
        addrs.sort();
        addrs.dedup();
        assert_eq!(addrs.len(), scenario.phones.len(), "no address twice");
        let mut busy = Vec::new();
        for step in &scenario.timeline {
            let Action::Call { from, to, talk: Some(talk) } = &step.action else { panic!("{step:?}") };
            let to = scenario.phones.iter().position(|phone| phone.name == *to).expect("a phone that exists");
            assert_ne!(scenario.phones[*from].place, scenario.phones[to].place, "across the firewall");
            assert!(step.at + *talk < scenario.duration);
            busy.extend([*from, to]);
        }
        assert_eq!(busy.len(), 2 * point.calls as usize);
        busy.sort_unstable();
        busy.dedup();
        assert_eq!(busy.len(), 2 * point.calls as usize, "nobody is in two calls");
    }
}

#[test]
fn traffic_is_steady_where_it_is_measured() {
    for point in plan().into_iter().filter(|point| point.calls > 0) {
        let (steady, scenario) = (point.steady(), point.scenario(1));
        let last = scenario.timeline.last().expect("a call");
        assert!(steady.start as u64 > last.at.as_secs() + 1, "the last call talks by then");
        let Action::Call { talk: Some(talk), .. } = scenario.timeline[0].action else { panic!() };
        let first_end = (scenario.timeline[0].at + talk).as_secs();
        assert!(
            (steady.end as u64) < first_end && steady.len() >= 30,
            "the first call still talks: {steady:?}"
        );
    }
}

#[test]
fn numbers_are_those_of_the_run() {
    let point = calls(System::Hcap, 10);
    let measured = Measured::of(&point, &record(&point, 260, 27));
    assert_eq!(measured.bytes_per_packet, Some(260.0));
    assert!((measured.kbit_per_second() - 10.0 * 2.0 * 50.0 * 260.0 * 8.0 / 1000.0).abs() < 1e-6);
    assert_eq!((measured.calls, measured.connections), ((10, 10), 3));
    assert!(measured.all_calls_heard());
    assert!((measured.missed_share - 0.01).abs() < 1e-9);
    let [median, high] = measured.delay_ms.expect("voice");
    assert!((median - 27.0).abs() <= 0.25 && high >= median);
    assert_eq!(measured.setup_ms, Some(250.0));
}

#[test]
fn a_call_that_one_end_does_not_hear_does_not_count() {
    let point = across(System::PlainSip, Barrier::Nat);
    let mut record = record(&point, 200, 27);
    record.calls[0].hearings[1].received = 0;
    let measured = Measured::of(&point, &record);
    assert_eq!(measured.calls, (2, 1));
    record.calls.clear();
    assert_eq!(Measured::of(&point, &record).calls, (2, 0), "calls that never were made count as made");
}

#[test]
fn the_document_holds_numbers_where_there_are_and_says_so_where_not() {
    let mut outcomes = Vec::new();
    for system in [System::Sofw, System::Skype] {
        for barrier in BARRIERS {
            let point = across(system, barrier);
            let mut record = record(&point, 200, 26);
            if system == System::Skype && barrier >= Barrier::Inspection {
                record.calls.clear();
            }
            outcomes.push((point, record));
        }
        for point in [loss(system, 0), loss(system, 10), idle(system, 1)] {
            outcomes.push((point, record(&point, 222, 31)));
        }
    }
    let mut drawn = Vec::new();
    let Document { text, figures } = document(&outcomes, &mut |figure: &Figure| {
        drawn.push((figure.file, figure.curves.len()));
        format!("<svg>{}</svg>", figure.title)
    });
    let line = |begin: &str| {
        text.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}:\n{text}"))
    };
    let skype = line("| Skype-like |");
    assert!(skype.contains("1 of 3: web-only firewall; not protocol inspection, HTTP proxy only"), "{skype}");
    assert!(skype.contains("31 ms; 31 ms under loss"), "{skype}");
    assert!(line("| SoFW |").contains("all 3:"));
    assert!(line("| HCAP-like |").contains("| – | – | *judged:*"), "not run");
    assert!(line("| HTTP proxy only |").ends_with("| 0 of 2 calls heard |"));
    for (file, svg) in &figures {
        assert!(text.contains(&format!("(evaluation/{file})")), "{file} is shown");
        assert!(svg.starts_with("<svg>"));
    }
    assert_eq!(drawn.len(), 8);
    assert!(drawn.contains(&("idle.svg", 2)), "{drawn:?}");
    let columns = |line: &str| line.matches(" | ").count();
    let rows: Vec<usize> = text.lines().filter(|line| line.contains("*judged:*")).map(columns).collect();
    assert_eq!(rows, [7; 6][..rows.len()], "seven columns and the system");
}
