//! From a scenario that fails to a small one that still does.

mod reduce;

use crate::scenario::Scenario;
use reduce::{plainer_phones, plainer_places, shorter, without_phone, without_place, without_steps};

/// [`shrink_within`] [`ATTEMPTS`] runs.
pub fn shrink(scenario: &Scenario, fails: impl FnMut(&Scenario) -> bool) -> Scenario {
    shrink_within(scenario, ATTEMPTS, fails)
}

/// Makes a scenario smaller as long as `fails` says that it still fails, in at most `attempts` calls of it: steps are left out by halves
/// and then singly, then phones and places, then what is special about them goes, and times get shorter; again from the start until
/// nothing helps. The result is the smallest that was seen to fail.
pub fn shrink_within(scenario: &Scenario, attempts: usize, fails: impl FnMut(&Scenario) -> bool) -> Scenario {
    let mut search = Search { best: scenario.clone(), left: attempts, fails };
    loop {
        let before = search.best.clone();
        search.steps();
        search.each(|scenario| {
            (0..scenario.phones.len()).rev().filter_map(|n| without_phone(scenario, n)).collect()
        });
        search.each(|scenario| {
            (0..scenario.places.len()).rev().filter_map(|n| without_place(scenario, n)).collect()
        });
        search.each(plainer_places);
        search.each(plainer_phones);
        search.each(shorter);
        if search.left == 0 || search.best == before {
            return search.best;
        }
    }
}

struct Search<F> {
    best: Scenario,
    left: usize,
    fails: F,
}

impl<F: FnMut(&Scenario) -> bool> Search<F> {
    /// Takes the smaller one if it fails, too.
    fn attempt(&mut self, smaller: Scenario) -> bool {
        if self.left == 0 || smaller == self.best {
            return false;
        }
        self.left -= 1;
        let fails = (self.fails)(&smaller);
        if fails {
            self.best = smaller;
        }
        fails
    }

    /// Leaves out runs of steps: half of all at first, one at the end.
    fn steps(&mut self) {
        let mut size = self.best.timeline.len().div_ceil(2);
        while size > 0 {
            // From the end: what comes after a failure is never needed.
            let mut end = self.best.timeline.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                self.attempt(without_steps(&self.best, start..end));
                end = start.min(self.best.timeline.len());
            }
            size /= 2;
        }
    }

    /// Tries all smaller ones that `make` offers, and what it offers then, until none helps.
    fn each(&mut self, make: impl Fn(&Scenario) -> Vec<Scenario>) {
        while make(&self.best).into_iter().any(|smaller| self.attempt(smaller)) {}
    }
}

/// Some minutes of a core, at a second for a run.
const ATTEMPTS: usize = 300;
