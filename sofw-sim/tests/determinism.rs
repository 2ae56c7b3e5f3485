//! The same seed and scenario give the same run, byte for byte; another seed gives another one.

use sofw_sim::record::Record;
use sofw_sim::run::run;
use sofw_sim::scenario::{Scenario, builtin};

/// Every proxy preset, NAT, loss, IPv6, outages, restarts, TCP phones, other systems, strangers, a hostile HRAS, a storm.
const SCENARIOS: [&str; 22] = [
    "one-office",
    "p02-connect",
    "proxy-antivirus",
    "proxy-auth-digest",
    "proxy-privoxy",
    "proxy-strict",
    "proxy-tinyproxy",
    "proxy-tls-inspecting",
    "reverse-apache",
    "reverse-haproxy",
    "reverse-nginx",
    "nat-symmetric",
    "p09-overlapping-sites",
    "line-bad-day",
    "line-loss-burst",
    "ipv6-site",
    "outage-10s",
    "hras-loses-power",
    "tcp-phones",
    "strangers",
    "hostile-hras",
    "registration-storm",
];

fn scenario(name: &str) -> Scenario {
    let (_, text) = builtin().iter().find(|(known, _)| *known == name).expect("a scenario of this name");
    let mut scenario = Scenario::parse(name, text).expect("a valid scenario");
    scenario.capture = vec!["outer".into(), "inner".into()];
    scenario
}

fn assert_same(first: &Record, second: &Record) {
    let name = &first.scenario;
    assert_eq!(first.digest, second.digest, "{name}");
    assert_eq!(first.events, second.events, "{name}");
    for (one, other) in first.captures.iter().zip(&second.captures) {
        assert!(one == other, "{name}: the captures of {} differ", one.link);
    }
    // Everything else: calls, hearings, findings, ladder, story.
    assert!(first == second, "{name}: the records differ");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for name in SCENARIOS {
        let scenario = scenario(name);
        let (first, second) = (run(&scenario, scenario.seed), run(&scenario, scenario.seed));
        assert_same(&first, &second);
        assert!(first.captures.iter().any(|capture| !capture.packets.is_empty()), "{name} captured nothing");
    }
}

#[test]
fn another_seed_gives_another_run() {
    for name in SCENARIOS {
        let scenario = scenario(name);
        assert_ne!(run(&scenario, 1).digest, run(&scenario, 2).digest, "{name}");
    }
}
