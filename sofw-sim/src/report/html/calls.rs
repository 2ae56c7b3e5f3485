//! The table of calls: how each was set up, and how it sounded at both ends.

use std::fmt::Write;

use super::{mos_badge, table_of};
use crate::record::{Call, Hearing, Record};
use crate::report::markup::escape;
use crate::report::units;

pub(super) fn section(record: &Record) -> String {
    if record.calls.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    by_trouble(record.calls.iter(), CALLS_SHOWN).into_iter().for_each(|call| row(&mut rows, call));
    let mut out = table_of(&HEADINGS, &rows, "calls");
    let all = record.calls.len();
    if all > CALLS_SHOWN {
        _ = write!(out, r#"<p class="muted small">The {CALLS_SHOWN} of {all} calls with most trouble.</p>"#);
    }
    out
}

/// At most so many calls in the order in which they began: those that were not answered or sounded worst.
pub(super) fn by_trouble<'a>(calls: impl Iterator<Item = &'a Call>, limit: usize) -> Vec<&'a Call> {
    let mut chosen: Vec<_> = calls.collect();
    if chosen.len() > limit {
        let trouble = |call: &Call| if call.answered.is_none() { 0.0 } else { worst(call) };
        chosen.sort_by(|a, b| trouble(a).total_cmp(&trouble(b)));
        chosen.truncate(limit);
        chosen.sort_by_key(|call| call.invited);
    }
    chosen
}

/// The lower score of its two hearings.
pub(super) fn worst(call: &Call) -> f64 {
    let heard = call.hearings.iter().filter(|hearing| hearing.sent > 0);
    heard.map(|hearing| hearing.mos).fold(5.0, f64::min)
}

fn row(rows: &mut String, call: &Call) {
    let heard: Vec<_> = call.hearings.iter().filter(|hearing| hearing.sent > 0).collect();
    let span = heard.len().max(1);
    let setup = call.setup().map_or_else(|| "–".to_owned(), units::time);
    let ringing = call.ringing.map(|at| format!("rings after {}", units::time(at.since(call.invited))));
    let length = match (call.answered, call.ended[0].or(call.ended[1])) {
        (Some(from), Some(to)) => format!("{} long", units::time(to.since(from))),
        _ => String::new(),
    };
    let media = if call.direct_media { "direct voice" } else { "" };
    let keys = call.keys.iter().filter(|keys| !keys.is_empty()).map(|keys| format!("keys {keys}"));
    let status =
        (call.status > 0 && !call.end.contains(&call.status.to_string())).then(|| call.status.to_string());
    let notes = [length, call.end.clone(), media.to_owned()].into_iter().chain(status).chain(keys);
    let notes: Vec<_> = notes.filter(|note| !note.is_empty()).collect();
    let unanswered = if call.answered.is_none() { "warn-text" } else { "" };
    _ = write!(
        rows,
        concat!(
            r#"<tbody><tr><td rowspan="{}"><b>{}</b> → <b>{}</b><div class="small muted {}">{}</div></td>"#,
            r#"<td rowspan="{}" class="n">{}<div class="small muted">{}</div></td>"#
        ),
        span,
        escape(&call.caller),
        escape(&call.callee),
        unanswered,
        escape(&notes.join(" · ")),
        span,
        setup,
        ringing.unwrap_or_default()
    );
    match heard.split_first() {
        None => rows.push_str(
            r#"<td class="muted">no voice</td><td></td><td></td><td></td><td></td><td></td><td></td></tr>"#,
        ),
        Some((first, others)) => {
            hearing(rows, first);
            for other in others {
                rows.push_str("<tr>");
                hearing(rows, other);
            }
        }
    }
    rows.push_str("</tbody>");
}

fn hearing(rows: &mut String, hearing: &Hearing) {
    let played = hearing.mos > 0.0;
    let or_none = |text: String| if played { text } else { "–".to_owned() };
    let quantile = |share| units::time(hearing.delay.quantile(share));
    let mut missed = vec![format!("{} lost", units::count(hearing.lost()))];
    for (count, name) in
        [(hearing.late, "late"), (hearing.reordered, "reordered"), (hearing.duplicates, "twice")]
    {
        missed.extend((count > 0).then(|| format!("{} {name}", units::count(count))));
    }
    _ = write!(
        rows,
        concat!(
            r#"<td class="keep">{} hears {}</td><td class="n">{}</td><td class="n">{}<div class="small muted">{}</div></td>"#,
            r#"<td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td></tr>"#
        ),
        escape(&hearing.listener),
        escape(&hearing.talker),
        mos_badge(hearing.mos),
        units::share(hearing.missed_share()),
        missed.join(", "),
        or_none(quantile(0.5)),
        or_none(quantile(0.99)),
        or_none(units::time(hearing.mouth_to_ear)),
        units::time(hearing.gap)
    );
}

const HEADINGS: [&str; 9] = [
    "call",
    "#set-up",
    "direction",
    "#MOS",
    "#not played",
    "#delay p50",
    "#p99",
    "#mouth to ear",
    "#longest gap",
];
/// With more calls only the worst are listed.
const CALLS_SHOWN: usize = 100;
