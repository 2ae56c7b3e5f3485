//! From a scenario to a world.

mod addresses;
mod programs;

use core::net::{IpAddr, SocketAddr};

use sofw_core::Instant;
use sofw_core::base::{Rng, Seed};
use sofw_core::io::Endpoint;

use super::map::{Map, PhonePlace, SitePlace, Zone};
use super::recorder::Recorder;
use super::{accounts, boxes};
use crate::baseline;
use crate::host::{App, Host};
use crate::link::Conditions;
use crate::link::profile::Line;
use crate::scenario::model::{Place, Scenario, System};
use crate::tcp::TcpConfig;
use crate::world::{LinkId, Node, NodeId, PortId, Router, World};
pub(super) use addresses::proxy_addr;
use addresses::{PROXY_PORT, relay_addr, reverse_proxy_addr, server_addrs, stranger_addr, virtual_addr};

/// A built world.
pub(super) type Town = World<Recorder>;

/// Builds worlds, and the programs in them again after a restart.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    scenario: &'a Scenario,
    rng: Rng,
    /// How often something was started anew: each life has randomness of its own.
    lives: u64,
    /// The public network's router.
    internet: NodeId,
}

impl<'a> Builder<'a> {
    /// The world of `scenario`, everything switched on.
    pub fn build(scenario: &'a Scenario, seed: u64, recorder: Recorder) -> (Builder<'a>, Town) {
        let rng = Rng::new(seed_bytes(seed));
        let mut world = World::new(rng.fork("world"), recorder);
        let internet = world.add("internet", Node::Router(Router::new()));
        let mut builder = Builder { scenario, rng, lives: 0, internet };
        let mut map = Map::default();
        builder.server(&mut world, &mut map);
        for place in &scenario.places {
            builder.place(&mut world, &mut map, place);
        }
        builder.phones(&mut world, &mut map);
        map.phone_at = vec![None; world.nodes()];
        for (index, phone) in map.phones.iter().enumerate() {
            map.phone_at[phone.node] = Some(index);
        }
        map.link_at = (0..world.nodes()).map(|node| world.link_at(node, 0)).collect();
        map.link_names = (0..map.zones.len()).map(|link| world.link_name(link).to_owned()).collect();
        map.server_addrs = server_addrs(scenario).into_iter().chain([reverse_proxy_addr()]).collect();
        map.is_phone_link = vec![false; map.zones.len()];
        for phone in &map.phones {
            map.is_phone_link[phone.link] = true;
        }
        map.hrac_at = vec![None; map.zones.len()];
        for (number, place) in map.places.iter().enumerate() {
            if let Some(link) = place.hrac.and_then(|(node, _)| map.link_of(node)) {
                map.hrac_at[link] = Some(number);
            }
        }
        let links = map.zones.len();
        world.observer.start(scenario, map);
        for link in 0..links {
            if world.observer.watches(link) {
                world.observe(link);
            }
        }
        (builder, world)
    }

    fn server(&mut self, world: &mut Town, map: &mut Map) {
        let spec = &self.scenario.server;
        let addrs = server_addrs(self.scenario);
        let node = self.add_host(world, "hras", addrs.clone(), self.relay_tcp());
        let link = self.join_public(world, map, "server", node, spec.line, &addrs);
        map.server = (node, Some(spec.addr));
        map.server_link = link;
        let app = self.hras(Instant::ZERO);
        world.with_host(node, |host, _| host.start(app));
        let stranger = self.add_host(world, "stranger", vec![stranger_addr()], TcpConfig::default());
        self.join_public(world, map, "stranger", stranger, Line::both(Conditions::WIRE), &[stranger_addr()]);
        map.stranger = stranger;
        if let Some(proxy) = &spec.proxy {
            let addr = reverse_proxy_addr();
            let node = self.add_host(world, "reverse proxy", vec![addr], TcpConfig::default());
            self.join_public(world, map, "reverse proxy", node, Line::both(Conditions::WIRE), &[addr]);
            map.reverse_proxy = Some(node);
            let app = self.proxy(proxy, addr, true);
            world.with_host(node, |host, _| host.start(app));
        }
        if let Some(kind) = self.baseline() {
            let addr = relay_addr();
            let node = self.add_host(world, "relay", vec![addr], TcpConfig::default());
            let link = self.join_public(world, map, "relay", node, spec.line, &[addr]);
            let app = App::Other(Box::new(baseline::TunnelServer::new(
                baseline::TunnelServerConfig::new(kind, addr),
                self.rng.fork("relay"),
            )));
            world.with_host(node, |host, _| {
                for index in 0..self.scenario.phones.len() {
                    host.adopt(virtual_addr(index));
                }
                host.start(app);
            });
            let port = port_at_internet(world, self.internet);
            for index in 0..self.scenario.phones.len() {
                world.router(self.internet).host(virtual_addr(index), port);
            }
            debug_assert_eq!(map.zones.len(), link + 1);
        }
    }

