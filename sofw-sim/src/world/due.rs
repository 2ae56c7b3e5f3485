//! What is due, ordered by time and, at equal times, by cause.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use sofw_core::base::Instant;

/// A thing that will happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A packet arrives; it is at this place among those in flight.
    Arrive(u32),
    /// A node wanted to be woken.
    Wake(u32),
}

/// Small, because the heap moves it often: the kind is the lowest bit of the sequence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Due {
    at: Instant,
    sequence: u64,
    whose: u32,
}

#[derive(Debug, Default)]
pub(super) struct Heap {
    due: BinaryHeap<Reverse<Due>>,
    sequence: u64,
}

impl Heap {
    pub fn push(&mut self, at: Instant, what: What) {
        self.sequence += 2;
        let (kind, whose) = match what {
            What::Arrive(packet) => (0, packet),
            What::Wake(node) => (1, node),
        };
        self.due.push(Reverse(Due { at, sequence: self.sequence | kind, whose }));
    }

    pub fn pop_until(&mut self, end: Instant) -> Option<(Instant, What)> {
        if self.due.peek()?.0.at > end {
            return None;
        }
        let Reverse(due) = self.due.pop()?;
        let what = if due.sequence & 1 == 0 { What::Arrive(due.whose) } else { What::Wake(due.whose) };
        Some((due.at, what))
    }
}
