//! The halves and phones joined by memory, shown to checkers as a run would show them.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::{Duration, Instant};
use sofw_core::testing::pair::{HRAC, HRAS, Pair, inside_phone, outside_phone};
use sofw_core::testing::phone::{PhoneConfig, Voice};
use sofw_core::testing::world::NodeId;

use super::{Checker, Look, Media, Phase};
use crate::link::Fate;
use crate::link::profile::Line;
use crate::packet::Packet;
use crate::record::Finding;
use crate::run::{Map, PhonePlace, SitePlace, Zone};
use crate::scenario::Scenario;
use crate::scenario::model::{
    AnswerSpec, HomeOrSite, HracSpec, NatSpec, PhoneSpec, Place, ServerSpec, System, WayOut,
};
use crate::world::{LinkId, Seen, Way};
use sofw_core::base::Transport;

/// Link 0 is the public network, link 1 the LAN of the only site.
pub const PUBLIC: LinkId = 0;
pub const LAN: LinkId = 1;
const TICK: Duration = Duration::from_millis(100);

/// One site behind a NAT with alice and carol; bob outside.
pub struct Town {
    pub pair: Pair,
    pub map: Map,
    pub phones: Vec<NodeId>,
    pub phase: Phase,
    pub excused_until: Instant,
    pub lost_state: bool,
    pub wants_registration: [bool; 3],
    /// Taken for switched off.
    pub off: Vec<usize>,
    told: [usize; 2],
}

pub const ALICE: usize = 0;
pub const CAROL: usize = 1;
pub const BOB: usize = 2;

impl Town {
    /// All are registered.
    pub fn new() -> Self {
        let mut pair = Pair::new(1, 7);
        pair.record = true;
        let stamped = |speaker, config| PhoneConfig { voice: Voice::Stamped { speaker }, ..config };
        let phones = vec![
            pair.phone_with(1, stamped(0, inside_phone(10, "alice"))),
            pair.phone_with(1, stamped(1, inside_phone(11, "carol"))),
            pair.phone_with(0, stamped(2, outside_phone(20, "bob"))),
        ];
        for &phone in &phones {
            pair.register(phone);
        }
        let map = map(&pair, &phones);
        Town {
            pair,
            map,
            phones,
            phase: Phase::Timeline,
            excused_until: Instant::ZERO,
            lost_state: false,
            wants_registration: [true; 3],
            off: Vec::new(),
            told: [0; 2],
        }
    }

    pub fn node(&self, who: usize) -> NodeId {
        self.phones[who]
    }

    pub fn call(&mut self, from: usize, to: &str) {
        let target = format!("sip:{to}@example.net");
        self.pair.command(self.phones[from], |phone, now| phone.call(now, &target));
    }

    pub fn hang_up(&mut self, who: usize) {
        self.pair.command(self.phones[who], |phone, now| phone.hang_up(now));
    }

    /// Runs and shows everything to the checkers.
    pub fn run(&mut self, time: Duration, checkers: &mut [&mut dyn Checker]) {
        let end = self.pair.now() + time;
        while self.pair.now() < end {
            self.pair.run_for(TICK);
            self.show(checkers);
        }
    }

    fn show(&mut self, checkers: &mut [&mut dyn Checker]) {
        for sent in core::mem::take(&mut self.pair.sent) {
            let packet = Packet::udp(sent.from, sent.to, &sent.payload);
            for checker in checkers.iter_mut() {
                checker.packet(sent.at, &self.map, seen(sent.network), &packet);
            }
            let at = |addr: SocketAddr| {
                let place = |&who: &usize| {
                    let phone = &self.map.phones[who];
                    phone.addr == addr.ip() && (phone.zone == Zone::Public) == (sent.network == 0)
                };
                (0..self.phones.len()).find(place)
            };
            let is_media = sent.payload.first().is_some_and(|first| first >> 6 == 2);
            if let Some(node) = at(sent.from).map(|who| self.phones[who]).filter(|_| is_media) {
                let media = Media::read(&sent.payload);
                for checker in checkers.iter_mut() {
                    checker.spoke(sent.at, &self.map, node, sent.to, &media);
                }
            } else {
                let half = if sent.network == 0 { self.pair.hras_node() } else { self.pair.site_node(0) };
                let node = at(sent.from).map_or(half, |who| self.phones[who]);
                for checker in checkers.iter_mut() {
                    checker.datagram(sent.at, &self.map, node, sent.from, sent.to, &sent.payload);
                }
            }
            if let Some(node) = at(sent.to).map(|who| self.phones[who]).filter(|_| is_media) {
                let (phone, media) = (self.pair.phone(node), Media::read(&sent.payload));
                for checker in checkers.iter_mut() {
                    checker.heard(sent.at, &self.map, node, phone, sent.from, &media);
                }
            }
        }
        for (told, node) in self.told.iter_mut().zip([self.pair.hras_node(), self.pair.site_node(0)]) {
            for (at, event) in &self.pair.events(node)[*told..] {
                checkers.iter_mut().for_each(|checker| checker.event(*at, &self.map, node, event));
            }
            *told = self.pair.events(node).len();
        }
        for who in 0..self.phones.len() {
            let node = self.phones[who];
            for event in self.pair.phone_events(node) {
                let phone = self.pair.phone(node);
                for checker in checkers.iter_mut() {
                    checker.phone(self.pair.now(), &self.map, node, phone, &event);
                }
            }
        }
        self.look(checkers);
    }

