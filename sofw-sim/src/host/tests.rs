//! A host with a program that does what it is told and writes down what it is told.

use core::net::{IpAddr, SocketAddr};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use sofw_core::base::{Deadline, Duration, Instant, Payload, Rng};
use sofw_core::event::DropReason;
use sofw_core::io::{ConnId, Endpoint, Input, ListenerId, Output, SocketId};
use sofw_core::testing::pair::{HRAS, hras_config};
use sofw_core::{Event, Hras};

use super::{Act, App, Application, GATHER, Host};
use crate::link::Conditions;
use crate::link::profile::Line;
use crate::packet::{Packet, Protocol};
use crate::tcp::TcpConfig;
use crate::world::{Node, NodeId, Observer, Seen, World};

/// Does what its tests push, and writes down what it is told.
#[derive(Debug)]
struct Script(Rc<RefCell<Page>>);

#[derive(Debug, Default)]
struct Page {
    acts: VecDeque<Act>,
    told: Vec<(Instant, String)>,
    received: usize,
}

impl Application for Script {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let mut page = self.0.borrow_mut();
        let text = match &input {
            Input::Received { conn, bytes } => {
                page.received += bytes.len();
                format!("Received {conn:?}")
            }
            Input::Datagram { from, bytes, .. } => {
                format!("Datagram {from} {}", String::from_utf8_lossy(bytes))
            }
            Input::Accepted { conn, .. } => format!("Accepted {conn:?}"),
            Input::Connected { conn, .. } => format!("Connected {conn:?}"),
            other => format!("{other:?}"),
        };
        page.told.push((now, text));
    }
    fn handle_timeout(&mut self, _: Instant) {}
    fn poll_act(&mut self) -> Option<Act> {
        self.0.borrow_mut().acts.pop_front()
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        None
    }
}

/// Two hosts on one line, and what passes it.
struct Bench {
    world: World<Tap>,
    nodes: [NodeId; 2],
    pages: [Rc<RefCell<Page>>; 2],
}

#[derive(Default)]
struct Tap {
    icmp: u32,
    events: Vec<(Instant, Event)>,
}

impl Observer for Tap {
    fn packet(&mut self, _: Instant, _: Seen, packet: &Packet) {
        self.icmp += u32::from(packet.protocol() == Protocol::Icmp);
    }
    fn event(&mut self, at: Instant, _: NodeId, event: &Event) {
        self.events.push((at, event.clone()));
    }
}

const ADDRS: [IpAddr; 2] =
    [IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 2))];
const CLIENT: usize = 0;
const SERVER: usize = 1;
const CONN: ConnId = ConnId::Opened(7);
const ACCEPTED: ConnId = ConnId::Accepted(1);
const DELAY: Duration = Duration::from_millis(10);

fn addr(who: usize, port: u16) -> SocketAddr {
    SocketAddr::new(ADDRS[who], port)
}

impl Bench {
    fn new(tcp: TcpConfig) -> Bench {
        let mut world = World::new(Rng::new([3; 32]), Tap::default());
        let pages = [Rc::default(), Rc::default()];
        let nodes = [CLIENT, SERVER].map(|who| {
            let mut host = Host::new(vec![ADDRS[who]], tcp, Rng::new([who as u8; 32]));
            host.start(App::Other(Box::new(Script(Rc::clone(&pages[who])))));
            world.add(["client", "server"][who], Node::Host(Box::new(host)))
        });
        let link = world.connect("line", nodes[0], nodes[1], Line::both(Conditions::delay(DELAY)));
        world.observe(link);
        Bench { world, nodes, pages }
    }

    fn act(&mut self, who: usize, act: Act) {
        self.pages[who].borrow_mut().acts.push_back(act);
        // As a command from beside, after which the program is asked what it wants.
        self.world.with_host(self.nodes[who], |host, _| {
            host.app_mut();
        });
    }

