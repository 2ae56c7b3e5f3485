use super::*;
use crate::check::{Checker, Policy};
use crate::link::Fate;
use crate::packet::Packet;
use crate::run::{Map, SitePlace, Zone};
use crate::scenario::model::HomeOrSite;
use crate::world::{Seen, Way};
use sofw_core::event::{DropReason, Event};
use sofw_core::testing::pair::{HRAC, HRAS, hrac_config, hras_config, inside_phone};
use sofw_core::testing::phone::{Phone, PhoneEvent};
use sofw_core::testing::world::World;
use sofw_core::{Hrac, Machine, Misuse};

#[derive(Debug)]
enum Actor {
    Hostile(Box<HostileHras>),
    Hrac(Box<Hrac>),
    Phone(Box<Phone>),
}

impl Machine for Actor {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        match self {
            Actor::Hostile(hostile) => Application::handle_input(&mut **hostile, now, input),
            Actor::Hrac(hrac) => return hrac.handle_input(now, input),
            Actor::Phone(phone) => phone.handle_input(now, input),
        }
        Ok(())
    }
    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Actor::Hostile(hostile) => Application::handle_timeout(&mut **hostile, now),
            Actor::Hrac(hrac) => hrac.handle_timeout(now),
            Actor::Phone(phone) => phone.handle_timeout(now),
        }
    }
    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Actor::Hostile(hostile) => hostile.poll_act().map(|act| match act {
                Act::Do(output) => output,
                other => panic!("{other:?} is none of its acts"),
            }),
            Actor::Hrac(hrac) => hrac.poll_output(),
            Actor::Phone(phone) => phone.poll_output(),
        }
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        match self {
            Actor::Hostile(hostile) => Application::poll_timeout(&**hostile),
            Actor::Hrac(hrac) => hrac.poll_timeout(),
            Actor::Phone(phone) => phone.poll_timeout(),
        }
    }
}

/// Attacks on one site with two phones.
struct Siege {
    world: World<Actor>,
    nodes: [usize; 4],
}

impl Siege {
    fn new(seed: u8) -> Siege {
        let mut world = World::new();
        world.record = true;
        let hostile = HostileHras::new(&hras_config(1), [seed; 32]);
        let hostile = world.add(0, Actor::Hostile(Box::new(hostile)));
        let hrac = Hrac::new(hrac_config(0), [7; 32], world.now()).expect("the configuration is right");
        let hrac = world.add(1, Actor::Hrac(Box::new(hrac)));
        let phones = [(10, "alice"), (11, "carol")].map(|(host, user)| {
            let phone = Phone::new(inside_phone(host, user), [host; 32], world.now());
            world.add(1, Actor::Phone(Box::new(phone)))
        });
        world.run_for(Duration::from_secs(1));
        for phone in phones {
            world.with(phone, |actor, now| match actor {
                Actor::Phone(phone) => phone.register(now),
                _ => panic!("{actor:?} is no phone"),
            });
        }
        world.run_for(Duration::from_secs(20));
        Siege { world, nodes: [hostile, hrac, phones[0], phones[1]] }
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        match self.world.machine(self.nodes[0]) {
            Actor::Hostile(hostile) => Application::counters(&**hostile).into_iter().collect(),
            other => panic!("{other:?} is not hostile"),
        }
    }

    fn hrac(&self) -> &Hrac {
        match self.world.machine(self.nodes[1]) {
            Actor::Hrac(hrac) => hrac,
            other => panic!("{other:?} is no HRAC"),
        }
    }

    fn map(&self) -> Map {
        Map {
            places: vec![SitePlace {
                name: "office".into(),
                kind: HomeOrSite::Site,
                network: (IpAddr::from([10, 10, 10, 0]), 24),
                public: HRAS.into(),
                line: 0,
                inner: 1,
                hrac: Some((self.nodes[1], HRAC.into())),
                proxy: None,
                boxes: Vec::new(),
                site: Some(0),
            }],
            zones: vec![Zone::Public, Zone::Private(0)],
            phone_at: vec![None; 4],
            hrac_at: vec![None, Some(0)],
            ..Map::default()
        }
    }
}

#[test]
fn hrac_speaks_to_nobody_but_those_who_announced_themselves() {
    let siege = Siege::new(1);
    let (map, mut policy) = (siege.map(), Policy::new());
    let seen = Seen { link: 1, way: Way::Up, fate: Fate::Arrives(Instant::ZERO, None) };
    for sent in siege.world.sent.iter().filter(|sent| sent.network == 1) {
        policy.packet(sent.at, &map, seen, &Packet::udp(sent.from, sent.to, &sent.payload));
    }
    let finding = policy.finish(siege.world.now(), &map).remove(0);
    assert!(finding.good, "{}", finding.measured);
    let judged: u64 = finding.measured.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
    assert!(judged > 100, "HRAC did speak to phones: {}", finding.measured);
}

#[test]
fn everything_is_tried_and_refused() {
    let siege = Siege::new(2);
    let counters = siege.counters();
    for attack in Attack::ALL {
        assert!(counters.get(attack.name()).is_some_and(|&count| count > 10), "{attack:?}: {counters:?}");
    }
    assert!(counters.get("undelivered").is_some_and(|&count| count > 10), "{counters:?}");
    let hrac = siege.hrac();
    for reason in [DropReason::UnannouncedInside, DropReason::NoFlow, DropReason::MalformedSip] {
        assert!(hrac.dropped(reason) > 10, "{reason:?}: {}", hrac.dropped(reason));
    }
    for fill in hrac.fills() {
        assert!(fill.now <= fill.bound, "{fill:?}");
    }
    assert!(hrac.flows() <= KNOWN_MAX + 1, "{} flows", hrac.flows());
}

#[test]
fn phones_are_drawn_in_and_hear_what_they_announced() {
    let mut siege = Siege::new(3);
    let alice = siege.nodes[2];
    let (events, heard) = siege.world.with(alice, |actor, _| match actor {
        Actor::Phone(phone) => {
            let events: Vec<_> = core::iter::from_fn(|| phone.poll_event()).collect();
            (events, phone.report().map_or(0, |report| report.received))
        }
        _ => panic!("{actor:?} is no phone"),
    });
    assert!(events.iter().any(|event| matches!(event, PhoneEvent::Registered { .. })), "{events:?}");
    assert!(events.contains(&PhoneEvent::Established), "{events:?}");
    let media = siege.world.sent.iter().filter(|sent| sent.to == ([10, 10, 10, 10], 4_000).into()).count();
    assert!(media > 10, "good flows work: {media} datagrams, {heard} heard");
}

#[test]
fn one_seed_is_one_siege() {
    let told = |seed: u8| {
        let siege = Siege::new(seed);
        let sent: Vec<_> = siege.world.sent.iter().map(|sent| (sent.at, sent.from, sent.to)).collect();
        let up = siege.world.events(siege.nodes[1]).iter().any(|(_, e)| matches!(e, Event::TunnelUp { .. }));
        assert!(up, "the tunnel comes up");
        (sent, siege.counters())
    };
    assert_eq!(told(4), told(4));
    assert_ne!(told(4).1, told(5).1);
}
