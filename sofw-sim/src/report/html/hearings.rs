//! One-way delay and loss of each hearing, second by second.

use std::fmt::Write;

use super::{calls::by_trouble, mos_badge, scrolling};
use crate::record::{Hearing, Record, Second};
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};
use crate::report::markup::escape;

pub(super) fn section(record: &Record) -> String {
    let heard = || record.calls.iter().filter(|call| call.hearings.iter().any(|hearing| hearing.sent > 0));
    let calls = by_trouble(heard(), CALLS_SHOWN);
    let left_out = heard().count() - calls.len();
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
    // A second in which nothing came interrupts the curve.
    let or_none = |bin: &Bin, value: f64| if bin.received > 0.0 { value / 1_000.0 } else { f64::NAN };
    let middle = |bin: &Bin| bin.at + bin.width / 2.0;
    let extremes =
        bins.iter().map(|bin| (middle(bin), or_none(bin, bin.delay[0]), or_none(bin, bin.delay[2])));
    let mean = bins.iter().map(|bin| (middle(bin), or_none(bin, bin.delay[1])));
    let mut delay = Chart::new("", x().bare(), Axis::linear("delay, ms").from_zero())
        .size(WIDTH, 200.0)
        .with(Series::between("shortest to longest", Shape::Band, Tone::Nth(0), extremes))
        .with(Series::new("mean", Shape::Line, Tone::Nth(0), mean));
    let events = record.story.iter().map(|(at, what)| (at.as_nanos() as f64 / 1e9, what));
    for (at, what) in events.filter(|(at, _)| (from..=to).contains(at)).take(MARKS_MAX) {
        delay = delay.mark(at, what);
    }
    let percent = |part: f64, bin: &Bin| if bin.sent > 0.0 { 100.0 * part / bin.sent } else { 0.0 };
    let lost = |bin: &Bin| percent((bin.sent - bin.received).max(0.0), bin);
    let late = bins.iter().map(|bin| (middle(bin), lost(bin), lost(bin) + percent(bin.late, bin)));
    let missed = Chart::new("", x(), Axis::linear("not played, %").range(0.0, 2.0))
        .size(WIDTH, 118.0)
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
/// Events drawn in a plot; all of them are in the story.
const MARKS_MAX: usize = 40;
const BINS_MAX: usize = 240;
/// With more calls only the worst are drawn.
const CALLS_SHOWN: usize = 8;
