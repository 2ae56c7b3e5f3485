//! What is due, ordered by time and, at equal times, by cause.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use sofw_core::base::Instant;

/// A thing that will happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum What {
    /// A packet arrives; `packet` is its place among those in flight.
    Arrive { node: u32, port: u32, packet: u32 },
    /// A node wanted to be woken.
    Wake { node: u32 },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Due {
    pub at: Instant,
    sequence: u64,
    pub what: What,
}

#[derive(Debug, Default)]
pub(super) struct Heap {
    due: BinaryHeap<Reverse<Due>>,
    sequence: u64,
}

impl Heap {
    pub fn push(&mut self, at: Instant, what: What) {
        self.sequence += 1;
        self.due.push(Reverse(Due { at, sequence: self.sequence, what }));
    }

    pub fn pop_until(&mut self, end: Instant) -> Option<Due> {
        if self.due.peek()?.0.at > end {
            return None;
        }
        self.due.pop().map(|Reverse(due)| due)
    }
}
