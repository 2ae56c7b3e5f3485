//! The page that lists everything a scenario file may say, made from the parser's own tables.

use core::fmt::Write;
use core::ptr;

use sofw_core::base::Duration;

use super::names::{CHECKERS, METRICS, Names, Scopes, Unit};
use super::shape::{Key, Kind, REFERENCE, ROOT, Shape, VERBS, WHEN};
use super::values;
use crate::link::Conditions;
use crate::link::profile::PROFILES;

/// The reference in Markdown, as committed in `docs/simulator-reference.md`.
pub fn reference() -> String {
    let mut collected = Collected::default();
    collected.shape(&ROOT, "the file".to_owned());
    let mut out = INTRODUCTION.to_owned();
    out += "\n## Tables and their keys\n";
    collected.tables.iter().for_each(|table| write_table(&mut out, table));
    write_steps(&mut out);
    write_metrics(&mut out);
    write_lines(&mut out);
    collected.names.iter().for_each(|names| write_names(&mut out, names));
    out
}

/// A table of the file, where it may stand.
struct Table {
    shape: &'static Shape,
    /// As written: `[[site]]`, `nat = { … }`.
    title: String,
    /// Titles of the tables in which it may stand.
    parents: Vec<String>,
}

/// Every table once, in the order of the file, and the lists of names that are used in them.
#[derive(Default)]
struct Collected {
    tables: Vec<Table>,
    names: Vec<&'static Names>,
}

impl Collected {
    fn shape(&mut self, shape: &'static Shape, title: String) {
        self.tables.push(Table { shape, title: title.clone(), parents: Vec::new() });
        for key in shape.keys {
            self.kind(&key.kind, key, &title);
        }
        if ptr::eq(shape, &ROOT) {
            for key in VERBS.iter().flat_map(|verb| verb.with) {
                self.kind(&key.kind, key, "a step");
            }
        }
    }

    fn kind(&mut self, kind: &'static Kind, key: &'static Key, parent: &str) {
        match kind {
            Kind::OneOf(names) if names.list.len() > 1 && names.what != "line" => {
                // The longest list of a kind holds the others'.
                match self.names.iter_mut().find(|known| known.what == names.what) {
                    Some(known) if known.list.len() < names.list.len() => *known = names,
                    Some(_) => {}
                    None => self.names.push(names),
                }
            }
            Kind::List(kind) => self.kind(kind, key, parent),
            Kind::Either(kinds) => kinds.iter().for_each(|kind| self.kind(kind, key, parent)),
            Kind::Tables(shape) => self.table(shape, format!("`[[{}]]`", key.name), parent),
            Kind::Table(shape) if parent == "the file" && matches!(key.kind, Kind::Table(_)) => {
                self.table(shape, format!("`[{}]`", key.name), parent);
            }
            Kind::Table(shape) => self.table(shape, format!("`{} = {{ … }}`", key.name), parent),
            _ => {}
        }
    }

    fn table(&mut self, shape: &'static Shape, title: String, parent: &str) {
        if !self.tables.iter().any(|table| ptr::eq(table.shape, shape)) {
            self.shape(shape, title.clone());
        }
        let Some(table) = self.tables.iter_mut().find(|table| ptr::eq(table.shape, shape)) else { return };
        if parent != "the file" && !table.parents.iter().any(|known| known == parent) {
            table.parents.push(parent.to_owned());
        }
        if !table.title.contains(&title) {
            table.title = format!("{}, {title}", table.title);
        }
    }
}

fn write_table(out: &mut String, table: &Table) {
    let place = match table.parents.is_empty() {
        true => String::new(),
        false => format!(" in {}", table.parents.join(", ")),
    };
    let title = if table.title == "the file" { "At the top of the file" } else { &table.title };
    _ = writeln!(out, "\n### {title}{place}\n\n{}\n", table.shape.about);
    *out += "| key | value | meaning |\n|---|---|---|\n";
    for key in table.shape.keys {
        let required = if key.required { " **Must be there.**" } else { "" };
        let row = [format!("`{}`", key.name), value(&key.kind), format!("{}{required}", key.about)];
        write_row(out, &row);
    }
}

fn write_steps(out: &mut String) {
    _ = writeln!(out, "\n## Steps\n\nEach step has `{}` and one of these. {}\n", WHEN.name, WHEN.about);
    *out += "| step | value | with it | meaning |\n|---|---|---|---|\n";
    for verb in &VERBS {
        let with = verb.with.iter().map(|key| {
            let required = if key.required { "" } else { "(may) " };
            format!("{required}`{}`: {}. {}", key.name, value(&key.kind), key.about)
        });
        let with = with.collect::<Vec<_>>().join("<br>");
        write_row(
            out,
            &[format!("`{}`", verb.key.name), value(&verb.key.kind), with, verb.key.about.to_owned()],
        );
    }
}

fn write_metrics(out: &mut String) {
    *out += METRICS_INTRODUCTION;
    *out += "| metric | unit | `of` | meaning |\n|---|---|---|---|\n";
    for metric in &METRICS {
        let unit = match metric.unit {
            Unit::Flag => "yes or no",
            Unit::Milliseconds => "ms",
            Unit::Share => "share",
            Unit::Number => "number",
        };
        let of = match metric.scopes {
            Scopes::Whole => "–",
            Scopes::CallOrPhone => "a call, a phone",
            scopes => scopes.about(),
        };
        write_row(out, &[format!("`{}`", metric.name), unit.into(), of.into(), metric.about.into()]);
    }
}

