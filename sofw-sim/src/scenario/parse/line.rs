//! Lines.

use crate::link::profile::{self, Line};
use crate::link::{Burst, Conditions};

use super::section::Section;

/// The line at this key: a profile's name, or a table that changes one.
pub fn line(section: &Section, key: &str, default: Line) -> Line {
    if let Some(name) = section.text(key) {
        return profile::find(name).map_or(default, |profile| profile.line);
    }
    let Some(table) = section.section(key) else { return default };
    let base = table
        .text("profile")
        .and_then(profile::find)
        .map_or(Line::both(Conditions::WIRE), |found| found.line);
    Line {
        up: direction(&table, "up", conditions(&table, base.up)),
        down: direction(&table, "down", conditions(&table, base.down)),
    }
}

fn direction(section: &Section, key: &str, base: Conditions) -> Conditions {
    match section.section(key) {
        Some(table) => conditions(&table, base),
        None => Conditions { rate: rate(section, key, base.rate), ..base },
    }
}

fn conditions(table: &Section, base: Conditions) -> Conditions {
    Conditions {
        delay: table.time("delay").unwrap_or(base.delay),
        jitter: table.time("jitter").unwrap_or(base.jitter),
        rate: rate(table, "rate", base.rate),
        queue: table.time("queue").unwrap_or(base.queue),
        loss: table.share("loss").unwrap_or(base.loss),
        burst: burst(table, base.burst),
        duplicate: table.share("duplicate").unwrap_or(base.duplicate),
        reorder: table.share("reorder").unwrap_or(base.reorder),
    }
}

fn rate(table: &Section, key: &str, base: Option<u64>) -> Option<u64> {
    match table.text(key) {
        Some("unlimited") => None,
        _ => table.rate(key).or(base),
    }
}

fn burst(table: &Section, base: Option<Burst>) -> Option<Burst> {
    if table.text("burst") == Some("none") {
        return None;
    }
    let Some(burst) = table.section("burst") else { return base };
    Some(Burst {
        every: burst.time("every")?,
        length: burst.time("length")?,
        loss: burst.share("loss").unwrap_or(1.0),
    })
}
