//! `[[calls]]`: many calls without a step for each.

use sofw_core::base::Duration;

use super::super::model::{Action, PhoneSpec, Step};
use super::super::problem::no_such;
use super::super::{plan, values};
use super::expect::Known;
use super::section::Section;

/// When each phone is in a call of a table.
pub type Busy = Vec<Vec<(Duration, Duration)>>;

/// The steps that one table stands for: at even intervals the next caller that is free calls the next callee that is free. `busy` goes
/// from table to table.
pub fn calls(table: &Section, phones: &[PhoneSpec], known: &Known, busy: &mut Busy) -> Vec<Step> {
    let (from, to) = match (table.has("among"), table.has("from") || table.has("to")) {
        (true, false) => {
            let among = members(table, "among", phones, known);
            (among.clone(), among)
        }
        (false, true) => {
            for key in ["from", "to"].into_iter().filter(|key| !table.has(key)) {
                table.problem(key, format!("is missing, e.g. {key} = [\"office\"]"));
            }
            (members(table, "from", phones, known), members(table, "to", phones, known))
        }
        (true, true) => {
            table.problem("among", "either among, or from and to");
            return Vec::new();
        }
        (false, false) => {
            table.problem(
                "among",
                "is missing, e.g. among = [\"office\"], or from = [\"office\"] and to = [\"bob\"]",
            );
            return Vec::new();
        }
    };
    let (Some(every), Some(talk), Some(count)) =
        (table.time("every"), table.time("for"), table.number("count"))
    else {
        return Vec::new();
    };
    if from.is_empty() || to.is_empty() || !table.context().is_clean() {
        return Vec::new();
    }
    let starting = table.time("starting").unwrap_or(plan::FIRST_CALL);
    let (mut caller, mut callee) = (0, to.len() / 2);
    let mut steps = Vec::new();
    for n in 0..count {
        let at = starting + every * n as u32;
        let found = next_free(&from, &mut caller, busy, (at, at + talk + SETTLE), None).and_then(|from| {
            Some((from, next_free(&to, &mut callee, busy, (at, at + talk + SETTLE), Some(from))?))
        });
        let Some((from, to)) = found else {
            let message = format!(
                "call {} at {} finds no phone that is free; take more phones, shorter calls, or a longer every",
                n + 1,
                values::time_text(at)
            );
            table.problem("count", message);
            break;
        };
        for phone in [from, to] {
            busy[phone].push((at, at + talk + SETTLE));
        }
        let action = Action::Call { from, to: phones[to].name.clone(), talk: Some(talk) };
        steps.push(Step { at, action, line: table.line() });
    }
    steps
}

/// Ringing, hanging up and some rest.
const SETTLE: Duration = Duration::from_secs(3);

fn next_free(
    among: &[usize],
    next: &mut usize,
    busy: &Busy,
    time: (Duration, Duration),
    but: Option<usize>,
) -> Option<usize> {
    let found = (0..among.len()).map(|step| (*next + step) % among.len()).find(|position| {
        let phone = among[*position];
        Some(phone) != but && !busy[phone].iter().any(|other| other.0 < time.1 && time.0 < other.1)
    })?;
    *next = found + 1;
    Some(among[found])
}

/// Phones by name, or all of a place.
fn members(table: &Section, key: &str, phones: &[PhoneSpec], known: &Known) -> Vec<usize> {
    let mut members = Vec::new();
    for item in table.items(key) {
        let place = known.places.iter().position(|name| *name == item.text);
        match (place, known.phones.iter().position(|name| *name == item.text)) {
            (Some(place), _) => {
                members.extend((0..phones.len()).filter(|phone| phones[*phone].place == Some(place)))
            }
            (None, Some(phone)) => members.push(phone),
            (None, None) => {
                let names = [&known.places[..], &known.phones].concat();
                table.context().problem(&item.span, item.path, no_such("place or phone", item.text, &names));
            }
        }
    }
    members
}
