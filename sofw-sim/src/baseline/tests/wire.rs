//! Over the simulated network, with TCP under it: what the line carries for one RTP packet.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use sofw_core::base::{Deadline, Instant, Rng};
use sofw_core::io::{Endpoint, Input, Output, SocketId};

use crate::baseline::{
    KINDS, Kind, Per, TunnelClient, TunnelClientConfig, TunnelServer, TunnelServerConfig, find,
};
use crate::host::{Act, App, Application, Host};
use crate::link::{Conditions, profile::Line};
use crate::packet::Packet;
use crate::tcp::TcpConfig;
use crate::world::{LinkId, Node, NodeId, Observer, Router, Seen, World};

/// Sends voice to a peer, 50 packets a second, and counts what comes.
#[derive(Debug)]
struct Talker {
    addr: SocketAddr,
    peer: SocketAddr,
    next: Instant,
    bound: bool,
    sent: u64,
    waiting: u64,
    heard: u64,
    last: Option<Instant>,
    /// Longest time between two that came.
    gap: Duration,
}

impl Application for Talker {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        if let Input::Datagram { bytes, .. } = input {
            assert_eq!(bytes, [7; 172]);
            self.heard += 1;
            self.gap = self.gap.max(self.last.map_or(Duration::ZERO, |last| now.since(last)));
            self.last = Some(now);
        }
    }
    fn handle_timeout(&mut self, now: Instant) {
        while self.next <= now {
            self.next += Duration::from_millis(20);
            self.waiting += 1;
        }
    }
    fn poll_act(&mut self) -> Option<Act> {
        if !self.bound {
            self.bound = true;
            return Some(Act::Do(Output::Bind { socket: SocketId::Sip(0), addr: self.addr }));
        }
        self.waiting = self.waiting.checked_sub(1)?;
        self.sent += 1;
        let payload = vec![7; 172].into();
        Some(Act::Do(Output::Send { socket: SocketId::Sip(0), to: self.peer, payload }))
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        Some(Deadline::new(self.next, "voice"))
    }
    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("sent", self.sent), ("heard", self.heard), ("gap_ms", self.gap.as_millis() as u64)]
    }
}

/// Counts bytes on the line in the steady part of a run.
#[derive(Debug, Default)]
struct Meter {
    line: LinkId,
    bytes: u64,
}

const STEADY: core::ops::Range<u64> = 3..13;

impl Observer for Meter {
    fn packet(&mut self, at: Instant, seen: Seen, packet: &Packet) {
        if seen.link == self.line && STEADY.contains(&at.as_secs()) {
            self.bytes += packet.len() as u64;
        }
    }
}

struct Outcome {
    bytes_per_packet: f64,
    /// Share of voice that came.
    heard: f64,
    gap_ms: u64,
}

