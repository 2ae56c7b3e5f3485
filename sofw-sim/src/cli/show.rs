//! `list`, `explain`, `replay`, `init`, `schema`: what is read and not judged.

use std::path::Path;
use std::process::ExitCode;

use sofw_core::base::Rng;

use super::{BAD_INPUT, FAILED, input, say};
use crate::record::Record;
use crate::report;
use crate::scenario::{self, Scenario};
use crate::swarm::Plan;

pub fn print(text: &str) -> ExitCode {
    say(text);
    ExitCode::SUCCESS
}

pub fn schema() -> ExitCode {
    match serde_json::to_string_pretty(&scenario::schema()) {
        Ok(text) => print(&format!("{text}\n")),
        Err(error) => bad(&error.to_string()),
    }
}

pub fn list(filter: Option<&str>) -> ExitCode {
    let scenarios = match input::all() {
        Ok(scenarios) => scenarios,
        Err(problem) => return bad(&problem),
    };
    let wanted = |scenario: &&Scenario| {
        let words = [&scenario.name, &scenario.about].into_iter().chain(&scenario.shows);
        filter.is_none_or(|filter| {
            words.into_iter().any(|word| word.to_lowercase().contains(&filter.to_lowercase()))
        })
    };
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let shown: Vec<&Scenario> = scenarios.iter().filter(wanted).collect();
    let mut text = String::new();
    for scenario in &shown {
        let shows = scenario.shows.join(", ");
        text += &format!("{:width$}  {}  [{shows}]\n", scenario.name, scenario.about);
    }
    text += &format!("{} of {} scenarios; `sofw-sim explain NAME` says more\n", shown.len(), scenarios.len());
    print(&text)
}

pub fn explain(file: &str, source: bool) -> ExitCode {
    let explained = match source {
        true => input::text(file),
        false => input::scenario(file).map(|scenario| scenario::explain(&scenario)),
    };
    match explained {
        Ok(text) => print(&text),
        Err(problem) => bad(&problem),
    }
}

pub fn replay(what: &str, seed: Option<u64>, dir: Option<&Path>) -> ExitCode {
    let record = match what.parse::<u64>() {
        Ok(seed) => {
            let scenario = Plan::from_rng(&mut Rng::new(super::swarm::seed_bytes(seed))).to_scenario();
            say(&format!("{}\n", scenario.to_toml()));
            super::swarm::record(&scenario, seed)
        }
        Err(_) => match input::scenario(what) {
            Ok(scenario) => {
                let seed = seed.unwrap_or(scenario.seed);
                let mut record = crate::run::run(&scenario, seed);
                record.replay = format!("sofw-sim run {what} --seeds {seed}");
                record
            }
            Err(problem) => return bad(&problem),
        },
    };
    tell(&record);
    say(&report::text::verdict(&[report::Summary::of(&record)]));
    if let Some(dir) = dir {
        match report::write_all(dir, std::slice::from_ref(&record)) {
            Ok(index) => say(&format!("report: {}\n", index.display())),
            Err(error) => return bad(&format!("{}: cannot write the report: {error}", dir.display())),
        }
    }
    if record.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// The story and the ladder, in order of time.
fn tell(record: &Record) {
    let story = record.story.iter().map(|(at, text)| (*at, format!("── {text}")));
    let ladder = record.ladder.iter().map(|rung| {
        let arrow = if rung.tunnelled { "⇒" } else { "→" };
        (
            rung.at,
            format!("   {} {arrow} {}: {}", record.actors[rung.from], record.actors[rung.to], rung.label),
        )
    });
    let mut lines: Vec<_> = story.chain(ladder).collect();
    lines.sort_by_key(|(at, _)| *at);
    let text: String =
        lines.iter().map(|(at, line)| format!("{:>10.3} {line}\n", at.as_nanos() as f64 / 1e9)).collect();
    say(&text);
}

fn bad(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(BAD_INPUT)
}
