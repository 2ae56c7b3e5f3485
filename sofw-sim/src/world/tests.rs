//! Ways, order and fates of packets, seen by a box that writes down what arrives.

use core::net::{IpAddr, SocketAddr};
use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use sofw_core::base::{Duration, Instant, Rng};

use super::{LinkId, Node, NodeId, Observer, Outbox, PortId, Router, Seen, Unseen, Way, World, shares};
use crate::link::profile::Line;
use crate::link::{Conditions, Fate, LossReason};
use crate::middlebox::Middlebox;
use crate::packet::Packet;

type Page = Rc<RefCell<Vec<(Instant, &'static str, String)>>>;

/// Writes down what arrives; wakes up when it is told to.
#[derive(Debug)]
struct Ear {
    name: &'static str,
    page: Page,
    wake: Option<Instant>,
}

impl Middlebox for Ear {
    fn handle_packet(&mut self, now: Instant, _: PortId, packet: Packet, _: &mut Outbox) {
        let text = String::from_utf8_lossy(packet.payload()).into_owned();
        self.page.borrow_mut().push((now, self.name, text));
    }
    fn handle_timeout(&mut self, now: Instant, _: &mut Outbox) {
        self.wake = None;
        self.page.borrow_mut().push((now, self.name, "awake".into()));
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}

fn ear<O: Observer>(world: &mut World<O>, name: &'static str, page: &Page) -> NodeId {
    world.add(name, Node::Middlebox(Box::new(Ear { name, page: Rc::clone(page), wake: None })))
}

fn world() -> World<Unseen> {
    World::new(Rng::new([1; 32]), Unseen)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn packet(to: &str, text: &str) -> Packet {
    let from = if to.contains(':') { "2001:db8::9" } else { "192.0.2.9" };
    Packet::udp(SocketAddr::new(ip(from), 1), SocketAddr::new(ip(to), 2), text.as_bytes())
}

fn texts(page: &Page) -> Vec<String> {
    page.borrow().iter().map(|(_, who, text)| format!("{who}: {text}")).collect()
}

const MS: Duration = Duration::from_millis(1);

fn wire() -> Line {
    Line::both(Conditions::WIRE)
}

#[test]
fn a_host_beats_a_network_and_a_longer_prefix_a_shorter_one() {
    let (mut world, page) = (world(), Page::default());
    let router = world.add("router", Node::Router(Router::new()));
    let names = ["sender", "default", "wide", "narrow", "host", "six"];
    let nodes = names.map(|name| ear(&mut world, name, &page));
    for node in nodes {
        world.connect("line", node, router, wire());
    }
    let ways = world.router(router);
    ways.network(ip("10.1.0.0"), 16, 3);
    ways.network(ip("10.0.0.0"), 8, 2);
    ways.network(ip("2001:db8:1::"), 48, 5);
    ways.host(ip("10.1.2.3"), 4);
    for (to, text) in [("10.1.2.3", "a"), ("10.1.2.4", "b"), ("10.2.0.1", "c"), ("2001:db8:1::7", "d")] {
        world.inject(nodes[0], 0, packet(to, text));
    }
    world.inject(nodes[0], 0, packet("172.16.0.1", "nowhere"));
    world.run_until(Instant::ZERO);
    assert_eq!(texts(&page), ["host: a", "narrow: b", "wide: c", "six: d"]);
    assert_eq!(world.router(router).unroutable, 1);

    world.router(router).default_way(1);
    world.inject(nodes[0], 0, packet("172.16.0.1", "e"));
    // Never back to where it came from.
    world.inject(nodes[4], 0, packet("10.1.2.3", "myself"));
    world.run_until(Instant::ZERO);
    assert_eq!(texts(&page)[4..], ["default: e"]);
    assert_eq!(world.router(router).unroutable, 2);
}

#[test]
fn prefixes_are_compared_bit_by_bit_within_a_family() {
    assert!(shares(ip("10.10.10.0"), ip("10.10.10.255"), 24));
    assert!(!shares(ip("10.10.10.0"), ip("10.10.11.0"), 24));
    assert!(shares(ip("10.10.10.0"), ip("10.10.11.0"), 23));
    assert!(
        shares(ip("10.10.10.1"), ip("10.10.10.1"), 32) && !shares(ip("10.10.10.1"), ip("10.10.10.0"), 32)
    );
    assert!(shares(ip("1.2.3.4"), ip("200.1.1.1"), 0));
    assert!(
        shares(ip("2001:db8::1"), ip("2001:db8::2"), 64)
            && !shares(ip("2001:db8::1"), ip("2001:db8:0:1::"), 64)
    );
    assert!(!shares(ip("1.2.3.4"), ip("::ffff:1.2.3.4"), 0));
}

/// Two ears on one line.
fn line(conditions: Conditions) -> (World<Fates>, Page, [NodeId; 2], LinkId) {
    let (mut world, page) = (World::new(Rng::new([1; 32]), Fates::default()), Page::default());
    let nodes = ["left", "right"].map(|name| ear(&mut world, name, &page));
    let link = world.connect("line", nodes[0], nodes[1], Line::both(conditions));
    world.observe(link);
    (world, page, nodes, link)
}

#[derive(Default)]
struct Fates(Vec<(Way, Fate)>);

impl Observer for Fates {
    fn packet(&mut self, _: Instant, seen: Seen, _: &Packet) {
        self.0.push((seen.way, seen.fate));
    }
}

#[test]
fn things_of_one_time_happen_in_the_order_of_their_causes() {
    let (mut world, page) = (world(), Page::default());
    let nodes = ["a", "b", "c"].map(|name| ear(&mut world, name, &page));
    let sender = world.add("sender", Node::Router(Router::new()));
    // The line to `c` is shorter, but what is sent to it later arrives at the same time.
    for (node, delay) in nodes.into_iter().zip([3, 3, 1]) {
        world.connect("line", sender, node, Line::both(Conditions::delay(MS * delay)));
    }
    world.inject(sender, 1, packet("10.0.0.1", "first"));
    world.inject(sender, 0, packet("10.0.0.1", "second"));
    world.inject(sender, 1, packet("10.0.0.1", "third"));
    world.run_until(Instant::ZERO + MS * 2);
    assert_eq!(texts(&page), Vec::<String>::new());
    world.inject(sender, 2, packet("10.0.0.1", "fourth"));
    world.run_until(Instant::ZERO + MS * 3);
    assert_eq!(texts(&page), ["b: first", "a: second", "b: third", "c: fourth"]);
    assert!(page.borrow().iter().all(|(at, ..)| *at == Instant::ZERO + MS * 3));
}

#[test]
fn a_nearer_deadline_replaces_a_later_one_and_wakes_once() {
    let (mut world, page, [left, right], _) = line(Conditions::WIRE);
    let arm = |world: &mut World<Fates>, at| {
        let ear = Ear { name: "left", page: Rc::clone(&page), wake: Some(at) };
        world.places[left].node = Node::Middlebox(Box::new(ear));
        world.with_middlebox(left, |_, _| ());
    };
    arm(&mut world, Instant::from_millis(50));
    arm(&mut world, Instant::from_millis(20));
    world.run_until(Instant::from_millis(100));
    assert_eq!(*page.borrow(), [(Instant::from_millis(20), "left", "awake".to_owned())]);
    // A deadline that has passed is due at once.
    arm(&mut world, Instant::from_millis(1));
    world.inject(right, 0, packet("10.0.0.1", "x"));
    world.run_until(Instant::from_millis(100));
    assert_eq!(texts(&page)[1..], ["left: x", "left: awake"]);
}

proptest! {
    /// A deadline that is moved, nearer or farther, as often as its owner likes: it is woken when it wants to be, and at no other time.
    #[test]
    fn a_node_is_woken_when_it_wants_to_be(plan in proptest::collection::vec((0u64..30, 1u64..60), 1..40)) {
        let (mut world, page, [left, _], _) = line(Conditions::WIRE);
        let (mut now, mut wanted, mut expected) = (0, None, Vec::new());
        for (pass, ahead) in plan {
            now += pass;
            world.run_until(Instant::from_millis(now));
            expected.extend(wanted.filter(|&at| at <= now).map(Instant::from_millis));
            wanted = Some(now + ahead);
            let ear = Ear { name: "left", page: Rc::clone(&page), wake: wanted.map(Instant::from_millis) };
            world.places[left].node = Node::Middlebox(Box::new(ear));
            world.with_middlebox(left, |_, _| ());
        }
        world.run_until(Instant::from_millis(now + 100));
        expected.extend(wanted.map(Instant::from_millis));
        let woken: Vec<Instant> = page.borrow().iter().map(|&(at, ..)| at).collect();
        prop_assert_eq!(woken, expected);
    }
}

#[test]
fn a_duplicated_packet_arrives_twice_and_is_seen_once() {
    let (mut world, page, [left, _], link) = line(Conditions { duplicate: 1.0, ..Conditions::delay(MS * 5) });
    world.inject(left, 0, packet("10.0.0.1", "twice"));
    world.run_until(Instant::from_millis(1_000));
    assert_eq!(texts(&page), ["right: twice", "right: twice"]);
    assert!(page.borrow().iter().all(|(at, ..)| *at >= Instant::ZERO + MS * 5));
    assert!(matches!(world.observer.0[..], [(Way::Up, Fate::Arrives(_, Some(_)))]));
    assert_eq!(world.counters(link, Way::Up).packets, 1);
}

#[test]
fn an_outage_loses_what_is_sent_meanwhile_and_not_what_is_under_way() {
    let (mut world, page, [left, right], link) = line(Conditions::delay(MS * 10));
    world.inject(left, 0, packet("10.0.0.1", "under way"));
    world.run_until(Instant::from_millis(5));
    world.set_down(link, true);
    world.inject(left, 0, packet("10.0.0.1", "lost"));
    world.inject(right, 0, packet("10.0.0.1", "lost, too"));
    world.run_until(Instant::from_millis(30));
    world.set_down(link, false);
    world.inject(right, 0, packet("10.0.0.1", "back"));
    world.run_until(Instant::from_millis(60));
    assert_eq!(texts(&page), ["right: under way", "left: back"]);
    let outage = LossReason::Outage as usize;
    assert_eq!([Way::Up, Way::Down].map(|way| world.counters(link, way).lost[outage]), [1, 1]);
    let lost = world.observer.0.iter().filter(|(_, fate)| *fate == Fate::Lost(LossReason::Outage));
    assert_eq!(lost.count(), 2);
}

#[test]
fn each_way_of_a_line_has_conditions_of_its_own() {
    let (mut world, page, [left, right], link) = line(Conditions::WIRE);
    world.set_conditions(link, Way::Down, Conditions { loss: 1.0, ..Conditions::WIRE });
    world.inject(left, 0, packet("10.0.0.1", "up"));
    world.inject(right, 0, packet("10.0.0.1", "down"));
    world.run_until(Instant::from_millis(1_000));
    assert_eq!(texts(&page), ["right: up"]);
    assert_eq!(world.conditions(link, Way::Up).loss, 0.0);
}

#[test]
fn a_port_without_a_link_leads_nowhere_and_time_goes_on_to_the_end() {
    let (mut world, page, [left, _], _) = line(Conditions::WIRE);
    world.inject(left, 1, packet("10.0.0.1", "x"));
    world.run_until(Instant::from_millis(2_000));
    assert_eq!((texts(&page), world.now()), (Vec::new(), Instant::from_millis(2_000)));
    world.run_until(Instant::from_millis(1_000));
    assert_eq!(world.now(), Instant::from_millis(2_000), "time never goes back");
}

#[test]
fn links_draw_from_their_own_seed_and_not_from_each_others_traffic() {
    let arrivals = |noise: bool| {
        let (mut world, page) = (world(), Page::default());
        let nodes = ["a", "b", "c"].map(|name| ear(&mut world, name, &page));
        let lossy = Line::both(Conditions { loss: 0.5, ..Conditions::WIRE });
        world.connect("first", nodes[0], nodes[1], lossy);
        world.connect("second", nodes[0], nodes[2], lossy);
        for number in 0..100 {
            world.inject(nodes[0], 0, packet("10.0.0.1", &number.to_string()));
            if noise {
                world.inject(nodes[0], 1, packet("10.0.0.1", "noise"));
            }
            world.run_until(Instant::from_millis(number));
        }
        let page = page.borrow();
        page.iter().filter(|(_, who, _)| *who == "b").map(|(_, _, text)| text.clone()).collect::<Vec<_>>()
    };
    let quiet = arrivals(false);
    assert!((20..80).contains(&quiet.len()));
    assert_eq!(quiet, arrivals(true));
}
