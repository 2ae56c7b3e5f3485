//! `sofw-sim evaluate`.

use std::path::Path;
use std::process::ExitCode;

use super::{BAD_INPUT, Work, pool};
use crate::evaluate::{self, Document, Figure};
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};
use crate::run::{Options, run_with};

pub fn evaluate(output: &Path, every: usize, work: Work) -> ExitCode {
    let points: Vec<_> = evaluate::plan().into_iter().step_by(every.max(1)).collect();
    let options = Options { settle: false, ..Options::default() };
    let done = pool::run(
        work,
        Some(points.len()),
        points.into_iter(),
        |point| point.name(),
        |point| (point, run_with(&point.scenario(SEED), SEED, options, Vec::new())),
        |_| false,
    );
    if done.interrupted {
        return ExitCode::from(pool::INTERRUPTED_STATUS as u8);
    }
    let document = evaluate::document(&done.results, &mut draw);
    let folder = output.parent().unwrap_or(Path::new(".")).join(Document::FOLDER);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        for (name, svg) in &document.figures {
            std::fs::write(folder.join(name), svg)?;
        }
        std::fs::write(output, &document.text)
    });
    match written {
        Ok(()) => {
            println!(
                "{} runs in {:.0} s: {} and {} figures in {}",
                done.results.len(),
                done.took.as_secs_f64(),
                output.display(),
                document.figures.len(),
                folder.display()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", output.display());
            ExitCode::from(BAD_INPUT)
        }
    }
}

fn draw(figure: &Figure) -> String {
    let axis = |title| match figure.logarithmic {
        true => Axis::new(title, Scale::Log),
        false => Axis::linear(title).from_zero(),
    };
    let chart = Chart::new(figure.title, axis(figure.x_title), axis(figure.y_title)).size(760.0, 320.0);
    let chart = figure.curves.iter().fold(chart, |chart, curve| {
        let series = |shape| {
            let tone = Tone::Nth(curve.system as usize);
            Series::new(evaluate::title(curve.system), shape, tone, curve.points.iter().copied())
        };
        chart.with(series(Shape::Line))
    });
    chart.file()
}

/// The evaluation has one seed: its numbers are to be repeated, not averaged.
const SEED: u64 = 1;
