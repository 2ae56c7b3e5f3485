//! The real halves with a proxy between them, joined by memory.

use core::net::{Ipv4Addr, SocketAddr};

use sofw_core::base::{Duration, Rng};
use sofw_core::config::{Proxy as Via, TunnelVia};
use sofw_core::event::Rung;
use sofw_core::io::{Endpoint, Input};
use sofw_core::testing::pair::{HRAS, hrac_config, hras_config, inside_phone};
use sofw_core::testing::phone::Phone;
use sofw_core::testing::world::{NodeId, World};
use sofw_core::{Deadline, Event, Hrac, Hras, Instant, Machine, Misuse, Output};

use super::super::{AuthScheme, ChunkedRequests, Proxy, ProxyAuth, ProxyConfig, find};
use crate::host::{Act, Application};

/// The forward proxy's address inside.
const PROXY: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 8);

enum Actor {
    Hras(Box<Hras>),
    Hrac(Box<Hrac>),
    Phone(Box<Phone>),
    Proxy(Box<Proxy>),
}

impl Machine for Actor {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        match self {
            Actor::Hras(hras) => hras.handle_input(now, input),
            Actor::Hrac(hrac) => hrac.handle_input(now, input),
            Actor::Phone(phone) => {
                phone.handle_input(now, input);
                Ok(())
            }
            Actor::Proxy(proxy) => {
                proxy.handle_input(now, input);
                Ok(())
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Actor::Hras(hras) => hras.handle_timeout(now),
            Actor::Hrac(hrac) => hrac.handle_timeout(now),
            Actor::Phone(phone) => phone.handle_timeout(now),
            Actor::Proxy(proxy) => proxy.handle_timeout(now),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Actor::Hras(hras) => hras.poll_output(),
            Actor::Hrac(hrac) => hrac.poll_output(),
            Actor::Phone(phone) => phone.poll_output(),
            Actor::Proxy(proxy) => loop {
                match proxy.poll_act()? {
                    Act::Do(output) => return Some(output),
                    // This world has neither half-closed connections nor resets.
                    Act::ShutWrite(conn) | Act::Reset(conn) => return Some(Output::Close(conn)),
                    // Nor does it fill up.
                    Act::Pause(_) | Act::Resume(_) => {}
                    Act::Packet(..) => panic!("a proxy sends no packets"),
                }
            },
        }
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        match self {
            Actor::Hras(hras) => hras.poll_timeout(),
            Actor::Hrac(hrac) => hrac.poll_timeout(),
            Actor::Phone(phone) => phone.poll_timeout(),
            Actor::Proxy(proxy) => proxy.poll_timeout(),
        }
    }
}

struct Office {
    world: World<Actor>,
    hrac: NodeId,
    proxy: NodeId,
}

impl Office {
    /// HRAC behind a forward proxy, with HRAS's HTTP at `port`.
    fn forward(config: ProxyConfig, port: u16, via: Vec<TunnelVia>) -> Office {
        let config = ProxyConfig { listen: SocketAddr::from((PROXY, 3128)), ..config };
        let mut hras = hras_config(1);
        hras.tunnel = vec![SocketAddr::from((HRAS, port))];
        let mut hrac = hrac_config(0);
        hrac.server = Endpoint::Addr(SocketAddr::from((HRAS, port)));
        hrac.authority = if port == 80 { HRAS.to_string() } else { format!("{HRAS}:{port}") };
        hrac.via = via;
        Office::new(config, 1, hras, hrac)
    }

    /// A reverse proxy in the place of HRAS's HTTP port.
    fn reverse(name: &str) -> Office {
        let origin = SocketAddr::from((HRAS, 8080));
        let mut config = find(name).expect("a known name").config();
        config.listen = SocketAddr::from((HRAS, 80));
        config.origin = Some(origin);
        let mut hras = hras_config(1);
        hras.tunnel = vec![origin];
        Office::new(config, 0, hras, hrac_config(0))
    }

    fn new(
        config: ProxyConfig,
        network: usize,
        hras: sofw_core::config::HrasConfig,
        hrac: sofw_core::config::HracConfig,
    ) -> Office {
        let mut world = World::new();
        let now = world.now();
        let hras = Hras::new(hras, [1; 32], now).expect("the configuration is right");
        world.add(0, Actor::Hras(Box::new(hras)));
        let proxy = world.add(network, Actor::Proxy(Box::new(Proxy::new(config, Rng::new([3; 32])))));
        let hrac = Hrac::new(hrac, [2; 32], now).expect("the configuration is right");
        let hrac = world.add(1, Actor::Hrac(Box::new(hrac)));
        Office { world, hrac, proxy }
    }

