use super::*;
use crate::check::testing::{ALICE, BOB, CAROL, Town, scenario};
use sofw_core::base::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn last_call(town: &mut Town, liveness: &mut Liveness, callee: &str) -> Finding {
    town.phase = Phase::Settling;
    town.run(SECOND, &mut [liveness]);
    town.phase = Phase::LastCall;
    town.look(&mut [liveness]);
    town.call(ALICE, callee);
    town.run(4 * SECOND, &mut [liveness]);
    town.finish(liveness)
}

#[test]
fn a_living_system_passes() {
    let (mut town, mut liveness) = (Town::new(), Liveness::new(&scenario()));
    let finding = last_call(&mut town, &mut liveness, "bob");
    assert!(finding.good, "{}", finding.measured);
    assert!(finding.measured.starts_with("4 "), "three phones and a call: {}", finding.measured);
}

#[test]
fn a_phone_without_registration_is_told_unless_it_was_to_be_so() {
    let unregistered = |wanted: bool| {
        let mut town = Town::new();
        town.pair.command(town.node(BOB), Phone::unregister);
        town.wants_registration[BOB] = wanted;
        last_call(&mut town, &mut Liveness::new(&scenario()), "carol")
    };
    let finding = unregistered(true);
    assert!(!finding.good && finding.measured.contains("bob is not registered"), "{}", finding.measured);
    assert!(unregistered(false).good);
}

#[test]
fn a_phone_that_is_off_is_told() {
    let mut town = Town::new();
    town.off = vec![BOB];
    let finding = last_call(&mut town, &mut Liveness::new(&scenario()), "carol");
    assert!(finding.measured.contains("bob is off"), "{}", finding.measured);
}

#[test]
fn a_registration_that_hras_lost_is_told() {
    let mut town = Town::new();
    town.map.phones[BOB].name = "bobby".into();
    let finding = last_call(&mut town, &mut Liveness::new(&scenario()), "carol");
    assert!(finding.measured.contains("HRAS does not know bobby"), "{}", finding.measured);
}

#[test]
fn a_last_call_without_voice_is_told() {
    let (mut town, mut liveness) = (Town::new(), Liveness::new(&scenario()));
    let finding = last_call(&mut town, &mut liveness, "nobody");
    assert!(!finding.good && finding.measured.contains("nobody heard anything"), "{}", finding.measured);
}

#[test]
fn phones_behind_a_tunnel_that_cannot_be_are_not_waited_for() {
    let mut locked = scenario();
    locked.places[0].hrac.as_mut().expect("a site").wrong_key = true;
    assert_eq!(Liveness::new(&locked).able, [false, false, true]);
    assert_eq!(Liveness::new(&scenario()).able, [true; 3]);
}

#[test]
fn phones_that_are_all_outside_are_not_expected_to_call_each_other() {
    let mut town = Town::new();
    town.map.phones[ALICE].zone = crate::run::Zone::Public;
    town.map.phones[CAROL].zone = crate::run::Zone::Public;
    let finding = last_call(&mut town, &mut Liveness::new(&scenario()), "nobody");
    assert!(finding.good && finding.measured.starts_with("3 "), "{}", finding.measured);
}

#[test]
fn phones_of_a_site_without_hrac_are_not_waited_for() {
    let mut without = scenario();
    without.places[0].hrac = None;
    assert_eq!(Liveness::new(&without).able, [false, false, true]);
    without.places[0].kind = HomeOrSite::Home;
    assert_eq!(Liveness::new(&without).able, [true; 3], "a home's phones speak for themselves");
}
