//! No queue or table exceeds its named limit.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sofw_core::base::Instant;
use sofw_core::fill::Fill;

use super::faults::Faults;
use super::{Checker, Look, Sights};
use crate::record::Finding;
use crate::run::Map;

/// Looks at [`sofw_core::Hras::fills`] and [`sofw_core::Hrac::fills`], and remembers the largest of each.
#[derive(Debug)]
pub struct Bounds {
    /// By owner and name.
    largest: BTreeMap<String, BTreeMap<&'static str, (u64, u64)>>,
    /// Every bound is divided by this.
    divisor: u64,
    faults: Faults,
}

impl Bounds {
    /// Nothing seen.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        let expected = "every queue and table within its named limit";
        Bounds { largest: BTreeMap::new(), divisor: 1, faults: Faults::new("bounds", "fills", expected) }
    }

    /// As [`Bounds::new`], with every bound so many times narrower: to see that a queue beyond its bound is caught.
    pub fn narrowed(divisor: u64) -> Self {
        Bounds { divisor: divisor.max(1), ..Bounds::new() }
    }

    pub(super) fn take(&mut self, at: Instant, whose: &str, fill: Fill) {
        self.faults.looked();
        let (now, bound) = (fill.now as u64, fill.bound as u64 / self.divisor);
        if !self.largest.contains_key(whose) {
            self.largest.insert(whose.into(), BTreeMap::new());
        }
        let Some(fills) = self.largest.get_mut(whose) else { return };
        let largest = fills.entry(fill.what).or_insert((now, bound));
        // A queue is reported once, when it first passes its bound.
        let was_within = largest.0 <= bound;
        *largest = (largest.0.max(now), bound);
        if now > bound && was_within {
            self.faults.found(at, || format!("{whose}: {} {now} of {bound}", fill.what));
        }
    }
}

impl Checker for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn sights(&self) -> Sights {
        Sights::NONE
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        if let Some(hras) = look.hras {
            for fill in hras.fills() {
                self.take(at, "HRAS", fill);
            }
        }
        for (place, hrac) in map.places.iter().zip(&look.hracs) {
            for fill in hrac.iter().flat_map(|hrac| hrac.fills()) {
                self.take(at, &format!("HRAC of {}", place.name), fill);
            }
        }
    }

    fn queues(&self) -> Vec<(String, (u64, u64))> {
        let of = |(whose, fills): (&String, &BTreeMap<&str, (u64, u64)>)| -> Vec<_> {
            fills.iter().map(|(what, &fill)| (format!("{whose}: {what}"), fill)).collect()
        };
        self.largest.iter().flat_map(of).collect()
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.faults.finish()
    }
}
