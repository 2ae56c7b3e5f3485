//! Machines joined by memory: private networks, a public one, and virtual time.
//!
//! ```text
//! phone ─┐                         ┌─ phone
//!        ├─ network 1 ─ Hrac ─┐    │
//! phone ─┘                    ├─ network 0 (public) ─ Hras
//! phone ─── network 2 ─ Hrac ─┘
//! ```
//! Datagrams and TCP bytes take a fixed time; connections can be cut and the way out closed. No proxy, no queue: the
//! simulator has those. Same machines and calls give the same run, byte for byte.

use std::collections::BTreeMap;

use core::net::{IpAddr, SocketAddr};

use crate::base::{Duration, Instant, Payload};
use crate::event::Event;
use crate::io::{ConnId, Endpoint, Input, IoError, ListenerId, Output, SocketId};
use crate::machine::Machine;

/// A network: addresses mean something only within one. 0 is the public network.
pub type Network = usize;
/// A machine's place in its world.
pub type NodeId = usize;

/// A datagram that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When.
    pub at: Instant,
    /// Where.
    pub network: Network,
    /// From which address.
    pub from: SocketAddr,
    /// To which.
    pub to: SocketAddr,
    /// What.
    pub payload: Payload,
}

/// The machines `M` and what lies between them.
pub struct World<M> {
    now: Instant,
    sequence: u64,
    due: BTreeMap<(Instant, u64), Delivery>,
    nodes: Vec<Node<M>>,
    sockets: BTreeMap<(Network, SocketAddr), (NodeId, SocketId)>,
    listeners: BTreeMap<(Network, SocketAddr), (NodeId, ListenerId)>,
    /// Both directions of each connection.
    connections: BTreeMap<(NodeId, ConnId), (NodeId, ConnId)>,
    accepted: u64,
    /// How long a datagram or TCP segment is under way.
    pub delay: Duration,
    /// Whether inside machines can reach the public network.
    pub way_out: bool,
    /// Every datagram sent so far, if `record` is set.
    pub sent: Vec<Sent>,
    /// Whether to fill `sent`.
    pub record: bool,
    /// Bytes that crossed between a private network and the public one.
    pub crossed: u64,
}

struct Node<M> {
    machine: M,
    network: Network,
    bound: BTreeMap<SocketId, SocketAddr>,
    events: Vec<(Instant, Event)>,
}

enum Delivery {
    Bound(NodeId, SocketId, Result<(), IoError>),
    Listening(NodeId, ListenerId, Result<(), IoError>),
    Datagram { network: Network, from: SocketAddr, to: SocketAddr, payload: Payload },
    Connected(NodeId, ConnId),
    ConnectFailed(NodeId, ConnId),
    Bytes { to: (NodeId, ConnId), payload: Payload },
    Written(NodeId, ConnId),
    Closed { to: (NodeId, ConnId), error: Option<IoError> },
}

impl<M: Machine> World<M> {
    /// An empty world at time zero with 5 ms between any two addresses.
    pub fn new() -> Self {
        World {
            now: Instant::ZERO,
            sequence: 0,
            due: BTreeMap::new(),
            nodes: Vec::new(),
            sockets: BTreeMap::new(),
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            accepted: 0,
            delay: Duration::from_millis(5),
            way_out: true,
            sent: Vec::new(),
            record: false,
            crossed: 0,
        }
    }