    fn run(&mut self, secs: u64) {
        self.world.run_for(Duration::from_secs(secs));
    }

    /// The rungs on which the tunnel came up so far.
    fn rungs(&self) -> Vec<Rung> {
        let events = self.world.events(self.hrac).iter();
        events
            .filter_map(|(_, event)| match event {
                Event::TunnelUp { rung, .. } => Some(*rung),
                _ => None,
            })
            .collect()
    }

    fn refusals(&self) -> Vec<u16> {
        let events = self.world.events(self.hrac).iter();
        events
            .filter_map(|(_, event)| match event {
                Event::TunnelRefused { status, .. } => Some(*status),
                _ => None,
            })
            .collect()
    }

    fn downs(&self) -> Vec<String> {
        let events = self.world.events(self.hrac).iter();
        events
            .filter_map(|(_, event)| match event {
                Event::TunnelDown { reason, .. } => Some(reason.clone()),
                _ => None,
            })
            .collect()
    }

    /// A phone inside registers with HRAS, through all of it.
    fn registers(&mut self) -> bool {
        let phone = Phone::new(inside_phone(20, "alice"), [9; 32], self.world.now());
        let phone = self.world.add(1, Actor::Phone(Box::new(phone)));
        self.world.with(phone, |actor, now| {
            if let Actor::Phone(phone) = actor {
                phone.register(now);
            }
        });
        self.world.run_until(
            Duration::from_secs(5),
            |world| matches!(world.machine(phone), Actor::Phone(phone) if phone.is_registered()),
        )
    }

    fn proxy(&self) -> &Proxy {
        match self.world.machine(self.proxy) {
            Actor::Proxy(proxy) => proxy,
            _ => unreachable!("this node is the proxy"),
        }
    }
}

fn via(credentials: Option<(&str, &str)>) -> Via {
    let credentials = credentials.map(|(name, password)| (name.to_owned(), password.to_owned()));
    Via { endpoint: Endpoint::Addr(SocketAddr::from((PROXY, 3128))), credentials }
}

fn preset(name: &str) -> ProxyConfig {
    find(name).expect("a known name").config()
}

#[test]
fn forward_presets_lead_to_the_rung_that_their_habits_allow() {
    for (name, rung) in [
        ("squid", Rung::Stream),
        ("tinyproxy", Rung::Stream),
        ("privoxy", Rung::Post),
        ("strict", Rung::Post),
        ("tls-inspecting", Rung::Stream),
    ] {
        let mut office = Office::forward(preset(name), 80, vec![TunnelVia::Forward(via(None))]);
        office.run(10);
        assert_eq!(office.rungs(), [rung], "{name}: {:?}", office.world.events(office.hrac));
        assert!(office.registers(), "{name} carries signalling");
    }
}

#[test]
fn reverse_presets_lead_to_the_rung_that_their_habits_allow() {
    for (name, rung) in [
        ("nginx", Rung::Post),
        ("nginx-tuned", Rung::Stream),
        ("haproxy", Rung::Stream),
        ("haproxy-no-delay", Rung::Stream),
        ("apache", Rung::Post),
    ] {
        let mut office = Office::reverse(name);
        office.run(10);
        assert_eq!(office.rungs(), [rung], "{name}: {:?}", office.world.events(office.hrac));
        assert!(office.registers(), "{name} carries signalling");
    }
}

#[test]
fn connect_carries_the_stream_where_it_is_allowed() {
    for name in ["squid", "tinyproxy", "privoxy", "antivirus"] {
        let mut office = Office::forward(preset(name), 443, vec![TunnelVia::Connect(via(None))]);
        office.run(10);
        assert_eq!(office.rungs(), [Rung::Stream], "{name}");
        assert!(office.registers(), "{name} carries signalling");
        assert!(office.proxy().counted().tunnels >= 2, "{name}");
    }
}

#[test]
fn squid_refuses_connect_to_port_80_and_the_next_way_is_taken() {
    let ways = vec![TunnelVia::Connect(via(None)), TunnelVia::Forward(via(None))];
    let mut office = Office::forward(preset("squid"), 80, ways);
    office.run(10);
    assert_eq!(office.refusals(), [403]);
    assert_eq!(office.rungs(), [Rung::Stream]);
}

#[test]
fn strict_refuses_connect_and_the_next_way_is_taken() {
    let ways = vec![TunnelVia::Connect(via(None)), TunnelVia::Forward(via(None))];
    let mut office = Office::forward(preset("strict"), 443, ways);
    office.run(10);
    assert_eq!(office.refusals(), [403]);
    assert_eq!(office.rungs(), [Rung::Post]);
}

