use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sofw_core::base::{Duration, Rng, Transport};

use super::*;
use crate::link::profile::find;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, AnswerSpec, HomeOrSite, Step, Target, WayOut};

fn plan(seed: u64) -> Plan {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Plan::from_rng(&mut Rng::new(bytes))
}

#[test]
fn a_seed_is_one_plan() {
    for seed in 0..20 {
        assert_eq!(plan(seed), plan(seed));
    }
    assert_ne!(plan(1), plan(2));
}

#[test]
fn over_a_thousand_seeds_everything_happens() {
    let mut happened = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for seed in 0..1_000 {
        let plan = plan(seed);
        for transition in plan.transitions() {
            *happened.entry(transition).or_insert(0) += 1;
        }
        let scenario = plan.to_scenario();
        assert_valid(&scenario);
        kinds.extend(
            scenario
                .timeline
                .iter()
                .map(|step| core::mem::discriminant(&step.action))
                .map(|kind| format!("{kind:?}")),
        );
        for place in &scenario.places {
            kinds.insert(format!("proxy {:?}", place.proxy.as_ref().map(|proxy| &proxy.preset)));
            kinds.insert(format!("nat {:?}", place.nat.as_ref().map(|nat| &nat.preset)));
            kinds.insert(format!("alg {}", place.alg.is_some()));
        }
    }
    for (_, transition) in Transition::ALL {
        assert!(happened.get(&transition).is_some_and(|&count| count >= 50), "{transition:?}: {happened:?}");
    }
    let of = |start: &str| kinds.iter().filter(|kind| kind.starts_with(start)).count();
    assert_eq!((of("Discriminant"), of("proxy"), of("nat"), of("alg")), (19, 7, 5, 2), "{kinds:?}");
}