    fn output(&mut self, who: usize, output: Output) {
        self.act(who, Act::Do(output));
    }

    fn write(&mut self, who: usize, conn: ConnId, length: usize) {
        let payload = vec![b'x'; length].into();
        self.output(who, Output::Write { conn, payload });
    }

    fn run(&mut self, time: Duration) {
        let end = self.world.now() + time;
        self.world.run_until(end);
    }

    /// What a program was told since the last time.
    fn told(&mut self, who: usize) -> Vec<String> {
        self.pages[who].borrow_mut().told.drain(..).map(|(_, text)| text).collect()
    }

    fn received(&self, who: usize) -> usize {
        self.pages[who].borrow().received
    }

    /// A connection from the client to the server.
    fn connected(tcp: TcpConfig) -> Bench {
        let mut bench = Bench::new(tcp);
        bench.output(SERVER, Output::Listen { listener: ListenerId::Sip(0), addr: addr(SERVER, 80) });
        bench.output(CLIENT, Output::Connect { conn: CONN, to: Endpoint::Addr(addr(SERVER, 80)) });
        bench.run(3 * DELAY);
        assert_eq!(bench.told(CLIENT), [format!("Connected {CONN:?}")]);
        assert_eq!(bench.told(SERVER), ["Listening(Sip(0))".to_owned(), format!("Accepted {ACCEPTED:?}")]);
        bench
    }
}

#[test]
fn a_datagram_to_a_closed_port_is_answered_by_icmp_and_counted() {
    let mut bench = Bench::new(TcpConfig::default());
    let socket = SocketId::Sip(0);
    bench.output(CLIENT, Output::Bind { socket, addr: addr(CLIENT, 5060) });
    let payload = Payload::from(b"hello".to_vec());
    bench.output(CLIENT, Output::Send { socket, to: addr(SERVER, 5060), payload: payload.clone() });
    bench.run(3 * DELAY);
    assert_eq!(bench.world.observer.icmp, 1);
    assert_eq!(bench.world.host(bench.nodes[SERVER]).counters().refused_datagrams, 1);
    assert_eq!(bench.told(CLIENT), ["Bound(Sip(0))"], "programs do not read errors of datagrams");

    bench.output(SERVER, Output::Bind { socket, addr: addr(SERVER, 5060) });
    bench.output(CLIENT, Output::Send { socket, to: addr(SERVER, 5060), payload: payload.clone() });
    bench.run(3 * DELAY);
    assert_eq!(
        bench.told(SERVER),
        ["Bound(Sip(0))".to_owned(), format!("Datagram {} hello", addr(CLIENT, 5060))]
    );

    bench.output(SERVER, Output::Unbind(socket));
    bench.output(CLIENT, Output::Send { socket, to: addr(SERVER, 5060), payload });
    bench.run(3 * DELAY);
    assert_eq!((bench.told(SERVER), bench.world.observer.icmp), (Vec::new(), 2));
}

#[test]
fn an_address_is_bound_once_and_only_if_it_is_the_hosts() {
    let mut bench = Bench::new(TcpConfig::default());
    let mut bind = |number, addr| bench.output(CLIENT, Output::Bind { socket: SocketId::Sip(number), addr });
    bind(0, addr(CLIENT, 5060));
    bind(1, addr(CLIENT, 5060));
    bind(2, addr(SERVER, 5060));
    let told = ["Bound(Sip(0))", "BindFailed(Sip(1), AddressInUse)", "BindFailed(Sip(2), AddressNotLocal)"];
    assert_eq!(bench.told(CLIENT), told);
}

