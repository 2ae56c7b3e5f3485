//! What a checker objects to.

use sofw_core::base::Instant;

use crate::record::{Finding, FindingKind};
use crate::report::units;

/// The first objections in words, all in number.
#[derive(Debug)]
pub(super) struct Faults {
    name: &'static str,
    expected: &'static str,
    what: &'static str,
    first: Vec<(Instant, String)>,
    count: u64,
    looked_at: u64,
}

impl Faults {
    /// For the checker `name`, which looks at `what` (plural).
    pub fn new(name: &'static str, what: &'static str, expected: &'static str) -> Self {
        Faults { name, expected, what, first: Vec::new(), count: 0, looked_at: 0 }
    }

    /// One more was looked at.
    pub fn looked(&mut self) {
        self.looked_at += 1;
    }

    /// One was wrong.
    #[cold]
    pub fn found(&mut self, at: Instant, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < TOLD_MAX {
            self.first.push((at, text()));
        }
    }

    /// The finding.
    pub fn finish(&self) -> Vec<Finding> {
        let told: Vec<_> =
            self.first.iter().map(|(at, text)| format!("at {} s {text}", units::clock(*at))).collect();
        let measured = match self.count {
            0 => format!("{} {}, nothing wrong", self.looked_at, self.what),
            count => format!("{count} wrong of {} {}: {}", self.looked_at, self.what, told.join("; ")),
        };
        vec![Finding {
            kind: FindingKind::Checker,
            name: self.name.into(),
            good: self.count == 0,
            measured,
            expected: self.expected.into(),
            at: self.first.first().map(|&(at, _)| at),
            line: 0,
        }]
    }
}

/// So many are told in words: more hide the first.
const TOLD_MAX: usize = 3;
