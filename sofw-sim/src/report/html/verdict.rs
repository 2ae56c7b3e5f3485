//! The top of the page, which says whether all is well and if not, why not; and the list of all that was checked at its end.

use std::fmt::Write;

use super::{mos_class, table};
use crate::record::{Finding, FindingKind, Record};
use crate::report::markup::escape;
use crate::report::{Summary, units};

pub(super) fn top(record: &Record) -> String {
    let mut out = format!(r#"<header><h1>{}</h1>"#, escape(&record.scenario));
    if !record.about.is_empty() {
        _ = write!(out, r#"<p class="lead">{}</p>"#, escape(&record.about));
    }
    out.push_str(r#"<div class="facts">"#);
    for (name, value) in [
        ("system", record.system.clone()),
        ("seed", record.seed.to_string()),
        ("length", units::time(record.length)),
    ] {
        _ = write!(out, "<span>{name} <b>{}</b></span>", escape(&value));
    }
    if !record.shows.is_empty() {
        out.push_str("<span>shows ");
        record.shows.iter().for_each(|show| _ = write!(out, r#"<span class="tag">{}</span>"#, escape(show)));
        out.push_str("</span>");
    }
    out.push_str("</div></header>");
    box_of(&mut out, record);
    tiles(&mut out, &Summary::of(record));
    out
}

fn box_of(out: &mut String, record: &Record) {
    let (all, failed) =
        (record.findings.len(), record.findings.iter().filter(|finding| !finding.good).count());
    let (class, word) = match (failed, record.warnings.is_empty()) {
        (0, true) => ("good", "Good"),
        (0, false) => ("warn", "Good?"),
        _ => ("bad", "Failed"),
    };
    let sentence = match (failed, all) {
        (0, 0) => "Nothing was checked.".to_owned(),
        (0, 1) => "The one expectation or checker held.".to_owned(),
        (0, all) => format!("All {all} expectations and checkers held."),
        (failed, all) => format!("{failed} of {all} expectations and checkers did not hold."),
    };
    _ = write!(out, r#"<div class="verdict {class}"><span class="word">{word}</span>{sentence}"#);
    for warning in &record.warnings {
        _ = write!(out, r#"<p class="warning"><b>Warning:</b> {}</p>"#, escape(warning));
    }
    let failures = || record.findings.iter().filter(|finding| !finding.good);
    failures().take(FAILURES_SHOWN).for_each(|finding| failure(out, finding));
    if failed > FAILURES_SHOWN {
        _ = write!(out, r##"<p class="muted"><a href="#findings">{} more</a></p>"##, failed - FAILURES_SHOWN);
    }
    _ = write!(out, "<pre>{}</pre></div>", escape(&record.replay));
}

fn failure(out: &mut String, finding: &Finding) {
    _ = write!(
        out,
        concat!(
            r#"<div class="failure"><div class="what"><code>{}</code><div class="small muted">{}</div></div>"#,
            r#"<dl><dt>measured</dt><dd class="measured">{}</dd></dl>"#,
            r#"<dl><dt>expected</dt><dd>{}</dd></dl></div>"#
        ),
        escape(&finding.name),
        whereabouts(finding),
        escape(&finding.measured),
        escape(&finding.expected)
    );
}

fn kind(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::Expectation => "expectation",
        FindingKind::Checker => "checker",
    }
}

fn whereabouts(finding: &Finding) -> String {
    let mut words = vec![kind(finding).to_owned()];
    words.extend((finding.line > 0).then(|| format!("line {}", finding.line)));
    words.extend(finding.at.map(|at| format!("at {} s", units::clock(at))));
    words.join(" · ")
}

fn tiles(out: &mut String, summary: &Summary) {
    out.push_str(r#"<div class="tiles">"#);
    let mut tile = |value: Option<String>, class: &str, name: &str| {
        let value = value.unwrap_or_else(|| "–".to_owned());
        _ = write!(out, r#"<div class="tile"><b class="{class}">{value}</b><span>{name}</span></div>"#);
    };
    let class = |mos| match mos_class(mos).0 {
        "good" => "good-text",
        "warn" => "warn-text",
        _ => "bad-text",
    };
    tile(Some(format!("{} / {}", summary.calls_answered, summary.calls_made)), "", "calls answered / made");
    tile(summary.worst_mos.map(|mos| format!("{mos:.2}")), summary.worst_mos.map_or("", class), "worst MOS");
    tile(summary.missed_share.map(units::share), "", "voice not played");
    tile(summary.delay_p99.map(units::time), "", "one-way delay, p99");
    tile(summary.setup_p50.map(units::time), "", "call set-up, median");
    tile(summary.bytes_per_packet.map(|bytes| format!("{bytes:.0} B")), "", "line bytes per packet");
    out.push_str("</div>");
}

pub(super) fn findings(record: &Record) -> String {
    if record.findings.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for finding in &record.findings {
        let (mark, class) = if finding.good { ("✓", "good-text") } else { ("✗", "bad-text") };
        _ = write!(
            rows,
            r#"<tr><td class="{class}">{mark}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td class="muted keep">{}</td></tr>"#,
            escape(&finding.name),
            escape(&finding.measured),
            escape(&finding.expected),
            whereabouts(finding)
        );
    }
    table(&["", "what", "measured", "expected", ""], &rows)
}

/// Failures that are shown at the top.
const FAILURES_SHOWN: usize = 12;