    fn place(&mut self, world: &mut Town, map: &mut Map, place: &'a Place) {
        let name = &place.name;
        let index = map.places.len();
        let switch = world.add(&format!("{name} switch"), Node::Router(Router::new()));
        let mut boxes = Vec::new();
        for (kind, middlebox) in boxes::of(place, self.rng.fork(&format!("boxes {name}"))) {
            let node = world.add(&format!("{name} {kind}"), Node::Middlebox(middlebox));
            boxes.push((kind, node));
        }
        let wire = Line::both(Conditions::WIRE);
        let mut last = switch;
        let mut inner = None;
        for &(kind, node) in &boxes {
            let port = world.ports(last);
            let link = world.connect(&format!("{name} to {kind}"), last, node, wire);
            map.zones.push(Zone::Private(index));
            if last == switch {
                world.router(switch).default_way(port);
                inner = Some(link);
            }
            last = node;
        }
        let (own, port) = (world.ports(last), world.ports(self.internet));
        let line = world.connect(name, last, self.internet, place.line);
        map.zones.push(if place.nat.is_some() { Zone::Public } else { Zone::Private(index) });
        if last == switch {
            world.router(switch).default_way(own);
        }
        let internet = world.router(self.internet);
        match &place.nat {
            Some(_) => internet.host(place.public, port),
            None => internet.network(place.network.0, place.network.1, port),
        }
        let site = map.places.iter().filter(|place| place.site.is_some()).count() as u16;
        map.places.push(SitePlace {
            name: name.clone(),
            kind: place.kind,
            network: place.network,
            public: place.public,
            line,
            inner: inner.unwrap_or(line),
            hrac: None,
            proxy: None,
            boxes,
            site: place.hrac.is_some().then_some(site),
        });
        if let Some(proxy) = &place.proxy {
            let addr = proxy_addr(place);
            let node = self.add_host(world, &format!("{name} proxy"), vec![addr], TcpConfig::default());
            self.join_private(world, map, index, switch, node, wire, &[addr]);
            map.places[index].proxy = Some((node, addr));
            let app = self.proxy(proxy, addr, false);
            world.with_host(node, |host, _| host.start(app));
        }
        if let Some(hrac) = place.hrac.as_ref().filter(|_| self.scenario.system == System::Sofw) {
            let node = self.add_host(world, &format!("{name} hrac"), vec![hrac.addr], self.relay_tcp());
            self.join_private(world, map, index, switch, node, wire, &[hrac.addr]);
            map.places[index].hrac = Some((node, hrac.addr));
            let app = self.hrac(index, Instant::ZERO);
            world.with_host(node, |host, _| host.start(app));
        }
    }

    fn phones(&mut self, world: &mut Town, map: &mut Map) {
        let kind = self.baseline();
        // One tunnel end for all phones of a site, where the system has that.
        let mut bridges = vec![None; self.scenario.places.len()];
        for (index, spec) in self.scenario.phones.iter().enumerate() {
            let tunnel = kind.zip(spec.place).filter(|_| kind.is_some());
            let addr = if tunnel.is_some() { virtual_addr(index) } else { spec.addr };
            let node = self.add_host(world, &spec.name, vec![addr], TcpConfig::default());
            let (zone, link) = match (tunnel, spec.place) {
                (Some((kind, place)), _) => {
                    let bridge = match (kind.per, bridges[place]) {
                        (baseline::Per::Site, Some(bridge)) => bridge,
                        _ => self.bridge(world, map, place, index, kind),
                    };
                    bridges[place] = Some(bridge);
                    let port = world.ports(bridge);
                    let link = world.connect(&format!("{} virtual", spec.name), node, bridge, spec.line);
                    map.zones.push(Zone::Private(place));
                    world.router(bridge).host(addr, port);
                    (Zone::Private(place), link)
                }
                (None, Some(place)) => {
                    let switch =
                        world.names()[format!("{} switch", self.scenario.places[place].name).as_str()];
                    (
                        Zone::Private(place),
                        self.join_private(world, map, place, switch, node, spec.line, &[addr]),
                    )
                }
                (None, None) => {
                    (Zone::Public, self.join_public(world, map, &spec.name, node, spec.line, &[addr]))
                }
            };
            map.phones.push(PhonePlace {
                name: spec.name.clone(),
                node,
                addr,
                zone,
                link,
                speaker: index as u32,
            });
            let app = self.phone(index, addr, Instant::ZERO);
            world.with_host(node, |host, _| host.start(app));
        }
    }

