//! The relay address table over time: how many records, and the life of each.

use std::fmt::Write;

use super::scrolling;
use crate::record::{RatLife, Record};
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};
use crate::report::markup::{escape, shorten, text_width};
use crate::report::units;

pub(super) fn section(record: &Record) -> String {
    if record.rat.is_empty() && record.rat_records.is_empty() {
        return String::new();
    }
    let end = record.length.as_secs_f64();
    let mut steps: Vec<_> =
        record.rat.iter().map(|(at, count)| (at.as_nanos() as f64 / 1e9, *count as f64)).collect();
    if steps.first().is_none_or(|(at, _)| *at > 0.0) {
        steps.insert(0, (0.0, 0.0));
    }
    steps.extend(steps.last().map(|(_, count)| (end, *count)));
    let chart = Chart::new(
        "",
        Axis::new("", Scale::Time).range(0.0, end),
        Axis::linear("records").from_zero().whole(),
    )
    .size(960.0, 130.0)
    .with(Series::new("", Shape::StepArea, Tone::Nth(2), steps));
    let left = record.rat_records.iter().filter(|life| life.until.is_none()).count();
    let verdict = match left {
        0 => r#"<p class="small muted">Empty at the end.</p>"#.to_owned(),
        1 => r#"<p class="small bad-text">One record is left at the end.</p>"#.to_owned(),
        _ => format!(r#"<p class="small bad-text">{left} records are left at the end.</p>"#),
    };
    format!(r#"<div class="card">{}{verdict}{}</div>"#, scrolling(&chart.inline()), lives(record, end))
}

fn lives(record: &Record, end: f64) -> String {
    if record.rat_records.is_empty() {
        return String::new();
    }
    let shown = &record.rat_records[..record.rat_records.len().min(LIVES_SHOWN)];
    let height = shown.len() as f64 * ROW + 4.0;
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart lives" viewBox="0 0 960 {height}" width="960" height="{height}" role="img" aria-label="life of each record">"#
    );
    shown.iter().enumerate().for_each(|(row, life)| draw(&mut out, record, life, row, end));
    out.push_str("</svg>");
    let mut out = scrolling(&out);
    if record.rat_records.len() > shown.len() {
        let rest = record.rat_records.len() - shown.len();
        _ = write!(
            out,
            r#"<p class="small muted">The first {LIVES_SHOWN} records; {rest} more are not drawn.</p>"#
        );
    }
    out
}

fn draw(out: &mut String, record: &Record, life: &RatLife, row: usize, end: f64) {
    let place = |at: sofw_core::base::Instant| {
        LEFT + (at.as_nanos() as f64 / 1e9 / end.max(1e-9)).clamp(0.0, 1.0) * (RIGHT - LEFT)
    };
    let (y, from) = (row as f64 * ROW + 2.0, place(life.from));
    let to = life.until.map_or(RIGHT, place).max(from + 2.0);
    let call = record.calls.iter().position(|call| call.call_id == life.call_id);
    let class = match (life.until, call) {
        (None, _) => "t-bad".to_owned(),
        (_, Some(call)) => format!("t{}", call % 8),
        (_, None) => "t-muted".to_owned(),
    };
    let until = life
        .until
        .map_or_else(|| "still there".to_owned(), |until| format!("until {} s", units::clock(until)));
    let title =
        format!("{} line {}, from {} s, {until}", life.call_id, life.media_line, units::clock(life.from));
    let name = format!("{} ⇄ {}", life.ends[0], life.ends[1]);
    // The text stands beside the bar where there is room, else on it.
    let text = shorten(&name, 60);
    let room = text_width(&text, 11.5) + 8.0;
    let (x, anchor) = match () {
        () if to + room < RIGHT => (to + 7.0, "start"),
        () if from - room > LEFT => (from - 7.0, "end"),
        () => (from + 6.0, "start"),
    };
    let strong = if x > from && x < to { " strong" } else { "" };
    _ = write!(
        out,
        concat!(
            r#"<g class="{}"><title>{}</title><rect x="{:.1}" y="{}" width="{:.1}" height="{}" rx="3" class="bar" opacity=".42"/>"#,
            r#"<text x="{:.1}" y="{:.1}" class="{}{}">{}</text></g>"#
        ),
        class,
        escape(&title),
        from,
        y,
        to - from,
        ROW - 6.0,
        x,
        y + 11.5,
        anchor,
        strong,
        escape(&text)
    );
}

const LIVES_SHOWN: usize = 40;
const ROW: f64 = 22.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 946.0;
