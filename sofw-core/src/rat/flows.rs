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
        Some(FlowId(u32::from(*generation) << INDEX_BITS | u32::from(slot) * 2))
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
