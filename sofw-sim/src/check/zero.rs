//! When all calls have ended, nothing of them is left.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sofw_core::base::{Duration, Instant};
use sofw_core::config::limits::{MEDIA_SILENCE_MAX, SUBSCRIPTION_WAIT, TIMER_C};

use super::faults::Faults;
use super::{Checker, Look, Phase};
use crate::record::Finding;
use crate::run::Map;

/// How long everything may take to return to zero after the last call was hung up: the longest SIP transaction, a subscription that
/// waits for its NOTIFY; after losses for good also an INVITE whose answer was lost (timer C), and media whose ends are gone.
pub fn settling_time(lost_state: bool) -> Duration {
    let lost = if lost_state { TIMER_C.max(MEDIA_SILENCE_MAX) } else { Duration::ZERO };
    SUBSCRIPTION_WAIT + SLACK + lost
}

const SLACK: Duration = Duration::from_secs(6);

/// At the end of [`Phase::Settling`] and of [`Phase::Over`]: RAT, dialogs, transactions, ports, flows and calls are zero.
///
/// One thing is allowed: dialogs whose phones were all switched off. Nobody can tell HRAS, which forgets them after
/// [`sofw_core::config::limits::DIALOG_IDLE_MAX`].
#[derive(Debug)]
pub struct Zero {
    last: Option<(Phase, Instant, Option<String>)>,
    /// The Call-ID of each phone's call at the last look.
    calls: Vec<Option<String>>,
    /// Calls that a phone left by being switched off, and those that another one was in then or later.
    left: BTreeSet<String>,
    survived: BTreeSet<String>,
    faults: Faults,
}

impl Zero {
    /// Nothing seen.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        Zero {
            last: None,
            calls: Vec::new(),
            left: BTreeSet::new(),
            survived: BTreeSet::new(),
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

    fn follow_calls(&mut self, look: &Look<'_>) {
        self.calls.resize(look.phones.len(), None);
        for (former, phone) in self.calls.iter_mut().zip(&look.phones) {
            match phone {
                Some(phone) => {
                    self.survived
                        .extend(phone.call_id().filter(|id| self.left.contains(*id)).map(Into::into));
                    *former = phone.call_id().map(Into::into);
                }
                None => self.left.extend(former.take()),
            }
        }
    }

    fn left(&self, map: &Map, look: &Look<'_>) -> Option<String> {
        let mut left = Vec::new();
        let mut count = |what: &str, count: usize, allowed: usize| {
            if count > allowed {
                left.push(format!("{count} {what}"));
            }
        };
        if let Some(hras) = look.hras {
            let status = hras.status();
            count("RAT records", status.records.len(), 0);
            count("dialogs", status.dialogs, self.left.difference(&self.survived).count());
            count("transactions", status.transactions, 0);
            count("media of HRAS in use", hras.media_in_use(), 0);
        }
        for (number, hrac) in look.hracs.iter().enumerate() {
            let Some(hrac) = hrac else { continue };
            let place = map.places.get(number).map_or("?", |place| place.name.as_str());
            count(&format!("flows of {place}"), hrac.flows(), 0);
            count(&format!("ports of {place}"), hrac.ports_in_use(), 0);
        }
        let busy = look.phones.iter().flatten().filter(|phone| phone.call_state().is_some());
        let busy: Vec<_> = busy.map(|phone| phone.config().user.as_str()).collect();
        if !busy.is_empty() {
            left.push(format!("calls of {}", busy.join(", ")));
        }
        (!left.is_empty()).then(|| format!("left: {}", left.join(", ")))
    }
}

impl Checker for Zero {
    fn name(&self) -> &'static str {
        "zero"
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        self.follow_calls(look);
        if self.last.as_ref().is_some_and(|&(phase, ..)| phase != look.phase) {
            self.judge();
        }
        let matters = matches!(look.phase, Phase::Settling | Phase::Over);
        let left = if matters { self.left(map, look) } else { None };
        self.last = Some((look.phase, at, left));
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.judge();
        self.faults.finish()
    }
}
