//! `docs/evaluation.md`.

use core::fmt::Write as _;

use crate::record::Record;
use crate::scenario::model::System;

use super::figures::{Figure, Sweep, figures, sweeps};
use super::plan::{CALLS_KEPT, LOSS_KEPT_PERMILLE, ROUND_TRIP_KEPT_MS, loss};
use super::{Measured, Point, SYSTEMS, compare, title};

/// The evaluation as files.
#[derive(Clone, PartialEq, Debug)]
pub struct Document {
    /// `evaluation.md`.
    pub text: String,
    /// Files in the folder [`Document::FOLDER`] beside it: name and what `draw` made.
    pub figures: Vec<(&'static str, String)>,
}

impl Document {
    /// Where the text looks for its figures.
    pub const FOLDER: &'static str = "evaluation";
}

/// Writes the document. `draw` makes an SVG file of each figure. Points that were not run leave gaps, marked by a dash.
pub fn document(outcomes: &[(Point, Record)], draw: &mut dyn FnMut(&Figure) -> String) -> Document {
    let measured: Vec<(Point, Measured)> =
        outcomes.iter().map(|(point, record)| (*point, Measured::of(point, record))).collect();
    let mut text = String::from(HEAD);
    text.push_str("\n## The paper's comparison\n\n");
    text.push_str(&compare::table(&measured));
    let _ = write!(
        text,
        "\nMeasured cells name their number; *judged* ones cannot be measured here and say why.\nDelay: {CALLS_KEPT} calls, round trip \
         {ROUND_TRIP_KEPT_MS} ms, median without loss and 99th percentile at {} % loss.\n",
        percent(LOSS_KEPT_PERMILLE)
    );
    text.push_str("\n## Who crosses what\n\nTwo calls, one in each direction; each row has what the rows above have.\n\n");
    text.push_str(&compare::crossings(&measured));
    for (sweep, figure) in sweeps().iter().zip(figures(&measured)) {
        let _ = write!(
            text,
            "\n## {}\n\n![{}: {} over {}]({}/{})\n\n",
            figure.title,
            figure.title,
            figure.y_title,
            figure.x_title,
            Document::FOLDER,
            figure.file
        );
        text.push_str(&sweep_table(sweep, &measured));
    }
    text.push_str("\n## Setting up a call\n\n");
    text.push_str(&setup_table(&measured));
    let figures = figures(&measured).iter().map(|figure| (figure.file, draw(figure))).collect();
    Document { text, figures }
}

fn sweep_table(sweep: &Sweep, measured: &[(Point, Measured)]) -> String {
    let heading = sweep.figure.x_title;
    let xs = sweep.xs.iter().map(|&x| number(Some(f64::from(x) / sweep.scale)));
    let mut text = row([heading.to_owned()].into_iter().chain(xs));
    text.push_str(&rule(sweep.xs.len() + 1));
    for system in SYSTEMS {
        let values = sweep.xs.iter().map(|&x| number(sweep.at(measured, system, x)));
        text.push_str(&row([title(system).to_owned()].into_iter().chain(values)));
    }
    text
}

fn setup_table(measured: &[(Point, Measured)]) -> String {
    let mut text =
        row(["system", "INVITE to 2xx without ringing, ms", "phones registered"].map(str::to_owned));
    text.push_str(&rule(3));
    for system in SYSTEMS {
        let found = at(measured, loss(system, 0));
        let registered = found.map_or_else(
            || "–".to_owned(),
            |measured| format!("{} of {}", measured.registered.0, measured.registered.1),
        );
        text.push_str(&row([
            title(system).to_owned(),
            number(found.and_then(|measured| measured.setup_ms)),
            registered,
        ]));
    }
    text
}

pub(super) fn at(measured: &[(Point, Measured)], point: Point) -> Option<&Measured> {
    measured.iter().find(|(known, _)| *known == point).map(|(_, measured)| measured)
}

pub(super) fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

pub(super) fn rule(columns: usize) -> String {
    format!("|{}\n", " --- |".repeat(columns))
}

/// Three digits that matter.
pub(super) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value.fract() == 0.0 || value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

pub(super) fn percent(permille: u32) -> String {
    number(Some(f64::from(permille) / 10.0))
}

/// Whether anything of a system was run.
pub(super) fn was_run(measured: &[(Point, Measured)], system: System) -> bool {
    measured.iter().any(|(point, _)| point.system == system)
}

const HEAD: &str = "# SoFW and the systems that its paper names, compared

Written by `sofw-sim evaluate`; do not edit. One site, its line, and phones with G.711 in packets of 20 ms, all over the same simulated
network. HCAP, SoftEther and Skype are models: they carry whole IP packets (SoftEther: Ethernet frames) in a TCP stream, with the framing
and keep-alives that `sofw-sim/src/baseline` documents, and they queue without regard to age. Traffic is counted on the site's line, IP
headers included, link layer not. Where all systems are to be measured nothing stands in their way; who crosses what has a table of its own.
";
