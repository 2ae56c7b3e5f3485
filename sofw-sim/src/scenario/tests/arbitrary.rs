//! Scenarios of all kinds, drawn from a tape of numbers so that proptest can make a failing one smaller.

use core::net::Ipv4Addr;
use core::time::Duration;

use sofw_core::base::Transport;

use super::super::model::*;
use super::super::names::{self, METRICS, Names, Scopes, Unit};
use super::super::{Scenario, plan};
use crate::link::profile::{Line, PROFILES};
use crate::link::{Burst, Conditions};

pub struct Tape<'a>(pub core::slice::Iter<'a, u32>);

impl Tape<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |value| *value as usize % n)
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.yes().then(|| value(self))
    }

    fn several<T>(&mut self, most: usize, mut value: impl FnMut(&mut Self, usize) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|index| value(self, index)).collect()
    }

    fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    fn name(&mut self, names: &Names) -> String {
        self.one_of(&names.names()).to_owned()
    }

    fn time(&mut self) -> Duration {
        let unit = self.one_of(&[1, 1_000, 1_000_000, 1_000_000_000, 60_000_000_000]);
        Duration::from_nanos(unit * self.below(2_000) as u64)
    }

    fn share(&mut self) -> f64 {
        match self.below(3) {
            0 => self.below(101) as f64 / 100.0,
            1 => self.below(10_001) as f64 / 10_000.0,
            _ => self.below(1_000_003) as f64 / 1_000_003.0,
        }
    }

    fn rate(&mut self) -> u64 {
        self.one_of(&[1, 1_000, 1_000_000, 1_000_000_000]) * (1 + self.below(1_500) as u64)
    }

    fn line(&mut self) -> Line {
        let mut line = self.one_of(&PROFILES).line;
        for _ in 0..self.below(4) {
            match self.below(3) {
                0 => self.change(&mut line.up),
                1 => self.change(&mut line.down),
                _ => {
                    self.change(&mut line.up);
                    line.down = line.up;
                }
            }
        }
        line
    }

    fn change(&mut self, conditions: &mut Conditions) {
        match self.below(8) {
            0 => conditions.delay = self.time(),
            1 => conditions.jitter = self.time(),
            2 => conditions.rate = self.maybe(Self::rate),
            3 => conditions.queue = self.time(),
            4 => conditions.loss = self.share(),
            5 => {
                conditions.burst =
                    self.maybe(|tape| Burst { every: tape.time(), length: tape.time(), loss: tape.share() });
            }
            6 => conditions.duplicate = self.share(),
            _ => conditions.reorder = self.share(),
        }
    }

    fn answer(&mut self, phones: &[String]) -> AnswerSpec {
        match self.below(4) {
            0 => AnswerSpec::After(self.time()),
            1 => AnswerSpec::Never,
            2 => AnswerSpec::Refuse(400 + self.below(300) as u16),
            _ => AnswerSpec::Forward(self.one_of(phones)),
        }
    }

    fn proxy(&mut self, names: &Names, forward: bool) -> ProxySpec {
        let preset = self.name(names);
        // Nobody is asked for credentials by a proxy that he does not know of.
        let forward = forward && preset != "transparent";
        ProxySpec {
            preset,
            auth: self.maybe(|tape| tape.one_of(&names::AUTH_VALUES)).filter(|_| forward),
            wrong_password: self.yes() && forward,
            latency: self.maybe(Self::time),
            idle: self.maybe(Self::time),
            lifetime: self.maybe(Self::time),
            connections: self.maybe(|tape| 1 + tape.below(100) as u32),
            rate: self.maybe(Self::rate),
            connect_ports: self
                .maybe(|tape| tape.several(3, |tape, _| 1 + tape.below(65_535) as u16))
                .filter(|_| forward),
        }
    }

    fn network(&mut self) -> (core::net::IpAddr, u8) {
        if self.yes() {
            return (Ipv4Addr::new(172, 16 + self.below(16) as u8, 0, 0).into(), 16);
        }
        (Ipv4Addr::new(self.one_of(&[10, 11]), 0, self.below(4) as u8 * 4, 0).into(), 22)
    }

    fn rule(&mut self) -> Rule {
        Rule {
            allow: self.yes(),
            out: self.yes(),
            tcp: self.maybe(Self::yes),
            ports: self.several(3, |tape, _| {
                let first = 1 + tape.below(60_000) as u16;
                (first, first + tape.below(3) as u16)
            }),
            from: self.maybe(Self::network),
            to: self.maybe(Self::network),
        }
    }

    fn place(&mut self, kind: HomeOrSite, index: usize) -> Place {
        let routed = self.below(4) == 0;
        // Routed networks may not overlap.
        let network = match (routed, self.yes()) {
            (true, _) => (
                Ipv4Addr::new(192, 168, 10 * (1 + index as u8) + u8::from(kind == HomeOrSite::Home), 0)
                    .into(),
                24,
            ),
            (false, true) => plan::network(kind),
            (false, false) => self.network(),
        };
        let nat = (!routed).then(|| NatSpec {
            preset: self.one_of(&["port-restricted", "symmetric", "cgnat"]).to_owned(),
            idle_udp: self.maybe(Self::time),
            idle_tcp: self.maybe(Self::time),
            hairpin: self.maybe(Self::yes),
        });
        let proxy =
            self.maybe(|tape| tape.proxy(&names::FORWARD_PROXIES, true)).filter(|_| kind == HomeOrSite::Site);
        let mut place = Place {
            name: format!("{kind:?}{index}"),
            kind,
            network,
            line: self.line(),
            public: plan::public_address(kind, false, index),
            firewall: self.maybe(|tape| FirewallSpec {
                preset: tape.name(&names::FIREWALLS),
                rules: tape.several(3, |tape, _| tape.rule()),
                reject: tape.maybe(Self::yes),
                idle_udp: tape.maybe(Self::time),
                idle_tcp: tape.maybe(Self::time),
            }),
            inspect: self.maybe(|tape| InspectSpec { tls: tape.yes(), deny_connect: tape.yes() }),
            nat,
            alg: self
                .maybe(|tape| AlgSpec {
                    via: tape.yes(),
                    contact: tape.yes(),
                    sdp: tape.yes(),
                    breaks_content_length: tape.yes(),
                })
                .filter(|_| !routed),
            hrac: None,
            proxy,
        };
        if self.yes() {
            place.public = Ipv4Addr::new(100, 64, index as u8, self.below(250) as u8).into();
        }
        if kind == HomeOrSite::Site && self.below(4) != 0 {
            place.hrac = Some(self.hrac(&place));
        }
        place
    }

    fn hrac(&mut self, place: &Place) -> HracSpec {
        let valid =
            if place.told_proxy().is_some() { &names::WAY_VALUES[..] } else { &names::WAY_VALUES[..1] };
        HracSpec {
            addr: super::super::values::nth(place.network, self.one_of(&[2, 250])),
            ways: (0..=self.below(2)).map(|_| self.one_of(valid)).collect(),
            port: self.one_of(&[80, 443]),
            voice_age_max: self.time(),
            bbr: self.yes(),
            wrong_key: self.yes(),
        }
    }

    fn phone(&mut self, index: usize, places: usize, names: &[String]) -> PhoneSpec {
        let place = self.maybe(|tape| tape.below(places.max(1))).filter(|_| places > 0);
        let default = plan::phone(&names[index], place);
        PhoneSpec {
            line: if self.yes() { self.line() } else { default.line },
            transport: self.one_of(&[Transport::Udp, Transport::Tcp]),
            answer: self.answer(names),
            registers: self.yes(),
            expires_s: 1 + self.below(4_000) as u32,
            quirks: self.several(2, |tape, _| tape.name(&names::QUIRKS)),
            ptime_ms: self.one_of(&[10, 20, 30, 40, 60]),
            video: self.yes(),
            wrong_password: self.yes(),
            ..default
        }
    }

    fn expectation(&mut self, scenario: &Scenario) -> Expectation {
        let metric = &METRICS[self.below(METRICS.len())];
        let call = |tape: &mut Self| {
            Scope::Call(tape.one_of(&scenario.phones).name, tape.one_of(&scenario.phones).name)
        };
        let phone = |tape: &mut Self| Scope::Phone(tape.one_of(&scenario.phones).name);
        let fits = |place: &&Place| match metric.scopes {
            Scopes::Remembering => place.firewall.is_some() || place.inspect.is_some() || place.nat.is_some(),
            Scopes::Site => place.hrac.is_some(),
            Scopes::SiteWithProxy => place.hrac.is_some() && place.proxy.is_some(),
            _ => true,
        };
        let places: Vec<Place> = scenario.places.iter().filter(fits).cloned().collect();
        let place = |tape: &mut Self| match places.len() {
            0 => Scope::All,
            _ => Scope::Place(tape.one_of(&places).name),
        };
        let scope = match (metric.scopes, self.below(3)) {
            (_, 0) | (Scopes::Whole, _) => Scope::All,
            (Scopes::CallOrPhone, 1) => call(self),
            (Scopes::CallOrPhone | Scopes::PhoneOrPlace, 2) => phone(self),
            _ => place(self),
        };
        let is_flag = metric.unit == Unit::Flag
            || (metric.metric == Metric::Registered && matches!(scope, Scope::Phone(_)));
        let compare =
            [Compare::Less, Compare::LessOrEqual, Compare::Greater, Compare::Equal, Compare::NotEqual];
        match (is_flag, metric.unit) {
            (true, _) => {
                Expectation::new(metric.metric, scope, Compare::Equal, f64::from(u8::from(self.yes())))
            }
            (_, Unit::Share) => Expectation::new(metric.metric, scope, self.one_of(&compare), self.share()),
            _ => {
                Expectation::new(metric.metric, scope, self.one_of(&compare), self.below(9_000) as f64 / 4.0)
            }
        }
    }

    fn target(&mut self, scenario: &Scenario, restart: bool) -> Target {
        let mut valid = vec![Target::ReverseProxy];
        for (index, place) in scenario.places.iter().enumerate() {
            let exists = [
                (Target::Hrac(index), restart && place.hrac.is_some()),
                (Target::Proxy(index), place.proxy.is_some()),
                (Target::Firewall(index), !restart && place.firewall.is_some()),
                (Target::Nat(index), !restart && place.nat.is_some()),
            ];
            valid.extend(exists.into_iter().filter(|(_, exists)| *exists).map(|(target, _)| target));
        }
        valid.extend(restart.then_some(Target::Hras));
        self.one_of(&valid)
    }

    fn action(&mut self, scenario: &Scenario) -> Action {
        let who = self.below(scenario.phones.len());
        let names: Vec<String> = scenario.phones.iter().map(|phone| phone.name.clone()).collect();
        let other = names[(who + 1) % names.len()].clone();
        let place = self.below(scenario.places.len().max(1));
        let has_place = !scenario.places.is_empty();
        match self.below(17) {
            0 | 1 => Action::Call { from: who, to: other, talk: self.maybe(Self::time) },
            2 => Action::Call { from: who, to: "sip:nobody@example.org".to_owned(), talk: None },
            3 => Action::HangUp(who),
            4 => Action::Answer(who),
            5 => Action::Decline(who, 400 + self.below(300) as u16),
            6 => Action::Manner(who, self.answer(&names)),
            7 => Action::Hold(who, self.yes()),
            8 => self.one_of(&[Action::Reinvite(who), Action::Update(who), Action::Strangers]),
            9 => Action::Transfer(who, other),
            10 => Action::Dial(who, self.one_of(&["1", "42#", "*ABCD0"]).to_owned()),
            11 => self.one_of(&[
                Action::Mute(who, true),
                Action::Register(who, false),
                Action::Register(who, true),
            ]),
            12 => Action::Crash(who, self.maybe(Self::time)),
            13 => Action::Restart { what: self.target(scenario, true), away: self.time(), power: self.yes() },
            14 => Action::Forget(self.target(scenario, false)),
            15 if has_place => Action::Outage(place, self.time()),
            16 => {
                let change = match self.yes() {
                    true => Change::To(self.line()),
                    false => Change::Values {
                        loss: Some(self.share()),
                        delay: self.maybe(Self::time),
                        jitter: self.maybe(Self::time),
                        rate: self.maybe(Self::rate),
                    },
                };
                let which = self.one_of(&[None, Some(Err(who)), has_place.then_some(Ok(place))]);
                Action::Line { which, change, lasting: self.maybe(Self::time) }
            }
            _ => Action::Expect(self.expectation(scenario)),
        }
    }
}

