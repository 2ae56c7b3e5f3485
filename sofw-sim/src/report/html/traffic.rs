//! What crossed the line of each place: the firewall's byte count.

use std::fmt::Write;

use super::{scrolling, table};
use crate::record::{PlaceTraffic, Record};
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};
use crate::report::markup::escape;
use crate::report::units;

pub(super) fn section(record: &Record) -> String {
    if record.places.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    let drawn = record.places.iter().filter(|place| !place.seconds.is_empty()).take(PLACES_DRAWN);
    drawn.for_each(|place| plot(&mut out, record, place));
    let mut rows = String::new();
    record.places.iter().take(PLACES_LISTED).for_each(|place| row(&mut rows, place));
    out += &table(&HEADINGS, &rows);
    out
}

fn plot(out: &mut String, record: &Record, place: &PlaceTraffic) {
    let rate = |way: usize, sign: f64| {
        let mut steps: Vec<_> = place
            .seconds
            .iter()
            .enumerate()
            .map(|(second, bytes)| (second as f64, sign * bytes[way] as f64 * 8.0 / 1_000.0))
            .collect();
        steps.extend(steps.last().map(|(second, rate)| (second + 1.0, *rate)));
        steps
    };
    let end = record.length.as_secs_f64();
    let chart = Chart::new("", Axis::new("", Scale::Time).range(0.0, end), Axis::linear("kbit/s").mirrored())
        .size(960.0, 200.0)
        .with(Series::new("out", Shape::StepArea, Tone::Nth(0), rate(0, 1.0)))
        .with(Series::new("in", Shape::StepArea, Tone::Nth(1), rate(1, -1.0)));
    let title = escape(&place.place);
    _ = write!(
        out,
        r#"<div class="card"><h3 style="margin-top:0">{title}</h3>{}</div>"#,
        scrolling(&chart.inline())
    );
}

fn row(rows: &mut String, place: &PlaceTraffic) {
    let each = match place.voice {
        0 => "–".to_owned(),
        voice => format!("{:.0} B", place.bytes.iter().sum::<u64>() as f64 / voice as f64),
    };
    _ = write!(rows, r#"<tr><td>{}</td>"#, escape(&place.place));
    let cells = [
        units::bytes(place.bytes[0]),
        units::bytes(place.bytes[1]),
        units::count(place.packets[0]),
        units::count(place.packets[1]),
        units::count(place.voice),
        each,
        units::count(place.udp_packets),
        place.connections_max.to_string(),
    ];
    cells.iter().for_each(|cell| _ = write!(rows, r#"<td class="n">{cell}</td>"#));
    rows.push_str("</tr>");
}

const HEADINGS: [&str; 9] = [
    "place",
    "#bytes out",
    "#bytes in",
    "#packets out",
    "#packets in",
    "#voice packets",
    "#bytes per voice packet",
    "#UDP packets",
    "#connections at most",
];
const PLACES_DRAWN: usize = 12;
const PLACES_LISTED: usize = 200;