#[test]
fn tls_inspection_cuts_a_tunnel_without_tls_and_the_next_way_is_taken() {
    let ways = vec![TunnelVia::Connect(via(None)), TunnelVia::Forward(via(None))];
    let mut office = Office::forward(preset("tls-inspecting"), 443, ways);
    office.run(10);
    assert_eq!(office.rungs(), [Rung::Stream]);
    assert_eq!(office.proxy().counted().tunnels, 1, "the one that was cut");
    assert_eq!(office.downs().len(), 1, "and reported: {:?}", office.downs());
}

#[test]
fn short_posts_pass_where_each_connection_serves_one() {
    let config = ProxyConfig { chunked_requests: ChunkedRequests::WithLength, ..preset("tinyproxy") };
    let mut office = Office::forward(config, 80, vec![TunnelVia::Forward(via(None))]);
    office.run(10);
    assert_eq!(office.rungs(), [Rung::Post], "{:?}", office.world.events(office.hrac));
    assert!(office.registers());
    office.run(120);
    assert_eq!(office.rungs(), [Rung::Post], "silent closes are no outages");
}

#[test]
fn a_limit_on_the_life_of_exchanges_is_survived() {
    let mut office = Office::forward(preset("strict"), 80, vec![TunnelVia::Forward(via(None))]);
    office.run(310);
    let rungs = office.rungs();
    assert!(rungs.iter().all(|rung| *rung == Rung::Post) && rungs.len() >= 5, "{rungs:?}");
    assert_eq!(
        rungs.len(),
        office.downs().len() + 1,
        "each cut of the downlink is an outage, and a short one"
    );
    assert!(office.registers());
}

/// What holds every answer to its end lets no downlink through: there is no rung of long polls yet.
#[test]
fn no_tunnel_comes_from_what_holds_answers_and_the_operator_is_told_why() {
    let mut office = Office::forward(preset("antivirus"), 80, vec![TunnelVia::Forward(via(None))]);
    office.run(60);
    assert_eq!(office.rungs(), []);
    assert!(office.downs()[0].contains("holds the answer back"), "{:?}", office.downs());
    assert!(!office.registers());
}

#[test]
fn behind_a_redirected_port_nothing_needs_to_be_told() {
    let config = ProxyConfig { listen: SocketAddr::from((PROXY, 80)), ..preset("transparent") };
    let mut hrac = hrac_config(0);
    hrac.server = Endpoint::Addr(config.listen);
    let mut office = Office::new(config, 1, hras_config(1), hrac);
    office.run(10);
    assert_eq!(office.rungs(), [Rung::Stream]);
    assert!(office.registers());
}

#[test]
fn credentials_open_a_guarded_proxy_and_wrong_ones_are_reported() {
    use AuthScheme::{Basic, DigestMd5, DigestSha256, Negotiate};
    for schemes in [vec![Basic], vec![DigestMd5], vec![Negotiate, DigestSha256]] {
        for base in ["squid", "tinyproxy", "privoxy"] {
            let users = vec![("office".to_owned(), "secret".to_owned())];
            let auth = Some(ProxyAuth { schemes: schemes.clone(), users, ..ProxyAuth::default() });
            let config = ProxyConfig { auth, ..preset(base) };
            let good = vec![TunnelVia::Forward(via(Some(("office", "secret"))))];
            let mut office = Office::forward(config.clone(), 80, good);
            office.run(10);
            assert_eq!(office.rungs().len(), 1, "{base} {schemes:?}");
            assert!(office.registers(), "{base} {schemes:?}");

            let bad = vec![TunnelVia::Forward(via(Some(("office", "guessed"))))];
            let mut office = Office::forward(config, 80, bad);
            office.run(30);
            assert!(office.rungs().is_empty());
            let told = office.world.events(office.hrac).iter();
            let told = told.filter(|(_, event)| matches!(event, Event::ProxyAuthRequired { .. })).count();
            assert_eq!(told, 1, "{base} {schemes:?}");
            assert!(office.proxy().counted().challenged <= 4, "accounts are not locked by repetition");
        }
    }
}

#[test]
fn a_proxy_that_forgets_is_survived() {
    let mut office = Office::forward(preset("squid"), 80, vec![TunnelVia::Forward(via(None))]);
    office.run(10);
    office.world.with(office.proxy, |actor, _| {
        if let Actor::Proxy(proxy) = actor {
            proxy.forget();
        }
    });
    office.run(40);
    assert_eq!(office.rungs().len(), 2, "{:?}", office.world.events(office.hrac));
    assert!(office.registers());
}