    /// The inside end of another system's tunnel, with a switch for its virtual interfaces; returns the switch.
    fn bridge(
        &mut self,
        world: &mut Town,
        map: &mut Map,
        place: usize,
        phone: usize,
        kind: &'static baseline::Kind,
    ) -> NodeId {
        let spec = &self.scenario.places[place];
        let name = format!("{} tunnel of {}", spec.name, self.scenario.phones[phone].name);
        let addr = self.scenario.phones[phone].addr;
        let node = self.add_host(world, &name, vec![addr], TcpConfig::default());
        let switch = world.names()[format!("{} switch", spec.name).as_str()];
        self.join_private(world, map, place, switch, node, Line::both(Conditions::WIRE), &[addr]);
        let hub = world.add(&format!("{name} hub"), Node::Router(Router::new()));
        let port = world.ports(hub);
        world.connect(&format!("{name} virtual"), node, hub, Line::both(Conditions::WIRE));
        map.zones.push(Zone::Private(place));
        world.router(hub).default_way(port);
        let addrs: Vec<IpAddr> = match kind.per {
            baseline::Per::Terminal => vec![virtual_addr(phone)],
            baseline::Per::Site => {
                let phones = self.scenario.phones.iter().enumerate();
                phones
                    .filter(|(_, other)| other.place == Some(place))
                    .map(|(at, _)| virtual_addr(at))
                    .collect()
            }
        };
        let server = Endpoint::Addr(SocketAddr::new(relay_addr(), kind.port));
        let proxy = spec.told_proxy().map(|proxy| baseline::Proxy {
            endpoint: Endpoint::Addr(SocketAddr::new(proxy_addr(spec), PROXY_PORT)),
            credentials: accounts::proxy_credentials(proxy),
        });
        let config =
            baseline::TunnelClientConfig { proxy, ..baseline::TunnelClientConfig::new(kind, server, addrs) };
        let client = baseline::TunnelClient::new(config, self.rng.fork(&name));
        world.with_host(node, |host, _| host.start(App::Other(Box::new(client))));
        hub
    }

    fn add_host(&mut self, world: &mut Town, name: &str, addrs: Vec<IpAddr>, tcp: TcpConfig) -> NodeId {
        let host = Host::new(addrs, tcp, self.rng.fork(&format!("tcp {name}")));
        world.add(name, Node::Host(Box::new(host)))
    }

    fn join_public(
        &self,
        world: &mut Town,
        map: &mut Map,
        name: &str,
        node: NodeId,
        line: Line,
        addrs: &[IpAddr],
    ) -> LinkId {
        let port = world.ports(self.internet);
        let link = world.connect(name, node, self.internet, line);
        map.zones.push(Zone::Public);
        for &addr in addrs {
            world.router(self.internet).host(addr, port);
        }
        link
    }

    #[expect(clippy::too_many_arguments, reason = "a cable has two ends, a kind and what is known at them")]
    fn join_private(
        &self,
        world: &mut Town,
        map: &mut Map,
        place: usize,
        switch: NodeId,
        node: NodeId,
        line: Line,
        addrs: &[IpAddr],
    ) -> LinkId {
        let port = world.ports(switch);
        let name = format!("{} in {}", world.name(node), self.scenario.places[place].name);
        let link = world.connect(&name, node, switch, line);
        map.zones.push(Zone::Private(place));
        for &addr in addrs {
            world.router(switch).host(addr, port);
        }
        link
    }
}

/// The last port that the internet's router got.
fn port_at_internet(world: &Town, internet: NodeId) -> PortId {
    world.ports(internet) - 1
}

fn seed_bytes(seed: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    bytes
}
