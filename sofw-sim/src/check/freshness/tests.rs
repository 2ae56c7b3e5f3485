use super::*;
use crate::check::Phase;
use crate::check::stamp::{Media, stamped};
use crate::check::testing::{ALICE, BOB, CAROL, Town, ordinary_day, scenario};
use crate::link::Conditions;
use crate::link::profile::{Line, find};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Change, Step};

/// What is said of a packet of so many milliseconds of age, from bob to alice, sent at 100 s.
fn judged(scenario: &Scenario, age_ms: u64, excused_until: Instant) -> Finding {
    let mut town = Town::new();
    let mut checker = Freshness::new(Limits::of(scenario));
    town.excused_until = excused_until;
    town.look(&mut [&mut checker]);
    let sent_at = Instant::from_millis(100_000);
    let packet = stamped(BOB, 1, sent_at);
    let (at, node) = (sent_at + Duration::from_millis(age_ms), town.node(ALICE));
    let from = "10.10.10.2:20000".parse().expect("an address");
    checker.heard(at, &town.map, node, town.pair.phone(node), from, &Media::read(&packet));
    assert_eq!(town.phase, Phase::Timeline);
    town.finish(&mut checker)
}

#[test]
fn fresh_voice_is_good_and_old_voice_is_told() {
    // On wires: 150 ms in HRAS's tunnel, 100 ms until a receipt, 20 ms of drivers.
    assert!(judged(&scenario(), 270, Instant::ZERO).good);
    let finding = judged(&scenario(), 271, Instant::ZERO);
    assert!(!finding.good && finding.measured.contains("alice hears bob"), "{}", finding.measured);
    assert!(!judged(&scenario(), 2_000, Instant::ZERO).good);
}

#[test]
fn what_was_sent_before_a_fault_was_over_has_a_longer_limit() {
    let over = Instant::from_millis(100_000);
    assert!(judged(&scenario(), 12_000, over).good);
    assert!(!judged(&scenario(), 31_000, over).good, "a dead uplink does not live so long");
}

#[test]
fn lines_and_losses_make_room() {
    let mut far = scenario();
    far.places[0].line = find("satellite").expect("a profile").line;
    assert!(judged(&far, 271 + 280, Instant::ZERO).good);
    // 280 ms, 10 ms jitter and 500 ms queue; three time-outs of at least 200 ms with a round trip each.
    let limit = 270 + 790 + 200 + 400 + 800 + 3 * 2 * 790;
    assert!(judged(&far, limit, Instant::ZERO).good);
    assert!(!judged(&far, limit + 1, Instant::ZERO).good);
}

#[test]
fn a_line_counts_as_the_worst_that_it_ever_is() {
    let mut changing = scenario();
    let conditions = Conditions::delay(Duration::from_millis(300));
    for (ms, change) in [
        (1_000, Change::To(Line::both(conditions))),
        (
            2_000,
            Change::Values { loss: None, delay: Some(Duration::from_millis(400)), jitter: None, rate: None },
        ),
    ] {
        let action = Action::Line { which: Some(Ok(0)), change, lasting: None };
        changing.timeline.push(Step { at: Duration::from_millis(ms), action, line: 0 });
    }
    assert!(judged(&changing, 670, Instant::ZERO).good);
    assert!(!judged(&changing, 671, Instant::ZERO).good);
}

#[test]
fn two_tunnels_have_two_limits() {
    let limits = Limits::of(&scenario());
    let [one, two] = [BOB, CAROL].map(|talker| limits.between(talker, ALICE, false));
    assert_eq!(two - one, Duration::from_millis(250));
}

#[test]
fn an_ordinary_day_is_clean() {
    let (mut town, mut checker) = (Town::new(), Freshness::new(Limits::of(&scenario())));
    ordinary_day(&mut town, &mut [&mut checker]);
    let finding = town.finish(&mut checker);
    assert!(finding.good && !finding.measured.starts_with("0 "), "{}", finding.measured);
}
