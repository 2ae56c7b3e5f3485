//! Checks a file against its [`Shape`]: keys, types, forms, ranges. What refers to other parts of the file is checked where it is built.

use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::problem::{listed, nearest, no_such};
use super::super::shape::{Form, Key, Kind, SITE, Shape, TIME, VERBS, Verb, WHEN};
use super::super::values;
use super::context::Context;

/// Checks a table.
pub fn table(context: &Context, shape: &Shape, table: &DeTable, span: &Range<usize>, path: &str) {
    let keys: Vec<&Key> = shape.keys.iter().collect();
    known_keys(context, &keys, table, path, |near| near.to_owned());
    required_keys(context, &keys, table, span, path);
}

/// Checks that every key is one of `keys` and has a right value.
fn known_keys(context: &Context, keys: &[&Key], table: &DeTable, path: &str, say: impl Fn(&str) -> String) {
    for (name, value) in table.iter() {
        let here = join(path, name.get_ref());
        match keys.iter().find(|key| key.name == name.get_ref().as_ref()) {
            Some(key) => check(context, &key.kind, value, &here),
            None => {
                let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                let hint = match nearest(name.get_ref(), &names).or_else(|| meant(name.get_ref(), &names)) {
                    _ if is_of_sites(path, name.get_ref()) => "a home has none, a [[site]] may".to_owned(),
                    Some(near) => format!("did you mean {}?", say(near)),
                    None => format!("valid here: {}", listed(&names)),
                };
                context.problem(&name.span(), here, format!("there is no such key; {hint}"));
            }
        }
    }
}

/// Whether this is a key of a home that only sites have.
fn is_of_sites(path: &str, key: &str) -> bool {
    path.starts_with("home[") && path.ends_with(']') && SITE.keys.iter().any(|known| known.name == key)
}

/// The key that stands for what others call so.
fn meant<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    let word = word.to_lowercase();
    let (_, key) =
        OTHER_WORDS.iter().find(|(others, key)| others.contains(&word.as_str()) && names.contains(key))?;
    names.iter().find(|name| *name == key).copied()
}

const OTHER_WORDS: [(&[&str], &str); 12] = [
    (&["type", "kind", "model"], "preset"),
    (&["latency", "rtt", "ping"], "delay"),
    (&["bandwidth", "speed", "throughput"], "rate"),
    (&["upload", "uplink", "upstream"], "up"),
    (&["download", "downlink", "downstream"], "down"),
    (&["buffer"], "queue"),
    (&["ip", "addr", "host"], "address"),
    (&["subnet", "cidr", "lan"], "network"),
    (&["location", "site", "home"], "place"),
    (&["user", "id", "extension"], "name"),
    (&["timeout", "idle_timeout"], "idle"),
    (&["duration", "length", "seconds"], "for"),
];

fn required_keys(context: &Context, keys: &[&Key], table: &DeTable, span: &Range<usize>, path: &str) {
    for key in keys.iter().filter(|key| key.required && !table.contains_key(key.name)) {
        let example = example(&key.kind);
        context.problem(span, join(path, key.name), format!("is missing, e.g. {} = {example}", key.name));
    }
}

