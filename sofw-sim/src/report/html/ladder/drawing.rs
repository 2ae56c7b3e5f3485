//! One ladder diagram as SVG.

use std::fmt::Write;

use sofw_core::base::{Duration, Instant};

use super::{Calls, call_of};
use crate::record::{Record, Rung};
use crate::report::markup::{escape, shorten, text_width};
use crate::report::units;

/// What colours and lines mean.
pub(super) fn key(record: &Record) -> String {
    let mut out = String::from(r#"<p class="small muted">Requests are solid, answers dashed"#);
    if record.ladder.iter().any(|rung| rung.tunnelled) {
        out.push_str("; a shaded arrow passes the tunnel");
    }
    out + ". Times are seconds; waiting is folded.</p>"
}

/// The drawing of some rungs, in a box that scrolls sideways. Only actors with a part in it have a column.
pub(super) fn draw(record: &Record, calls: &Calls, rungs: &[&Rung]) -> String {
    let columns = Columns::of(record, rungs);
    let rows = rows(rungs);
    let height = HEAD + rows.iter().map(Row::height).sum::<f64>() + FOOT;
    let width = columns.width();
    let mut out = format!(
        r#"<div class="scroll"><svg xmlns="http://www.w3.org/2000/svg" class="ladder fixed" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="ladder diagram">"#
    );
    lifelines(&mut out, &columns, &rows);
    names(&mut out, record, &columns, 4.0);
    names(&mut out, record, &columns, height - NAME - 4.0);
    let mut y = HEAD;
    let mut last_time = String::new();
    for row in &rows {
        y += row.height();
        match row {
            Row::Wait(time) => {
                let middle = y - 2.0;
                _ = write!(
                    out,
                    r#"<text x="{:.1}" y="{middle:.1}" class="when">⋮ {}</text>"#,
                    GUTTER - 10.0,
                    units::time(*time)
                );
            }
            Row::Message(rung) => {
                let time = units::clock(rung.at);
                if time != last_time {
                    _ = write!(
                        out,
                        r#"<text x="{:.1}" y="{:.1}" class="when">{time}</text>"#,
                        GUTTER - 10.0,
                        y + 4.0
                    );
                }
                last_time = time;
                message(&mut out, calls, &columns, rung, y);
            }
        }
    }
    out + "</svg></div>"
}

enum Row<'a> {
    Wait(Duration),
    Message(&'a Rung),
}

impl Row<'_> {
    fn height(&self) -> f64 {
        match self {
            Row::Wait(_) => 24.0,
            Row::Message(_) => 27.0,
        }
    }
}

fn rows<'a>(rungs: &[&'a Rung]) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(rungs.len());
    let mut last: Option<Instant> = None;
    for &rung in rungs {
        let waited = last.map_or(Duration::ZERO, |last| rung.at.since(last));
        if waited >= FOLDED_FROM {
            rows.push(Row::Wait(waited));
        }
        rows.push(Row::Message(rung));
        last = Some(rung.at);
    }
    rows
}

/// Where the lifeline of each actor stands.
struct Columns {
    /// Actors with a column, in order.
    actors: Vec<usize>,
    spacing: f64,
}

impl Columns {
    fn of(record: &Record, rungs: &[&Rung]) -> Columns {
        let mut used = vec![false; record.actors.len()];
        for actor in rungs.iter().flat_map(|rung| [rung.from, rung.to]) {
            if let Some(used) = used.get_mut(actor) {
                *used = true;
            }
        }
        let actors: Vec<_> = (0..used.len()).filter(|actor| used[*actor]).collect();
        let spacing = ((WIDTH - GUTTER - SIDE) / (actors.len().max(2) - 1) as f64 - 0.5).floor();
        Columns { spacing: spacing.clamp(SPACING_MIN, SPACING_MAX), actors }
    }

    fn x(&self, actor: usize) -> Option<f64> {
        let column = self.actors.iter().position(|known| *known == actor)?;
        Some(self.at(column))
    }

    fn at(&self, column: usize) -> f64 {
        GUTTER + SIDE / 2.0 + column as f64 * self.spacing
    }

    fn width(&self) -> f64 {
        self.at(self.actors.len().saturating_sub(1)) + SIDE / 2.0 + 4.0
    }
}

fn names(out: &mut String, record: &Record, columns: &Columns, y: f64) {
    let width = (columns.spacing - 14.0).min(SIDE);
    for (column, &actor) in columns.actors.iter().enumerate() {
        let x = columns.at(column);
        let name = &record.actors[actor];
        _ = write!(
            out,
            concat!(
                r#"<g><title>{}</title><rect x="{:.1}" y="{:.1}" width="{:.1}" height="{}" rx="7" class="actor"/>"#,
                r#"<text x="{:.1}" y="{:.1}" class="actor-name">{}</text></g>"#
            ),
            escape(name),
            x - width / 2.0,
            y,
            width,
            NAME,
            x,
            y + 17.0,
            escape(&shorten(name, (width / 7.0) as usize))
        );
    }
}

