//! The world: virtual time, nodes, and links between their ports.
//!
//! ```text
//! queue (time, sequence) ─▶ node.handle_packet / handle_timeout ─▶ Outbox ─▶ link: Pipe ─▶ queue
//!                                                    └─▶ Observer: what checkers, captures and reports see
//! ```
//!
//! Invariants: one seed and one way to build give one run, byte for byte ([`World::digest`]); things of one time happen in the order in
//! which they were caused; nothing here reads a clock, uses a thread or depends on the order of a hash map.

mod digest;
mod due;
mod events;
mod memo;
mod observer;
mod router;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use slab::Slab;
use sofw_core::base::{Instant, Rng};

pub(crate) use memo::Memo;
pub use observer::{Observer, Seen, Unseen};
pub use router::{Router, shares};

use crate::host::Host;
use crate::link::{Conditions, Pipe, PipeCounters, profile::Line};
use crate::middlebox::Middlebox;
use crate::packet::Packet;
use digest::Digest;
use due::Queue;

/// A node's place in the world.
pub type NodeId = usize;
/// A node's place where a link ends: 0, 1, … in the order of connecting.
pub type PortId = usize;
/// A link's place in the world.
pub type LinkId = usize;

/// Anything that packets pass through or end at.
#[derive(Debug)]
pub enum Node {
    /// A computer, phone, server: it has addresses and an application.
    Host(Box<Host>),
    /// Forwards by destination address.
    Router(Router),
    /// A firewall, address translation or gateway: port 0 is its inside, port 1 its outside.
    Middlebox(Box<dyn Middlebox>),
}

/// What a node wants to happen.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Packets to leave by a port.
    pub packets: VecDeque<(PortId, Packet)>,
}

impl Outbox {
    /// Sends a packet by a port.
    pub fn send(&mut self, port: PortId, packet: Packet) {
        self.packets.push_back((port, packet));
    }
}

/// Which way along a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// From the first end to the second: at an access line, up.
    Up,
    /// From the second to the first.
    Down,
}

#[derive(Debug)]
struct Place {
    name: String,
    node: Node,
    ports: Vec<Exit>,
    /// When it wants to be woken, as of the last time that it was asked.
    wanted: Option<Instant>,
    /// The first wake-up for it in the queue, and one behind that. The queue may hold more; they are out of date.
    armed: Option<Instant>,
    behind: Option<Instant>,
}

impl Place {
    /// The wake-up to put into the queue, if those that are there come too late.
    fn arm(&mut self) -> Option<Instant> {
        let at = self.wanted.filter(|&at| self.armed.is_none_or(|armed| at < armed))?;
        if let Some(armed) = self.armed.replace(at) {
            self.behind = Some(self.behind.map_or(armed, |behind| behind.min(armed)));
        }
        Some(at)
    }
}

/// A port: the way that leads out of it, and where to.
#[derive(Clone, Copy, Debug)]
struct Exit {
    link: LinkId,
    way: Way,
    peer: NodeId,
    peer_port: PortId,
}

#[derive(Debug)]
struct Link {
    name: String,
    pipes: [Pipe; 2],
    observed: bool,
}

/// The world. `O` sees what happens.
#[derive(Debug)]
pub struct World<O> {
    now: Instant,
    queue: Queue,
    /// Packets that arrive at once, in the order of sending.
    at_once: VecDeque<(NodeId, PortId, Packet)>,
    /// Where packets under way will arrive.
    flying: Slab<(NodeId, PortId, Packet)>,
    places: Vec<Place>,
    links: Vec<Link>,
    rng: Rng,
    outbox: Outbox,
    /// What middleboxes on the way of a packet want, and what of it has yet to go on.
    boxed: Outbox,
    relayed: VecDeque<(NodeId, PortId, Packet)>,
    /// What sees everything.
    pub observer: O,
    digest: Digest,
    events: u64,
}

