//! Runs a scenario: builds the world, lets the timeline happen, and writes down what came of it.
//!
//! ```text
//! Scenario ─▶ build (World, Map) ─▶ timeline ─▶ settle (hang up, wait for zero) ─▶ last call ─▶ expect ─▶ Record
//!                                        └── recorder, checkers see everything ──┘
//! ```

mod accounts;
mod boxes;
mod build;
mod expect;
mod map;
mod phones;
mod plant;
mod recorder;
mod settle;
#[cfg(test)]
mod tests;
mod timeline;

pub use map::{Map, PhonePlace, SitePlace, Zone};
pub use plant::Defect;

use sofw_core::base::{Duration, Instant};

use crate::check::{self, Checker, Phase};
use crate::record::{Finding, FindingKind, Record};
use crate::scenario::Scenario;
use crate::scenario::model::System;
use build::Builder;
use recorder::Recorder;
use timeline::Timeline;

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Time between two looks at everybody's state.
    pub look: Duration,
    /// Whether to go on after the timeline: hang up, wait for zero, make a last call.
    pub settle: bool,
    /// A defect to plant at this time of the timeline.
    pub plant: Option<(Duration, Defect)>,
}

impl Default for Options {
    fn default() -> Self {
        Options { look: Duration::from_millis(100), settle: true, plant: None }
    }
}

/// Runs `scenario` with `seed`. The same two give the same record.
pub fn run(scenario: &Scenario, seed: u64) -> Record {
    run_with(scenario, seed, Options::default(), checkers_for(scenario))
}

/// As [`run`], with these checkers.
pub fn run_with(scenario: &Scenario, seed: u64, options: Options, checkers: Vec<Box<dyn Checker>>) -> Record {
    let (builder, world) = Builder::build(scenario, seed, Recorder::new(checkers));
    let mut timeline = Timeline::new(scenario, builder, world, options);
    timeline.start();
    timeline.run_until(Instant::ZERO + scenario.duration);
    let mut record = Record {
        scenario: scenario.name.clone(),
        about: scenario.about.clone(),
        shows: scenario.shows.clone(),
        system: system_name(scenario.system).into(),
        seed,
        warnings: scenario.warnings(),
        replay: format!("sofw-sim run {} --seeds {seed}", scenario.name),
        ..Record::default()
    };
    let mut findings = std::mem::take(&mut timeline.findings);
    // Expectations look at everything as it is when the timeline is over; at how calls end, and `rat_empty`, at the very end.
    let mut facts = timeline.facts();
    let mut books = timeline.world.observer.books();
    timeline.hang_up_all();
    timeline.world.observer.calls.close_register();
    if options.settle {
        settle::settle(&mut timeline);
    }
    timeline.look(Phase::Over);
    let at = timeline.world.now();
    facts.empty = timeline.rat_is_empty();
    record.length = at.since(Instant::ZERO);
    record.digest = timeline.world.digest();
    record.events = timeline.world.events();
    let recorder = &mut timeline.world.observer;
    let mut checkers = std::mem::take(&mut recorder.checkers);
    recorder.finish(at, &mut record, &facts.registered);
    books.calls = std::mem::take(&mut record.calls);
    let judge = |expectation| expect::judge(expectation, scenario, &books, &facts, None);
    findings.extend(scenario.expect.iter().map(judge));
    record.calls = books.calls;
    for checker in &mut checkers {
        if scenario.without.iter().any(|(name, _)| name == checker.name()) {
            continue;
        }
        findings.extend(checker.finish(at, &timeline.world.observer.map));
        for (name, queue) in checker.queues() {
            record.queues.insert(name, queue);
        }
    }
    record.findings = findings;
    record
}

/// The checkers that make sense for a scenario's system: other systems than SoFW promise less.
fn checkers_for(scenario: &Scenario) -> Vec<Box<dyn Checker>> {
    match scenario.system {
        System::Sofw => check::all(scenario),
        _ => Vec::new(),
    }
}

/// As scenario files name it.
fn system_name(system: System) -> &'static str {
    match system {
        System::Sofw => "sofw",
        System::PlainSip => "plain-sip",
        System::Hcap => "hcap",
        System::Softether => "softether",
        System::Skype => "skype",
    }
}

/// A finding about an expectation.
fn finding(name: &str, good: bool, measured: String, expected: String, line: usize) -> Finding {
    Finding { kind: FindingKind::Expectation, name: name.into(), good, measured, expected, at: None, line }
}
