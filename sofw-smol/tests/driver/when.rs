//! Deadlines.

use std::sync::mpsc::channel;
use std::time::Duration;

use sofw_core::base::Deadline;
use sofw_smol::clock::Clock;
use sofw_smol::driver::Options;

use super::toy::{PATIENCE, Toy, bounded, start_with};

#[test]
fn deadlines_fire_late_never_early_and_later_ones_may_come_first() {
    let clock = Clock::start();
    let running = start_with(Toy::new([], |_, _, _| {}), Options::new(clock));
    for wait_ms in [400, 30, 5] {
        let (tell, told) = channel();
        let set = move |toy: &mut Toy, now| {
            let at = now + Duration::from_millis(wait_ms);
            toy.deadline = Some(Deadline::new(at, "toy"));
            tell.send(at).unwrap();
        };
        bounded(running.handle.with(set)).unwrap();
        let at = told.recv_timeout(PATIENCE).unwrap();
        if wait_ms == 400 {
            // Replaced by an earlier one before it is due.
            continue;
        }
        let fired = bounded(async {
            loop {
                if let Some(fired) = running.handle.with(|toy, _| toy.fired.pop()).await.unwrap() {
                    return fired;
                }
            }
        });
        assert!(fired >= at, "{fired:?} is before {at:?}");
    }
    running.stop();
}

#[test]
fn a_question_to_an_ended_driver_has_no_answer() {
    let running = start_with(Toy::new([], |_, _, _| {}), Options::new(Clock::start()));
    let handle = running.handle.clone();
    running.stop();
    assert_eq!(bounded(handle.with(|_, _| 1)), None);
}
