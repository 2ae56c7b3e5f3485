//! After the timeline: faults end, calls end, everything returns to zero, and the system still works.

use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::{CallState, Phone};

use super::timeline::Timeline;
use crate::check::Phase;

/// Settles and makes a last call.
pub(super) fn settle(timeline: &mut Timeline<'_>) {
    timeline.phase = Phase::Settling;
    timeline.mend();
    // People hang up again when nothing happens.
    for _ in 0..HANG_UPS {
        timeline.hang_up_all();
        run_for(timeline, HANG_UP_EVERY);
        if timeline.is_empty() {
            break;
        }
    }
    // What a tunnel keeps arrives when it is back: only then is zero what stays.
    wait_for_tunnels(timeline);
    wait_for_zero(timeline);
    timeline.look(Phase::Settling);
    register_all(timeline);
    last_call(timeline);
    wait_for_zero(timeline);
}

fn wait_for_zero(timeline: &mut Timeline<'_>) {
    let patience = if timeline.lost_state { ZERO_WITHIN_LOST } else { ZERO_WITHIN };
    let end = timeline.world.now() + patience;
    while !timeline.is_empty() && timeline.world.now() < end {
        let left = end.since(timeline.world.now());
        // What takes hours is looked at less often.
        run_for(timeline, LOOK_EVERY.max(timeline.world.now().since(Instant::ZERO) / 50).min(left));
    }
}

/// Phones ask until each has been granted a registration by HRAS as it is now, as phones do in the course of time: one that believes
/// itself registered may have been forgotten, or be known by a connection that is gone.
fn register_all(timeline: &mut Timeline<'_>) {
    timeline.phase = Phase::LastCall;
    let begin = timeline.world.now();
    while timeline.world.now() < begin + REGISTERED_WITHIN {
        let wanted = timeline.wants_registration().to_vec();
        let granted = &timeline.world.observer.granted;
        let is_fresh = |phone: usize| granted.get(phone).is_some_and(|&at| at > Some(begin));
        let asked: Vec<usize> =
            (0..wanted.len()).filter(|&phone| wanted[phone] && !is_fresh(phone)).collect();
        if asked.is_empty() {
            return;
        }
        for phone in asked {
            timeline.command(phone, Phone::register);
        }
        run_for(timeline, REGISTER_AGAIN);
    }
}

/// Tunnels come back before phones are asked anything: reconnection has pauses of its own.
fn wait_for_tunnels(timeline: &mut Timeline<'_>) {
    let end = timeline.world.now() + TUNNELS_WITHIN;
    while !timeline.all_tunnels_up() && timeline.world.now() < end {
        run_for(timeline, LOOK_EVERY);
    }
}

/// From a phone of a site to one that is elsewhere, if there are such.
fn last_call(timeline: &mut Timeline<'_>) {
    let Some((from, to)) = pair(timeline) else { return };
    let answer = crate::scenario::model::AnswerSpec::After(Duration::from_millis(200));
    let answer = super::phones::answer(timeline.scenario, &answer);
    timeline.command(to, |phone, _| phone.set_answer(answer));
    let callee = timeline.scenario.phones[to].name.clone();
    for _ in 0..LAST_CALLS {
        timeline.call(from, &callee, None);
        run_for(timeline, LAST_CALL);
        if timeline.phone(from).and_then(Phone::call_state) == Some(CallState::Established) {
            break;
        }
        // A connection that came back to life may just have brought the callee a call of long ago: people hang up and try again.
        timeline.hang_up_all();
        run_for(timeline, HANG_UP_EVERY);
    }
    timeline.look(Phase::LastCall);
    timeline.hang_up_all();
}

fn pair(timeline: &Timeline<'_>) -> Option<(usize, usize)> {
    let registered = timeline.registered();
    let phones = &timeline.map().phones;
    let wanted = timeline.wants_registration();
    // One that could not be told to unregister believes in a registration that nobody renews.
    let is_able = |&phone: &usize| registered[phone] && wanted[phone] && !timeline.map().is_on_its_own(phone);
    let able = || (0..phones.len()).filter(is_able);
    // Phones outside may not call each other: HRAS serves sites.
    let in_site = |phone: &usize| timeline.map().site_of(*phone).is_some();
    let from = able().find(in_site).or_else(|| able().next())?;
    let to = able()
        .find(|&phone| phones[phone].zone != phones[from].zone)
        .or_else(|| able().find(|&phone| phone != from))?;
    Some((from, to))
}

fn run_for(timeline: &mut Timeline<'_>, time: Duration) {
    let end = timeline.world.now() + time;
    timeline.run_until(end);
}

/// How often people try to hang up, and after how long again.
const HANG_UPS: u32 = 20;
const HANG_UP_EVERY: Duration = Duration::from_secs(2);
/// Everything is zero after so long: a record without media ends after 300 s, a transaction after 32.
const ZERO_WITHIN: Duration = Duration::from_secs(600);
/// The same where a BYE may have been lost with its sender: a call without session timer is forgotten after 12 hours.
const ZERO_WITHIN_LOST: Duration = Duration::from_secs(13 * 3_600);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Tunnels are back after so long: a carrier's silence is noticed within 12 s, pauses between attempts grow to 10 s.
const TUNNELS_WITHIN: Duration = Duration::from_secs(60);
/// Phones are registered again after so long: a request that was lost is answered 408 after 32 s.
const REGISTERED_WITHIN: Duration = Duration::from_secs(60);
const REGISTER_AGAIN: Duration = Duration::from_secs(5);
/// The last call's length, set-up and ringing included.
const LAST_CALL: Duration = Duration::from_secs(4);
/// How often it is tried.
const LAST_CALLS: u32 = 3;