#[test]
fn what_no_socket_would_send_is_counted_and_not_sent() {
    let mut bench = Bench::new(TcpConfig::default());
    let socket = SocketId::Sip(0);
    bench.output(CLIENT, Output::Bind { socket, addr: addr(CLIENT, 5060) });
    let long = vec![0; 65_508].into();
    let short = vec![0].into();
    bench.output(CLIENT, Output::Send { socket, to: addr(SERVER, 5060), payload: long });
    bench.output(CLIENT, Output::Send { socket, to: "[2001:db8::1]:5060".parse().unwrap(), payload: short });
    bench.run(3 * DELAY);
    assert_eq!(bench.world.host(bench.nodes[CLIENT]).counters().unsendable, 2);
    assert_eq!(bench.world.host(bench.nodes[SERVER]).counters().refused_datagrams, 0);
}

#[test]
fn a_write_is_answered_when_the_stack_has_taken_all_of_it() {
    let tcp = TcpConfig { not_sent_low_water: 16 << 10, ..TcpConfig::default() };
    let mut bench = Bench::connected(tcp);
    bench.write(CLIENT, CONN, 8 << 10);
    assert_eq!(bench.told(CLIENT), [format!("Written({CONN:?})")], "there was room for it at once");
    // More than may wait unsent: the rest follows as acknowledgements come.
    bench.write(CLIENT, CONN, 100 << 10);
    assert_eq!(bench.told(CLIENT), Vec::<String>::new());
    bench.run(Duration::from_secs(1));
    assert_eq!(bench.told(CLIENT), [format!("Written({CONN:?})")]);
    assert_eq!(bench.received(SERVER), 108 << 10);
    assert_eq!(bench.world.host(bench.nodes[CLIENT]).counters().written, 108 << 10);
}

#[test]
fn who_pauses_slows_the_sender_down_and_gets_all_after_resuming() {
    let mut bench = Bench::connected(TcpConfig::default());
    bench.act(SERVER, Act::Pause(ACCEPTED));
    let length = 2 << 20;
    bench.write(CLIENT, CONN, length);
    bench.run(Duration::from_secs(5));
    assert_eq!(bench.received(SERVER), 0);
    assert_eq!(bench.told(CLIENT), Vec::<String>::new(), "both buffers are full, and the write is not done");
    bench.act(SERVER, Act::Resume(ACCEPTED));
    assert!(bench.received(SERVER) > 0, "what had come is read at once");
    bench.run(Duration::from_secs(30));
    assert_eq!(bench.received(SERVER), length);
    assert_eq!(bench.told(CLIENT), [format!("Written({CONN:?})")]);
}

#[test]
fn a_fin_closes_after_everything_that_was_written() {
    let mut bench = Bench::connected(TcpConfig::default());
    bench.write(CLIENT, CONN, 100 << 10);
    bench.output(CLIENT, Output::Close(CONN));
    bench.run(Duration::from_secs(1));
    let told = bench.told(SERVER);
    assert_eq!(bench.received(SERVER), 100 << 10);
    assert_eq!(told.last(), Some(&format!("Closed({ACCEPTED:?}, None)")));
    assert_eq!(told.iter().filter(|text| text.starts_with("Closed")).count(), 1);
    assert_eq!([CLIENT, SERVER].map(|who| bench.world.host(bench.nodes[who]).connections()), [0, 0]);
    bench.write(SERVER, ACCEPTED, 10);
    bench.run(Duration::from_secs(1));
    assert_eq!(bench.received(CLIENT), 0, "the connection is gone, also for writing");
}

#[test]
fn a_half_that_is_shut_ends_the_other_one_too() {
    let mut bench = Bench::connected(TcpConfig::default());
    bench.act(SERVER, Act::ShutWrite(ACCEPTED));
    bench.run(3 * DELAY);
    // The client's program sees the end, and the host ends the other half for it.
    assert_eq!(bench.told(CLIENT), [format!("Closed({CONN:?}, None)")]);
    bench.run(3 * DELAY);
    assert_eq!(bench.told(SERVER), [format!("Closed({ACCEPTED:?}, None)")]);
}

