//! Several boxes in a row as one.

use std::collections::VecDeque;

use sofw_core::base::Instant;

use super::{INSIDE, Middlebox, OUTSIDE};
use crate::packet::Packet;
use crate::world::{Outbox, PortId};

/// Boxes in a row, the innermost first, joined by wires on which nothing happens.
#[derive(Debug, Default)]
pub struct Chain {
    boxes: Vec<Box<dyn Middlebox>>,
    under_way: VecDeque<(usize, PortId, Packet)>,
    outbox: Outbox,
}

impl Chain {
    /// These boxes, the innermost first. Without any it is a wire.
    pub fn new(boxes: Vec<Box<dyn Middlebox>>) -> Chain {
        Chain { boxes, ..Chain::default() }
    }

    /// The boxes, the innermost first.
    pub fn boxes(&self) -> impl Iterator<Item = &dyn Middlebox> {
        self.boxes.iter().map(|one| &**one)
    }

    /// What box `index` sent goes to its neighbours, or out of the chain.
    fn collect(&mut self, index: usize, out: &mut Outbox) {
        for (port, packet) in self.outbox.packets.drain(..) {
            if port == INSIDE && index == 0 || port == OUTSIDE && index + 1 == self.boxes.len() {
                out.send(port, packet);
            } else if port == INSIDE {
                self.under_way.push_back((index - 1, OUTSIDE, packet));
            } else {
                self.under_way.push_back((index + 1, INSIDE, packet));
            }
        }
    }

    fn run(&mut self, now: Instant, out: &mut Outbox) {
        while let Some((index, port, packet)) = self.under_way.pop_front() {
            self.boxes[index].handle_packet(now, port, packet, &mut self.outbox);
            self.collect(index, out);
        }
    }
}

impl Middlebox for Chain {
    fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet, out: &mut Outbox) {
        if self.boxes.is_empty() {
            return out.send(1 - port, packet);
        }
        let first = if port == INSIDE { 0 } else { self.boxes.len() - 1 };
        self.under_way.push_back((first, port, packet));
        self.run(now, out);
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        for index in 0..self.boxes.len() {
            self.boxes[index].handle_timeout(now, &mut self.outbox);
            self.collect(index, out);
        }
        self.run(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.boxes.iter().filter_map(|one| one.poll_timeout()).min()
    }

    fn forget(&mut self) {
        self.boxes.iter_mut().for_each(|one| one.forget());
    }

    fn remembered(&self, now: Instant) -> usize {
        self.boxes.iter().map(|one| one.remembered(now)).sum()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.boxes.iter().flat_map(|one| one.counts()).collect()
    }
}
