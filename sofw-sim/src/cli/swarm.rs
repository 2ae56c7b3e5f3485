//! `sofw-sim swarm`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sofw_core::base::{Rng, Seed};

use super::range::Seeds;
use super::{BAD_INPUT, FAILED, Work, pool};
use crate::record::Record;
use crate::report;
use crate::scenario::Scenario;
use crate::swarm::{Plan, shrink};

pub fn swarm(seeds: Seeds, minutes: Option<u64>, failures: &Path, work: Work) -> ExitCode {
    let end = minutes.map(|minutes| pool::now() + Duration::from_secs(60 * minutes));
    let last = if end.is_some() { u64::MAX } else { seeds.last };
    let items = (seeds.first..=last).take_while(move |_| end.is_none_or(|end| pool::now() < end));
    let total = end.is_none().then(|| seeds.iter().count());
    let done = pool::run(
        work,
        total,
        items,
        |seed| format!("seed {seed}"),
        |seed| {
            let scenario = Plan::from_rng(&mut Rng::new(seed_bytes(seed))).to_scenario();
            let mut record = record(&scenario, seed);
            record.ladder.clear();
            record.captures.clear();
            (seed, scenario, record)
        },
        |(_, _, record): &(u64, Scenario, Record)| !record.is_good(),
    );
    let simulated: f64 = done.results.iter().map(|(_, _, record)| record.length.as_secs_f64()).sum();
    let calls: usize = done.results.iter().map(|(_, _, record)| record.calls.len()).sum();
    let bad: Vec<_> = done.results.iter().filter(|(_, _, record)| !record.is_good()).collect();
    let mut status = ExitCode::SUCCESS;
    for (seed, scenario, record) in &bad {
        status = ExitCode::from(FAILED);
        print!("{}", report::text::verdict(&[report::Summary::of(record)]));
        // One that breaks the same checker in the same way is the same failure.
        let broken = first_broken(record);
        let small = shrink(scenario, |candidate| first_broken(&self::record(candidate, *seed)) == broken);
        let path = failures.join(format!("swarm-{seed}.toml"));
        let text = format!("# Seed {seed} of the swarm, shrunk.\n{}", small.to_toml());
        let written = std::fs::create_dir_all(failures).and_then(|()| std::fs::write(&path, &text));
        match written {
            Ok(()) => println!("replay: sofw-sim run {} --seeds {seed}\n", path.display()),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                println!("{text}");
                status = ExitCode::from(BAD_INPUT);
            }
        }
    }
    println!(
        "{}, {} failed; {calls} calls, {simulated:.0} s simulated in {:.1} s",
        if done.results.len() == 1 { "1 seed".to_owned() } else { format!("{} seeds", done.results.len()) },
        bad.len(),
        done.took.as_secs_f64()
    );
    if done.interrupted { ExitCode::from(pool::INTERRUPTED_STATUS as u8) } else { status }
}

/// A run of the swarm, and how to repeat it.
pub fn record(scenario: &Scenario, seed: u64) -> Record {
    let mut record = crate::run::run(scenario, seed);
    record.replay = format!("sofw-sim replay {seed}");
    // Its plans expect nothing: the checkers judge.
    record.warnings.clear();
    record
}

fn first_broken(record: &Record) -> Option<String> {
    record.findings.iter().find(|finding| !finding.good).map(|finding| finding.name.clone())
}

/// The generator of a plan.
pub fn seed_bytes(seed: u64) -> Seed {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    bytes
}
