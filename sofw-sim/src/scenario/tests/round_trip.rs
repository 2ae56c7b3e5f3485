//! What is written reads as the same.

use super::super::model::Action;
use super::super::{Scenario, builtin};

/// Lines of the file are no part of what it means.
pub fn without_lines(mut scenario: Scenario) -> Scenario {
    for expectation in &mut scenario.expect {
        expectation.line = 0;
    }
    for step in &mut scenario.timeline {
        step.line = 0;
        if let Action::Expect(expectation) = &mut step.action {
            expectation.line = 0;
        }
    }
    scenario
}

#[test]
fn builtin_scenarios_read_back_the_same() {
    for (name, text) in builtin() {
        let file = format!("{name}.toml");
        let scenario = without_lines(Scenario::parse(&file, text).unwrap());
        let written = scenario.to_toml();
        let read = Scenario::parse(&file, &written)
            .unwrap_or_else(|problems| panic!("{name}: {}\n{written}", problems[0]));
        assert_eq!(without_lines(read), scenario, "{written}");
    }
}
