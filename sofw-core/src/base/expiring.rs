//! Deadlines for many records: which of them are due, without looking at all.

use std::collections::BTreeMap;

use super::time::{Deadline, Instant};

/// At most one deadline per key, ordered by time and, at equal times, by key: the order is the same in every run.
#[derive(Clone, Debug)]
pub struct Expiring<K: Ord + Copy> {
    by_key: BTreeMap<K, Instant>,
    by_time: BTreeMap<(Instant, K), ()>,
    why: &'static str,
}

impl<K: Ord + Copy> Expiring<K> {
    /// An empty set whose deadlines are named `why` in traces.
    pub const fn new(why: &'static str) -> Self {
        Expiring { by_key: BTreeMap::new(), by_time: BTreeMap::new(), why }
    }

    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at: Instant) {
        self.clear(key);
        self.by_key.insert(key, at);
        self.by_time.insert((at, key), ());
    }

    /// Removes the deadline of `key`, if any.
    pub fn clear(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    /// The deadline of `key`.
    pub fn get(&self, key: K) -> Option<Instant> {
        self.by_key.get(&key).copied()
    }

    /// Takes the first key that is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (&(at, key), ()) = self.by_time.first_key_value()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Deadline> {
        self.by_time.first_key_value().map(|(&(at, _), ())| Deadline::new(at, self.why))
    }

    /// How many keys have a deadline.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no key has one.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}
