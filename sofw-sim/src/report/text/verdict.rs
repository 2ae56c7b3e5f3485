//! The table at the end, and below it what failed.

use std::fmt::Write;

use super::table::{Align, Table};
use crate::record::Finding;
use crate::report::{Summary, markup::shorten, units};

/// A row for each run; then, for each run that failed, the measured beside the expected, the line in the file and the command that
/// repeats it; then what is to be known of those that are good; then a line that sums up. Plain text without colours, ends in a line
/// feed.
pub fn verdict(runs: &[Summary]) -> String {
    let mut table = Table::new(&COLUMNS);
    runs.iter().for_each(|run| table.row(row(run)));
    let mut out = table.render();
    runs.iter().filter(|run| !run.is_good()).for_each(|run| failures(&mut out, run));
    runs.iter().for_each(|run| warnings(&mut out, run));
    out + "\n" + &sum(runs)
}

fn sum(runs: &[Summary]) -> String {
    let failed = runs.iter().filter(|run| !run.is_good()).count();
    let doubtful = runs.iter().filter(|run| run.is_good() && !run.warnings.is_empty()).count();
    let length = units::time(runs.iter().map(|run| run.length).sum());
    let sum = match (runs.len(), failed) {
        (1, 0) => format!("The run is good: {length} of virtual time"),
        (1, _) => format!("The run failed: {length} of virtual time"),
        (all, 0) => format!("All {all} runs good in {length} of virtual time"),
        (all, _) => format!("{failed} of {all} runs failed in {length} of virtual time"),
    };
    let warned = match (runs.len(), doubtful) {
        (_, 0) => String::new(),
        (1, _) => "; mind the warning".to_owned(),
        (_, doubtful) => format!("; mind the warnings of {doubtful}"),
    };
    format!("{sum}{warned}.\n")
}

fn row(run: &Summary) -> Vec<String> {
    let none = || "–".to_owned();
    let millis = |time: sofw_core::base::Duration| format!("{:.0}", time.as_secs_f64() * 1_000.0);
    let failed = run.failures().next().map(|finding| shorten(&finding.name, NAME_MAX)).unwrap_or_default();
    let more = run.failures().count().saturating_sub(1);
    vec![
        match (run.is_good(), run.warnings.is_empty()) {
            (true, true) => "good",
            (true, false) => "good?",
            (false, _) => "FAILED",
        }
        .to_owned(),
        run.scenario.clone(),
        run.seed.to_string(),
        format!("{}/{}", run.calls_answered, run.calls_made),
        run.worst_mos.map_or_else(none, |mos| format!("{mos:.2}")),
        run.setup_p50.map_or_else(none, millis),
        run.missed_share.map_or_else(none, units::share),
        run.delay_p99.map_or_else(none, millis),
        run.bytes_per_packet.map_or_else(none, |bytes| format!("{bytes:.0}")),
        units::time(run.length),
        if more > 0 { format!("{failed} and {more} more") } else { failed },
    ]
}

fn failures(out: &mut String, run: &Summary) {
    _ = writeln!(out, "\n{} (seed {}) failed:", run.scenario, run.seed);
    let width = run.failures().map(|finding| finding.name.chars().count()).max().unwrap_or(0).min(NAME_MAX);
    for finding in run.failures().take(FAILURES_SHOWN) {
        let name = shorten(&finding.name, NAME_MAX);
        _ = writeln!(out, "  {name:<width$}  measured {}", finding.measured);
        _ = writeln!(out, "  {:width$}  expected {}{}", "", finding.expected, whereabouts(finding));
    }
    if let Some(more) = run.failures().count().checked_sub(FAILURES_SHOWN).filter(|more| *more > 0) {
        _ = writeln!(out, "  and {more} more");
    }
    _ = writeln!(out, "  replay: {}", run.replay);
}

fn warnings(out: &mut String, run: &Summary) {
    for warning in &run.warnings {
        _ = writeln!(out, "\n{} (seed {}): WARNING: {warning}", run.scenario, run.seed);
    }
}

fn whereabouts(finding: &Finding) -> String {
    let at = finding.at.map(|at| format!("at {} s", units::clock(at)));
    let line = (finding.line > 0).then(|| format!("line {}", finding.line));
    match (at, line) {
        (None, None) => String::new(),
        (at, line) => format!(" ({})", at.into_iter().chain(line).collect::<Vec<_>>().join(", ")),
    }
}

const COLUMNS: [(&str, Align); 11] = [
    ("verdict", Align::Left),
    ("scenario", Align::Left),
    ("seed", Align::Right),
    ("calls", Align::Right),
    ("MOS", Align::Right),
    ("setup ms", Align::Right),
    ("missed", Align::Right),
    ("p99 ms", Align::Right),
    ("B/packet", Align::Right),
    ("time", Align::Right),
    ("failed", Align::Left),
];
/// Failures of a run that are explained.
const FAILURES_SHOWN: usize = 12;
/// Longer names of findings are shortened.
const NAME_MAX: usize = 48;