/// Indices, names and addresses are sound, and nothing is hopeless.
fn assert_valid(scenario: &Scenario) {
    let names: BTreeSet<_> = scenario.phones.iter().map(|phone| &phone.name).collect();
    assert_eq!(names.len(), scenario.phones.len(), "{names:?}");
    assert!(scenario.phones.len() >= 2 && scenario.phones.iter().any(|phone| phone.place != Some(0)));
    let mut addrs = BTreeSet::new();
    for phone in &scenario.phones {
        assert!(addrs.insert((phone.place, phone.addr)), "{phone:?}");
        let place = phone.place.map(|place| &scenario.places[place]);
        assert!(place.is_none_or(|place| crate::world::shares(place.network.0, phone.addr, place.network.1)));
    }
    for place in &scenario.places {
        assert_eq!(place.hrac.is_some(), place.kind == HomeOrSite::Site);
        let Some(hrac) = &place.hrac else { continue };
        assert!(!hrac.ways.is_empty());
        assert!(hrac.port == 80 || scenario.server.proxy.is_none(), "the proxy before HRAS listens at 80");
        assert!(place.proxy.is_some() || hrac.ways == [WayOut::Direct], "{place:?}");
        let firewall = place.firewall.as_ref().map(|firewall| firewall.preset.as_str());
        assert!(firewall != Some("proxy-only") || place.proxy.is_some());
    }
    let mut former = Duration::ZERO;
    for step in &scenario.timeline {
        assert!(former <= step.at && step.at < scenario.duration);
        former = step.at;
        let place = |place: usize| &scenario.places[place];
        match &step.action {
            Action::Call { from, to, .. } | Action::Transfer(from, to) => {
                assert!(names.contains(to) && scenario.phones[*from].name != *to);
            }
            Action::Cut(site) => assert!(place(*site).hrac.is_some()),
            Action::Forget(Target::Proxy(site)) => assert!(place(*site).proxy.is_some()),
            Action::Forget(Target::Nat(site)) => assert!(place(*site).nat.is_some()),
            Action::Forget(Target::Firewall(site)) => assert!(place(*site).firewall.is_some()),
            Action::Restart { what: Target::ReverseProxy, .. } => assert!(scenario.server.proxy.is_some()),
            Action::Line { lasting, .. } => assert!(lasting.is_some(), "lines get well again"),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_a_plan(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let plan = Plan::from_bytes(&bytes);
        prop_assert!(plan.transitions().count() <= STEPS_MAX);
        assert_valid(&plan.to_scenario());
    }
}

#[test]
fn no_bytes_are_the_plainest_plan() {
    let scenario = Plan::from_bytes(&[]).to_scenario();
    assert_eq!((scenario.places.len(), scenario.phones.len(), scenario.timeline.len()), (1, 2, 0));
    assert!(scenario.places[0].proxy.is_none() && scenario.server.proxy.is_none());
    assert!(scenario.phones.iter().all(|phone| phone.transport == Transport::Udp && phone.quirks.is_empty()));
}

/// Fails if somebody is put on hold after an outage of a place that somebody speaks TCP in.
fn fails(scenario: &Scenario) -> bool {
    let outage = scenario.timeline.iter().find_map(|step| match step.action {
        Action::Outage(place, time) if time >= Duration::from_secs(1) => Some((step.at, place)),
        _ => None,
    });
    outage.is_some_and(|(at, place)| {
        let holds = |step: &Step| step.at >= at && matches!(step.action, Action::Hold(_, true));
        let tcp = scenario.phones.iter().any(|p| p.place == Some(place) && p.transport == Transport::Tcp);
        tcp && scenario.timeline.iter().any(holds)
    })
}

#[test]
fn a_failure_is_shrunk_to_what_it_needs() {
    let mut shrunk = 0;
    for seed in 0..3_000 {
        let scenario = plan(seed).to_scenario();
        if scenario.timeline.len() < 15 || !fails(&scenario) {
            continue;
        }
        shrunk += 1;
        let mut runs = 0;
        let small = shrink_within(&scenario, 1_000, |scenario| {
            runs += 1;
            fails(scenario)
        });
        assert!(fails(&small) && runs < 1_000, "{runs} runs");
        assert_eq!((small.timeline.len(), small.phones.len()), (2, 2), "{small:#?}");
        let lived_in: BTreeSet<_> = small.phones.iter().filter_map(|phone| phone.place).collect();
        assert_eq!(small.places.len(), lived_in.len(), "{small:#?}");
        let tcp = small.phones.iter().filter(|phone| phone.transport == Transport::Tcp).count();
        let habits: usize = small.phones.iter().map(|phone| phone.quirks.len()).sum();
        assert_eq!((tcp, habits), (1, 0), "{small:#?}");
        let wire = find("wire").map(|profile| profile.line);
        for place in &small.places {
            assert!(place.proxy.is_none() && place.firewall.is_none() && place.inspect.is_none());
            assert_eq!(Some(place.line), wire);
        }
        assert!(small.server.proxy.is_none());
        assert!(small.duration < Duration::from_secs(10), "{:?}", small.duration);
    }
    assert!(shrunk >= 5, "{shrunk} plans failed");
}

#[test]
fn shrinking_stops_at_its_bound_with_what_failed() {
    let scenario = (0..).map(|seed| plan(seed).to_scenario()).find(fails).expect("one fails");
    let mut runs = 0;
    let small = shrink_within(&scenario, 7, |scenario| {
        runs += 1;
        fails(scenario)
    });
    assert!(runs == 7 && fails(&small));
    assert_eq!(shrink(&scenario, |_| false), scenario);
}

#[test]
fn who_is_left_out_is_named_nowhere() {
    let scenario = plan(5).to_scenario();
    let small = shrink_within(&scenario, 10_000, |scenario| {
        assert_indices(scenario);
        scenario.phones.len() >= 2
    });
    assert_eq!((small.phones.len(), small.timeline.len()), (2, 0));
}

fn assert_indices(scenario: &Scenario) {
    let names: BTreeSet<_> = scenario.phones.iter().map(|phone| &phone.name).collect();
    for step in &scenario.timeline {
        match &step.action {
            Action::Call { from, to, .. } => assert!(names.contains(to) && *from < names.len()),
            Action::Manner(who, AnswerSpec::Forward(to)) => assert!(names.contains(to) && *who < names.len()),
            Action::Outage(place, _) | Action::Cut(place) => assert!(*place < scenario.places.len()),
            _ => {}
        }
    }
    for phone in &scenario.phones {
        assert!(phone.place.is_none_or(|place| place < scenario.places.len()));
    }
}

#[test]
fn every_plan_can_be_written_down_and_read_again() {
    for seed in 0..300 {
        let scenario = plan(seed).to_scenario();
        let text = scenario.to_toml();
        let mut read = match Scenario::parse("swarm.toml", &text) {
            Ok(read) => read,
            Err(problems) => panic!("seed {seed}: {}\n{text}", problems[0]),
        };
        read.timeline.iter_mut().for_each(|step| step.line = 0);
        assert_eq!(read, scenario, "seed {seed}\n{text}");
    }
}