/// `phones` phones of a site talk with one outside each.
fn talk(kind: &'static Kind, phones: u32, loss: f64) -> Outcome {
    let mut world = World::new(Rng::new([9; 32]), Meter::default());
    let wire = Line::both(Conditions::delay(Duration::from_micros(100)));
    let line = Line::both(Conditions { loss, ..Conditions::delay(Duration::from_millis(20)) });
    let lan = world.add("lan", Node::Router(Router::new()));
    let public = world.add("public", Node::Router(Router::new()));
    world.observer.line = world.connect("line", lan, public, line);
    world.observe(world.observer.line);
    world.router(lan).default_way(0);
    world.router(public).network([10, 0, 0, 0].into(), 8, 0);

    let addr: IpAddr = [203, 0, 113, 9].into();
    let server = add_host(&mut world, "server", addr);
    attach(&mut world, public, server, wire, &[addr], 1);
    let (inside, outside) =
        (|n: u32| IpAddr::from([192, 0, 2, n as u8]), |n| IpAddr::from([198, 51, 100, n as u8]));
    world.router(public).network([192, 0, 2, 0].into(), 24, 1);
    let program = TunnelServer::new(TunnelServerConfig::new(kind, addr), Rng::new([1; 32]));
    world.with_host(server, |host, _| {
        (1..=phones).for_each(|n| host.adopt(inside(n)));
        host.start(App::Other(Box::new(program)));
    });
    let mut talkers = Vec::new();
    for n in 1..=phones {
        let node = add_host(&mut world, "outside", outside(n));
        attach(&mut world, public, node, wire, &[outside(n)], 1 + n as usize);
        talkers.push((node, outside(n), inside(n)));
    }
    let clients = if kind.per == Per::Site { 1 } else { phones };
    for c in 1..=clients {
        let addr = IpAddr::from([10, 0, 0, c as u8]);
        let client = add_host(&mut world, "client", addr);
        attach(&mut world, lan, client, wire, &[addr], c as usize);
        let mine: Vec<u32> = if kind.per == Per::Site { (1..=phones).collect() } else { vec![c] };
        let switch = world.add("switch", Node::Router(Router::new()));
        world.connect("virtual", client, switch, wire);
        world.router(switch).default_way(0);
        for (at, &n) in mine.iter().enumerate() {
            let node = add_host(&mut world, "phone", inside(n));
            attach(&mut world, switch, node, wire, &[inside(n)], at + 1);
            talkers.push((node, inside(n), outside(n)));
        }
        let server = Endpoint::Addr((IpAddr::from([203, 0, 113, 9]), kind.port).into());
        let addrs = mine.iter().map(|&n| inside(n)).collect();
        let config = TunnelClientConfig::new(kind, server, addrs);
        let program = TunnelClient::new(config, Rng::new([c as u8 + 1; 32]));
        world.with_host(client, |host, _| host.start(App::Other(Box::new(program))));
    }
    let mut rng = world.fork("talkers");
    for &(node, own, peer) in &talkers {
        let talker = Talker {
            addr: SocketAddr::new(own, 4000),
            peer: SocketAddr::new(peer, 4000),
            next: Instant::from_millis(2_000) + Duration::from_micros(rng.below(20_000)),
            bound: false,
            sent: 0,
            waiting: 0,
            heard: 0,
            last: None,
            gap: Duration::ZERO,
        };
        world.with_host(node, |host, _| host.start(App::Other(Box::new(talker))));
    }
    world.run_until(Instant::from_millis(STEADY.end * 1_000));
    let counted =
        |name: &str| talkers.iter().map(|&(node, ..)| counter(&world, node, name)).collect::<Vec<u64>>();
    let (sent, heard): (u64, u64) = (counted("sent").iter().sum(), counted("heard").iter().sum());
    let voice = u64::from(phones) * 2 * 50 * (STEADY.end - STEADY.start);
    Outcome {
        bytes_per_packet: world.observer.bytes as f64 / voice as f64,
        heard: heard as f64 / sent as f64,
        gap_ms: counted("gap_ms").into_iter().max().unwrap_or(0),
    }
}

fn counter(world: &World<Meter>, node: NodeId, name: &str) -> u64 {
    let App::Other(program) = world.host(node).app() else { panic!("a program runs there") };
    program.counters().into_iter().find(|(known, _)| *known == name).expect("a counter").1
}

fn add_host(world: &mut World<Meter>, name: &str, addr: IpAddr) -> NodeId {
    let rng = world.fork(&format!("{name} {addr}"));
    world.add(name, Node::Host(Box::new(Host::new(vec![addr], TcpConfig::default(), rng))))
}

/// Joins a host to a router, whose port `port` this becomes.
fn attach(world: &mut World<Meter>, router: NodeId, host: NodeId, line: Line, addrs: &[IpAddr], port: usize) {
    world.connect("wire", host, router, line);
    for &addr in addrs {
        world.router(router).host(addr, port);
    }
}

#[test]
fn voice_weighs_on_the_line_what_the_real_ones_weigh() {
    // Where voice of the other direction shares the connection it carries the acknowledgements; HCAP's are packets of their own.
    for (name, least, most) in [("hcap", 290.0, 320.0), ("softether", 288.0, 305.0), ("skype", 250.0, 262.0)]
    {
        let outcome = talk(find(name).expect("a kind"), 1, 0.0);
        assert!((least..=most).contains(&outcome.bytes_per_packet), "{name}: {}", outcome.bytes_per_packet);
        assert!(outcome.heard > 0.99, "{name}: {}", outcome.heard);
        assert!(outcome.gap_ms <= 21, "{name}: {} ms without loss", outcome.gap_ms);
    }
}

#[test]
fn every_phone_of_a_site_is_heard() {
    for kind in &KINDS {
        let outcome = talk(kind, 10, 0.0);
        assert!(outcome.heard > 0.99, "{}: {}", kind.name, outcome.heard);
    }
}

#[test]
fn loss_delays_voice_and_loses_none() {
    for kind in &KINDS {
        let outcome = talk(kind, 3, 0.02);
        assert!(outcome.heard > 0.98, "{}: {}", kind.name, outcome.heard);
        assert!(
            outcome.gap_ms > 40,
            "{}: a lost segment holds back what follows: {}",
            kind.name,
            outcome.gap_ms
        );
    }
}
