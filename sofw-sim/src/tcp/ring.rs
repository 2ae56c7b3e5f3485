//! A byte queue that grows on demand and can be written beyond its end, as reassembly does.

/// Bytes by offset from the front. Capacity is a power of two and never shrinks; a ring that holds nothing begins at its start again, which
/// is in the processor's cache.
#[derive(Debug, Default)]
pub(super) struct Ring {
    store: Vec<u8>,
    head: usize,
    len: usize,
    /// As `len`, with what `put` wrote behind the end.
    written: usize,
}

impl Ring {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.put(self.len, bytes);
        self.len += bytes.len();
    }

    /// Writes at `offset` from the front without changing the length; `extend` later makes the bytes count.
    pub fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.reserve(offset + bytes.len());
        self.written = self.written.max(offset + bytes.len());
        if bytes.is_empty() {
            return;
        }
        let at = (self.head + offset) & (self.store.len() - 1);
        let first = bytes.len().min(self.store.len() - at);
        self.store[at..at + first].copy_from_slice(&bytes[..first]);
        self.store[..bytes.len() - first].copy_from_slice(&bytes[first..]);
    }

    /// Counts `more` bytes that `put` wrote behind the end.
    pub fn extend(&mut self, more: usize) {
        debug_assert!(self.len + more <= self.store.len());
        self.len += more;
        self.written = self.written.max(self.len);
    }

    /// Appends `count` bytes from `offset` to `into`.
    pub fn copy(&self, offset: usize, count: usize, into: &mut Vec<u8>) {
        debug_assert!(offset + count <= self.len);
        if count == 0 {
            return;
        }
        let at = (self.head + offset) & (self.store.len() - 1);
        let first = count.min(self.store.len() - at);
        into.extend_from_slice(&self.store[at..at + first]);
        into.extend_from_slice(&self.store[..count - first]);
    }

    /// Drops `count` bytes from the front.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.len);
        self.len -= count;
        self.written -= count;
        if self.written == 0 {
            self.head = 0;
        } else if !self.store.is_empty() {
            self.head = (self.head + count) & (self.store.len() - 1);
        }
    }

    fn reserve(&mut self, want: usize) {
        const LEAST: usize = 2048;
        if want <= self.store.len() {
            return;
        }
        let mut store = vec![0; want.next_power_of_two().max(LEAST)];
        // Everything moves, also bytes put beyond the end.
        let first = self.store.len() - self.head;
        store[..first].copy_from_slice(&self.store[self.head..]);
        store[first..first + self.head].copy_from_slice(&self.store[..self.head]);
        self.store = store;
        self.head = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a queue and what waits behind a hole in it: nothing that was put there is lost when all before it is consumed.
        #[test]
        fn bytes_come_out_as_they_went_in(
            plan in proptest::collection::vec((0u8..4, 0usize..3_000), 1..60),
        ) {
            let (mut ring, mut model) = (Ring::default(), VecDeque::new());
            // Length and content of what was put behind the end, without a hole: its bytes count later.
            let mut behind: Vec<u8> = Vec::new();
            let mut next = 0u8;
            let mut fresh = |count: usize| -> Vec<u8> {
                (0..count).map(|_| { next = next.wrapping_mul(5).wrapping_add(1); next }).collect()
            };
            for (what, count) in plan {
                match what {
                    0 if behind.is_empty() => {
                        let bytes = fresh(count);
                        ring.push(&bytes);
                        model.extend(bytes);
                    }
                    1 => {
                        let bytes = fresh(count);
                        ring.put(model.len() + behind.len(), &bytes);
                        behind.extend(bytes);
                    }
                    2 => {
                        let taken = count.min(behind.len());
                        ring.extend(taken);
                        model.extend(behind.drain(..taken));
                    }
                    _ => {
                        let taken = count.min(model.len());
                        ring.consume(taken);
                        model.drain(..taken);
                        if model.is_empty() && behind.is_empty() {
                            prop_assert_eq!(ring.head, 0, "it begins at its start again");
                        }
                    }
                }
                let mut all = Vec::new();
                ring.copy(0, ring.len(), &mut all);
                prop_assert!(all.iter().eq(model.iter()));
            }
        }
    }
}
