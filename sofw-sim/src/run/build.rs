//! From a scenario to a world.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sofw_core::base::{Rng, Seed, Transport};
use sofw_core::config::{
    HracConfig, HrasConfig, MediaConfig, Proxy as ProxyAt, SipListener, Site, SiteKey, TunnelVia, limits,
};
use sofw_core::io::Endpoint;
use sofw_core::testing::phone::Phone;
use sofw_core::{Hrac, Hras, Instant};

use super::accounts;
use super::boxes;
use super::map::{Map, PhonePlace, SitePlace, Zone};
use super::phones;
use super::recorder::Recorder;
use crate::adversary::HostileHras;
use crate::baseline;
use crate::host::{App, Host};
use crate::link::Conditions;
use crate::link::profile::Line;
use crate::proxy::Proxy;
use crate::scenario::model::{HomeOrSite, HracSpec, Place, ProxySpec, Scenario, System, WayOut};
use crate::tcp::{Congestion, TcpConfig};
use crate::world::{LinkId, Node, NodeId, PortId, Router, World};

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
        (0..map.zones.len()).for_each(|link| world.observe(link));
        world.observer.start(scenario, map);
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
            network: place.network,
            public: place.public,
            line,
            inner: inner.unwrap_or(line),
            hrac: None,
            proxy: None,
            boxes,
            site: (place.kind == HomeOrSite::Site).then_some(site),
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
        let proxy = spec.proxy.as_ref().map(|proxy| baseline::Proxy {
            endpoint: Endpoint::Addr(SocketAddr::new(proxy_addr(spec), PROXY_PORT)),
            credentials: accounts::proxy_credentials(proxy),
        });
        let config =
            baseline::TunnelClientConfig { proxy, ..baseline::TunnelClientConfig::new(kind, server, addrs) };
        let client = baseline::TunnelClient::new(config, self.rng.fork(&name));
        world.with_host(node, |host, _| host.start(App::Other(Box::new(client))));
        hub
    }

    /// The program of the public host.
    pub fn hras(&mut self, now: Instant) -> App {
        let config = self.hras_config();
        let seed = self.life("hras");
        if self.scenario.server.hostile {
            return App::Other(Box::new(HostileHras::new(&config, seed)));
        }
        App::Hras(Box::new(Hras::new(config, seed, now).expect("the configuration is right")))
    }

    fn hras_config(&self) -> HrasConfig {
        let spec = &self.scenario.server;
        let addrs = server_addrs(self.scenario);
        let sites = self.scenario.places.iter().filter(|place| place.kind == HomeOrSite::Site);
        HrasConfig {
            domain: spec.domain.clone(),
            sip: addrs.iter().flat_map(|&addr| sip_listeners(addr)).collect(),
            media: media(spec.addr),
            tunnel: addrs
                .iter()
                .flat_map(|&addr| [80, 443].map(|port| SocketAddr::new(addr, port)))
                .collect(),
            sites: sites.map(|place| Site { name: place.name.clone(), key: site_key(&place.name) }).collect(),
            users: self
                .scenario
                .phones
                .iter()
                .map(|phone| accounts::user(&phone.name, &spec.domain))
                .collect(),
            voice_age_max: spec.voice_age_max,
            media_silence_max: limits::MEDIA_SILENCE_MAX,
            // Without SoFW it is a plain SIP server: everybody is outside.
            outside_calls: self.scenario.system != System::Sofw,
        }
    }

    /// The HRAC of a place, for its start at `now`.
    pub fn hrac(&mut self, place: usize, now: Instant) -> App {
        let spec = &self.scenario.places[place];
        let hrac = spec.hrac.as_ref().expect("only sites with a HRAC start one");
        let config = self.hrac_config(spec, hrac);
        let seed = self.life(&format!("hrac {}", spec.name));
        App::Hrac(Box::new(Hrac::new(config, seed, now).expect("the configuration is right")))
    }

    fn hrac_config(&self, place: &Place, hrac: &HracSpec) -> HracConfig {
        let server = match &self.scenario.server.proxy {
            Some(_) => reverse_proxy_addr(),
            None => server_addr_for(self.scenario, hrac.addr),
        };
        let host = match server {
            IpAddr::V4(addr) => addr.to_string(),
            IpAddr::V6(addr) => format!("[{addr}]"),
        };
        let authority = if hrac.port == 80 { host } else { format!("{host}:{}", hrac.port) };
        let proxy = || {
            let spec = place.proxy.as_ref().expect("a way by proxy needs one");
            ProxyAt {
                endpoint: Endpoint::Addr(SocketAddr::new(proxy_addr(place), PROXY_PORT)),
                credentials: accounts::proxy_credentials(spec),
            }
        };
        let via = hrac.ways.iter().map(|way| match way {
            WayOut::Direct => TunnelVia::Direct,
            WayOut::Forward => TunnelVia::Forward(proxy()),
            WayOut::Connect => TunnelVia::Connect(proxy()),
        });
        let mut key = site_key(&place.name);
        if hrac.wrong_key {
            key.0[0] ^= 1;
        }
        HracConfig {
            site: place.name.clone(),
            key,
            server: Endpoint::Addr(SocketAddr::new(server, hrac.port)),
            authority,
            via: via.collect(),
            sip: sip_listeners(hrac.addr).into(),
            media: media(hrac.addr),
            voice_age_max: hrac.voice_age_max,
        }
    }

    /// A proxy's program.
    pub fn proxy(&mut self, spec: &ProxySpec, addr: IpAddr, reverse: bool) -> App {
        let origin = reverse.then(|| SocketAddr::new(self.scenario.server.addr, 80));
        let config =
            boxes::proxy_config(spec, SocketAddr::new(addr, if reverse { 80 } else { PROXY_PORT }), origin);
        let seed = self.life("proxy");
        App::Other(Box::new(Proxy::new(config, Rng::new(seed))))
    }

    /// The program of a site's proxy.
    pub fn proxy_of(&mut self, place: usize) -> App {
        let place = &self.scenario.places[place];
        let spec = place.proxy.as_ref().expect("only sites with a proxy start one");
        self.proxy(spec, proxy_addr(place), false)
    }

    /// The program of the proxy before HRAS.
    pub fn reverse_proxy(&mut self) -> App {
        let spec = self.scenario.server.proxy.as_ref().expect("only a proxy that is there starts");
        self.proxy(spec, reverse_proxy_addr(), true)
    }

    /// A phone's program, for its start at `now`.
    pub fn phone(&mut self, index: usize, addr: IpAddr, now: Instant) -> App {
        let spec = &self.scenario.phones[index];
        let hrac = spec.place.and_then(|place| self.scenario.places[place].hrac.as_ref());
        let server = match hrac.filter(|_| self.scenario.system == System::Sofw) {
            Some(hrac) => hrac.addr,
            None => server_addr_for(self.scenario, addr),
        };
        let config = phones::config(self.scenario, index, addr, SocketAddr::new(server, SIP_PORT));
        let seed = self.life(&format!("phone {}", spec.name));
        App::Phone(Box::new(Phone::new(config, seed, now)))
    }

    /// TCP of the two halves, as the production driver tunes it.
    fn relay_tcp(&self) -> TcpConfig {
        let cubic = self.scenario.places.iter().filter_map(|place| place.hrac.as_ref()).any(|hrac| !hrac.bbr);
        TcpConfig {
            congestion: if cubic { Congestion::Cubic } else { Congestion::Bbr },
            not_sent_low_water: UNSENT_MAX,
            ..TcpConfig::default()
        }
    }

    fn baseline(&self) -> Option<&'static baseline::Kind> {
        match self.scenario.system {
            System::Sofw | System::PlainSip => None,
            System::Hcap => baseline::find("hcap"),
            System::Softether => baseline::find("softether"),
            System::Skype => baseline::find("skype"),
        }
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

    /// Randomness for one life of a program.
    fn life(&mut self, name: &str) -> Seed {
        self.lives += 1;
        let mut seed = [0; 32];
        self.rng.fork(&format!("life {} of {name}", self.lives)).fill(&mut seed);
        seed
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

fn sip_listeners(addr: IpAddr) -> [SipListener; 2] {
    let addr = SocketAddr::new(addr, SIP_PORT);
    [Transport::Udp, Transport::Tcp].map(|transport| SipListener { transport, addr })
}

fn media(addr: IpAddr) -> MediaConfig {
    MediaConfig { bind: addr, address: addr, ports: RELAY_PORTS }
}

fn site_key(name: &str) -> SiteKey {
    let mut key = [0x50; 32];
    key.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte ^= letter);
    SiteKey(key)
}

