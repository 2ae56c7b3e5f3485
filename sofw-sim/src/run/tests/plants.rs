//! Every checker sees the defect that it must catch, in a whole run; and only that one.

use sofw_core::base::Duration;

use super::{call, office, phone};
use crate::check::plant::Plant;
use crate::check::{Bounds, Checker, NAMES, all};
use crate::record::Record;
use crate::run::{Defect, Options, run_with};
use crate::scenario::Scenario;

/// A call that lasts until the end, and a phone that does nothing.
fn scenario() -> Scenario {
    let mut scenario = office();
    scenario.duration = Duration::from_secs(55);
    scenario.phones.push(phone("carol", Some(0), "10.10.10.11"));
    scenario.timeline = vec![call(4, 0, "bob", None)];
    scenario
}

fn planted(defect: Option<Defect>) -> Record {
    let scenario = scenario();
    let plant = defect.map(|defect| (Duration::from_secs(8), defect));
    run_with(&scenario, 1, Options { plant, ..Options::default() }, all(&scenario))
}

/// The checkers that object, with what they say.
fn objections(record: &Record) -> Vec<(&str, &str)> {
    let bad = record.findings.iter().filter(|finding| !finding.good);
    bad.map(|finding| (finding.name.as_str(), finding.measured.as_str())).collect()
}

/// What a phone hears from an address of the other space is wrong by the address and by the way that it came.
fn may_object(defect: Defect, checker: &str) -> bool {
    let crosses = [Plant::OutsideAddressInside, Plant::InsideAddressOutside].map(Defect::Packet);
    crosses.contains(&defect) && checker == "voice"
}

#[test]
fn without_a_defect_all_is_good() {
    let record = planted(None);
    assert_eq!(objections(&record), []);
    assert_eq!(record.findings.len(), NAMES.len(), "every checker has its say");
}

#[test]
fn what_is_planted_is_caught_by_the_checker_that_must_and_by_no_other() {
    let mut caught: Vec<&str> = Vec::new();
    let mut wrong = Vec::new();
    for defect in Defect::all() {
        let record = planted(Some(defect));
        let by = defect.caught_by();
        let (own, others): (Vec<_>, Vec<_>) =
            objections(&record).into_iter().partition(|(name, _)| *name == by);
        if own.is_empty() || others.iter().any(|(name, _)| !may_object(defect, name)) {
            wrong.push(format!("{defect:?} is to be caught by {by}: {own:?}, not by {others:?}"));
        }
        caught.push(by);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let uncaught = NAMES.map(|(name, _)| name).into_iter().filter(|name| !caught.contains(name));
    // Queues keep their bounds whatever is planted; see below.
    assert_eq!(uncaught.collect::<Vec<_>>(), ["bounds"]);
}

#[test]
fn a_call_that_never_ends_leaves_a_record_and_flows() {
    let record = planted(Some(Defect::NeverEnds));
    let (_, left) = objections(&record)[0];
    for word in ["1 RAT records", "1 dialogs", "flows of office", "calls of alice, bob"] {
        assert!(left.contains(word), "{word:?} in {left:?}");
    }
}

#[test]
fn a_queue_beyond_its_bound_is_caught() {
    let scenario = scenario();
    let checkers: Vec<Box<dyn Checker>> = vec![Box::new(Bounds::narrowed(u64::MAX))];
    let record = run_with(&scenario, 1, Options { settle: false, ..Options::default() }, checkers);
    let objections = objections(&record);
    assert!(matches!(objections[..], [("bounds", _)]), "{objections:?}");
    let within = record.queues.values().filter(|(largest, bound)| largest <= bound).count();
    assert!(within > 0 && within < record.queues.len(), "some queues were used, some not");
}