impl<O: Observer> World<O> {
    /// An empty world at time zero.
    pub fn new(rng: Rng, observer: O) -> Self {
        World {
            now: Instant::ZERO,
            queue: Queue::default(),
            at_once: VecDeque::new(),
            flying: Slab::new(),
            places: Vec::new(),
            links: Vec::new(),
            rng,
            outbox: Outbox::default(),
            boxed: Outbox::default(),
            relayed: VecDeque::new(),
            observer,
            digest: Digest::default(),
            events: 0,
        }
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A generator of its own for a part of the world.
    pub fn fork(&self, name: &str) -> Rng {
        self.rng.fork(name)
    }

    /// Adds a node.
    pub fn add(&mut self, name: &str, node: Node) -> NodeId {
        self.places.push(Place {
            name: name.into(),
            node,
            ports: Vec::new(),
            wanted: None,
            armed: None,
            behind: None,
        });
        self.places.len() - 1
    }

    /// Joins two nodes by a line; [`Way::Up`] leads from `first` to `second`.
    pub fn connect(&mut self, name: &str, first: NodeId, second: NodeId, line: Line) -> LinkId {
        let id = self.links.len();
        let port = self.places[first].ports.len();
        // A node may be joined to itself.
        let peer_port = self.places[second].ports.len() + usize::from(first == second);
        self.places[first].ports.push(Exit { link: id, way: Way::Up, peer: second, peer_port });
        self.places[second].ports.push(Exit { link: id, way: Way::Down, peer: first, peer_port: port });
        let pipe = |conditions, way| Pipe::new(conditions, self.rng.fork(&format!("link {name} {way}")));
        let pipes = [pipe(line.up, "up"), pipe(line.down, "down")];
        self.links.push(Link { name: name.into(), pipes, observed: false });
        id
    }

    /// Lets the observer see what passes a link.
    pub fn observe(&mut self, link: LinkId) {
        self.links[link].observed = true;
    }

    /// A link's name.
    pub fn link_name(&self, link: LinkId) -> &str {
        &self.links[link].name
    }

    /// What one way of a link has done.
    pub fn counters(&self, link: LinkId, way: Way) -> PipeCounters {
        self.links[link].pipes[way as usize].counters()
    }

    /// The conditions of one way of a link.
    pub fn conditions(&self, link: LinkId, way: Way) -> &Conditions {
        self.links[link].pipes[way as usize].conditions()
    }

    /// Changes one way of a link.
    pub fn set_conditions(&mut self, link: LinkId, way: Way, conditions: Conditions) {
        self.links[link].pipes[way as usize].set_conditions(conditions);
    }

    /// Takes a link out of order, or back.
    pub fn set_down(&mut self, link: LinkId, down: bool) {
        for pipe in &mut self.links[link].pipes {
            pipe.set_down(down);
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.places.len()
    }

    /// How many ports a node has: the next link gets this one.
    pub fn ports(&self, node: NodeId) -> PortId {
        self.places[node].ports.len()
    }

    /// The link at a port.
    pub fn link_at(&self, node: NodeId, port: PortId) -> Option<LinkId> {
        self.places[node].ports.get(port).map(|exit| exit.link)
    }

    /// A node's name.
    pub fn name(&self, node: NodeId) -> &str {
        &self.places[node].name
    }

    /// A node, to look at.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.places[node].node
    }

    /// A host, to look at.
    ///
    /// # Panics
    /// If the node is none.
    pub fn host(&self, node: NodeId) -> &Host {
        match &self.places[node].node {
            Node::Host(host) => host,
            _ => panic!("{} is no host", self.places[node].name),
        }
    }

    /// A host, to act; what it then wants is done.
    ///
    /// # Panics
    /// If the node is none.
    pub fn with_host<T>(&mut self, node: NodeId, act: impl FnOnce(&mut Host, Instant) -> T) -> T {
        let place = &mut self.places[node];
        let Node::Host(host) = &mut place.node else { panic!("{} is no host", place.name) };
        let result = act(host, self.now);
        host.drain(self.now, node, &mut self.outbox, &mut self.observer);
        self.after(node);
        result
    }

    /// A middlebox, to look at.
    ///
    /// # Panics
    /// If the node is none.
    pub fn middlebox(&self, node: NodeId) -> &dyn Middlebox {
        match &self.places[node].node {
            Node::Middlebox(middlebox) => &**middlebox,
            _ => panic!("{} is no middlebox", self.places[node].name),
        }
    }

    /// A middlebox, to act on: to make it forget, for instance.
    ///
    /// # Panics
    /// If the node is none.
    pub fn with_middlebox<T>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut dyn Middlebox, Instant) -> T,
    ) -> T {
        let place = &mut self.places[node];
        let Node::Middlebox(middlebox) = &mut place.node else { panic!("{} is no middlebox", place.name) };
        let result = act(&mut **middlebox, self.now);
        self.after(node);
        result
    }

    /// A router, to tell it more addresses.
    ///
    /// # Panics
    /// If the node is none.
    pub fn router(&mut self, node: NodeId) -> &mut Router {
        let place = &mut self.places[node];
        match &mut place.node {
            Node::Router(router) => router,
            _ => panic!("{} is no router", place.name),
        }
    }

    /// Puts a packet on the wire at a port of a node, as if the node had sent it: for attackers.
    pub fn inject(&mut self, node: NodeId, port: PortId, packet: Packet) {
        self.outbox.send(port, packet);
        self.after(node);
    }

    /// A fingerprint of everything that has arrived at hosts and when: equal runs have equal ones.
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// How many packets arrived and nodes woke up: what a run cost.
    pub fn events(&self) -> u64 {
        self.events
    }
}

impl<O> World<O> {
    /// All nodes with their names.
    pub fn names(&self) -> BTreeMap<&str, NodeId> {
        self.places.iter().enumerate().map(|(id, place)| (place.name.as_str(), id)).collect()
    }
}
