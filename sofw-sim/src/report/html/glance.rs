//! The run at a glance: each call as a bar over time, coloured by how it sounded, with what happened as marks.

use super::calls::{by_trouble, worst};
use super::{mos_class, scrolling};
use crate::record::{Call, Record};
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};
use crate::report::markup::shorten;

pub(super) fn figure(record: &Record) -> String {
    if record.calls.is_empty() {
        return String::new();
    }
    let mut calls = by_trouble(record.calls.iter(), ROWS_MAX);
    calls.reverse();
    let names =
        calls.iter().map(|call| shorten(&format!("{} → {}", call.caller, call.callee), NAME_MAX)).collect();
    let end = record.length.as_secs_f64();
    let rows = || calls.iter().enumerate().map(|(row, call)| (row as f64, *call));
    let rings = rows().map(|(row, call)| {
        let until = call.answered.or(call.ended[0]).map_or(end, seconds);
        (seconds(call.invited), until, row)
    });
    let mut chart =
        Chart::new("", Axis::new("", Scale::Time).range(0.0, end), Axis::new("", Scale::Names(names)))
            .size(960.0, 90.0 + 24.0 * calls.len() as f64)
            .with(Series::between("rings", Shape::Spans, Tone::Muted, rings));
    for (name, tone, class) in [
        ("good voice", Tone::Good, "good"),
        ("poor voice", Tone::Warn, "warn"),
        ("bad or none", Tone::Bad, "bad"),
    ] {
        let talks = rows().filter(|(_, call)| heard_as(call) == class).filter_map(|(row, call)| {
            let until = call.ended[0].or(call.ended[1]).map_or(end, seconds);
            Some((seconds(call.answered?), until, row))
        });
        let series = Series::between(name, Shape::Spans, tone, talks);
        if !series.points.is_empty() {
            chart = chart.with(series);
        }
    }
    for (at, what) in record.story.iter().take(MARKS_MAX) {
        chart = chart.mark(seconds(*at), what);
    }
    scrolling(&chart.inline())
}

fn heard_as(call: &Call) -> &'static str {
    mos_class(worst(call)).0
}

fn seconds(at: sofw_core::base::Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}

const ROWS_MAX: usize = 24;
const NAME_MAX: usize = 30;
/// Events drawn; all of them are in the list below.
const MARKS_MAX: usize = 60;
