use super::*;
use crate::packet::Protocol;
use crate::run::SitePlace;
use crate::scenario::model::HomeOrSite;
use sofw_core::config::limits::HOST_SIP_CONNECTIONS_MAX;
use sofw_core::testing::pair::{HRAC, HRAS, Pair, hras_config};
use sofw_core::testing::world::World;
use sofw_core::{Hras, Machine, Misuse};

fn map() -> Map {
    let office = SitePlace {
        name: "office".into(),
        kind: HomeOrSite::Site,
        network: (IpAddr::from([10, 10, 10, 0]), 24),
        public: IpAddr::from([198, 51, 100, 1]),
        line: 0,
        inner: 1,
        hrac: Some((1, HRAC.into())),
        proxy: None,
        boxes: Vec::new(),
        site: Some(0),
    };
    Map { places: vec![office], server: (0, Some(HRAS.into())), ..Map::default() }
}

fn packets(seed: u8) -> Vec<Packet> {
    stranger_packets(&mut Rng::new([seed; 32]), &map())
}

#[test]
fn packets_go_to_all_that_is_public_and_repeat() {
    let thrown = packets(1);
    assert_eq!(thrown, packets(1));
    assert_ne!(thrown, packets(2));
    let count = |ip: IpAddr, protocol| {
        let to = |packet: &&Packet| packet.destination().ip() == ip && packet.protocol() == protocol;
        thrown.iter().filter(to).count()
    };
    for ip in [IpAddr::from(HRAS), IpAddr::from([198, 51, 100, 1])] {
        assert_eq!((count(ip, Protocol::Udp), count(ip, Protocol::Tcp)), (96, 16));
    }
}

#[test]
fn a_call_goes_on_and_nothing_of_the_strangers_stays() {
    let mut pair = Pair::new(1, 3);
    let (alice, bob) = (pair.inside_phone(0, 10, "alice"), pair.outside_phone(20, "bob"));
    pair.register(alice);
    pair.register(bob);
    pair.talk(alice, "bob", Duration::from_secs(1));
    for packet in packets(3).iter().filter(|packet| packet.protocol() == Protocol::Udp) {
        pair.send(0, packet.source(), packet.destination(), packet.payload());
    }
    pair.run_for(Duration::from_secs(3));
    for (ear, mouth) in [(alice, bob), (bob, alice)] {
        let tone = pair.report(ear).tone().expect("a tone");
        assert!((tone.hz - pair.phone(mouth).config().tone_hz).abs() < 5.0, "{tone:?}");
        assert_eq!((pair.report(ear).lost, pair.report(ear).duplicates), (0, 0));
    }
    pair.command(alice, |phone, now| phone.hang_up(now));
    pair.run_for(Duration::from_secs(70));
    let status = pair.hras().status();
    assert_eq!((status.dialogs, status.transactions, status.records.len()), (0, 0, 0));
}

enum Actor {
    Hras(Box<Hras>),
    Strangers(Box<Strangers>),
}

impl Machine for Actor {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        match self {
            Actor::Hras(hras) => hras.handle_input(now, input),
            Actor::Strangers(strangers) => {
                strangers.handle_input(now, input);
                Ok(())
            }
        }
    }
    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Actor::Hras(hras) => hras.handle_timeout(now),
            Actor::Strangers(strangers) => strangers.handle_timeout(now),
        }
    }
    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Actor::Hras(hras) => hras.poll_output(),
            Actor::Strangers(strangers) => strangers.poll_act().map(|act| match act {
                Act::Do(output) => output,
                Act::Reset(conn) => Output::Close(conn),
                other => panic!("{other:?} is none of their acts"),
            }),
        }
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        match self {
            Actor::Hras(hras) => hras.poll_timeout(),
            Actor::Strangers(strangers) => strangers.poll_timeout(),
        }
    }
}

#[test]
fn connections_of_strangers_are_answered_and_forgotten() {
    let mut world = World::new();
    let hras = Hras::new(hras_config(1), [1; 32], world.now()).expect("the configuration is right");
    let hras = world.add(0, Actor::Hras(Box::new(hras)));
    world.run_for(Duration::from_millis(100));
    let strangers = Strangers::new(vec![HRAS.into()], Rng::new([2; 32]), world.now());
    let strangers = world.add(0, Actor::Strangers(Box::new(strangers)));
    let fill = |world: &World<Actor>, what: &str| match world.machine(hras) {
        Actor::Hras(hras) => hras.fills().iter().find(|fill| fill.what == what).map(|fill| fill.now),
        Actor::Strangers(_) => None,
    };
    world.run_for(Duration::from_secs(2));
    assert!(fill(&world, "strangers at the tunnel").is_some_and(|count| count > 5));
    world.run_for(Duration::from_secs(40));
    assert_eq!(fill(&world, "strangers at the tunnel"), Some(0));
    // Who said something may stay for hours, but one host never has many.
    assert!(fill(&world, "SIP connections").is_some_and(|count| count <= HOST_SIP_CONNECTIONS_MAX));
    match world.machine(strangers) {
        Actor::Strangers(strangers) => assert!(strangers.received > 1_000, "{strangers:?}"),
        Actor::Hras(_) => panic!("these are no strangers"),
    }
}
