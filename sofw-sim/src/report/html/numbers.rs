//! Registrations, queues, counters and captures.

use std::fmt::Write;

use super::table;
use crate::record::Record;
use crate::report::files::capture_file;
use crate::report::markup::escape;
use crate::report::units;

pub(super) fn registrations(record: &Record) -> String {
    let all = &record.registrations;
    if all.is_empty() {
        return String::new();
    }
    let there = all.iter().filter(|one| one.registered).count();
    let mut out = format!("<p>Registered at the end: {there} of {}.</p>", all.len());
    // With many phones those with trouble are of interest.
    let mut sorted: Vec<_> = all.iter().collect();
    if all.len() > PHONES_SHOWN {
        sorted.sort_by_key(|one| (one.registered && one.failed.is_none() && one.granted.is_some()) as u8);
        sorted.truncate(PHONES_SHOWN);
    }
    let mut rows = String::new();
    for one in sorted {
        let took =
            one.granted.map_or_else(|| "–".to_owned(), |granted| units::time(granted.since(one.asked)));
        let failed = one.failed.map_or_else(String::new, |status| status.to_string());
        let (class, state) =
            if one.registered { ("good-text", "registered") } else { ("bad-text", "not registered") };
        _ = write!(
            rows,
            r#"<tr><td>{}</td><td class="n">{}</td><td class="n">{took}</td><td class="n">{failed}</td><td class="{class}">{state}</td></tr>"#,
            escape(&one.phone),
            units::clock(one.asked)
        );
    }
    out += &table(&["phone", "#first asked at", "#granted after", "#last failure", "at the end"], &rows);
    out
}

pub(super) fn queues(record: &Record) -> String {
    if record.queues.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for (name, &(fill, bound)) in &record.queues {
        let share = if bound == 0 { f64::from(u8::from(fill > 0)) } else { fill as f64 / bound as f64 };
        let class = match share {
            share if share > 1.0 => "t-bad",
            share if share > 0.8 => "t-warn",
            _ => "t0",
        };
        _ = write!(
            rows,
            r#"<tr><td>{}</td><td class="n">{}</td><td class="n">{}</td><td style="width:40%"><span class="fill {class}" title="{}"><i style="width:{:.1}%"></i></span></td></tr>"#,
            escape(name),
            units::count(fill),
            units::count(bound),
            units::share(share),
            (share * 100.0).min(100.0)
        );
    }
    table(&["queue", "#largest fill", "#bound", ""], &rows)
}

pub(super) fn counters(record: &Record) -> String {
    if record.counters.is_empty() {
        return String::new();
    }
    let mut out = String::from(r#"<div class="card"><dl class="numbers">"#);
    for (name, value) in &record.counters {
        _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), units::count(*value));
    }
    out + "</dl></div>"
}

pub(super) fn captures(record: &Record) -> String {
    let mut rows = String::new();
    for capture in &record.captures {
        let file = capture_file(record, &capture.name);
        let bytes = capture.packets.iter().map(|(_, packet, _)| packet.len() as u64).sum();
        let skipped = if capture.skipped > 0 {
            format!("{} more not kept", units::count(capture.skipped))
        } else {
            String::new()
        };
        _ = write!(
            rows,
            r#"<tr><td><a href="{0}">{0}</a></td><td>{1}</td><td class="n">{2}</td><td class="n">{3}</td><td class="muted">{skipped}</td></tr>"#,
            escape(&file),
            escape(&capture.link),
            units::count(capture.packets.len() as u64),
            units::bytes(bytes)
        );
    }
    if rows.is_empty() { rows } else { table(&["file", "link", "#packets", "#size", ""], &rows) }
}

const PHONES_SHOWN: usize = 40;
