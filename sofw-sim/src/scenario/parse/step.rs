//! What happens.

use sofw_core::base::Duration;

use super::super::model::{Action, Change, HomeOrSite, Place, Step, Target};
use super::super::problem::no_such;
use super::super::shape::Verb;
use super::super::{plan, values};
use super::check::verb_of;
use super::expect::{Known, expectation};
use super::line::line;
use super::section::Section;

/// The steps of a list, each with the section that it comes from.
pub fn steps<'c, 't>(
    root: &Section<'c, 't>,
    key: &str,
    places: &[Place],
    known: &Known,
) -> Vec<(Step, Section<'c, 't>)> {
    let mut last = Duration::ZERO;
    let mut steps = Vec::new();
    for section in root.sections(key) {
        let at = match section.text("at").map(str::trim) {
            Some(text) => match text.strip_prefix('+') {
                Some(later) => values::time(later).ok().map(|later| last + later),
                None => values::time(text).ok(),
            },
            None => None,
        };
        last = at.unwrap_or(last);
        let verb = section.table().and_then(verb_of);
        let action = verb.and_then(|verb| action(&section, verb, places, known));
        if let Some(action) = action {
            steps.push((Step { at: last, action, line: section.line() }, section));
        }
    }
    steps
}

fn action(step: &Section, verb: &Verb, places: &[Place], known: &Known) -> Option<Action> {
    let name = verb.key.name;
    let phone = || look_up(step, name, "phone", &known.phones);
    let callee_of = |key| {
        let text = step.text(key)?;
        callee(text, &known.phones).map_err(|message| step.problem(key, message)).ok()
    };
    Some(match name {
        "call" => {
            let (from, to) = (phone(), callee_of("to"));
            let (from, to) = (from?, to?);
            if known.phones[from] == to {
                step.problem("to", format!("{to} cannot call itself"));
            }
            Action::Call { from, to, talk: step.time("for") }
        }
        "hang_up" => Action::HangUp(phone()?),
        "answer" => Action::Answer(phone()?),
        "decline" => {
            Action::Decline(phone()?, step.number("status").map_or(plan::DECLINE, |status| status as u16))
        }
        "manner" => {
            let phone = phone();
            let answer = values::answer(step.text("answer")?).ok()?;
            if let super::super::model::AnswerSpec::Forward(target) = &answer {
                callee(target, &known.phones).map_err(|message| step.problem("answer", message)).ok()?;
            }
            Action::Manner(phone?, answer)
        }
        "hold" => Action::Hold(phone()?, true),
        "resume" => Action::Hold(phone()?, false),
        "mute" => Action::Mute(phone()?, true),
        "unmute" => Action::Mute(phone()?, false),
        "reinvite" => Action::Reinvite(phone()?),
        "update" => Action::Update(phone()?),
        "transfer" => {
            let (phone, to) = (phone(), callee_of("to"));
            Action::Transfer(phone?, to?)
        }
        "dial" => Action::Dial(phone()?, step.text("keys")?.to_owned()),
        "register" => Action::Register(phone()?, true),
        "unregister" => Action::Register(phone()?, false),
        "crash" => Action::Crash(phone()?, step.time("for")),
        "restart" => Action::Restart {
            what: target(step, name, places, &[HRAS, "hrac", "proxy", REVERSE_PROXY])?,
            away: step.time("away").unwrap_or(plan::AWAY),
            power: step.flag("power").unwrap_or(false),
        },
        "forget" => Action::Forget(target(step, name, places, &["proxy", "firewall", "nat", REVERSE_PROXY])?),
        "cut" => {
            let place = look_up(step, name, "site", &known.places)?;
            if places[place].hrac.is_none() {
                step.problem(name, format!("{} has no HRAC and so no tunnel", places[place].name));
            }
            Action::Cut(place)
        }
        "outage" => Action::Outage(look_up(step, name, "place", &known.places)?, step.time("for")?),
        "line" => {
            let which = line_owner(step, name, known);
            let change = change(step);
            Action::Line { which: which?, change: change?, lasting: step.time("for") }
        }
        "strangers" => Action::Strangers,
        "expect" => {
            let text = step.text(name)?;
            Action::Expect(
                expectation(text, step.line(), known).map_err(|message| step.problem(name, message)).ok()?,
            )
        }
        _ => return None,
    })
}

fn look_up(step: &Section, key: &str, what: &str, names: &[&str]) -> Option<usize> {
    let text = step.text(key)?;
    let found = names.iter().position(|name| *name == text);
    if found.is_none() {
        step.problem(key, no_such(what, text, names));
    }
    found
}

