//! Answers found before, for questions that come with every packet.

/// Each question has one place, which its latest owner keeps: no order, no allocation, and what is not found is looked up again.
#[derive(Clone, Debug)]
pub(crate) struct Memo<K, V> {
    places: Vec<Option<(K, V)>>,
}

impl<K: Copy + PartialEq, V: Copy> Memo<K, V> {
    /// With so many places, a power of two.
    pub fn new(places: usize) -> Self {
        debug_assert!(places.is_power_of_two());
        Memo { places: vec![None; places] }
    }

    /// The answer to `key`, if it is still here. `hint` is any number that `key` gives; similar keys may have similar numbers.
    pub fn get(&self, hint: u64, key: K) -> Option<V> {
        self.places[self.place(hint)].filter(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The answer to `key`: from here, or looked up by `look` and kept.
    pub fn get_or(&mut self, hint: u64, key: K, look: impl FnOnce() -> Option<V>) -> Option<V> {
        if let Some(value) = self.get(hint, key) {
            return Some(value);
        }
        let value = look()?;
        self.put(hint, key, value);
        Some(value)
    }

    /// Keeps an answer.
    pub fn put(&mut self, hint: u64, key: K, value: V) {
        let place = self.place(hint);
        self.places[place] = Some((key, value));
    }

    /// Forgets all: what the answers depended on has changed.
    pub fn clear(&mut self) {
        self.places.fill(None);
    }

    fn place(&self, hint: u64) -> usize {
        // Fibonacci hashing; the upper half depends on all bits.
        (hint.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_for_its_own_question_only() {
        let mut memo = Memo::new(1);
        memo.put(7, "seven", 1);
        assert_eq!((memo.get(7, "seven"), memo.get(7, "sept"), memo.get(8, "eight")), (Some(1), None, None));
        memo.put(8, "eight", 2);
        assert_eq!((memo.get(7, "seven"), memo.get(8, "eight")), (None, Some(2)), "one place, one answer");
        assert_eq!(memo.get_or(8, "eight", || panic!("it is known")), Some(2));
        memo.clear();
        assert_eq!(memo.get(8, "eight"), None);
        assert_eq!((memo.get_or(9, "nine", || None), memo.get_or(9, "nine", || Some(9))), (None, Some(9)));
        assert_eq!(memo.get(9, "nine"), Some(9));
    }
}
