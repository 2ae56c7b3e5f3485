//! No half says that it is broken.

use sofw_core::Event;
use sofw_core::base::Instant;

use super::faults::Faults;
use super::{Checker, Sights};
use crate::record::Finding;
use crate::run::Map;
use crate::world::NodeId;

/// Objects to events that tell of a defect: an invariant that broke, a socket that could not be opened although nobody else is on
/// that host.
#[derive(Debug)]
pub struct Events {
    faults: Faults,
}

impl Events {
    /// None so far.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        Events { faults: Faults::new("events", "events", "no broken invariant, no failed socket") }
    }
}

impl Checker for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn sights(&self) -> Sights {
        Sights::NONE
    }

    fn event(&mut self, at: Instant, _: &Map, node: NodeId, event: &Event) {
        self.faults.looked();
        if matches!(event, Event::InvariantBroken(_) | Event::SocketFailed(..) | Event::ListenerFailed(..)) {
            self.faults.found(at, || format!("node {node}: {event:?}"));
        }
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.faults.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_invariant_is_told() {
        let mut events = Events::new();
        events.event(Instant::ZERO, &Map::default(), 3, &Event::Ready);
        assert!(events.finish(Instant::ZERO, &Map::default())[0].good);
        events.event(Instant::from_millis(7), &Map::default(), 3, &Event::InvariantBroken("two records"));
        let finding = events.finish(Instant::ZERO, &Map::default()).remove(0);
        assert!(!finding.good && finding.measured.contains("two records"), "{}", finding.measured);
        assert_eq!(finding.at, Some(Instant::from_millis(7)));
    }
}
