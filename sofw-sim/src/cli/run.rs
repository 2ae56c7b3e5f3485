//! `sofw-sim run`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::{BAD_INPUT, FAILED, RunArguments, input, pool, say};
use crate::report::{self, Summary};
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
    let dir = arguments.report.as_deref();
    let done = pool::run(
        arguments.work,
        Some(work.len()),
        work.into_iter(),
        |(index, _)| scenarios[*index].0.name.clone(),
        |(index, seed)| {
            let (scenario, given) = &scenarios[index];
            let mut record = crate::run::run(scenario, seed);
            record.replay = format!("sofw-sim run {given} --seeds {seed}");
            // Each page is written as soon as it can be, so that an interrupted report holds what was done.
            match dir {
                Some(dir) => report::write_run(dir, &record),
                None => Ok(Summary::of(&record)),
            }
        },
        |result| !result.as_ref().is_ok_and(Summary::is_good),
    );
    let mut summaries = Vec::new();
    for result in done.results {
        match result {
            Ok(summary) => summaries.push(summary),
            Err(error) => return unwritable(dir, &error),
        }
    }
    say(&report::text::verdict(&summaries));
    let simulated: f64 = summaries.iter().map(|run| run.length.as_secs_f64()).sum();
    say(&format!(
        "{simulated:.0} s simulated in {:.1} s{}\n",
        done.took.as_secs_f64(),
        if done.interrupted { ", then interrupted" } else { "" }
    ));
    if let Some(dir) = dir {
        match report::write_index(dir, &summaries) {
            Ok(index) => say(&format!("report: {}\n", index.display())),
            Err(error) => return unwritable(Some(dir), &error),
        }
    }
    if done.interrupted {
        ExitCode::from(pool::INTERRUPTED_STATUS as u8)
    } else if summaries.iter().all(Summary::is_good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}

fn unwritable(dir: Option<&Path>, error: &io::Error) -> ExitCode {
    eprintln!("{}: cannot write the report: {error}", dir.unwrap_or(Path::new(".")).display());
    ExitCode::from(BAD_INPUT)
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
