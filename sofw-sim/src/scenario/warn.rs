//! What is no mistake in a file, but probably not what was wanted.

use super::Scenario;
use super::model::Action;

impl Scenario {
    /// In words, for people. A run of which nothing is expected is good whatever the phones hear: whoever reads "good" must know.
    pub fn warnings(&self) -> Vec<String> {
        let is_expected = !self.expect.is_empty()
            || self.timeline.iter().any(|step| matches!(step.action, Action::Expect(_)));
        if is_expected {
            return Vec::new();
        }
        let calls = self.timeline.iter().filter(|step| matches!(step.action, Action::Call { .. })).count();
        let example = match calls {
            0 => "all_registered".to_owned(),
            calls => format!("calls_answered == {calls}"),
        };
        let (what, add) = match self.timeline.is_empty() {
            true => ("nothing happened and nothing was expected", "steps and expectations"),
            false => ("nothing was expected", "expectations"),
        };
        vec![format!("{what}: add {add}, e.g. expect = [\"{example}\"]")]
    }
}
