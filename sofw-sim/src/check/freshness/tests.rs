use super::*;
use crate::check::Phase;
use crate::check::stamp::{Media, stamped};
use crate::check::testing::{ALICE, BOB, CAROL, Town, ordinary_day, scenario};
use crate::link::Conditions;
use crate::link::profile::{Line, find};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Change, Step};

/// What is said of a packet of so many milliseconds of age, from bob to alice, sent at 100 s.
fn judged(scenario: &Scenario, age_ms: u64) -> Finding {
    let town = Town::new();
    let mut checker = Freshness::new(Limits::of(scenario));
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
    // On wires: 150 ms before HRAS's tunnel, 150 ms and a receipt's 100 ms behind it, 20 ms of drivers.
    assert!(judged(&scenario(), 420).good);
    let finding = judged(&scenario(), 421);
    assert!(!finding.good && finding.measured.contains("alice hears bob"), "{}", finding.measured);
    assert!(!judged(&scenario(), 12_000).good);
}

#[test]
fn lines_make_room_and_losses_do_not() {
    let mut far = scenario();
    far.places[0].line = find("satellite").expect("a profile").line;
    // 280 ms, 10 ms jitter and 500 ms queue.
    let limit = 420 + 790;
    assert!(judged(&far, limit).good);
    assert!(!judged(&far, limit + 1).good);
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
    assert!(judged(&changing, 820).good);
    assert!(!judged(&changing, 821).good);
}

#[test]
fn two_tunnels_have_two_limits() {
    let limits = Limits::of(&scenario());
    let [one, two] = [BOB, CAROL].map(|talker| limits.between(talker, ALICE));
    assert_eq!(two - one, Duration::from_millis(400));
}

#[test]
fn an_ordinary_day_is_clean() {
    let (mut town, mut checker) = (Town::new(), Freshness::new(Limits::of(&scenario())));
    ordinary_day(&mut town, &mut [&mut checker]);
    let finding = town.finish(&mut checker);
    assert!(finding.good && !finding.measured.starts_with("0 "), "{}", finding.measured);
}
