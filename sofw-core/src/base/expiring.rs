//! Deadlines for many records: which of them are due, without looking at all.

use std::collections::BTreeMap;

use super::time::{Deadline, Instant};

/// At most one deadline per key, ordered by time and, at equal times, by key: the order is the same in every run.
#[derive(Clone, Debug)]
pub struct Expiring<K: Ord + Copy> {
    by_key: BTreeMap<K, Instant>,
    by_time: BTreeMap<(Instant, K), ()>,
    /// The earliest: machines ask for it after every packet, and it seldom changes.
    first: Option<Instant>,
    why: &'static str,
}

impl<K: Ord + Copy> Expiring<K> {
    /// An empty set whose deadlines are named `why` in traces.
    pub const fn new(why: &'static str) -> Self {
        Expiring { by_key: BTreeMap::new(), by_time: BTreeMap::new(), first: None, why }
    }

    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at: Instant) {
        self.clear(key);
        self.by_key.insert(key, at);
        self.by_time.insert((at, key), ());
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    /// Removes the deadline of `key`, if any.
    pub fn clear(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
            if self.first == Some(at) {
                self.first = self.by_time.first_key_value().map(|(&(at, _), ())| at);
            }
        }
    }

    /// The deadline of `key`.
    pub fn get(&self, key: K) -> Option<Instant> {
        self.by_key.get(&key).copied()
    }

    /// Takes the first key that is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.first? > now {
            return None;
        }
        let (&(_, key), ()) = self.by_time.first_key_value()?;
        self.clear(key);
        Some(key)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Deadline> {
        self.first.map(|at| Deadline::new(at, self.why))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is set, moved, cleared and taken: the earliest is known, and what is due comes in order of time and key.
        #[test]
        fn the_earliest_is_always_known(plan in proptest::collection::vec((0u8..6, 0u64..20, 0u8..3), 1..80)) {
            let mut set = Expiring::new("test");
            let mut model: BTreeMap<u8, Instant> = BTreeMap::new();
            for (key, at, what) in plan {
                let at = Instant::from_nanos(at);
                match what {
                    0 => {
                        set.set(key, at);
                        model.insert(key, at);
                    }
                    1 => {
                        set.clear(key);
                        model.remove(&key);
                    }
                    _ => {
                        let due = model.iter().map(|(&key, &at)| (at, key)).min().filter(|&(due, _)| due <= at);
                        prop_assert_eq!(set.pop_due(at), due.map(|(_, key)| key));
                        due.and_then(|(_, key)| model.remove(&key));
                    }
                }
                prop_assert_eq!(set.next().map(|next| next.at), model.values().min().copied());
                prop_assert_eq!((set.len(), set.get(key)), (model.len(), model.get(&key).copied()));
            }
        }
    }
}
