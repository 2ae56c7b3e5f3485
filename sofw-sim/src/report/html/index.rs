//! The list of all runs of a report.

use std::fmt::Write;

use super::{document, mos_badge, table_of};
use crate::report::markup::escape;
use crate::report::{Summary, units};

/// The page that leads to the pages of all runs, failed ones first.
pub fn index(runs: &[Summary]) -> String {
    let failed = runs.iter().filter(|run| !run.is_good()).count();
    let mut body = String::from("<header><h1>Firewall laboratory</h1></header>");
    let length = units::time(runs.iter().map(|run| run.length).sum());
    let doubtful = runs.iter().filter(|run| run.is_good() && !run.warnings.is_empty()).count();
    let (class, word) = match (failed, doubtful) {
        (0, 0) => ("good", "Good"),
        (0, _) => ("warn", "Good?"),
        _ => ("bad", "Failed"),
    };
    let sentence = match (failed, runs.len()) {
        (_, 1) => format!("One run, {length} of virtual time."),
        (0, all) => format!("All {all} runs, {length} of virtual time."),
        (failed, all) => format!("{failed} of {all} runs, {length} of virtual time."),
    };
    _ = write!(
        body,
        r#"<div class="verdict {class}"><span class="word">{word}</span>{sentence}</div><h2>Runs</h2>"#
    );
    let mut sorted: Vec<_> = runs.iter().collect();
    sorted.sort_by_key(|run| run.is_good());
    let mut rows = String::new();
    sorted.iter().for_each(|run| row(&mut rows, run));
    body += &table_of(&HEADINGS, &format!("<tbody>{rows}</tbody>"), "runs");
    body.push_str(r#"<footer>The same results for machines: <a href="junit.xml">junit.xml</a></footer>"#);
    document(&format!("Firewall laboratory: {sentence}"), &body)
}

fn row(rows: &mut String, run: &Summary) {
    let none = || "–".to_owned();
    let (mark, class) = match (run.is_good(), run.warnings.is_empty()) {
        (true, true) => ("✓", "good-text"),
        (true, false) => ("?", "warn-text"),
        (false, _) => ("✗", "bad-text"),
    };
    let shows: String =
        run.shows.iter().map(|show| format!(r#" <span class="tag">{}</span>"#, escape(show))).collect();
    let mut failures = String::new();
    for finding in run.failures().take(FAILURES_SHOWN) {
        _ = write!(
            failures,
            r#"<div class="small bad-text"><code>{}</code>: {}</div>"#,
            escape(&finding.name),
            escape(&finding.measured)
        );
    }
    for warning in &run.warnings {
        _ = write!(failures, r#"<div class="small warn-text">{}</div>"#, escape(warning));
    }
    _ = write!(
        rows,
        concat!(
            r#"<tr><td class="{}">{}</td><td><a href="{}"><b>{}</b></a>{}<div class="small muted">{}</div>{}</td>"#,
            r#"<td>{}</td>"#
        ),
        class,
        mark,
        escape(&run.page),
        escape(&run.scenario),
        shows,
        escape(&run.about),
        failures,
        escape(&run.system)
    );
    let cells = [
        run.seed.to_string(),
        format!("{} / {}", run.calls_answered, run.calls_made),
        run.worst_mos.map_or_else(none, mos_badge),
        run.setup_p50.map_or_else(none, units::time),
        run.missed_share.map_or_else(none, units::share),
        run.delay_p99.map_or_else(none, units::time),
        run.bytes_per_packet.map_or_else(none, |bytes| format!("{bytes:.0} B")),
    ];
    cells.iter().for_each(|cell| _ = write!(rows, r#"<td class="n">{cell}</td>"#));
    rows.push_str("</tr>");
}

const HEADINGS: [&str; 10] = [
    "",
    "scenario",
    "system",
    "#seed",
    "#calls",
    "#worst MOS",
    "#set-up",
    "#not played",
    "#delay p99",
    "#per packet",
];
const FAILURES_SHOWN: usize = 3;
