//! What a firewall remembers.

use core::ops::Bound;
use std::collections::BTreeMap;

use sofw_core::base::Instant;

use crate::middlebox::flow::Flow;
use crate::middlebox::track::Track;

/// What is known of a flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// From then on it is a stranger.
    pub(super) expires: Instant,
    pub(super) track: Track,
}

/// The flows. Those that have expired may still lie about, but nobody sees them.
#[derive(Debug)]
pub(super) struct Table {
    flows: BTreeMap<Flow, State>,
    max: usize,
    /// Where the clearing away goes on.
    cursor: Option<Flow>,
    /// The table was full of live flows; before then it is not looked through again.
    full_until: Instant,
}

impl Table {
    pub(super) fn new(max: usize) -> Table {
        Table { flows: BTreeMap::new(), max, cursor: None, full_until: Instant::ZERO }
    }

    pub(super) fn live(&mut self, now: Instant, flow: Flow) -> Option<&mut State> {
        self.flows.get_mut(&flow).filter(|state| state.expires > now)
    }

    /// Remembers a new flow; false if there is no room.
    pub(super) fn insert(&mut self, now: Instant, flow: Flow, state: State) -> bool {
        for _ in 0..SWEPT_PER_INSERT {
            self.sweep_one(now);
        }
        if self.flows.len() >= self.max && !self.flows.contains_key(&flow) {
            if now < self.full_until {
                return false;
            }
            self.flows.retain(|_, state| state.expires > now);
            if self.flows.len() >= self.max {
                self.full_until = now + FULL_FOR;
                return false;
            }
        }
        self.flows.insert(flow, state);
        true
    }

    pub(super) fn clear(&mut self) {
        self.flows.clear();
        self.cursor = None;
        self.full_until = Instant::ZERO;
    }

    pub(super) fn remembered(&self, now: Instant) -> usize {
        self.flows.values().filter(|state| state.expires > now).count()
    }

    /// Flows that lie about, expired or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.flows.len()
    }

    fn sweep_one(&mut self, now: Instant) {
        let from = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.flows.range((from, Bound::Unbounded)).next();
        self.cursor = next.map(|(&flow, _)| flow);
        if let Some((&flow, state)) = next
            && state.expires <= now
        {
            self.flows.remove(&flow);
        }
    }
}

/// More than one, so that old flows go faster than new ones come.
const SWEPT_PER_INSERT: usize = 4;
/// How long a table full of live flows is taken to stay so: a thousand flows end in that time, if they last as long as UDP's.
const FULL_FOR: core::time::Duration = core::time::Duration::from_millis(100);