/// Checks a value.
fn check(context: &Context, kind: &Kind, value: &Spanned<DeValue>, path: &str) {
    let problem = |message: String| context.problem(&value.span(), path, message);
    if !fits(kind, value.get_ref()) {
        return problem(wrong_type(kind, value.get_ref()));
    }
    match (kind, value.get_ref()) {
        (Kind::Form(form), DeValue::String(text)) => {
            if let Err(reason) = (form.check)(text) {
                problem(reason);
            }
        }
        (Kind::OneOf(names), DeValue::String(text)) if names.about(text).is_none() => {
            problem(no_such(names.what, text, &names.names()));
        }
        (Kind::Number(least, most), DeValue::Integer(number)) => {
            let right = i64::from_str_radix(number.as_str(), number.radix())
                .is_ok_and(|number| u64::try_from(number).is_ok_and(|n| (*least..=*most).contains(&n)));
            if !right {
                problem(format!("{number} is out of range; it must lie between {least} and {most}"));
            }
        }
        (Kind::Choice(valid), DeValue::Integer(number)) => {
            let valid: Vec<String> = valid.iter().map(u64::to_string).collect();
            if !valid.contains(&number.to_string()) {
                problem(format!("{number} does not exist here; valid: {}", valid.join(", ")));
            }
        }
        (Kind::True, DeValue::Boolean(false)) => problem("must be true, or not be there".to_owned()),
        (Kind::Share, value) => {
            let share = match value {
                DeValue::String(text) => values::share(text),
                DeValue::Float(number) => {
                    number.as_str().parse().map_err(|_| String::new()).and_then(values::in_share)
                }
                DeValue::Integer(number) => match number.as_str() {
                    "0" | "1" => Ok(0.0),
                    _ => Err(format!(
                        "{number} is no share; write \"{number} %\", or a number between 0 and 1"
                    )),
                },
                _ => Ok(0.0),
            };
            if let Err(reason) = share {
                problem(reason);
            }
        }
        (Kind::List(kind), DeValue::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                check(context, kind, item, &format!("{path}[{index}]"));
            }
        }
        (Kind::List(kind), _) => check(context, kind, value, path),
        (Kind::Table(shape), DeValue::Table(inner)) => table(context, shape, inner, &value.span(), path),
        (Kind::Tables(shape), DeValue::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                check(context, &Kind::Table(shape), item, &format!("{path}[{index}]"));
            }
        }
        (Kind::Tables(shape), DeValue::Table(_)) => {
            check(context, &Kind::Table(shape), value, &format!("{path}[0]"));
        }
        (Kind::Steps, DeValue::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                step(context, item, &format!("{path}[{index}]"));
            }
        }
        (Kind::Steps, DeValue::Table(_)) => step(context, value, &format!("{path}[0]")),
        (Kind::Either(kinds), written) => either(context, kinds, value, written, path),
        _ => {}
    }
}

/// A name among several kinds of strings is looked up in all of them before it is called wrong.
fn either(context: &Context, kinds: &[Kind], value: &Spanned<DeValue>, written: &DeValue, path: &str) {
    let fitting: Vec<&Kind> = kinds.iter().filter(|kind| fits(kind, written)).collect();
    let named = fitting.iter().any(
        |kind| matches!((kind, written), (Kind::OneOf(names), DeValue::String(text)) if names.about(text).is_some()),
    );
    if let (false, Some(kind)) = (named, fitting.last()) {
        check(context, kind, value, path);
    }
}

/// Checks a step.
fn step(context: &Context, value: &Spanned<DeValue>, path: &str) {
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!(
            "must be a table like {{ at = \"5s\", call = \"alice\", to = \"bob\" }}, not {}",
            name_of(value.get_ref())
        );
        return context.problem(&value.span(), path, message);
    };
    let Some(verb) = verb_of(table) else { return no_single_verb(context, table, &value.span(), path) };
    let keys: Vec<&Key> = [&WHEN, &verb.key].into_iter().chain(verb.with).collect();
    known_keys(context, &keys, table, path, |near| format!("{near} (with {})", verb.key.name));
    required_keys(context, &keys, table, &value.span(), path);
}

/// The verb of a step: the one that has all other verbs written beside it for its own keys (`manner = …, answer = …`).
pub fn verb_of(table: &DeTable) -> Option<&'static Verb> {
    let written: Vec<&Verb> = VERBS.iter().filter(|verb| table.contains_key(verb.key.name)).collect();
    let takes = |verb: &Verb, other: &Verb| verb.with.iter().any(|key| key.name == other.key.name);
    written
        .iter()
        .find(|verb| written.iter().all(|other| other.key.name == verb.key.name || takes(verb, other)))
        .map(|verb| VERBS.iter().find(|known| known.key.name == verb.key.name).unwrap_or(verb))
        .map(|verb| verb as &'static Verb)
}

