//! Whatever phones, people and networks do: nobody hears a foreign call, nothing is given twice, and all of it ends.
//!
//! A failing plan is shrunk and printed; put it into a test of its own below. `PROPTEST_CASES=1000` looks
//! longer, `SOFW_TRACE=1` prints what the halves told of each failing run.

mod plan;
mod town;

use std::time::Duration;

use proptest::prelude::*;

use plan::{Plan, Step, plan};
use town::Town;

/// What must hold whatever the plan.
fn carry_out(plan: &Plan) {
    let mut town = Town::new(plan);
    for step in &plan.steps {
        town.perform(step);
    }
    town.end_all_calls();
    town.all_is_back_to_zero();
    town.register_all();
    // From site to site with one address, and out of a site.
    town.a_good_call(0, 1);
    town.a_good_call(3, 2);
    town.all_is_back_to_zero();
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    ProptestConfig { cases, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn calls_stay_apart_and_end(plan in plan()) {
        carry_out(&plan);
    }
}

/// A plan that once failed.
fn again(tcp: [bool; 6], steps: &[Step]) {
    carry_out(&Plan { tcp, delayed_offer: [false; 6], early_media: [false; 6], steps: steps.to_vec() });
}

const FRANK_BY_TCP: [bool; 6] = [false, false, false, false, false, true];

#[test]
fn a_caller_who_never_gets_the_answer_leaves_nothing() {
    again(FRANK_BY_TCP, &[Step::Call(5, 0), Step::Restart(1)]);
}

#[test]
fn a_callee_whose_answer_is_lost_leaves_nothing() {
    again(
        FRANK_BY_TCP,
        &[Step::Call(3, 5), Step::Cut(1), Step::Restart(1), Step::Call(0, 1), Step::Update(5)],
    );
}

#[test]
fn hanging_up_without_a_tunnel_is_waited_out() {
    again([false; 6], &[Step::Call(0, 2), Step::NoWayOut(3), Step::Wait(Duration::from_millis(3_100))]);
}

#[test]
fn an_invite_that_waits_for_the_tunnel_is_not_refused() {
    let wait = |ms| Step::Wait(Duration::from_millis(ms));
    again([false; 6], &[Step::NoWayOut(1), wait(600), Step::Call(0, 1), Step::NoWayOut(3), wait(2_500)]);
}

#[test]
fn hanging_up_while_hrac_restarts_is_kept_for_the_next_session() {
    let wait = Step::Wait(Duration::from_millis(100));
    again([false; 6], &[Step::Call(5, 1), Step::Call(3, 0), wait, Step::Restart(1)]);
}

#[test]
fn an_answer_that_comes_after_the_bye_makes_no_dialog() {
    again([false; 6], &[Step::Call(3, 2), Step::Call(0, 1), Step::Restart(0), Step::Hold(0, false)]);
}

#[test]
fn an_answer_that_comes_after_the_bye_opens_no_media() {
    again([false; 6], &[Step::Call(3, 0), Step::Restart(0), Step::Hold(0, false), Step::Call(3, 0)]);
}

#[test]
fn an_answer_that_is_lost_with_its_hrac_ends_by_timer_c() {
    let wait = Step::Wait(Duration::from_millis(600));
    again(FRANK_BY_TCP, &[Step::Call(0, 5), Step::Call(0, 1), Step::Restart(1), Step::HangUp(5), wait]);
}

#[test]
fn an_ack_that_comes_again_after_the_bye_opens_no_media() {
    let steps = [Step::Call(0, 3), Step::Wait(Duration::from_millis(60)), Step::NoWayOut(1), Step::HangUp(0)];
    let delayed_offer = [true, false, false, false, false, false];
    carry_out(&Plan { tcp: [false; 6], delayed_offer, early_media: [false; 6], steps: steps.into() });
}