fn write_lines(out: &mut String) {
    *out +=
        "\n## Lines\n\nOne way; where two values stand, the first is upstream, the second downstream.\n\n";
    *out += "| name | what it is | delay | jitter | rate | queue | loss | bursts |\n";
    *out += "|---|---|---|---|---|---|---|---|\n";
    for profile in &PROFILES {
        let line = &profile.line;
        let two = |of: &dyn Fn(&Conditions) -> String| match (of(&line.up), of(&line.down)) {
            (up, down) if up == down => up,
            (up, down) => format!("{up}, {down}"),
        };
        let time = |time: Duration| if time.is_zero() { "–".to_owned() } else { values::time_text(time) };
        let row = [
            format!("`{}`", profile.name),
            profile.about.to_owned(),
            two(&|side| time(side.delay)),
            two(&|side| time(side.jitter)),
            two(&|side| side.rate.map_or("unlimited".to_owned(), values::rate_text)),
            two(&|side| match side.rate {
                None => "–".to_owned(),
                Some(_) => time(side.queue),
            }),
            two(&|side| share(side.loss)),
            two(&|side| {
                side.burst.map_or("–".to_owned(), |burst| {
                    let (every, length) = (values::time_text(burst.every), values::time_text(burst.length));
                    format!("every {every}, {length} long, {} lost", share(burst.loss))
                })
            }),
        ];
        write_row(out, &row);
    }
}

fn share(share: f64) -> String {
    if share == 0.0 { "–".to_owned() } else { values::share_toml(share).trim_matches('"').to_owned() }
}

fn write_names(out: &mut String, names: &Names) {
    let title = if ptr::eq(names, &CHECKERS) { "Checkers".to_owned() } else { plural(names.what) };
    _ = writeln!(out, "\n## {title}\n\n| name | what it is |\n|---|---|");
    for (name, about) in names.list {
        write_row(out, &[format!("`{name}`"), (*about).to_owned()]);
    }
}

/// `proxy of a site` as `Proxies of a site`.
fn plural(what: &str) -> String {
    let end = [" of ", " before ", " out", " to "].into_iter().filter_map(|word| what.find(word)).min();
    let (head, rest) = what.split_at(end.unwrap_or(what.len()));
    let head = match head.strip_suffix("xy") {
        Some(stem) => format!("{stem}xies"),
        None => format!("{head}s"),
    };
    let (first, others) = head.split_at(1);
    format!("{}{others}{rest}", first.to_uppercase())
}

fn article(what: &str) -> &'static str {
    if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

/// What may stand at a key.
fn value(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Form(form) if ptr::eq(*form, &REFERENCE) => "a name".to_owned(),
        Kind::Form(form) => {
            let examples: Vec<String> = form.example.split(", ").map(code).collect();
            format!("{}: {}", form.what, examples.join(", "))
        }
        Kind::OneOf(names) => match names.list {
            [(only, _)] => format!("`\"{only}\"`"),
            _ => format!("the name of {} {}", article(names.what), names.what),
        },
        Kind::Number(least, most) if *most == i64::MAX as u64 => format!("{least} or more"),
        Kind::Number(least, most) => format!("{least} to {most}"),
        Kind::Choice(valid) => valid.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        Kind::Flag => "true, false".to_owned(),
        Kind::True => "true".to_owned(),
        Kind::Share => "a share: `\"3 %\"`".to_owned(),
        Kind::List(kind) => format!("one or a list: {}", value(kind)),
        Kind::Table(_) => "a table".to_owned(),
        Kind::Tables(_) => "tables".to_owned(),
        Kind::Steps => "steps".to_owned(),
        Kind::Either(kinds) => kinds.iter().map(value).collect::<Vec<_>>().join("; or "),
    }
}

/// The quoted part of an example as code: `or "+5s" after the step before`.
fn code(example: &str) -> String {
    match (example.find('"'), example.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}`{}`{}", &example[..first], &example[first..=last], &example[last + 1..])
        }
        _ => example.to_owned(),
    }
}

fn write_row(out: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    _ = writeln!(out, "| {} |", cells.join(" | "));
}

const INTRODUCTION: &str = "\
# Scenario files: reference

Everything that a scenario of `sofw-sim` may say. [simulator.md](simulator.md) teaches it; this page is made from the tables of the
program itself (`sofw-sim reference` prints it), so that it is complete and never out of date.
";

const METRICS_INTRODUCTION: &str = "
## Metrics

An expectation is `[not] METRIC [of WHOM] [COMPARISON VALUE]`. What is true or false stands alone or after `not`; the rest is compared by
`<`, `<=`, `>`, `>=`, `==` or `!=`. Milliseconds are a number or a time (`500`, `0.5s`), shares a number or percent (`0.01`, `1 %`). Without `of`
it is about all; where several calls, listeners or places are meant, it must hold for each of them. The calls of a phone are those that it
makes and those that it gets; what a phone hears is what it hears itself. `registered of PHONE` is true or false. Without `of`, `no_direct_udp` and what is said of
tunnels is about the sites with HRAC.

";

#[cfg(test)]
mod tests {
    use super::reference;

    /// `SOFW_UPDATE=1 cargo test -p sofw-sim reference` writes it anew.
    #[test]
    fn the_committed_reference_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simulator-reference.md");
        let text = reference();
        if std::env::var_os("SOFW_UPDATE").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == text,
            "docs/simulator-reference.md is old: SOFW_UPDATE=1 cargo test -p sofw-sim reference"
        );
    }
}
