//! The small office, run twice: good, and the same.

use std::time::Duration;

use sofw_sim::Office;

#[test]
fn both_calls_are_good_and_the_run_repeats() {
    let office =
        Office { seed: 3, delay: Duration::from_millis(20), talk: Duration::from_secs(4), cut: false };
    let first = office.run();
    assert!(first.is_good(), "{first:?}");
    assert_eq!(format!("{first:?}"), format!("{:?}", office.run()), "same seed, same run");
}

#[test]
fn a_cut_tunnel_costs_a_moment_and_no_call() {
    let office =
        Office { seed: 4, delay: Duration::from_millis(20), talk: Duration::from_secs(8), cut: true };
    let verdict = office.run();
    assert!(verdict.is_good(), "{verdict:?}");
    let missed: u64 = verdict.calls.iter().flat_map(|(_, phones)| phones).map(|heard| heard.lost).sum();
    assert!(missed > 0, "the cut was felt");
    assert!(missed < 4 * 75, "but for less than 1.5 s a call and direction: {missed} packets");
}
