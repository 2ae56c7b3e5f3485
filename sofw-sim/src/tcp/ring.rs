//! A byte queue that grows on demand and can be written beyond its end, as reassembly does.

/// Bytes by offset from the front. Capacity is a power of two and never shrinks.
#[derive(Debug, Default)]
pub(super) struct Ring {
    store: Vec<u8>,
    head: usize,
    len: usize,
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
        if !self.store.is_empty() {
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
