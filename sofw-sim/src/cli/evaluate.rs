//! `sofw-sim evaluate`.

use std::path::Path;
use std::process::ExitCode;

use super::{BAD_INPUT, Work, pool};
use crate::evaluate;

pub fn evaluate(output: &Path, quick: bool, work: Work) -> ExitCode {
    let points = evaluate::plan(quick);
    let done = pool::run(
        work,
        Some(points.len()),
        points.into_iter(),
        |point| point.to_string(),
        |point| {
            let record = crate::run::run_point(&evaluate::scenario(&point), 1);
            (point, record)
        },
        |_| false,
    );
    let pages = evaluate::page(&done.results);
    let dir = output.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(dir.join("evaluation")).and_then(|()| {
        for (name, text) in &pages.figures {
            std::fs::write(dir.join(name), text)?;
        }
        std::fs::write(output, &pages.text)
    });
    match written {
        Ok(()) => {
            println!(
                "{} runs in {:.0} s: {}, {} figures",
                done.results.len(),
                done.took.as_secs_f64(),
                output.display(),
                pages.figures.len()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", output.display());
            ExitCode::from(BAD_INPUT)
        }
    }
}
