//! Single reductions of a scenario. Each gives something that is strictly simpler, so that trying them comes to an end.

use core::ops::Range;

use sofw_core::base::{Duration, Transport};

use crate::link::profile::find;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, AnswerSpec, HomeOrSite, NatSpec, Target, WayOut};

/// Without some steps; the rest happens when it did.
pub(super) fn without_steps(scenario: &Scenario, gone: Range<usize>) -> Scenario {
    let mut smaller = scenario.clone();
    smaller.timeline.drain(gone);
    smaller
}

/// Without a phone and all that it does. Two phones stay.
pub(super) fn without_phone(scenario: &Scenario, gone: usize) -> Option<Scenario> {
    if scenario.phones.len() <= 2 {
        return None;
    }
    let mut smaller = scenario.clone();
    let name = smaller.phones.remove(gone).name;
    smaller.timeline.retain_mut(|step| {
        let (who, names) = parties(&mut step.action);
        let is_named = names.is_some_and(|named| *named == name);
        match who {
            _ if is_named => false,
            Some(who) if *who == gone => false,
            Some(who) => {
                *who -= usize::from(*who > gone);
                true
            }
            None => true,
        }
    });
    for phone in &mut smaller.phones {
        if matches!(&phone.answer, AnswerSpec::Forward(to) if *to == name) {
            phone.answer = AnswerSpec::Never;
        }
    }
    Some(smaller)
}

/// Without a place in which nobody is any more.
pub(super) fn without_place(scenario: &Scenario, gone: usize) -> Option<Scenario> {
    if scenario.phones.iter().any(|phone| phone.place == Some(gone)) {
        return None;
    }
    let mut smaller = scenario.clone();
    smaller.places.remove(gone);
    let moved = |place: &mut usize| *place -= usize::from(*place > gone);
    smaller.phones.iter_mut().filter_map(|phone| phone.place.as_mut()).for_each(moved);
    smaller.timeline.retain_mut(|step| match place_of(&mut step.action) {
        Some(place) if *place == gone => false,
        Some(place) => {
            moved(place);
            true
        }
        None => true,
    });
    Some(smaller)
}

/// Places with one special thing less.
pub(super) fn plainer_places(scenario: &Scenario) -> Vec<Scenario> {
    let mut plainer = Vec::new();
    let mut offer = |change: &dyn Fn(&mut Scenario)| {
        let mut smaller = scenario.clone();
        change(&mut smaller);
        if smaller != *scenario {
            plainer.push(smaller);
        }
    };
    offer(&|scenario| scenario.server.proxy = None);
    for number in 0..scenario.places.len() {
        offer(&|scenario| scenario.places[number].inspect = None);
        offer(&|scenario| scenario.places[number].alg = None);
        offer(&|scenario| {
            let place = &mut scenario.places[number];
            if let (Some(proxy), Some(hrac)) = (place.proxy.take(), &mut place.hrac) {
                (hrac.ways, hrac.port) = (vec![WayOut::Direct], 80);
                if let Some(firewall) = place.firewall.as_mut().filter(|f| f.preset == "proxy-only") {
                    firewall.preset = "web-only".into();
                }
                drop(proxy);
            }
        });
        offer(&|scenario| {
            if let Some(proxy) = &mut scenario.places[number].proxy {
                proxy.auth = None;
            }
        });
        offer(&|scenario| scenario.places[number].firewall = None);
        offer(&|scenario| {
            if let Some(nat) = &mut scenario.places[number].nat {
                let preset = "port-restricted".into();
                *nat = NatSpec { preset, idle_udp: None, idle_tcp: None, hairpin: None };
            }
        });
        offer(&|scenario| {
            let place = &mut scenario.places[number];
            place.line = line(if place.kind == HomeOrSite::Site { "office" } else { "home" });
        });
        offer(&|scenario| scenario.places[number].line = line("wire"));
        offer(&|scenario| {
            if let Some(hrac) = &mut scenario.places[number].hrac {
                hrac.bbr = true;
            }
        });
    }
    // A line that was made plain once is not made less plain again.
    plainer.retain(|smaller| {
        scenario
            .places
            .iter()
            .zip(&smaller.places)
            .all(|(former, place)| former.line == place.line || former.line != line("wire"))
    });
    plainer
}