    /// One look.
    pub fn look(&self, checkers: &mut [&mut dyn Checker]) {
        let phone = |who: usize| (!self.off.contains(&who)).then(|| self.pair.phone(self.phones[who]));
        let look = Look {
            hras: Some(self.pair.hras()),
            hracs: vec![Some(self.pair.hrac(0))],
            phones: (0..self.phones.len()).map(phone).collect(),
            phase: self.phase,
            excused_until: self.excused_until,
            lost_state: self.lost_state,
            wants_registration: &self.wants_registration,
        };
        checkers.iter_mut().for_each(|checker| checker.look(self.pair.now(), &self.map, &look));
    }

    pub fn finish(&self, checker: &mut dyn Checker) -> Finding {
        checker.finish(self.pair.now(), &self.map).remove(0)
    }
}

/// A call out, a call in, each with some voice and an ordinary end.
pub fn ordinary_day(town: &mut Town, checkers: &mut [&mut dyn Checker]) {
    for (caller, callee) in [(ALICE, "bob"), (BOB, "alice"), (ALICE, "carol")] {
        town.call(caller, callee);
        town.run(Duration::from_secs(5), checkers);
        town.hang_up(caller);
        town.run(Duration::from_secs(1), checkers);
    }
}

pub fn seen(link: LinkId) -> Seen {
    Seen { link, way: Way::Up, fate: Fate::Arrives(Instant::ZERO, None) }
}

fn map(pair: &Pair, phones: &[NodeId]) -> Map {
    let place = |number: usize, name: &str, addr: [u8; 4], zone| PhonePlace {
        name: name.into(),
        node: phones[number],
        addr: addr.into(),
        zone,
        link: if zone == Zone::Public { PUBLIC } else { LAN },
        speaker: number as u32,
    };
    let last = phones.iter().max().copied().unwrap_or(0);
    let mut phone_at = vec![None; last + 1];
    for (number, &node) in phones.iter().enumerate() {
        phone_at[node] = Some(number);
    }
    Map {
        places: vec![SitePlace {
            name: "office".into(),
            kind: HomeOrSite::Site,
            network: (IpAddr::from([10, 10, 10, 0]), 24),
            public: IpAddr::from([198, 51, 100, 1]),
            line: PUBLIC,
            inner: LAN,
            hrac: Some((pair.site_node(0), HRAC.into())),
            proxy: None,
            boxes: Vec::new(),
            site: Some(0),
        }],
        phones: vec![
            place(ALICE, "alice", [10, 10, 10, 10], Zone::Private(0)),
            place(CAROL, "carol", [10, 10, 10, 11], Zone::Private(0)),
            place(BOB, "bob", [203, 0, 113, 20], Zone::Public),
        ],
        server: (pair.hras_node(), Some(HRAS.into())),
        server_link: PUBLIC,
        zones: vec![Zone::Public, Zone::Private(0)],
        hrac_at: vec![None, Some(0)],
        phone_at,
        ..Map::default()
    }
}

/// What [`Town`] is, as a scenario.
pub fn scenario() -> Scenario {
    let wire = Line::both(crate::link::Conditions::WIRE);
    let phone = |name: &str, place: Option<usize>, addr: [u8; 4]| PhoneSpec {
        name: name.into(),
        place,
        addr: addr.into(),
        line: wire,
        transport: Transport::Udp,
        answer: AnswerSpec::After(Duration::from_millis(500)),
        registers: true,
        expires_s: 3_600,
        quirks: Vec::new(),
        ptime_ms: 20,
        video: false,
        wrong_password: false,
    };
    Scenario {
        name: "town".into(),
        about: String::new(),
        shows: Vec::new(),
        seed: 1,
        duration: Duration::from_secs(60),
        system: System::Sofw,
        places: vec![Place {
            name: "office".into(),
            kind: HomeOrSite::Site,
            network: (IpAddr::from([10, 10, 10, 0]), 24),
            line: wire,
            public: IpAddr::from([198, 51, 100, 1]),
            firewall: None,
            inspect: None,
            nat: Some(NatSpec { preset: "cone".into(), idle_udp: None, idle_tcp: None, hairpin: None }),
            alg: None,
            proxy: None,
            hrac: Some(HracSpec {
                addr: HRAC.into(),
                ways: vec![WayOut::Direct],
                port: 80,
                voice_age_max: Duration::from_millis(150),
                bbr: true,
                wrong_key: false,
            }),
        }],
        server: ServerSpec {
            addr: HRAS.into(),
            line: wire,
            proxy: None,
            domain: "example.net".into(),
            voice_age_max: Duration::from_millis(150),
            hostile: false,
        },
        phones: vec![
            phone("alice", Some(0), [10, 10, 10, 10]),
            phone("carol", Some(0), [10, 10, 10, 11]),
            phone("bob", None, [203, 0, 113, 20]),
        ],
        timeline: Vec::new(),
        expect: Vec::new(),
        without: Vec::new(),
        capture: Vec::new(),
    }
}

#[test]
fn every_checker_is_named_and_can_be_left_out() {
    let mut names: Vec<_> = super::all(&scenario()).iter().map(|checker| checker.name()).collect();
    names.sort_unstable();
    let mut known: Vec<_> = super::NAMES.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(names, known);
    let mut without = scenario();
    without.without.push(("voice".into(), "no reason".into()));
    assert_eq!(super::all(&without).len(), known.len() - 1);
    without.server.hostile = true;
    assert_eq!(super::all(&without).len(), 4, "what a hostile HRAS may not break");
}