/// The server's address, and one of the other family if somebody needs it.
fn server_addrs(scenario: &Scenario) -> Vec<IpAddr> {
    let mut addrs = vec![scenario.server.addr];
    let is_v6 = |place: &Place| place.network.0.is_ipv6();
    if scenario.places.iter().any(is_v6) && scenario.server.addr.is_ipv4() {
        addrs.push(IpAddr::V6(SERVER_V6));
    }
    addrs
}

fn server_addr_for(scenario: &Scenario, client: IpAddr) -> IpAddr {
    let addrs = server_addrs(scenario);
    addrs.iter().copied().find(|addr| addr.is_ipv4() == client.is_ipv4()).unwrap_or(addrs[0])
}

/// The site's proxy: host 3 of its network.
pub(super) fn proxy_addr(place: &Place) -> IpAddr {
    host_of(place.network.0, 3)
}

/// Host `number` of a network.
pub(super) fn host_of(network: IpAddr, number: u32) -> IpAddr {
    match network {
        IpAddr::V4(network) => IpAddr::V4(Ipv4Addr::from(u32::from(network) | number)),
        IpAddr::V6(network) => IpAddr::V6(Ipv6Addr::from(u128::from(network) | u128::from(number))),
    }
}

fn reverse_proxy_addr() -> IpAddr {
    IpAddr::from([203, 0, 113, 4])
}

/// Somebody on the public network who has no business here.
fn stranger_addr() -> IpAddr {
    IpAddr::from([203, 0, 113, 66])
}

/// The public end of other systems' tunnels.
fn relay_addr() -> IpAddr {
    IpAddr::from([203, 0, 113, 6])
}

/// The public address that other systems give to a phone inside (RFC 2544's range, so that it meets nobody).
fn virtual_addr(phone: usize) -> IpAddr {
    IpAddr::from([198, 18, (phone / 250) as u8, (phone % 250 + 1) as u8])
}

const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5);
const SIP_PORT: u16 = 5060;
/// Where proxies listen (Squid's default).
pub(super) const PROXY_PORT: u16 = 3128;
const RELAY_PORTS: (u16, u16) = (20_000, 29_999);
/// As the production driver sets `TCP_NOTSENT_LOWAT`.
const UNSENT_MAX: usize = 16 * 1024;
