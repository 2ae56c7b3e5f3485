//! Deadlines of all sockets of a stack: one lazy entry per socket in an indexed heap.
//!
//! A socket's own deadline moves with every segment, nearly always to later. An entry is therefore only ever lowered; when it
//! comes due early, the socket is asked again and entered anew. That costs a wake-up now and then instead of two tree
//! updates per segment.

use sofw_core::base::Instant;

/// An indexed binary heap. Equal times come in order of index, the same in every run.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: Vec<(Instant, u32)>,
    /// Place in `heap` by socket index; `ABSENT` if none.
    places: Vec<u32>,
}

const ABSENT: u32 = u32::MAX;
/// A deadline that never comes.
pub(super) const NEVER: Instant = Instant::from_nanos(u64::MAX);

impl Timers {
    /// Makes sure that socket `index` comes due at `at` or before.
    pub fn lower(&mut self, index: u32, at: Instant) {
        if at == NEVER {
            return;
        }
        if self.places.len() <= index as usize {
            self.places.resize(index as usize + 1, ABSENT);
        }
        let place = self.places[index as usize];
        if place == ABSENT {
            self.heap.push((at, index));
            self.places[index as usize] = self.heap.len() as u32 - 1;
            self.rise(self.heap.len() - 1);
        } else if at < self.heap[place as usize].0 {
            self.heap[place as usize].0 = at;
            self.rise(place as usize);
        }
    }

    /// Takes the first socket that is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let &(at, index) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.remove(index);
        Some(index)
    }

    pub fn remove(&mut self, index: u32) {
        let Some(&place) = self.places.get(index as usize).filter(|place| **place != ABSENT) else { return };
        self.places[index as usize] = ABSENT;
        let last = self.heap.len() - 1;
        self.heap.swap_remove(place as usize);
        if (place as usize) < last {
            self.places[self.heap[place as usize].1 as usize] = place;
            self.sink(place as usize);
            self.rise(place as usize);
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.0)
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                return;
            }
            self.swap(place, parent);
            place = parent;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut child = 2 * place + 1;
            if child >= self.heap.len() {
                return;
            }
            if child + 1 < self.heap.len() && self.heap[child + 1] < self.heap[child] {
                child += 1;
            }
            if self.heap[place] <= self.heap[child] {
                return;
            }
            self.swap(place, child);
            place = child;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a].1 as usize] = a as u32;
        self.places[self.heap[b].1 as usize] = b as u32;
    }
}
