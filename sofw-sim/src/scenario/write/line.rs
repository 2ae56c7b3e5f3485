//! Lines: the nearest profile and what differs from it.

use crate::link::profile::{Line, PROFILES};
use crate::link::{Burst, Conditions};

use super::super::values;
use super::text::{Fields, quoted};

/// The TOML value that reads as this line.
pub fn line(line: &Line) -> String {
    if let Some(profile) = PROFILES.iter().find(|profile| profile.line == *line) {
        return quoted(profile.name);
    }
    let tables = PROFILES.iter().map(|profile| table(profile.name, &profile.line, line));
    tables.min_by_key(Fields::len).unwrap_or_default().inline()
}

fn table(name: &str, base: &Line, line: &Line) -> Fields {
    let mut fields = Fields::default();
    if name != PROFILES[0].name {
        fields.text("profile", name);
    }
    let (up, down) = (differences(&base.up, &line.up), differences(&base.down, &line.down));
    let shared: Vec<&(&'static str, String)> =
        up.iter().filter(|difference| down.contains(difference)).collect();
    for (key, value) in &shared {
        fields.raw(key, value);
    }
    for (direction, differences) in [("up", &up), ("down", &down)] {
        let mut own = Fields::default();
        for difference in differences.iter().filter(|difference| !shared.contains(difference)) {
            own.raw(difference.0, &difference.1);
        }
        match own.only("rate") {
            Some(rate) => fields.raw(direction, rate),
            None if own.is_empty() => {}
            None => fields.raw(direction, own.inline()),
        }
    }
    fields
}

fn differences(base: &Conditions, line: &Conditions) -> Vec<(&'static str, String)> {
    let mut differences = Vec::new();
    let mut note = |differs: bool, key, value: String| {
        if differs {
            differences.push((key, value));
        }
    };
    let time = |time| quoted(&values::time_text(time));
    note(base.delay != line.delay, "delay", time(line.delay));
    note(base.jitter != line.jitter, "jitter", time(line.jitter));
    note(
        base.rate != line.rate,
        "rate",
        quoted(&line.rate.map_or("unlimited".to_owned(), values::rate_text)),
    );
    note(base.queue != line.queue, "queue", time(line.queue));
    note(base.loss != line.loss, "loss", values::share_toml(line.loss));
    note(base.burst != line.burst, "burst", burst(line.burst));
    note(base.duplicate != line.duplicate, "duplicate", values::share_toml(line.duplicate));
    note(base.reorder != line.reorder, "reorder", values::share_toml(line.reorder));
    differences
}

fn burst(burst: Option<Burst>) -> String {
    let Some(burst) = burst else { return quoted("none") };
    let mut fields = Fields::default();
    fields.text("every", &values::time_text(burst.every));
    fields.text("length", &values::time_text(burst.length));
    fields.raw("loss", values::share_toml(burst.loss));
    fields.inline()
}
