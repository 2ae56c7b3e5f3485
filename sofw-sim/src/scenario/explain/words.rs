//! Lines, steps and expectations in words.

use crate::link::Conditions;
use crate::link::profile::{Line, PROFILES};

use super::super::model::{Action, AnswerSpec, Change, Expectation, Metric, Scenario, Scope};
use super::super::names::{METRICS, Unit};
use super::super::values::{answer_text, rate_text, time_text};
use super::super::write::target;

/// `hotel: shared wireless (25ms, jitter 30ms, 4 Mbit/s up, 8 Mbit/s down, loss 1 %)`.
pub fn line(line: &Line) -> String {
    let values = values(line);
    match PROFILES.iter().find(|profile| profile.line == *line) {
        Some(profile) if values.is_empty() => format!("{}: {}", profile.name, profile.about),
        Some(profile) => format!("{}: {} ({values})", profile.name, profile.about),
        None => format!("of its own ({values})"),
    }
}

fn values(line: &Line) -> String {
    let both = |of: fn(&Conditions) -> Option<String>, suffix: bool| {
        let (up, down) = (of(&line.up), of(&line.down));
        match (up, down) {
            (up, down) if up == down && !suffix => up.into_iter().collect::<Vec<_>>(),
            (up, down) => {
                let (up, down) = (up.map(|up| format!("{up} up")), down.map(|down| format!("{down} down")));
                up.into_iter().chain(down).collect()
            }
        }
    };
    let parts = [
        both(|c| (!c.delay.is_zero()).then(|| time_text(c.delay)), false),
        both(|c| (!c.jitter.is_zero()).then(|| format!("jitter {}", time_text(c.jitter))), false),
        both(|c| c.rate.map(rate_text), true),
        both(|c| (c.loss > 0.0).then(|| format!("loss {}", percent_text(c.loss))), false),
        both(
            |c| {
                c.burst.map(|burst| {
                    let (length, every) = (time_text(burst.length), time_text(burst.every));
                    format!("bursts of {length} every {every} that lose {}", percent_text(burst.loss))
                })
            },
            false,
        ),
        both(|c| (c.duplicate > 0.0).then(|| format!("{} come twice", percent_text(c.duplicate))), false),
        both(|c| (c.reorder > 0.0).then(|| format!("{} are overtaken", percent_text(c.reorder))), false),
    ];
    parts.concat().join(", ")
}

fn percent_text(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

/// What happens in a step.
pub fn action(scenario: &Scenario, action: &Action) -> String {
    let phone = |phone: usize| scenario.phones[phone].name.as_str();
    let place = |place: usize| scenario.places[place].name.as_str();
    match action {
        Action::Call { from, to, talk: Some(talk) } => {
            format!("{} calls {to}, and hangs up {} after the answer", phone(*from), time_text(*talk))
        }
        Action::Call { from, to, talk: None } => format!("{} calls {to}", phone(*from)),
        Action::HangUp(who) => format!("{} hangs up", phone(*who)),
        Action::Answer(who) => format!("{} answers", phone(*who)),
        Action::Decline(who, status) => format!("{} declines with {status}", phone(*who)),
        Action::Manner(who, AnswerSpec::After(time)) => {
            format!("from now on {} answers calls after {}", phone(*who), time_text(*time))
        }
        Action::Manner(who, answer) => {
            format!("{} with calls from now on: {}", phone(*who), answer_text(answer))
        }
        Action::Hold(who, true) => format!("{} puts the call on hold", phone(*who)),
        Action::Hold(who, false) => format!("{} takes the call back from hold", phone(*who)),
        Action::Reinvite(who) => format!("{} sends a re-INVITE that changes nothing", phone(*who)),
        Action::Update(who) => format!("{} sends UPDATE", phone(*who)),
        Action::Transfer(who, to) => format!("{} transfers the call to {to}", phone(*who)),
        Action::Dial(who, keys) => format!("{} presses {keys}", phone(*who)),
        Action::Mute(who, true) => format!("{} is muted", phone(*who)),
        Action::Mute(who, false) => format!("{} speaks again", phone(*who)),
        Action::Register(who, true) => format!("{} registers", phone(*who)),
        Action::Register(who, false) => format!("{} takes its registration back", phone(*who)),
        Action::Crash(who, Some(lasting)) => {
            format!("{} loses power for {}", phone(*who), time_text(*lasting))
        }
        Action::Crash(who, None) => format!("{} loses power for good", phone(*who)),
        Action::Restart { what, away, power } => {
            let how = if *power { "loses power and is" } else { "is restarted and" };
            format!("{} {how} away for {}", target(scenario, *what), time_text(*away))
        }
        Action::Cut(site) => format!("all tunnel connections of {} are reset", place(*site)),
        Action::Forget(what) => format!("{} loses its memory", target(scenario, *what)),
        Action::Outage(which, lasting) => {
            format!("the line of {} is dead for {}", place(*which), time_text(*lasting))
        }
        Action::Line { which, change, lasting } => {
            let whose = which.map_or("the server", |which| which.map_or_else(phone, place));
            let back = lasting.map_or_else(String::new, |lasting| format!(", for {}", time_text(lasting)));
            format!("the line of {whose} changes: {}{back}", changed(change))
        }
        Action::Strangers => "strangers send datagrams to the ports of HRAS and HRAC".to_owned(),
        Action::Expect(expectation) => format!("must be true now: {}", expectation.text),
    }
}

fn changed(change: &Change) -> String {
    match change {
        Change::To(to) => line(to),
        Change::Values { loss, delay, jitter, rate } => {
            let parts = [
                loss.map(|loss| format!("loss {}", percent_text(loss))),
                delay.map(|delay| format!("delay {}", time_text(delay))),
                jitter.map(|jitter| format!("jitter {}", time_text(jitter))),
                rate.map(rate_text),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    }
}

/// What an expectation speaks of.
pub fn expectation(expectation: &Expectation) -> String {
    let Some(metric) = METRICS.iter().find(|metric| metric.metric == expectation.metric) else {
        return String::new();
    };
    let worst = match (&expectation.scope, metric.unit) {
        (Scope::All, Unit::Milliseconds | Unit::Share) => "; the worst counts",
        _ => "",
    };
    let (about, is_flag) = match (expectation.metric, &expectation.scope) {
        (Metric::Registered, Scope::Phone(_)) => ("it is registered at the moment", true),
        _ => (metric.about, metric.unit == Unit::Flag),
    };
    let not = if is_flag && expectation.value == 0.0 { "not so: " } else { "" };
    format!("{not}{about}{worst}")
}
