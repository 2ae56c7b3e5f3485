//! HRAS, one HRAC per site and built-in phones, joined by memory: the whole system without a socket.
//!
//! Every site uses the same private network 10.10.10.0/24 with HRAC at .2, on purpose.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::ops::{Deref, DerefMut};

use md5::{Digest, Md5};

use super::phone::{CallState, MediaReport, Phone, PhoneConfig, PhoneEvent};
use super::stranger::Stranger;
use super::world::{Network, NodeId, World};
use crate::base::{Deadline, Duration, Instant, Seed, Transport};
use crate::config::{
    HracConfig, HrasConfig, MediaConfig, SipListener, Site, SiteKey, TunnelVia, User, limits,
};
use crate::error::Misuse;
use crate::event::Event;
use crate::io::{Endpoint, Input, Output};
use crate::{Hrac, Hras, Machine};

/// HRAS's address.
pub const HRAS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 5);
/// HRAC's address, in every site.
pub const HRAC: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 2);
/// The domain served.
pub const DOMAIN: &str = "example.net";
/// Users that may register; each one's password is its name backwards.
pub const USERS: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// Any machine of this world.
pub enum Actor {
    /// The outside half.
    Hras(Box<Hras>),
    /// An inside half.
    Hrac(Box<Hrac>),
    /// A phone.
    Phone(Box<Phone>),
    /// Somebody else.
    Stranger(Box<Stranger>),
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
            Actor::Stranger(stranger) => stranger.handle_input(now, input),
        }
    }
    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Actor::Hras(hras) => hras.handle_timeout(now),
            Actor::Hrac(hrac) => hrac.handle_timeout(now),
            Actor::Phone(phone) => phone.handle_timeout(now),
            Actor::Stranger(_) => {}
        }
    }
    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Actor::Hras(hras) => hras.poll_output(),
            Actor::Hrac(hrac) => hrac.poll_output(),
            Actor::Phone(phone) => phone.poll_output(),
            Actor::Stranger(stranger) => stranger.poll_output(),
        }
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        match self {
            Actor::Hras(hras) => hras.poll_timeout(),
            Actor::Hrac(hrac) => hrac.poll_timeout(),
            Actor::Phone(phone) => phone.poll_timeout(),
            Actor::Stranger(_) => None,
        }
    }
}

/// The system. It dereferences to its [`World`].
pub struct Pair {
    world: World<Actor>,
    seed: u8,
    hras: NodeId,
    sites: Vec<NodeId>,
    restarts: u8,
}

impl Deref for Pair {
    type Target = World<Actor>;
    fn deref(&self) -> &World<Actor> {
        &self.world
    }
}

impl DerefMut for Pair {
    fn deref_mut(&mut self) -> &mut World<Actor> {
        &mut self.world
    }
}

impl Pair {
    /// A running HRAS and `sites` running HRACs whose tunnels are up.
    ///
    /// # Panics
    /// If a tunnel does not come up within ten seconds.
    pub fn new(sites: usize, seed: u8) -> Self {
        let mut world = World::new();
        let now = world.now();
        let hras = Hras::new(hras_config(sites), seed_of(seed, 0), now).expect("the configuration is right");
        let hras = world.add(0, Actor::Hras(Box::new(hras)));
        let mut pair = Pair { world, seed, hras, sites: Vec::new(), restarts: 0 };
        for site in 0..sites {
            let hrac = Actor::Hrac(Box::new(pair.new_hrac(site, 0)));
            let node = pair.world.add(site + 1, hrac);
            pair.sites.push(node);
        }
        let up = pair.wait(Duration::from_secs(10), |pair| {
            (0..sites).all(|site| pair.count(pair.sites[site], |e| matches!(e, Event::TunnelUp { .. })) > 0)
        });
        assert!(up, "the tunnels come up");
        pair.run_for(Duration::from_millis(200));
        pair
    }

    /// The outside half.
    pub fn hras(&self) -> &Hras {
        match self.world.machine(self.hras) {
            Actor::Hras(hras) => hras,
            _ => unreachable!("this node is the HRAS"),
        }
    }

    /// The HRAS's node.
    pub fn hras_node(&self) -> NodeId {
        self.hras
    }

