use super::*;
use crate::check::testing::{ALICE, BOB, Town, ordinary_day};
use sofw_core::base::Duration;

/// The longest SIP transaction, and a subscription that waits for its NOTIFY.
const SETTLING: Duration = Duration::from_secs(70);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn after_an_ordinary_day_nothing_is_left() {
    let (mut town, mut zero) = (Town::new(), Zero::new());
    ordinary_day(&mut town, &mut [&mut zero]);
    for phase in [Phase::Settling, Phase::LastCall, Phase::Over] {
        town.phase = phase;
        town.run(SETTLING, &mut [&mut zero]);
    }
    let finding = town.finish(&mut zero);
    assert!(finding.good, "{}", finding.measured);
    assert!(finding.measured.starts_with("2 times"), "{}", finding.measured);
}

#[test]
fn a_call_that_goes_on_is_told_with_all_that_it_holds() {
    let (mut town, mut zero) = (Town::new(), Zero::new());
    town.call(ALICE, "bob");
    town.run(2 * SECOND, &mut [&mut zero]);
    town.phase = Phase::Settling;
    town.run(SETTLING, &mut [&mut zero]);
    town.hang_up(ALICE);
    town.phase = Phase::LastCall;
    town.run(SETTLING, &mut [&mut zero]);
    let finding = town.finish(&mut zero);
    for left in [
        "1 RAT records",
        "1 dialogs",
        "media of HRAS",
        "1 flows of office",
        "1 ports of office",
        "alice, bob",
    ] {
        assert!(!finding.good && finding.measured.contains(left), "{left}: {}", finding.measured);
    }
}

#[test]
fn a_transaction_that_hangs_is_told() {
    let (mut town, mut zero) = (Town::new(), Zero::new());
    // Nobody answers at this address, and the look comes before the transaction's time is over.
    town.pair.command(town.node(BOB), |phone, now| phone.request(now, "OPTIONS", "sip:x@203.0.113.99", None));
    town.phase = Phase::Settling;
    town.run(SECOND, &mut [&mut zero]);
    let early = town.finish(&mut zero);
    assert!(!early.good && early.measured.contains("transactions"), "{}", early.measured);
}