    /// Adds a machine made at [`World::now`].
    pub fn add(&mut self, network: Network, machine: M) -> NodeId {
        let node = self.nodes.len();
        self.nodes.push(Node { machine, network, bound: BTreeMap::new(), events: Vec::new() });
        self.drain(node);
        node
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A machine, to look at.
    pub fn machine(&self, node: NodeId) -> &M {
        &self.nodes[node].machine
    }

    /// Lets the owner command a machine; what it then wants is done.
    pub fn with<T>(&mut self, node: NodeId, command: impl FnOnce(&mut M, Instant) -> T) -> T {
        let result = command(&mut self.nodes[node].machine, self.now);
        self.drain(node);
        result
    }

    /// The events of a machine so far.
    pub fn events(&self, node: NodeId) -> &[(Instant, Event)] {
        &self.nodes[node].events
    }

    /// Sends a datagram from an address that no machine needs to have.
    pub fn send(&mut self, network: Network, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.schedule(self.delay, Delivery::Datagram { network, from, to, payload: bytes.to_vec().into() });
    }

    /// Puts bytes into every TCP stream that a machine reads, as a broken or hostile middlebox does.
    pub fn inject(&mut self, node: NodeId, bytes: &[u8]) {
        let streams: Vec<_> = self.connections.keys().copied().filter(|&(owner, _)| owner == node).collect();
        for to in streams {
            self.schedule(self.delay, Delivery::Bytes { to, payload: bytes.to_vec().into() });
        }
    }

    /// Breaks all TCP connections of a machine: both ends see a reset.
    pub fn cut(&mut self, node: NodeId) {
        self.cut_where(node, |_, _| true);
    }

    /// Breaks those of a machine's TCP connections that lead into another network: tunnels, not phones.
    pub fn cut_tunnels(&mut self, node: NodeId) {
        self.cut_where(node, |own, peer| own != peer);
    }

    fn cut_where(&mut self, node: NodeId, between: impl Fn(Network, Network) -> bool) {
        let cut: Vec<_> = self
            .connections
            .iter()
            .filter(|&(&(owner, _), &(peer, _))| {
                owner == node && between(self.nodes[owner].network, self.nodes[peer].network)
            })
            .map(|(&own, _)| own)
            .collect();
        for own in cut {
            if let Some(peer) = self.connections.remove(&own) {
                self.connections.remove(&peer);
                for to in [own, peer] {
                    self.schedule(Duration::ZERO, Delivery::Closed { to, error: Some(IoError::Reset) });
                }
            }
        }
    }

    /// Puts another machine in the place of one, as a restart does: its sockets and connections are gone.
    pub fn replace(&mut self, node: NodeId, machine: M) {
        self.cut(node);
        self.sockets.retain(|_, (owner, _)| *owner != node);
        self.listeners.retain(|_, (owner, _)| *owner != node);
        self.nodes[node].bound.clear();
        self.nodes[node].machine = machine;
        self.drain(node);
    }

    /// Runs for a time.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    /// Runs until `done`, for at most `limit`; whether it was done.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step(end) {
                self.now = self.now.max(end);
                return done(self);
            }
        }
    }

    /// Does the next thing that is due until `end`.
    fn step(&mut self, end: Instant) -> bool {
        let delivery = self.due.first_key_value().map(|(&(at, _), _)| at);
        let timeout = (0..self.nodes.len())
            .filter_map(|node| Some((self.nodes[node].machine.poll_timeout()?.at, node)))
            .min();
        let at = match (delivery, timeout) {
            (Some(delivery), Some((timeout, _))) => delivery.min(timeout),
            (Some(at), None) | (None, Some((at, _))) => at,
            (None, None) => return false,
        };
        if at > end {
            return false;
        }
        self.now = self.now.max(at);
        if delivery == Some(at) {
            if let Some((_, delivery)) = self.due.pop_first() {
                self.deliver(delivery);
            }
        } else if let Some((_, node)) = timeout {
            self.nodes[node].machine.handle_timeout(self.now);
            self.drain(node);
        }
        true
    }

    fn schedule(&mut self, after: Duration, delivery: Delivery) {
        self.sequence += 1;
        self.due.insert((self.now + after, self.sequence), delivery);
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Bound(node, socket, Ok(())) => self.input(node, Input::Bound(socket)),
            Delivery::Bound(node, socket, Err(error)) => self.input(node, Input::BindFailed(socket, error)),
            Delivery::Listening(node, listener, Ok(())) => self.input(node, Input::Listening(listener)),
            Delivery::Listening(node, listener, Err(error)) => {
                self.input(node, Input::ListenFailed(listener, error));
            }
            Delivery::Datagram { network, from, to, payload } => {
                if let Some(&(node, socket)) = self.sockets.get(&(network, to)) {
                    self.input(node, Input::Datagram { socket, from, bytes: &payload });
                }
            }
            Delivery::Connected(node, conn) => {
                let local = SocketAddr::from(([127, 0, 0, 1], 1));
                self.input(node, Input::Connected { conn, local });
            }
            Delivery::ConnectFailed(node, conn) => {
                self.input(node, Input::ConnectFailed(conn, IoError::Unreachable));
            }
            Delivery::Bytes { to, payload } if self.connections.contains_key(&to) => {
                self.input(to.0, Input::Received { conn: to.1, bytes: &payload });
            }
            Delivery::Bytes { .. } => {}
            Delivery::Written(node, conn) if self.connections.contains_key(&(node, conn)) => {
                self.input(node, Input::Written(conn));
            }
            Delivery::Written(..) => {}
            Delivery::Closed { to, error } => {
                self.connections.remove(&to);
                self.input(to.0, Input::Closed(to.1, error));
            }
        }
    }

    fn input(&mut self, node: NodeId, input: Input<'_>) {
        let taken = self.nodes[node].machine.handle_input(self.now, input);
        assert_eq!(taken, Ok(()), "the world keeps the contract");
        self.drain(node);
    }

    fn drain(&mut self, node: NodeId) {
        while let Some(output) = self.nodes[node].machine.poll_output() {
            self.perform(node, output);
        }
        if let Some(deadline) = self.nodes[node].machine.poll_timeout() {
            debug_assert!(
                deadline.at >= self.now || deadline.at == Instant::ZERO,
                "after a drain the next deadline ({}) is not in the past",
                deadline.why
            );
        }
    }

    fn perform(&mut self, node: NodeId, output: Output) {
        let network = self.nodes[node].network;
        match output {
            Output::Bind { socket, addr } => {
                let free = !self.sockets.contains_key(&(network, addr));
                if free {
                    self.sockets.insert((network, addr), (node, socket));
                    self.nodes[node].bound.insert(socket, addr);
                }
                let result = if free { Ok(()) } else { Err(IoError::AddressInUse) };
                self.schedule(Duration::ZERO, Delivery::Bound(node, socket, result));
            }
            Output::Unbind(socket) => {
                if let Some(addr) = self.nodes[node].bound.remove(&socket) {
                    self.sockets.remove(&(network, addr));
                }
            }
            Output::Listen { listener, addr } => {
                self.listeners.insert((network, addr), (node, listener));
                self.schedule(Duration::ZERO, Delivery::Listening(node, listener, Ok(())));
            }
            Output::Send { socket, to, payload } => {
                let Some(&from) = self.nodes[node].bound.get(&socket) else { return };
                if self.record {
                    self.sent.push(Sent { at: self.now, network, from, to, payload: payload.clone() });
                }
                self.schedule(self.delay, Delivery::Datagram { network, from, to, payload });
            }
            Output::Connect { conn, to } => self.connect(node, conn, &to),
            Output::Write { conn, payload } => {
                let Some(&to) = self.connections.get(&(node, conn)) else { return };
                if self.nodes[to.0].network != network {
                    self.crossed += payload.len() as u64;
                }
                self.schedule(self.delay, Delivery::Bytes { to, payload });
                self.schedule(Duration::ZERO, Delivery::Written(node, conn));
            }
            Output::Close(conn) => {
                if let Some(peer) = self.connections.remove(&(node, conn)) {
                    // The peer learns of it after what was written before.
                    self.schedule(self.delay, Delivery::Closed { to: peer, error: None });
                }
            }
            Output::Event(event) => {
                let now = self.now;
                self.nodes[node].events.push((now, event));
            }
        }
    }

    /// A machine's address in its network, if it has any socket.
    fn address(&self, node: NodeId) -> Option<IpAddr> {
        let listens = self.listeners.iter().find(|(_, (owner, _))| *owner == node).map(|((_, addr), _)| addr);
        self.nodes[node].bound.values().next().or(listens).map(SocketAddr::ip)
    }

    fn connect(&mut self, node: NodeId, conn: ConnId, to: &Endpoint) {
        let own = self.nodes[node].network;
        let found = match to {
            Endpoint::Addr(addr) => {
                let near = self.listeners.get(&(own, *addr));
                let far = self.listeners.get(&(0, *addr)).filter(|_| self.way_out);
                near.or(far).map(|&(peer, listener)| (peer, listener, *addr))
            }
            Endpoint::Name(..) => None,
        };
        let Some((peer, listener, addr)) = found else {
            self.schedule(self.delay * 2, Delivery::ConnectFailed(node, conn));
            return;
        };
        self.accepted += 1;
        let accepted = ConnId::Accepted(self.accepted);
        self.connections.insert((node, conn), (peer, accepted));
        self.connections.insert((peer, accepted), (node, conn));
        let port = (self.accepted % 60_000) as u16 + 1_024;
        // Seen from another network, machines have their firewall's address.
        let firewall = SocketAddr::from(([198, 51, 100, own as u8], port));
        let is_near = self.listeners.contains_key(&(own, addr));
        let from = self.address(node).filter(|_| is_near).map_or(firewall, |ip| SocketAddr::new(ip, port));
        self.input(peer, Input::Accepted { listener, conn: accepted, peer: from });
        self.schedule(self.delay * 2, Delivery::Connected(node, conn));
    }
}

impl<M: Machine> Default for World<M> {
    fn default() -> Self {
        World::new()
    }
}