    /// The HRAC's node of a site.
    pub fn site_node(&self, site: usize) -> NodeId {
        self.sites[site]
    }

    /// Restarts the HRAC of a site: it knows nothing of before.
    pub fn restart_hrac(&mut self, site: usize) {
        self.restarts = self.restarts.wrapping_add(1);
        let hrac = Actor::Hrac(Box::new(self.new_hrac(site, self.restarts)));
        self.world.replace(self.sites[site], hrac);
    }

    fn new_hrac(&self, site: usize, life: u8) -> Hrac {
        let mut seed = seed_of(self.seed, 1 + site as u8);
        seed[1] ^= life;
        Hrac::new(hrac_config(site), seed, self.world.now()).expect("the configuration is right")
    }

    /// A phone in the private network of `site` at 10.10.10.`host`, not yet registered. It speaks to HRAC.
    pub fn inside_phone(&mut self, site: usize, host: u8, user: &str) -> NodeId {
        self.phone_with(site + 1, inside_phone(host, user))
    }

    /// A phone on the public network at 203.0.113.`host`, not yet registered. It speaks to HRAS.
    pub fn outside_phone(&mut self, host: u8, user: &str) -> NodeId {
        self.phone_with(0, outside_phone(host, user))
    }

    /// A phone with any configuration.
    pub fn phone_with(&mut self, network: Network, config: PhoneConfig) -> NodeId {
        let seed = seed_of(self.seed, 200u8.wrapping_add(self.sites.len() as u8 + network as u8))
            .map(|byte| byte ^ config.user.bytes().fold(0, u8::wrapping_add));
        let phone = Phone::new(config, seed, self.world.now());
        self.world.add(network, Actor::Phone(Box::new(phone)))
    }

    /// Somebody with the socket `addr` in a network: 0 is the public one, the next are the sites'.
    pub fn stranger(&mut self, network: Network, addr: SocketAddr) -> NodeId {
        self.world.add(network, Actor::Stranger(Box::new(Stranger::new(addr))))
    }

    /// Lets a stranger act, or looks at it.
    ///
    /// # Panics
    /// If the node is no stranger.
    pub fn let_stranger<T>(&mut self, node: NodeId, act: impl FnOnce(&mut Stranger) -> T) -> T {
        self.world.with(node, |actor, _| match actor {
            Actor::Stranger(stranger) => act(stranger),
            _ => panic!("node {node} is no stranger"),
        })
    }

    /// The inside half of a site.
    pub fn hrac(&self, site: usize) -> &Hrac {
        match self.world.machine(self.sites[site]) {
            Actor::Hrac(hrac) => hrac,
            _ => unreachable!("this node is a HRAC"),
        }
    }

    /// A phone, to look at.
    pub fn phone(&self, node: NodeId) -> &Phone {
        match self.world.machine(node) {
            Actor::Phone(phone) => phone,
            _ => panic!("node {node} is no phone"),
        }
    }

    /// A phone, to command.
    pub fn command<T>(&mut self, node: NodeId, command: impl FnOnce(&mut Phone, Instant) -> T) -> T {
        self.world.with(node, |actor, now| match actor {
            Actor::Phone(phone) => command(phone, now),
            _ => panic!("node {node} is no phone"),
        })
    }

    /// Takes what a phone told its owner since the last time.
    pub fn phone_events(&mut self, node: NodeId) -> Vec<PhoneEvent> {
        self.command(node, |phone, _| core::iter::from_fn(|| phone.poll_event()).collect())
    }

    /// Registers a phone.
    ///
    /// # Panics
    /// If it is not registered within five seconds.
    pub fn register(&mut self, node: NodeId) {
        self.command(node, Phone::register);
        let registered = self.wait(Duration::from_secs(5), |pair| pair.phone(node).is_registered());
        assert!(registered, "node {node} registers: {:?}", self.phone_events(node));
    }

    /// Runs until `done`, for at most `limit`; whether it was done.
    pub fn wait(&mut self, limit: Duration, done: impl Fn(&Pair) -> bool) -> bool {
        let end = self.world.now() + limit;
        while !done(self) {
            if self.world.now() >= end {
                return false;
            }
            self.world.run_for(Duration::from_millis(10));
        }
        true
    }