fn lifelines(out: &mut String, columns: &Columns, rows: &[Row]) {
    for column in 0..columns.actors.len() {
        let x = columns.at(column);
        let mut y = 4.0 + NAME;
        let mut lower = HEAD;
        for row in rows {
            if let Row::Wait(_) = row {
                let (from, to) = (lower + 9.0, lower + row.height() + 3.0);
                _ = write!(out, r#"<path d="M{x:.1} {y:.1}V{from:.1}" class="life"/>"#);
                _ = write!(out, r#"<path d="M{x:.1} {from:.1}V{to:.1}" class="fold"/>"#);
                y = to;
            }
            lower += row.height();
        }
        _ = write!(out, r#"<path d="M{x:.1} {y:.1}V{:.1}" class="life"/>"#, lower + FOOT - NAME - 4.0);
    }
}

fn message(out: &mut String, calls: &Calls, columns: &Columns, rung: &Rung, y: f64) {
    let (Some(from), Some(to)) = (columns.x(rung.from), columns.x(rung.to)) else { return };
    if rung.from == rung.to {
        return note(out, columns, rung, from, y);
    }
    let status: Option<u16> = rung.label.get(..3).and_then(|digits| digits.parse().ok());
    // A 401 or 407 is a question, not a failure (RFC 3261 §22.1).
    let wrong = status.is_some_and(|status| status >= 400 && status != 401 && status != 407);
    let call = call_of(calls, rung);
    let class = match (wrong, call) {
        (true, _) => "t-bad".to_owned(),
        (_, Some(call)) => format!("t{}", call % 8),
        (_, None) => "t7".to_owned(),
    };
    let way = if to > from { 1.0 } else { -1.0 };
    let (left, right) = (from.min(to), from.max(to));
    _ = write!(
        out,
        r#"<g class="{class}"><title>{} {} s</title>"#,
        escape(&rung.label),
        units::clock(rung.at)
    );
    if rung.tunnelled {
        _ = write!(
            out,
            r#"<rect x="{left:.1}" y="{:.1}" width="{:.1}" height="10" rx="5" class="tunnel"/>"#,
            y - 5.0,
            right - left
        );
    }
    let answer = if status.is_some() { " answer" } else { "" };
    _ = write!(out, r#"<path d="M{from:.1} {y:.1}H{:.1}" class="arrow{answer}"/>"#, to - way * 5.0);
    _ = write!(out, r#"<path d="M{to:.1} {y:.1}l{0:.1} -3.6v7.2z" class="head"/>"#, -way * 7.5);
    let room = ((right - left - 14.0) / 6.1).max(4.0) as usize;
    let emphasis = match (wrong, status) {
        (true, _) => " wrong",
        (_, None) => " request",
        _ => "",
    };
    _ = write!(
        out,
        r#"<text x="{:.1}" y="{:.1}" class="label{emphasis}">{}</text></g>"#,
        (left + right) / 2.0,
        y - 6.5,
        escape(&shorten(&rung.label, room))
    );
}

/// A note stands on its actor's line, moved inwards at the edges.
fn note(out: &mut String, columns: &Columns, rung: &Rung, x: f64, y: f64) {
    let text = shorten(&rung.label, NOTE_MAX);
    let width = text_width(&text, 11.5) + 22.0;
    let middle = x.min(columns.width() - width / 2.0 - 2.0).max(GUTTER + width / 2.0);
    _ = write!(
        out,
        concat!(
            r#"<g><title>{}</title><rect x="{:.1}" y="{:.1}" width="{:.1}" height="19" rx="9.5" class="note"/>"#,
            r#"<text x="{:.1}" y="{:.1}" class="note-text" style="fill:var(--muted)">{}</text></g>"#
        ),
        escape(&rung.label),
        middle - width / 2.0,
        y - 12.5,
        width,
        middle,
        y + 1.0,
        escape(&text)
    );
}

/// A pause from this length on is drawn as one.
const FOLDED_FROM: Duration = Duration::from_millis(500);
const WIDTH: f64 = 976.0;
/// Room for the times at the left.
const GUTTER: f64 = 74.0;
/// Width of a name's box at most.
const SIDE: f64 = 124.0;
const SPACING_MIN: f64 = 118.0;
const SPACING_MAX: f64 = 230.0;
const HEAD: f64 = 42.0;
const FOOT: f64 = 50.0;
const NAME: f64 = 26.0;
const NOTE_MAX: usize = 60;
