//! Whole runs.

mod plants;
mod without_hrac;
mod words;

use core::net::IpAddr;

use sofw_core::base::{Duration, Transport};
use sofw_core::config::limits;

use super::{Options, run, run_with};
use crate::link::profile;
use crate::scenario::Scenario;
use crate::scenario::model::{
    Action, AnswerSpec, FirewallSpec, HomeOrSite, HracSpec, NatSpec, PhoneSpec, Place, ProxySpec, ServerSpec,
    Step, System, WayOut,
};

fn line(name: &str) -> profile::Line {
    profile::find(name).expect("a profile").line
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn phone(name: &str, place: Option<usize>, addr: &str) -> PhoneSpec {
    PhoneSpec {
        name: name.into(),
        place,
        addr: ip(addr),
        line: line(if place.is_some() { "wire" } else { "datacenter" }),
        transport: Transport::Udp,
        answer: AnswerSpec::After(Duration::from_millis(500)),
        registers: true,
        expires_s: 3_600,
        quirks: Vec::new(),
        ptime_ms: 20,
        video: false,
        wrong_password: false,
    }
}

/// At this second, a phone calls.
fn call(at: u64, from: usize, to: &str, talk: Option<Duration>) -> Step {
    Step { at: Duration::from_secs(at), action: Action::Call { from, to: to.into(), talk }, line: 0 }
}

/// A site behind Squid, a phone inside, a phone outside; a call in each direction.
pub(crate) fn office() -> Scenario {
    let talk = Some(Duration::from_secs(5));
    Scenario {
        name: "office".into(),
        about: String::new(),
        shows: Vec::new(),
        seed: 1,
        duration: Duration::from_secs(20),
        system: System::Sofw,
        places: vec![Place {
            name: "office".into(),
            kind: HomeOrSite::Site,
            network: (ip("10.10.10.0"), 24),
            line: line("office"),
            public: ip("198.51.100.1"),
            firewall: Some(FirewallSpec {
                preset: "web-only".into(),
                rules: Vec::new(),
                reject: None,
                idle_udp: None,
                idle_tcp: None,
            }),
            inspect: None,
            nat: Some(NatSpec { preset: "symmetric".into(), idle_udp: None, idle_tcp: None, hairpin: None }),
            alg: None,
            proxy: Some(ProxySpec {
                preset: "squid".into(),
                auth: None,
                wrong_password: false,
                latency: None,
                idle: None,
                lifetime: None,
                connections: None,
                rate: None,
                connect_ports: None,
            }),
            hrac: Some(HracSpec {
                addr: ip("10.10.10.2"),
                ways: vec![WayOut::Forward],
                port: 80,
                voice_age_max: limits::VOICE_AGE_MAX,
                bbr: true,
                wrong_key: false,
            }),
        }],
        server: ServerSpec {
            addr: ip("203.0.113.5"),
            line: line("datacenter"),
            proxy: None,
            domain: "example.net".into(),
            voice_age_max: limits::VOICE_AGE_MAX,
            hostile: false,
        },
        phones: vec![phone("alice", Some(0), "10.10.10.10"), phone("bob", None, "203.0.113.20")],
        timeline: vec![call(3, 0, "bob", talk), call(12, 1, "alice", talk)],
        expect: Vec::new(),
        without: Vec::new(),
        capture: Vec::new(),
    }
}

#[test]
fn an_office_behind_a_proxy_calls_and_is_called() {
    let record = run(&office(), 1);
    assert_eq!(record.calls.len(), 2);
    assert!(record.calls.iter().all(|call| call.answered.is_some()));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_does_not() {
    let options = Options { settle: false, ..Options::default() };
    let digest = |seed| run_with(&office(), seed, options, Vec::new()).digest;
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

/// An operator sees on each half's status what became of the voice of an outage: what waited too long before the tunnel, and what came out of it
/// too late.
#[test]
fn voice_that_an_outage_made_old_is_counted_by_the_half_that_dropped_it() {
    let mut scenario = office();
    scenario.duration = Duration::from_secs(30);
    scenario.timeline.clear();
    scenario.timeline.push(call(4, 0, "bob", Some(Duration::from_secs(20))));
    let outage = Action::Outage(0, Duration::from_secs(4));
    scenario.timeline.push(Step { at: Duration::from_secs(10), action: outage, line: 0 });
    let record = run(&scenario, 1);
    for reason in ["stale_voice", "late_voice"] {
        for half in ["hrac", "hras"] {
            let counted = record.counters.get(&format!("{half} dropped {reason}")).copied().unwrap_or(0);
            assert!(counted > 0, "{half} {reason}: {:?}", record.counters);
        }
    }
}

/// Sees every packet of every link.
#[derive(Debug, Default)]
struct AllLinks(std::rc::Rc<std::cell::RefCell<std::collections::BTreeSet<usize>>>);

impl crate::check::Checker for AllLinks {
    fn name(&self) -> &'static str {
        "all links"
    }
    fn packet(
        &mut self,
        _: sofw_core::base::Instant,
        _: &super::Map,
        seen: crate::world::Seen,
        _: &crate::packet::Packet,
    ) {
        self.0.borrow_mut().insert(seen.link);
    }
    fn finish(&mut self, _: sofw_core::base::Instant, _: &super::Map) -> Vec<crate::record::Finding> {
        Vec::new()
    }
}

/// Links that nobody watches are not shown, but whoever asks for all gets all: also those between the boxes of a place.
#[test]
fn a_checker_that_watches_every_link_sees_every_link() {
    let (scenario, links) = (office(), AllLinks::default());
    let seen = std::rc::Rc::clone(&links.0);
    run_with(&scenario, 1, Options { settle: false, ..Options::default() }, vec![Box::new(links)]);
    let (_, world) =
        super::build::Builder::build(&scenario, 1, super::Recorder::new(vec![Box::new(AllLinks::default())]));
    let silent = ["stranger"];
    let map = &world.observer.map;
    let missing: Vec<_> = (0..map.link_names.len())
        .filter(|link| !seen.borrow().contains(link))
        .map(|link| map.link_names[link].as_str())
        .filter(|name| !silent.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {:?}", map.link_names);
}
