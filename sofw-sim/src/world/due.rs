//! What is due, ordered by time and, at equal times, by cause.
//!
//! Most of it is due within milliseconds: packets under way, the next packet of a talker. So time is cut into slots on a wheel, each
//! a list in no order, and only what is due beyond the wheel waits in a heap. A slot is put in order when its time has come. All lists share one
//! small store, which stays in the processor's cache.

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

/// Small, because it is moved often: the kind is the lowest bit of the sequence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Due {
    at: Instant,
    sequence: u64,
    whose: u32,
}

impl Due {
    fn slot(&self) -> u64 {
        self.at.as_nanos() >> SLOT_BITS
    }
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    /// What is due in the present slot or was due before it, the next one last.
    present: Vec<Due>,
    /// The slot that `present` is of.
    slot: u64,
    /// The first thing in each later slot, at its number modulo [`SLOTS`].
    wheel: [u32; SLOTS],
    /// Which of the wheel's slots hold something.
    filled: u128,
    /// What the wheel's slots hold: each thing with the next one of its slot, [`NONE`] at the end.
    store: Vec<(Due, u32)>,
    /// The first free place in the store.
    free: u32,
    /// Beyond the wheel, as seen when it came.
    far: BinaryHeap<Reverse<Due>>,
    sequence: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Queue {
            present: Vec::new(),
            slot: 0,
            wheel: [NONE; SLOTS],
            filled: 0,
            store: Vec::new(),
            free: NONE,
            far: BinaryHeap::new(),
            sequence: 0,
        }
    }
}

impl Queue {
    /// Adds something.
    pub fn push(&mut self, at: Instant, what: What) {
        self.sequence += 2;
        let (kind, whose) = match what {
            What::Arrive(packet) => (0, packet),
            What::Wake(node) => (1, node),
        };
        let due = Due { at, sequence: self.sequence | kind, whose };
        let slot = due.slot();
        if slot <= self.slot {
            let place = self.present.partition_point(|later| *later > due);
            self.present.insert(place, due);
        } else if slot - self.slot < SLOTS as u64 {
            self.keep(slot as usize % SLOTS, due);
        } else {
            self.far.push(Reverse(due));
        }
    }

    fn keep(&mut self, index: usize, due: Due) {
        let entry = (due, self.wheel[index]);
        self.wheel[index] = match self.store.get_mut(self.free as usize) {
            Some(place) => {
                let taken = self.free;
                self.free = place.1;
                *place = entry;
                taken
            }
            None => {
                self.store.push(entry);
                self.store.len() as u32 - 1
            }
        };
        self.filled |= 1 << index;
    }

    /// The next thing, unless it is due after `end`.
    pub fn pop_until(&mut self, end: Instant) -> Option<(Instant, What)> {
        while self.present.is_empty() {
            if !self.advance(end) {
                return None;
            }
        }
        let due = self.present.pop_if(|due| due.at <= end)?;
        let what = if due.sequence & 1 == 0 { What::Arrive(due.whose) } else { What::Wake(due.whose) };
        Some((due.at, what))
    }

    /// Goes to the next slot that holds something, if it begins by `end`.
    fn advance(&mut self, end: Instant) -> bool {
        let far = self.far.peek().map(|Reverse(due)| due.slot());
        let next = match (self.next_filled(), far) {
            (Some(near), Some(far)) => near.min(far),
            (Some(next), None) | (None, Some(next)) => next,
            (None, None) => return false,
        };
        if next > end.as_nanos() >> SLOT_BITS {
            return false;
        }
        self.slot = next;
        let index = next as usize % SLOTS;
        self.filled &= !(1 << index);
        let mut place = core::mem::replace(&mut self.wheel[index], NONE);
        while let Some((due, following)) = self.store.get_mut(place as usize) {
            self.present.push(*due);
            let following = core::mem::replace(following, self.free);
            self.free = core::mem::replace(&mut place, following);
        }
        while let Some(Reverse(due)) = self.far.peek().filter(|Reverse(due)| due.slot() <= next) {
            self.present.push(*due);
            self.far.pop();
        }
        self.present.sort_unstable_by(|a, b| b.cmp(a));
        true
    }

    /// The number of the first slot after the present one that holds something.
    fn next_filled(&self) -> Option<u64> {
        // Turned so that the present slot is the lowest bit; it is never filled.
        let turned = self.filled.rotate_right((self.slot % SLOTS as u64) as u32);
        (turned != 0).then(|| self.slot + u64::from(turned.trailing_zeros()))
    }
}

/// A slot lasts 2^19 ns, half a millisecond: while 20 calls go on, half a dozen things are due in it.
const SLOT_BITS: u32 = 19;
/// The wheel reaches 67 ms: a packet of voice lasts 20 ms, a usual line's round trip 30 ms. One bit each of [`Queue::filled`].
const SLOTS: usize = u128::BITS as usize;
/// No place in the store.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a sorted list would: whatever is pushed at whatever time, before or after others are taken out.
        #[test]
        fn things_come_in_order_of_time_and_cause(
            plan in proptest::collection::vec((any::<bool>(), 0u64..40, 0u64..3_000_000), 1..200),
        ) {
            let mut queue = Queue::default();
            let mut model: Vec<(Instant, u32)> = Vec::new();
            let mut now = Instant::ZERO;
            for (number, (pops, scale, time)) in plan.into_iter().enumerate() {
                if pops {
                    let end = Instant::from_nanos(now.as_nanos() + time);
                    let next = model.iter().copied().min().filter(|(at, _)| *at <= end);
                    let taken = queue.pop_until(end);
                    prop_assert_eq!(taken, next.map(|(at, number)| (at, What::Wake(number))));
                    if let Some(next) = next {
                        model.retain(|other| *other != next);
                        now = now.max(next.0);
                    } else {
                        now = end;
                    }
                } else {
                    // From now to seconds ahead, often at the same moment as another.
                    let at = Instant::from_nanos(now.as_nanos() + (time << (scale / 4)) / 100_000 * 100_000);
                    queue.push(at, What::Wake(number as u32));
                    model.push((at, number as u32));
                }
            }
            model.sort();
            for (at, number) in model {
                prop_assert_eq!(queue.pop_until(Instant::from_nanos(u64::MAX)), Some((at, What::Wake(number))));
            }
            prop_assert_eq!(queue.pop_until(Instant::from_nanos(u64::MAX)), None);
        }
    }
}
