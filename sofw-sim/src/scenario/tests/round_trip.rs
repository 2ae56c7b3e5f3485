//! What is written reads as the same.

use super::super::model::Action;
use super::super::{Scenario, builtin};
use super::arbitrary::{Tape, scenario};

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

proptest::proptest! {
    #[test]
    fn what_is_written_reads_as_the_same(numbers in proptest::collection::vec(proptest::num::u32::ANY, 0..600)) {
        let drawn = scenario(&mut Tape(numbers.iter()));
        let written = drawn.to_toml();
        match Scenario::parse("drawn.toml", &written) {
            Ok(read) => proptest::prop_assert_eq!(without_lines(read), drawn, "{}", written),
            Err(problems) => panic!("{}\n{written}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
    }
}

#[test]
fn only_what_differs_is_written() {
    let text = r#"about = "x"
duration = "40s"

[[site]]
name = "office"
line = { profile = "office", loss = "3 %", up = "4 Mbit/s" }
nat = "symmetric"
proxy = "squid"
hrac = "connect"
phones = ["alice", "carol"]

[[home]]
name = "home1"
alg = true
phones = ["bob"]

[timeline]
steps = [
  { at = "5s", call = "alice", to = "bob", for = "20s" },
  { at = "10s", line = "office", loss = "5 %", for = "3s" },
]
expect = [
  "mos >= 3.8",
  "rat_empty",
]
"#;
    let scenario = Scenario::parse("x.toml", text).unwrap();
    assert_eq!(scenario.to_toml(), text);
}