/// A phone's name, or a URI.
pub fn callee(text: &str, phones: &[&str]) -> Result<String, String> {
    let is_uri = text.starts_with("sip:") || text.contains('@');
    if is_uri || phones.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{}; somebody else is called by a URI, e.g. \"sip:{text}@example.net\"",
        no_such("phone", text, phones)
    ))
}

fn change(step: &Section) -> Option<Change> {
    let (loss, delay, jitter, rate) =
        (step.share("loss"), step.time("delay"), step.time("jitter"), step.rate("rate"));
    let single = ["loss", "delay", "jitter", "rate"].into_iter().find(|key| step.has(key));
    match (step.has("to"), single) {
        (true, Some(key)) => {
            step.problem(key, "either to, or single values; within to = { … } all can be said");
            None
        }
        (true, None) => Some(Change::To(line(step, "to", plan::named_line("wire")))),
        (false, Some(_)) => Some(Change::Values { loss, delay, jitter, rate }),
        (false, None) => {
            step.problem("line", "nothing changes; add e.g. loss = \"3 %\" or to = \"hotel\"");
            None
        }
    }
}

fn line_owner(step: &Section, key: &str, known: &Known) -> Option<Option<Result<usize, usize>>> {
    let text = step.text(key)?;
    if text == SERVER {
        return Some(None);
    }
    let place = known.places.iter().position(|name| *name == text).map(Ok);
    let phone = known.phones.iter().position(|name| *name == text).map(Err);
    let found = place.or(phone);
    if found.is_none() {
        let names = [&known.places[..], &[SERVER], &known.phones].concat();
        step.problem(key, no_such("place or phone", text, &names));
    }
    found.map(Some)
}

/// `hras`, `hrac of office`; of the only place that has one, `hrac` says enough.
fn target(step: &Section, key: &str, places: &[Place], allowed: &[&str]) -> Option<Target> {
    let text = step.text(key)?.trim();
    let (what, of) = match text.split_once(" of ") {
        Some((what, of)) => (what.trim(), Some(of.trim())),
        None => (text, None),
    };
    if name_is_box(what) && !allowed.contains(&what) {
        step.problem(key, format!("a {what} is not restarted; it loses its memory by forget = {text:?}"));
        return None;
    }
    if !allowed.contains(&what) {
        let also = if [HRAS, "hrac"].contains(&what) { ", which loses its memory by a restart" } else { "" };
        let forms: Vec<String> = allowed.iter().map(|what| form(what)).collect();
        let message = match also {
            "" => format!(
                "{}; write e.g. {}",
                no_such(if key == "forget" { "middlebox or proxy" } else { "program" }, what, allowed),
                forms.join(", ")
            ),
            also => format!("{what} is a program{also}; valid: {}", forms.join(", ")),
        };
        step.problem(key, message);
        return None;
    }
    match what {
        HRAS => return Some(Target::Hras),
        REVERSE_PROXY => return Some(Target::ReverseProxy),
        _ => {}
    }
    let with: Vec<usize> = (0..places.len()).filter(|index| has(&places[*index], what)).collect();
    let names: Vec<&str> = with.iter().map(|index| places[*index].name.as_str()).collect();
    let place = match of {
        Some(name) => match names.iter().position(|known| *known == name) {
            Some(position) => with[position],
            None => {
                let exists = places.iter().any(|place| place.name == name);
                let message = match exists {
                    true => format!("{name} has no {what}"),
                    false if names.is_empty() => format!("no place has a {what}"),
                    false => no_such(&format!("place with {what}"), name, &names),
                };
                step.problem(key, message);
                return None;
            }
        },
        None => match with[..] {
            [only] => only,
            [] => {
                step.problem(key, format!("no place has a {what}"));
                return None;
            }
            _ => {
                let forms: Vec<String> = names.iter().map(|name| format!("\"{what} of {name}\"")).collect();
                step.problem(key, format!("which {what}? write {}", forms.join(" or ")));
                return None;
            }
        },
    };
    Some(match what {
        "hrac" => Target::Hrac(place),
        "proxy" => Target::Proxy(place),
        "firewall" => Target::Firewall(place),
        _ => Target::Nat(place),
    })
}

fn name_is_box(what: &str) -> bool {
    ["firewall", "nat"].contains(&what)
}

fn has(place: &Place, what: &str) -> bool {
    match what {
        "hrac" => place.kind == HomeOrSite::Site && place.hrac.is_some(),
        "proxy" => place.proxy.is_some(),
        "firewall" => place.firewall.is_some() || place.inspect.is_some(),
        _ => place.nat.is_some(),
    }
}

fn form(what: &str) -> String {
    match what {
        HRAS | REVERSE_PROXY => format!("{what:?}"),
        _ => format!("\"{what} of PLACE\""),
    }
}

const HRAS: &str = "hras";
const REVERSE_PROXY: &str = "reverse proxy";
const SERVER: &str = "server";
