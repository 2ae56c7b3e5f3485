//! What happens: packets arrive and go on, nodes are woken, what they want is carried out.

use sofw_core::base::Instant;

use super::due::What;
use super::{Exit, Node, NodeId, Observer, PortId, Seen, World};
use crate::link::Fate;
use crate::packet::Packet;

impl<O: Observer> World<O> {
    /// Runs until `end`; the time is `end` then.
    pub fn run_until(&mut self, end: Instant) {
        loop {
            while let Some((node, port, packet)) = self.at_once.pop_front() {
                self.arrive(node, port, packet);
            }
            let Some((at, what)) = self.queue.pop_until(end) else { break };
            self.now = self.now.max(at);
            match what {
                What::Arrive(place) => {
                    let (node, port, packet) = self.flying.remove(place as usize);
                    self.arrive(node, port, packet);
                }
                What::Wake(node) => self.wake(node as NodeId, at),
            }
        }
        self.now = self.now.max(end);
    }

    fn arrive(&mut self, node: NodeId, port: PortId, packet: Packet) {
        self.events += 1;
        match &mut self.places[node].node {
            Node::Host(host) => {
                self.digest.arrival(self.now, node, packet.bytes());
                host.handle_packet(self.now, (node, port), packet, &mut self.outbox, &mut self.observer);
            }
            Node::Router(router) => {
                if let Some(way) = router.way(port, &packet) {
                    self.transmit(node, way, packet);
                }
                return;
            }
            Node::Middlebox(middlebox) => {
                middlebox.handle_packet(self.now, port, packet, &mut self.outbox);
            }
        }
        self.after(node);
    }

    fn wake(&mut self, node: NodeId, at: Instant) {
        let place = &mut self.places[node];
        if place.armed != Some(at) {
            return;
        }
        place.armed = place.behind.take();
        if place.wanted.is_none_or(|wanted| wanted > at) {
            // Its deadline has moved.
            if let Some(at) = place.arm() {
                self.queue.push(at, What::Wake(node as u32));
            }
            return;
        }
        self.events += 1;
        match &mut place.node {
            Node::Host(host) => host.handle_timeout(self.now, node, &mut self.outbox, &mut self.observer),
            Node::Router(_) => {}
            Node::Middlebox(middlebox) => middlebox.handle_timeout(self.now, &mut self.outbox),
        }
        self.after(node);
    }

    /// Carries out what a node wants and arms its next wake-up.
    pub(super) fn after(&mut self, node: NodeId) {
        while let Some((port, packet)) = self.outbox.packets.pop_front() {
            self.transmit(node, port, packet);
        }
        self.arm(node);
    }

    fn arm(&mut self, node: NodeId) {
        let place = &mut self.places[node];
        let next = match &place.node {
            Node::Host(host) => host.poll_timeout(),
            Node::Router(_) => None,
            Node::Middlebox(middlebox) => middlebox.poll_timeout(),
        };
        place.wanted = next.map(|at| at.max(self.now));
        if let Some(at) = place.arm() {
            self.queue.push(at, What::Wake(node as u32));
        }
    }

    /// Puts a packet on the link at a port. What arrives at once at routers and middleboxes goes on here, so that a way of wires costs
    /// no queue.
    fn transmit(&mut self, node: NodeId, port: PortId, packet: Packet) {
        self.pass_on(node, port, packet);
        while let Some((node, port, packet)) = self.relayed.pop_front() {
            self.pass_on(node, port, packet);
        }
    }

    fn pass_on(&mut self, mut node: NodeId, mut port: PortId, mut packet: Packet) {
        while let Some(&Exit { link: id, way, peer, peer_port }) = self.places[node].ports.get(port) {
            let link = &mut self.links[id];
            let fate = link.pipes[way as usize].send(self.now, packet.len());
            if link.observed {
                self.observer.packet(self.now, Seen { link: id, way, fate }, &packet);
            }
            let Fate::Arrives(at, again) = fate else { return };
            if at > self.now || again.is_some() {
                if let Some(again) = again {
                    self.fly(again, peer, peer_port, packet.clone());
                }
                return self.fly(at, peer, peer_port, packet);
            }
            match &mut self.places[peer].node {
                Node::Host(_) => return self.at_once.push_back((peer, peer_port, packet)),
                Node::Router(router) => {
                    self.events += 1;
                    let Some(way) = router.way(peer_port, &packet) else { return };
                    (node, port) = (peer, way);
                }
                Node::Middlebox(middlebox) => {
                    self.events += 1;
                    middlebox.handle_packet(self.now, peer_port, packet, &mut self.boxed);
                    let first = self.boxed.packets.pop_front();
                    while let Some((port, packet)) = self.boxed.packets.pop_front() {
                        self.relayed.push_back((peer, port, packet));
                    }
                    self.arm(peer);
                    let Some((way, passed)) = first else { return };
                    (node, port, packet) = (peer, way, passed);
                }
            }
        }
    }

    fn fly(&mut self, at: Instant, node: NodeId, port: PortId, packet: Packet) {
        let place = self.flying.insert((node, port, packet)) as u32;
        self.queue.push(at, What::Arrive(place));
    }
}