/// A scenario that is right.
pub fn scenario(tape: &mut Tape) -> Scenario {
    let mut places = tape.several(3, |tape, index| tape.place(HomeOrSite::Site, index));
    places.extend(tape.several(2, |tape, index| tape.place(HomeOrSite::Home, index)));
    let names: Vec<String> = (0..tape.below(5) + 2).map(|index| format!("p{index}")).collect();
    let mut phones: Vec<PhoneSpec> =
        (0..names.len()).map(|index| tape.phone(index, places.len(), &names)).collect();
    if tape.yes() {
        phones.sort_by_key(|phone| phone.place.unwrap_or(usize::MAX));
    }
    for (index, phone) in phones.iter_mut().enumerate() {
        let host = 20 + index as u32;
        phone.addr = match (tape.yes(), phone.place) {
            (true, Some(place)) => super::super::values::nth(places[place].network, host),
            (true, None) => plan::public_phone(false, host),
            (false, _) => phone.addr,
        };
    }
    let mut server = plan::server();
    server.line = tape.line();
    server.proxy = tape.maybe(|tape| tape.proxy(&names::REVERSE_PROXIES, false));
    server.voice_age_max = tape.time();
    server.hostile = tape.yes();
    plan::give_addresses(&places, server.addr, &mut phones);
    let mut scenario = Scenario {
        name: "drawn".to_owned(),
        about: "A \"drawn\" scenario: back\\slash, line\nbreak, tab\tand é.".to_owned(),
        shows: vec!["swarm".to_owned()],
        seed: tape.below(100) as u64,
        duration: Duration::from_secs(500_000),
        system: tape.one_of(&names::SYSTEM_VALUES),
        places,
        server,
        phones,
        timeline: Vec::new(),
        expect: Vec::new(),
        without: tape.several(2, |tape, _| (tape.name(&names::CHECKERS), "so".to_owned())),
        capture: vec!["server".to_owned(), names[0].clone()],
    };
    let mut timeline =
        tape.several(8, |tape, _| Step { at: tape.time(), action: tape.action(&scenario), line: 0 });
    timeline.sort_by_key(|step| step.at);
    let expect = tape.several(4, |tape, _| tape.expectation(&scenario));
    scenario.timeline = timeline;
    scenario.expect = expect;
    scenario
}
