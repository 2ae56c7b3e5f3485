//! One-way delay and loss of each hearing, second by second.

use std::fmt::Write;

use super::{calls::worst, mos_badge, scrolling};
use crate::record::{Hearing, Record, Second};
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};
use crate::report::markup::escape;

pub(super) fn section(record: &Record) -> String {
    let mut calls: Vec<_> = record.calls.iter().filter(|call| worst(call) < 5.0).collect();
    let left_out = calls.len().saturating_sub(CALLS_SHOWN);
    if left_out > 0 {
        calls.sort_by(|a, b| worst(a).total_cmp(&worst(b)));
        calls.truncate(CALLS_SHOWN);
    }
    let mut out = String::new();
    for hearing in calls.iter().flat_map(|call| &call.hearings).filter(|hearing| !hearing.seconds.is_empty())
    {
        figure(&mut out, record, hearing);
    }
    if left_out > 0 {
        _ = write!(
            out,
            r#"<p class="muted small">The {CALLS_SHOWN} worst calls; {left_out} sounded better.</p>"#
        );
    }
    out
}

fn figure(out: &mut String, record: &Record, hearing: &Hearing) {
    let bins = binned(&hearing.seconds);
    let (Some(first), Some(last)) = (bins.first(), bins.last()) else { return };
    let (from, to) = (first.at, last.at + last.width);
    let x = || Axis::new("", Scale::Time).range(from, to);
    let millis = |micros: f64| micros / 1_000.0;
    let heard = || bins.iter().filter(|bin| bin.received > 0.0);
    let middle = |bin: &Bin| bin.at + bin.width / 2.0;
    let extremes = heard().map(|bin| (middle(bin), millis(bin.delay[0]), millis(bin.delay[2])));
    let mean = heard().map(|bin| (middle(bin), millis(bin.delay[1])));
    let mut delay = Chart::new("", x().bare(), Axis::linear("delay, ms").from_zero())
        .size(WIDTH, 190.0)
        .with(Series::between("shortest to longest", Shape::Band, Tone::Nth(0), extremes))
        .with(Series::new("mean", Shape::Line, Tone::Nth(0), mean));
    for (at, what) in &record.story {
        let at = at.as_nanos() as f64 / 1e9;
        if (from..=to).contains(&at) {
            delay = delay.mark(at, what);
        }
    }
    let percent = |part: f64, bin: &Bin| if bin.sent > 0.0 { 100.0 * part / bin.sent } else { 0.0 };
    let lost = |bin: &Bin| percent((bin.sent - bin.received).max(0.0), bin);
    let late = bins.iter().map(|bin| (middle(bin), lost(bin), lost(bin) + percent(bin.late, bin)));
    let missed = Chart::new("", x(), Axis::linear("not played, %").range(0.0, 2.0))
        .size(WIDTH, 112.0)
        .with(Series::new("lost", Shape::Bars, Tone::Bad, bins.iter().map(|bin| (middle(bin), lost(bin)))))
        .with(Series::between("too late", Shape::Bars, Tone::Warn, late));
    _ = write!(
        out,
        r#"<div class="card"><h3 style="margin-top:0">{} hears {} {}</h3>{}{}</div>"#,
        escape(&hearing.listener),
        escape(&hearing.talker),
        mos_badge(hearing.mos),
        scrolling(&delay.inline()),
        scrolling(&missed.inline())
    );
}

/// One or several seconds.
#[derive(Clone, Copy, Default)]
struct Bin {
    at: f64,
    width: f64,
    sent: f64,
    received: f64,
    late: f64,
    delay: [f64; 3],
}

/// Long calls by several seconds at once, so that a bar is still a bar.
fn binned(seconds: &[Second]) -> Vec<Bin> {
    let size = seconds.len().div_ceil(BINS_MAX).max(1);
    let merge = |chunk: &[Second]| {
        let mut bin = Bin { at: f64::from(chunk[0].second), width: size as f64, ..Bin::default() };
        for second in chunk {
            let (received, delay) = (f64::from(second.received), second.delay_us.map(f64::from));
            if received > 0.0 {
                let shortest = if bin.received > 0.0 { bin.delay[0].min(delay[0]) } else { delay[0] };
                let mean = (bin.delay[1] * bin.received + delay[1] * received) / (bin.received + received);
                bin.delay = [shortest, mean, bin.delay[2].max(delay[2])];
            }
            bin.sent += f64::from(second.sent);
            bin.received += received;
            bin.late += f64::from(second.late);
        }
        bin
    };
    seconds.chunks(size).map(merge).collect()
}

const WIDTH: f64 = 960.0;
const BINS_MAX: usize = 240;
/// With more calls only the worst are drawn.
const CALLS_SHOWN: usize = 8;
