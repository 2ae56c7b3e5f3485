//! `sofw-sim run`.

use std::process::ExitCode;

use super::{BAD_INPUT, FAILED, RunArguments, input, pool};
use crate::record::Record;
use crate::report;
use crate::scenario::Scenario;

pub fn run(arguments: &RunArguments) -> ExitCode {
    let scenarios = match scenarios(arguments) {
        Ok(scenarios) => scenarios,
        Err(problems) => {
            eprintln!("{problems}");
            return ExitCode::from(BAD_INPUT);
        }
    };
    let mut work = Vec::new();
    for (index, (scenario, _)) in scenarios.iter().enumerate() {
        match arguments.seeds {
            Some(seeds) => work.extend(seeds.iter().map(|seed| (index, seed))),
            None => work.push((index, scenario.seed)),
        }
    }
    let keep = arguments.report.is_some();
    let done = pool::run(
        arguments.work,
        Some(work.len()),
        work.into_iter(),
        |(index, _)| scenarios[*index].0.name.clone(),
        |(index, seed)| {
            let (scenario, given) = &scenarios[index];
            let mut record = crate::run::run(scenario, seed);
            record.replay = format!("sofw-sim run {given} --seeds {seed}");
            if !keep {
                // Nobody will look at them.
                record.captures.clear();
                record.ladder.clear();
            }
            record
        },
        |record: &Record| !record.is_good(),
    );
    print!("{}", report::text::verdict(&done.results));
    let simulated: f64 = done.results.iter().map(|record| record.length.as_secs_f64()).sum();
    println!(
        "{simulated:.0} s simulated in {:.1} s{}",
        done.took.as_secs_f64(),
        if done.interrupted { ", then interrupted: the report holds what was done" } else { "" }
    );
    if let Some(dir) = &arguments.report {
        match report::write_all(dir, &done.results) {
            Ok(index) => println!("report: {}", index.display()),
            Err(error) => {
                eprintln!("{}: cannot write the report: {error}", dir.display());
                return ExitCode::from(BAD_INPUT);
            }
        }
    }
    if done.interrupted {
        ExitCode::from(pool::INTERRUPTED_STATUS as u8)
    } else if done.results.iter().all(Record::is_good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}

/// The scenarios, each with the word by which it was asked for; else everything that is wrong.
fn scenarios(arguments: &RunArguments) -> Result<Vec<(Scenario, String)>, String> {
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    if arguments.all {
        let all = input::all()?;
        scenarios.extend(all.into_iter().map(|scenario| (scenario.clone(), scenario.name)));
    }
    for file in &arguments.files {
        match input::scenario(file) {
            Ok(scenario) => scenarios.push((scenario, file.clone())),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(problems.join("\n")) }
}
