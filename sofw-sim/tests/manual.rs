//! What docs/simulator.md shows is right: every scenario in it can be read, and the first one is good.

use sofw_sim::run;
use sofw_sim::scenario::Scenario;

#[test]
fn every_example_can_be_read() {
    let manual = manual();
    let examples = examples(&manual);
    assert!(examples.len() > 5, "the manual has examples: {examples:?}");
    for example in &examples {
        let text = whole(example, examples[0]);
        if let Err(problems) = Scenario::parse("example.toml", &text) {
            panic!("{problems:#?} in\n{text}");
        }
    }
}

#[test]
fn the_first_example_is_good() {
    let manual = manual();
    let scenario = Scenario::parse("first.toml", examples(&manual)[0]).expect("it can be read");
    let record = run::run(&scenario, scenario.seed);
    let bad: Vec<_> = record.findings.iter().filter(|finding| !finding.good).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(record.calls.len(), 2);
}

/// The one that fails in the manual fails as it says there.
#[test]
fn the_example_of_a_failure_fails_by_its_calls_alone() {
    let manual = manual();
    let monday = examples(&manual).into_iter().find(|text| text.contains("Monday")).expect("it is there");
    let scenario = Scenario::parse("monday.toml", monday).expect("it can be read");
    let record = run::run(&scenario, scenario.seed);
    let bad: Vec<_> = record.findings.iter().filter(|finding| !finding.good).collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!(bad[0].name, "calls_answered == 2");
    assert_eq!(bad[0].measured, "1");
}

fn manual() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simulator.md");
    std::fs::read_to_string(path).expect("docs/simulator.md is there")
}

/// What stands in blocks of TOML.
fn examples(manual: &str) -> Vec<&str> {
    manual.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Parts of a file speak of the places and phones of the first example.
fn whole(example: &str, first: &str) -> String {
    match (example.contains("[[site]]"), example.starts_with("about")) {
        (true, true) => example.to_owned(),
        (true, false) => format!("about = \"Part.\"\n{example}"),
        (false, _) => format!("{}\n{example}", first.split("[timeline]").next().unwrap_or_default()),
    }
}