#[test]
fn resets_are_told_to_both_ends() {
    let mut bench = Bench::connected(TcpConfig::default());
    bench.act(SERVER, Act::Reset(ACCEPTED));
    bench.run(3 * DELAY);
    assert_eq!(bench.told(CLIENT), [format!("Closed({CONN:?}, Some(Reset))")]);
    assert_eq!(bench.told(SERVER), Vec::<String>::new(), "who resets is told nothing");
}

#[test]
fn a_closed_port_refuses_and_an_unknown_name_is_unreachable() {
    let mut bench = Bench::new(TcpConfig::default());
    bench.output(CLIENT, Output::Connect { conn: CONN, to: Endpoint::Addr(addr(SERVER, 81)) });
    bench.run(3 * DELAY);
    assert_eq!(bench.told(CLIENT), [format!("ConnectFailed({CONN:?}, Refused)")]);
    let conn = ConnId::Opened(8);
    bench.output(CLIENT, Output::Connect { conn, to: Endpoint::Name("nowhere.example".into(), 80) });
    assert_eq!(bench.told(CLIENT), [format!("ConnectFailed({conn:?}, Unreachable)")]);
}

#[test]
fn a_restart_resets_and_a_power_cut_is_silent() {
    for tells in [true, false] {
        let mut bench = Bench::connected(TcpConfig::default());
        bench.output(SERVER, Output::Bind { socket: SocketId::Sip(0), addr: addr(SERVER, 5060) });
        bench.world.with_host(bench.nodes[SERVER], |host, _| match tells {
            true => host.start(App::Idle),
            false => host.start_after_power_cut(App::Idle),
        });
        bench.run(Duration::from_secs(60));
        let reset = format!("Closed({CONN:?}, Some(Reset))");
        assert_eq!(bench.told(CLIENT), if tells { vec![reset.clone()] } else { Vec::new() });
        let host = bench.world.host(bench.nodes[SERVER]);
        assert_eq!((host.sockets(), host.connections()), (0, 0));
        if !tells {
            // Who speaks to it learns.
            bench.write(CLIENT, CONN, 10);
            bench.run(3 * DELAY);
            assert_eq!(bench.told(CLIENT), [format!("Written({CONN:?})"), reset]);
        }
    }
}

#[test]
fn media_of_a_half_is_read_once_a_millisecond_while_it_flows() {
    let mut world = World::new(Rng::new([3; 32]), Tap::default());
    let hras_addr = IpAddr::from(HRAS);
    let mut host = Host::new(vec![hras_addr], TcpConfig::default(), Rng::new([1; 32]));
    let hras = Hras::new(hras_config(1), [7; 32], Instant::ZERO).expect("the configuration is right");
    host.start(App::Hras(Box::new(hras)));
    let node = world.add("hras", Node::Host(Box::new(host)));
    let stranger = world.add(
        "stranger",
        Node::Host(Box::new(Host::new(vec![ADDRS[0]], TcpConfig::default(), Rng::new([2; 32])))),
    );
    world.connect("line", stranger, node, Line::both(Conditions::WIRE));
    world.with_host(node, |_, _| ());
    world.run_until(Instant::from_millis(1_000));
    world.observer.events.clear();
    // A lone packet, then three in the millisecond after it, then one when nothing flows any more.
    let start = world.now();
    let micros = [0, 200, 400, 900, 50_000].map(Duration::from_micros);
    for after in micros {
        world.run_until(start + after);
        let port = hras_config(1).media.ports.0;
        world.inject(stranger, 0, Packet::udp(addr(CLIENT, 4000), (hras_addr, port).into(), &[0x80; 172]));
    }
    world.run_until(start + Duration::from_secs(1));
    let dropped = world
        .observer
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Dropped(DropReason::NoFlow, _)));
    let at: Vec<Duration> = dropped.map(|(at, _)| at.since(start)).collect();
    assert_eq!(at, [Duration::ZERO, GATHER, GATHER, GATHER, micros[4]]);
}