    /// Calls a user of the domain from `caller`, waits until the call is up and lets them talk.
    ///
    /// # Panics
    /// If the call is not up within five seconds.
    pub fn talk(&mut self, caller: NodeId, callee: &str, time: Duration) {
        let target = format!("sip:{callee}@{}", self.phone(caller).config().domain);
        self.command(caller, |phone, now| phone.call(now, &target));
        let up = self.wait(Duration::from_secs(5), |pair| pair.is_up(caller));
        assert!(up, "the call to {callee} comes up: {:?}", self.phone_events(caller));
        self.run_for(time);
    }

    /// Whether a phone is in a call that was answered.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.phone(node).call_state() == Some(CallState::Established)
    }

    /// What a phone sent and heard in its current or last call.
    ///
    /// # Panics
    /// If it had none.
    pub fn report(&self, node: NodeId) -> &MediaReport {
        self.phone(node).report().expect("the phone had a call")
    }

    /// How many events of a kind a machine gave.
    pub fn count(&self, node: NodeId, kind: impl Fn(&Event) -> bool) -> usize {
        self.world.events(node).iter().filter(|(_, event)| kind(event)).count()
    }
}

/// An inside phone's configuration.
pub fn inside_phone(host: u8, user: &str) -> PhoneConfig {
    let addr = IpAddr::from([10, 10, 10, host]);
    tuned(PhoneConfig::new(user, &password(user), DOMAIN, addr, SocketAddr::from((HRAC, 5060))), host)
}

/// An outside phone's configuration.
pub fn outside_phone(host: u8, user: &str) -> PhoneConfig {
    let addr = IpAddr::from([203, 0, 113, host]);
    tuned(PhoneConfig::new(user, &password(user), DOMAIN, addr, SocketAddr::from((HRAS, 5060))), host)
}

/// Each phone has a tone of its own.
fn tuned(config: PhoneConfig, host: u8) -> PhoneConfig {
    PhoneConfig { tone_hz: 400.0 + 25.0 * f64::from(host), ..config }
}

/// A user's password.
pub fn password(user: &str) -> String {
    user.chars().rev().collect()
}

/// HRAS's configuration for so many sites.
pub fn hras_config(sites: usize) -> HrasConfig {
    let sites = (0..sites).map(|site| Site { name: format!("site{site}"), key: key(site) });
    HrasConfig {
        domain: DOMAIN.into(),
        sip: listeners(IpAddr::V4(HRAS)),
        media: media(IpAddr::V4(HRAS)),
        tunnel: vec![SocketAddr::from((HRAS, 80))],
        sites: sites.collect(),
        users: USERS.iter().map(|name| user(name)).collect(),
        voice_age_max: limits::VOICE_AGE_MAX,
        media_silence_max: limits::MEDIA_SILENCE_MAX,
        outside_calls: false,
    }
}

/// The HRAC's configuration of a site.
pub fn hrac_config(site: usize) -> HracConfig {
    HracConfig {
        site: format!("site{site}"),
        key: key(site),
        server: Endpoint::Addr(SocketAddr::from((HRAS, 80))),
        authority: HRAS.to_string(),
        via: vec![TunnelVia::Direct],
        sip: listeners(IpAddr::V4(HRAC)),
        media: media(IpAddr::V4(HRAC)),
        voice_age_max: limits::VOICE_AGE_MAX,
    }
}

fn listeners(addr: IpAddr) -> Vec<SipListener> {
    let addr = SocketAddr::new(addr, 5060);
    [Transport::Udp, Transport::Tcp].map(|transport| SipListener { transport, addr }).into()
}

fn media(address: IpAddr) -> MediaConfig {
    MediaConfig { bind: address, address, ports: (20_000, 20_999) }
}

fn user(name: &str) -> User {
    let hash = Md5::digest(format!("{name}:{DOMAIN}:{}", password(name)));
    let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    User { name: name.into(), ha1_md5: Some(hex), ha1_sha256: None }
}

fn key(site: usize) -> SiteKey {
    SiteKey([site as u8 + 1; 32])
}

fn seed_of(seed: u8, node: u8) -> Seed {
    let mut bytes = [seed; 32];
    bytes[0] = node;
    bytes
}
