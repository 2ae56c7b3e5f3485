//! When all calls have ended, nothing of them is left.

#[cfg(test)]
mod tests;

use sofw_core::base::Instant;

use super::faults::Faults;
use super::{Checker, Look, Phase, Sights};
use crate::record::Finding;
use crate::run::Map;

/// At the end of [`Phase::Settling`] and of [`Phase::Over`]: RAT, dialogs, transactions but registrations, ports, flows and calls are zero. How long
/// these phases last is the runner's matter; nothing takes longer than a dialog whose phones were all switched off, of which nobody
/// tells HRAS ([`sofw_core::config::limits::DIALOG_IDLE_MAX`]).
#[derive(Debug)]
pub struct Zero {
    last: Option<(Phase, Instant, Option<String>)>,
    faults: Faults,
}

impl Zero {
    /// Nothing seen.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        Zero {
            last: None,
            faults: Faults::new("zero", "times", "no record, dialog, transaction, port, flow or call left"),
        }
    }

    /// The last look of a phase counts.
    fn judge(&mut self) {
        if let Some((Phase::Settling | Phase::Over, at, left)) = self.last.take() {
            self.faults.looked();
            if let Some(left) = left {
                self.faults.found(at, || left);
            }
        }
    }
}

impl Checker for Zero {
    fn name(&self) -> &'static str {
        "zero"
    }

    fn sights(&self) -> Sights {
        Sights::NONE
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        if self.last.as_ref().is_some_and(|&(phase, ..)| phase != look.phase) {
            self.judge();
        }
        let matters = matches!(look.phase, Phase::Settling | Phase::Over);
        let left = if matters { leftovers(map, look) } else { None };
        self.last = Some((look.phase, at, left));
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.judge();
        self.faults.finish()
    }
}

/// What calls left behind, for people; `None` if nothing. A session that was lost may hold ports for
/// [`sofw_core::config::limits::ORPHAN_PORT_LIFE`] more.
pub fn leftovers(map: &Map, look: &Look<'_>) -> Option<String> {
    let mut left = Vec::new();
    let mut count = |what: &str, count: usize| {
        if count > 0 {
            left.push(format!("{count} {what}"));
        }
    };
    if let Some(hras) = look.hras {
        count("RAT records", hras.records().count());
        count("dialogs", hras.dialogs());
        count("transactions", hras.transactions() - hras.registering());
        count("media of HRAS in use", hras.media_in_use());
    }
    for (number, hrac) in look.hracs.iter().enumerate() {
        let Some(hrac) = hrac else { continue };
        let place = map.places.get(number).map_or("?", |place| place.name.as_str());
        for (what, number) in [("flows", hrac.flows()), ("ports", hrac.ports_in_use())] {
            if number > 0 {
                count(&format!("{what} of {place}"), number);
            }
        }
    }
    let busy = look.phones.iter().flatten().filter(|phone| phone.call_state().is_some());
    let busy: Vec<_> = busy.map(|phone| phone.config().user.as_str()).collect();
    if !busy.is_empty() {
        left.push(format!("calls of {}", busy.join(", ")));
    }
    (!left.is_empty()).then(|| format!("left: {}", left.join(", ")))
}
