//! What happens.

use super::super::model::{Action, Change, Scenario, Step, Target};
use super::super::{plan, values};
use super::line::line;
use super::text::{Fields, quoted};
use sofw_core::base::Duration;

/// One step as an inline table.
pub fn step(scenario: &Scenario, step: &Step) -> String {
    let mut fields = Fields::default();
    fields.text("at", &values::time_text(step.at));
    action(scenario, &step.action, &mut fields);
    fields.inline()
}

fn action(scenario: &Scenario, action: &Action, fields: &mut Fields) {
    let phone = |phone: usize| scenario.phones[phone].name.as_str();
    let place = |place: usize| scenario.places[place].name.as_str();
    let time = |time: Duration| quoted(&values::time_text(time));
    match action {
        Action::Call { from, to, talk } => {
            fields.text("call", phone(*from));
            fields.text("to", to);
            fields.some("for", talk.map(time));
        }
        Action::HangUp(who) => fields.text("hang_up", phone(*who)),
        Action::Answer(who) => fields.text("answer", phone(*who)),
        Action::Decline(who, status) => {
            fields.text("decline", phone(*who));
            fields.some("status", (*status != plan::DECLINE).then(|| status.to_string()));
        }
        Action::Manner(who, answer) => {
            fields.text("manner", phone(*who));
            fields.text("answer", &values::answer_text(answer));
        }
        Action::Hold(who, hold) => fields.text(if *hold { "hold" } else { "resume" }, phone(*who)),
        Action::Reinvite(who) => fields.text("reinvite", phone(*who)),
        Action::Update(who) => fields.text("update", phone(*who)),
        Action::Transfer(who, to) => {
            fields.text("transfer", phone(*who));
            fields.text("to", to);
        }
        Action::Dial(who, keys) => {
            fields.text("dial", phone(*who));
            fields.text("keys", keys);
        }
        Action::Mute(who, mute) => fields.text(if *mute { "mute" } else { "unmute" }, phone(*who)),
        Action::Register(who, register) => {
            fields.text(if *register { "register" } else { "unregister" }, phone(*who));
        }
        Action::Crash(who, lasting) => {
            fields.text("crash", phone(*who));
            fields.some("for", lasting.map(time));
        }
        Action::Restart { what, away, power } => {
            fields.text("restart", &target(scenario, *what));
            fields.some("away", (*away != plan::AWAY).then(|| time(*away)));
            fields.flag("power", *power);
        }
        Action::Cut(site) => fields.text("cut", place(*site)),
        Action::Forget(what) => fields.text("forget", &target(scenario, *what)),
        Action::Outage(which, lasting) => {
            fields.text("outage", place(*which));
            fields.raw("for", time(*lasting));
        }
        Action::Line { which, change, lasting } => {
            fields.text("line", which.map_or("server", |which| which.map_or_else(phone, place)));
            changed(change, fields);
            fields.some("for", lasting.map(time));
        }
        Action::Strangers => fields.flag("strangers", true),
        Action::Expect(expectation) => fields.text("expect", &expectation.text),
    }
}

fn changed(change: &Change, fields: &mut Fields) {
    match change {
        Change::To(to) => fields.raw("to", line(to)),
        Change::Values { loss, delay, jitter, rate } => {
            let time = |time: Duration| quoted(&values::time_text(time));
            fields.some("loss", loss.map(values::share_toml));
            fields.some("delay", delay.map(time));
            fields.some("jitter", jitter.map(time));
            fields.some("rate", rate.map(|rate| quoted(&values::rate_text(rate))));
        }
    }
}

/// `hras`, `hrac of office`.
pub fn target(scenario: &Scenario, target: Target) -> String {
    let of = |what: &str, place: usize| format!("{what} of {}", scenario.places[place].name);
    match target {
        Target::Hras => "hras".to_owned(),
        Target::ReverseProxy => "reverse proxy".to_owned(),
        Target::Hrac(place) => of("hrac", place),
        Target::Proxy(place) => of("proxy", place),
        Target::Firewall(place) => of("firewall", place),
        Target::Nat(place) => of("nat", place),
    }
}