/// Phones with one habit less.
pub(super) fn plainer_phones(scenario: &Scenario) -> Vec<Scenario> {
    let mut plainer = Vec::new();
    for number in 0..scenario.phones.len() {
        let phone = &scenario.phones[number];
        let mut variants = Vec::new();
        for quirk in 0..phone.quirks.len() {
            let mut quirks = phone.quirks.clone();
            quirks.remove(quirk);
            variants.push(crate::scenario::model::PhoneSpec { quirks, ..phone.clone() });
        }
        variants.push(crate::scenario::model::PhoneSpec { transport: Transport::Udp, ..phone.clone() });
        variants.push(crate::scenario::model::PhoneSpec { video: false, ..phone.clone() });
        variants.push(crate::scenario::model::PhoneSpec { ptime_ms: 20, ..phone.clone() });
        variants.push(crate::scenario::model::PhoneSpec { expires_s: 3_600, ..phone.clone() });
        variants.push(crate::scenario::model::PhoneSpec { answer: AnswerSpec::After(SOON), ..phone.clone() });
        for variant in variants.into_iter().filter(|variant| variant != phone) {
            let mut smaller = scenario.clone();
            smaller.phones[number] = variant;
            plainer.push(smaller);
        }
    }
    plainer
}

/// With shorter times: gaps between steps, what lasts, and the end.
pub(super) fn shorter(scenario: &Scenario) -> Vec<Scenario> {
    let mut shorter = Vec::new();
    let end = scenario.timeline.last().map_or(Duration::ZERO, |step| step.at) + AFTER_LAST;
    if end < scenario.duration {
        shorter.push(Scenario { duration: end, ..scenario.clone() });
    }
    for number in 0..scenario.timeline.len() {
        let before = number.checked_sub(1).map_or(BEFORE_FIRST, |former| scenario.timeline[former].at);
        let gap = scenario.timeline[number].at.saturating_sub(before);
        let cut = Duration::from_millis((gap.as_millis() / 2) as u64);
        if cut >= TIME_MIN {
            let mut smaller = scenario.clone();
            smaller.timeline[number..].iter_mut().for_each(|step| step.at -= cut);
            smaller.duration -= cut.min(smaller.duration);
            shorter.push(smaller);
        }
        let mut smaller = scenario.clone();
        if let Some(time) =
            lasting(&mut smaller.timeline[number].action).filter(|time| **time >= 2 * TIME_MIN)
        {
            *time = Duration::from_millis((time.as_millis() / 2) as u64);
            shorter.push(smaller);
        }
    }
    shorter
}

/// The phone that acts, and the user that an action names.
fn parties(action: &mut Action) -> (Option<&mut usize>, Option<&mut String>) {
    match action {
        Action::Call { from, to, .. } => (Some(from), Some(to)),
        Action::Transfer(who, to) | Action::Manner(who, AnswerSpec::Forward(to)) => (Some(who), Some(to)),
        Action::HangUp(who)
        | Action::Answer(who)
        | Action::Decline(who, _)
        | Action::Manner(who, _)
        | Action::Hold(who, _)
        | Action::Reinvite(who)
        | Action::Update(who)
        | Action::Dial(who, _)
        | Action::Mute(who, _)
        | Action::Register(who, _)
        | Action::Crash(who, _)
        | Action::Line { which: Some(Err(who)), .. } => (Some(who), None),
        Action::Restart { .. }
        | Action::Cut(_)
        | Action::Forget(_)
        | Action::Outage(..)
        | Action::Line { .. }
        | Action::Strangers
        | Action::Expect(_) => (None, None),
    }
}

/// The place that an action is about.
fn place_of(action: &mut Action) -> Option<&mut usize> {
    match action {
        Action::Cut(place) | Action::Outage(place, _) | Action::Line { which: Some(Ok(place)), .. } => {
            Some(place)
        }
        Action::Restart { what, .. } | Action::Forget(what) => match what {
            Target::Hrac(place) | Target::Proxy(place) | Target::Firewall(place) | Target::Nat(place) => {
                Some(place)
            }
            Target::Hras | Target::ReverseProxy => None,
        },
        _ => None,
    }
}

/// How long what an action begins lasts.
fn lasting(action: &mut Action) -> Option<&mut Duration> {
    match action {
        Action::Call { talk, .. } => talk.as_mut(),
        Action::Crash(_, back) => back.as_mut(),
        Action::Restart { away, .. } => Some(away),
        Action::Outage(_, time) => Some(time),
        Action::Line { lasting, .. } => lasting.as_mut(),
        _ => None,
    }
}

fn line(name: &str) -> crate::link::profile::Line {
    find(name).expect("a profile of link::profile").line
}

/// Plain phones answer so soon.
const SOON: Duration = Duration::from_millis(500);
/// Shorter times are not worth a run.
const TIME_MIN: Duration = Duration::from_millis(250);
/// What the last step caused has come by then.
const AFTER_LAST: Duration = Duration::from_secs(2);
/// The tunnels are up and the phones have registered by then.
const BEFORE_FIRST: Duration = Duration::from_secs(5);