fn no_single_verb(context: &Context, table: &DeTable, span: &Range<usize>, path: &str) {
    let verbs: Vec<&str> = VERBS.iter().map(|verb| verb.key.name).collect();
    let written: Vec<&str> = verbs.iter().copied().filter(|verb| table.contains_key(*verb)).collect();
    if written.len() > 1 {
        return context.problem(span, path, format!("one thing a step, not {}", written.join(" and ")));
    }
    let with = VERBS.iter().flat_map(|verb| verb.with).map(|key| key.name);
    let others: Vec<&str> = with.chain([WHEN.name]).collect();
    let strange = table.keys().find(|key| !others.contains(&key.get_ref().as_ref()));
    let meant = strange.and_then(|key| Some((key, nearest(key.get_ref(), &verbs)?)));
    match (meant, strange) {
        (Some((key, near)), _) => {
            let message = format!("there is no such key; did you mean {near}?");
            context.problem(&key.span(), join(path, key.get_ref()), message);
        }
        (None, Some(key)) => {
            let message = format!("nothing that happens is called so; valid: {}", verbs.join(", "));
            context.problem(&key.span(), join(path, key.get_ref()), message);
        }
        (None, None) => {
            context.problem(span, path, format!("nothing happens in this step; valid: {}", verbs.join(", ")));
        }
    }
}

/// Whether the TOML type of a value is right.
fn fits(kind: &Kind, value: &DeValue) -> bool {
    match kind {
        Kind::Text | Kind::Form(_) | Kind::OneOf(_) => value.is_str(),
        Kind::Number(..) | Kind::Choice(_) => value.is_integer(),
        Kind::Flag | Kind::True => value.is_bool(),
        Kind::Share => value.is_str() || value.is_float() || value.is_integer(),
        Kind::List(kind) => value.is_array() || fits(kind, value),
        Kind::Table(_) => value.is_table(),
        Kind::Tables(_) | Kind::Steps => value.is_array() || value.is_table(),
        Kind::Either(kinds) => kinds.iter().any(|kind| fits(kind, value)),
    }
}

/// `must be a time in quotes, e.g. "5s", not a number`.
fn wrong_type(kind: &Kind, value: &DeValue) -> String {
    let quoted = match (kind, value) {
        (Kind::Form(form), DeValue::Integer(number)) if form.what == TIME.what => {
            format!("; write \"{number}s\" or \"{number}ms\"")
        }
        _ => String::new(),
    };
    format!("must be {}, not {}{quoted}", wanted(kind), name_of(value))
}

fn wanted(kind: &Kind) -> String {
    match kind {
        Kind::Text => "a string in quotes".to_owned(),
        Kind::Form(Form { what, example, .. }) => format!("{what} in quotes, e.g. {example}"),
        Kind::OneOf(names) => format!("the name of a {} in quotes, e.g. {:?}", names.what, names.list[0].0),
        Kind::Number(..) | Kind::Choice(_) => "a whole number".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::True => "true".to_owned(),
        Kind::Share => "a share, e.g. \"3 %\" or 0.03".to_owned(),
        Kind::List(kind) => format!("a list; each must be {}", wanted(kind)),
        Kind::Table(_) => "a table".to_owned(),
        Kind::Tables(_) | Kind::Steps => "a list of tables".to_owned(),
        Kind::Either(kinds) => kinds.iter().map(wanted).collect::<Vec<_>>().join(", or "),
    }
}

fn example(kind: &Kind) -> String {
    match kind {
        Kind::Form(form) => form.example.split(", ").next().unwrap_or_default().to_owned(),
        Kind::OneOf(names) => format!("{:?}", names.list[0].0),
        Kind::Number(least, _) => least.to_string(),
        Kind::Choice(valid) => valid[0].to_string(),
        Kind::Flag | Kind::True => "true".to_owned(),
        Kind::Share => "\"3 %\"".to_owned(),
        Kind::List(kind) => format!("[{}]", example(kind)),
        Kind::Either(kinds) => example(&kinds[0]),
        Kind::Text | Kind::Table(_) | Kind::Tables(_) | Kind::Steps => "\"…\"".to_owned(),
    }
}

fn name_of(value: &DeValue) -> String {
    match value {
        DeValue::String(text) => format!("the string {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
