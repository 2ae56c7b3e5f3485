//! Flow ids of one site.

use std::collections::VecDeque;

use crate::config::limits::{FLOW_QUARANTINE, SITE_MEDIA_LINES_MAX};
use crate::tunnel::FlowId;

/// Gives out even flow ids. A freed index rests behind [`FLOW_QUARANTINE`] others and comes back with its next generation,
/// so that late voice of an ended call finds no flow.
#[derive(Debug, Default)]
pub(super) struct FlowIds {
    /// By index / 2.
    generations: Vec<u8>,
    resting: VecDeque<u16>,
}

impl FlowIds {
    /// An id that is not in use. Small ones first: they are short on the wire.
    pub(super) fn take(&mut self) -> Option<FlowId> {
        let fresh = self.generations.len();
        if fresh < SITE_MEDIA_LINES_MAX && self.resting.len() <= FLOW_QUARANTINE {
            self.generations.push(0);
            return Some(FlowId(fresh as u32 * 2));
        }
        let slot = self.resting.pop_front()?;
        let generation = self.generations.get_mut(usize::from(slot))?;
        *generation = (*generation + 1) & GENERATION_MAX;
        Some(FlowId((u32::from(*generation) << INDEX_BITS) | (u32::from(slot) * 2)))
    }

    /// The flow is closed.
    pub(super) fn release(&mut self, flow: FlowId) {
        self.resting.push_back((flow.index() / 2) as u16);
    }

    /// Ids in use.
    pub(super) fn in_use(&self) -> usize {
        self.generations.len() - self.resting.len()
    }
}

const INDEX_BITS: u32 = 14;
const GENERATION_MAX: u8 = 0x7f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_index_rests_and_returns_with_its_next_generation() {
        let mut ids = FlowIds::default();
        let first = ids.take().unwrap();
        assert_eq!(first, FlowId(0));
        ids.release(first);
        for _ in 0..FLOW_QUARANTINE {
            let id = ids.take().unwrap();
            assert_ne!(id.index(), first.index());
            ids.release(id);
        }
        let again = ids.take().unwrap();
        assert_eq!((again.index(), again.0 >> INDEX_BITS), (0, 1));
    }

    #[test]
    fn ids_are_even_within_21_bits_and_end_at_the_bound() {
        let mut ids = FlowIds::default();
        let mut open = std::collections::BTreeSet::new();
        while let Some(id) = ids.take() {
            assert!(!id.is_rtcp() && id.0 <= FlowId::MAX);
            assert!(open.insert(id.index()));
        }
        assert_eq!(open.len(), SITE_MEDIA_LINES_MAX);
        let id = FlowId(8);
        for _ in 0..300 {
            ids.release(id);
            assert_eq!(ids.take().unwrap().index(), id.index());
        }
        assert_eq!(ids.in_use(), SITE_MEDIA_LINES_MAX);
    }
}
