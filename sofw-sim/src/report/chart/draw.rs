//! A chart as SVG.

use std::fmt::Write;

use super::axis::Fitted;
use super::{Chart, Series, Shape};
use crate::report::markup::{escape, shorten, text_width};

/// The `<svg>` element with `margin` pixels around the chart; `head` comes first in it.
pub(super) fn svg(chart: &Chart, head: &str, margin: f64) -> String {
    let legend = chart.series.iter().filter(|series| !series.name.is_empty()).count() > 0;
    let top = if chart.title.is_empty() { 0.0 } else { TITLE }
        + if legend || !chart.y.title.is_empty() { LEGEND } else { 0.0 }
        + if chart.marks.is_empty() { 4.0 } else { MARKS };
    let bottom = match (chart.x.bare, chart.x.title.is_empty()) {
        (true, _) => 6.0,
        (false, true) => 20.0,
        (false, false) => 34.0,
    };
    let left = left(chart);
    let (right, plot_height) = (chart.width - RIGHT, chart.height - top - bottom);
    let spacing = if matches!(chart.x.scale, super::Scale::Time) { 70.0 } else { 80.0 };
    let plot = Plot {
        left,
        right,
        top,
        bottom: top + plot_height,
        x: chart.x.fit(x_extent(chart), right - left, spacing, true),
        y: chart.y.fit(y_extent(chart), plot_height, 32.0, false),
    };
    let (width, height) = (chart.width + 2.0 * margin, chart.height + 2.0 * margin);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{0} {0} {width} {height}" width="{width}" height="{height}" role="img" aria-label="{1}">{head}"#,
        0.0 - margin,
        escape(if chart.title.is_empty() { &chart.y.title } else { &chart.title })
    );
    headings(&mut out, chart);
    grid(&mut out, chart, &plot);
    bars(&mut out, chart, &plot);
    for series in &chart.series {
        match series.shape {
            Shape::Bars => {}
            Shape::Spans => spans(&mut out, series, &plot),
            _ => curve(&mut out, series, &plot),
        }
    }
    limits(&mut out, chart, &plot);
    marks(&mut out, chart, &plot);
    out.push_str("</svg>");
    out
}

/// Names need more room than numbers.
fn left(chart: &Chart) -> f64 {
    match &chart.y.scale {
        super::Scale::Names(names) => {
            names.iter().map(|name| text_width(name, FONT) + 16.0).fold(LEFT, f64::max).min(chart.width / 3.0)
        }
        _ => LEFT,
    }
}

struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Fitted,
    y: Fitted,
}

impl Plot {
    fn x(&self, value: f64) -> f64 {
        self.left + self.x.place(value).clamp(-0.01, 1.01) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.place(value).clamp(-0.01, 1.01) * (self.bottom - self.top)
    }
}

fn x_extent(chart: &Chart) -> Option<(f64, f64)> {
    let to = |shape, x, low| if shape == Shape::Spans { low } else { x };
    let both = |series: &Series| {
        series.points.iter().map(|&[x, low, _]| [x, to(series.shape, x, low)]).collect::<Vec<_>>()
    };
    let values = chart.series.iter().flat_map(both).flatten();
    let bounds = values.fold(None, |extent: Option<(f64, f64)>, x| match extent {
        None => Some((x, x)),
        Some((low, high)) => Some((low.min(x), high.max(x))),
    });
    let stretches = chart.x.scale == super::Scale::Linear || chart.x.scale == super::Scale::Time;
    let half = if stretches && bars_in_group(chart) > 0 { bar_step(chart) / 2.0 } else { 0.0 };
    bounds.map(|(low, high)| (low - half, high + half))
}

fn y_extent(chart: &Chart) -> Option<(f64, f64)> {
    let limits = chart.limits.iter().map(|(y, _)| (*y, *y));
    let all = chart.series.iter().filter_map(Series::extent).chain(limits);
    all.reduce(|(low, high), (other_low, other_high)| (low.min(other_low), high.max(other_high)))
}

fn headings(out: &mut String, chart: &Chart) {
    let mut y = 0.0;
    if !chart.title.is_empty() {
        _ = write!(out, r#"<text x="0" y="13" class="title">{}</text>"#, escape(&chart.title));
        y += TITLE;
    }
    _ = write!(out, r#"<text x="0" y="{}">{}</text>"#, y + 11.0, escape(&chart.y.title));
    let named: Vec<_> = chart.series.iter().filter(|series| !series.name.is_empty()).collect();
    let width: f64 = named.iter().map(|series| text_width(&series.name, FONT) + 30.0).sum();
    let mut x = chart.width - RIGHT - width + 12.0;
    for series in named {
        let class = series.tone.class();
        _ = match series.shape {
            Shape::Line | Shape::Step => {
                write!(out, r#"<path d="M{x} {0}h14" class="{class} line"/>"#, y + 7.0)
            }
            Shape::Dots => write!(
                out,
                r#"<path d="M{x} {0}h14" class="{class} line"/><circle cx="{1}" cy="{0}" r="3" class="{class} dot"/>"#,
                y + 7.0,
                x + 7.0
            ),
            Shape::Band | Shape::StepArea => {
                write!(out, r#"<rect x="{x}" y="{0}" width="14" height="9" class="{class} area"/>"#, y + 2.5)
            }
            Shape::Bars | Shape::Spans => {
                write!(
                    out,
                    r#"<rect x="{0}" y="{1}" width="9" height="9" rx="1.5" class="{class} bar"/>"#,
                    x + 3.0,
                    y + 2.5
                )
            }
        };
        _ = write!(out, r#"<text x="{:.1}" y="{}">{}</text>"#, x + 18.0, y + 11.0, escape(&series.name));
        x += text_width(&series.name, FONT) + 30.0;
    }
}

fn grid(out: &mut String, chart: &Chart, plot: &Plot) {
    for (value, label) in &plot.y.ticks {
        let y = plot.y(*value);
        let class = if *value == 0.0 { "base" } else { "grid" };
        _ = write!(out, r#"<path d="M{:.1} {y:.1}H{:.1}" class="{class}"/>"#, plot.left, plot.right);
        _ = write!(
            out,
            r#"<text x="{:.1}" y="{:.1}" class="end">{}</text>"#,
            plot.left - 7.0,
            y + 3.7,
            escape(label)
        );
    }
    for (value, label) in plot.x.ticks.iter().filter(|_| !chart.x.bare) {
        let x = plot.x(*value);
        _ = write!(out, r#"<path d="M{x:.1} {:.1}v4" class="base"/>"#, plot.bottom);
        _ = write!(
            out,
            r#"<text x="{x:.1}" y="{:.1}" class="mid">{}</text>"#,
            plot.bottom + 16.0,
            escape(label)
        );
    }
    if !chart.x.bare && !chart.x.title.is_empty() {
        let (x, y) = ((plot.left + plot.right) / 2.0, plot.bottom + 31.0);
        _ = write!(out, r#"<text x="{x:.1}" y="{y:.1}" class="mid">{}</text>"#, escape(&chart.x.title));
    }
}

fn spans(out: &mut String, series: &Series, plot: &Plot) {
    let height = ((plot.y(0.0) - plot.y(1.0)).abs() * 0.56).clamp(2.0, 14.0);
    _ = write!(out, r#"<g class="{}">"#, series.tone.class());
    for &[from, to, y] in &series.points {
        let (left, right, top) = (plot.x(from), plot.x(to), plot.y(y) - height / 2.0);
        let width = (right - left).max(1.5);
        _ = write!(
            out,
            r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="2" class="bar"/>"#
        );
    }
    out.push_str("</g>");
}

fn bars_in_group(chart: &Chart) -> usize {
    chart.series.iter().filter(|series| series.shape == Shape::Bars).count()
}

/// The smallest distance of two bars.
fn bar_step(chart: &Chart) -> f64 {
    let bars = chart.series.iter().filter(|series| series.shape == Shape::Bars);
    let steps = bars.flat_map(|series| series.points.windows(2).map(|pair| pair[1][0] - pair[0][0]));
    let step = steps.filter(|step| *step > 0.0).fold(f64::INFINITY, f64::min);
    if step.is_finite() { step } else { 1.0 }
}

/// Bars stand side by side over names and on each other elsewhere.
fn bars(out: &mut String, chart: &Chart, plot: &Plot) {
    let group = if matches!(chart.x.scale, super::Scale::Names(_)) { bars_in_group(chart).max(1) } else { 1 };
    let step = (plot.x.place(bar_step(chart)) - plot.x.place(0.0)) * (plot.right - plot.left);
    let width = (step * 0.76 / group as f64).clamp(0.8, 46.0);
    let series = chart.series.iter().filter(|series| series.shape == Shape::Bars);
    for (nth, series) in series.enumerate() {
        let offset = if group > 1 { (nth as f64 - (group as f64 - 1.0) / 2.0) * width } else { 0.0 };
        _ = write!(out, r#"<g class="{}">"#, series.tone.class());
        for &[x, low, y] in &series.points {
            let (from, to) = (plot.y(low), plot.y(y));
            if (from - to).abs() < 0.05 {
                continue;
            }
            let x = plot.x(x) + offset - width / 2.0;
            let (top, height) = (from.min(to), (from - to).abs().max(1.0));
            let (shown, round) =
                (if group > 1 { width - 1.0 } else { width }, if width > 6.0 { 1.5 } else { 0.0 });
            _ = write!(
                out,
                r#"<rect x="{x:.1}" y="{top:.1}" width="{shown:.1}" height="{height:.1}" rx="{round}" class="bar"/>"#
            );
        }
        out.push_str("</g>");
    }
}

/// A value that is not a number interrupts the curve.
fn curve(out: &mut String, series: &Series, plot: &Plot) {
    for piece in series.points.split(|[_, _, y]| y.is_nan()).filter(|piece| !piece.is_empty()) {
        let points = piece.iter().map(|&[x, low, y]| [plot.x(x), plot.y(low), plot.y(y)]);
        self::piece(out, series, &thin(points.collect()));
    }
}

fn piece(out: &mut String, series: &Series, points: &[[f64; 3]]) {
    let [first_x, first_low, _] = points[0];
    let class = series.tone.class();
    let steps = matches!(series.shape, Shape::Step | Shape::StepArea);
    let mut path = String::new();
    for (index, [x, _, y]) in points.iter().enumerate() {
        _ = match (index, steps) {
            (0, _) => write!(path, "M{x:.1} {y:.1}"),
            (_, true) => write!(path, "H{x:.1}V{y:.1}"),
            (_, false) => write!(path, "L{x:.1} {y:.1}"),
        };
    }
    if matches!(series.shape, Shape::Band | Shape::StepArea) {
        let mut area = path.clone();
        match series.shape {
            Shape::Band => points.iter().rev().for_each(|[x, low, _]| _ = write!(area, "L{x:.1} {low:.1}")),
            _ => _ = write!(area, "V{first_low:.1}H{first_x:.1}"),
        }
        _ = write!(out, r#"<path d="{area}Z" class="{class} area"/>"#);
    }
    if series.shape != Shape::Band {
        _ = write!(out, r#"<path d="{path}" class="{class} line"/>"#);
    }
    if series.shape == Shape::Dots || (points.len() == 1 && series.shape == Shape::Line) {
        for [x, _, y] in points {
            _ = write!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" class="{class} dot"/>"#);
        }
    }
}

/// Of points that lie in one pixel column only the first, the highest, the lowest and the last.
fn thin(points: Vec<[f64; 3]>) -> Vec<[f64; 3]> {
    if points.len() < POINTS_MANY {
        return points;
    }
    let mut kept: Vec<[f64; 3]> = Vec::new();
    for column in points.chunk_by(|a, b| a[0].floor() == b[0].floor()) {
        let by_height = |a: &&[f64; 3], b: &&[f64; 3]| a[2].total_cmp(&b[2]);
        let lowest = column.iter().min_by(by_height);
        let highest = column.iter().max_by(by_height);
        for point in [column.first(), highest, lowest, column.last()].into_iter().flatten() {
            if kept.last() != Some(point) {
                kept.push(*point);
            }
        }
    }
    kept.sort_by(|a, b| a[0].total_cmp(&b[0]));
    kept
}

fn limits(out: &mut String, chart: &Chart, plot: &Plot) {
    for (value, name) in &chart.limits {
        let y = plot.y(*value);
        _ = write!(out, r#"<path d="M{:.1} {y:.1}H{:.1}" class="limit"/>"#, plot.left, plot.right);
        _ = write!(
            out,
            r#"<text x="{:.1}" y="{:.1}" class="end limit-name">{}</text>"#,
            plot.right - 4.0,
            y - 4.0,
            escape(name)
        );
    }
}

/// Names of marks stand in two rows above the plot, over the lines of other marks; those without room are only shown to the mouse.
fn marks(out: &mut String, chart: &Chart, plot: &Plot) {
    let mut free_from = [0.0; 2];
    let mut names = String::new();
    for (value, name) in &chart.marks {
        let x = plot.x(*value);
        let text = shorten(name, MARK_NAME_MAX);
        let width = text_width(&text, FONT);
        let start = if x + width + 4.0 > plot.right { x - width - 8.0 } else { x };
        _ = write!(out, r#"<g><title>{}</title>"#, escape(name));
        let row = (0..2).find(|row| free_from[*row] <= start);
        let top = plot.top - row.map_or(2.0, |row| 15.0 + 13.0 * row as f64);
        if let Some(row) = row {
            free_from[row] = start + width + 10.0;
            _ = write!(
                names,
                r#"<text x="{:.1}" y="{:.1}" class="mark-name"><title>{}</title>{}</text>"#,
                start + 4.0,
                top + 8.0,
                escape(name),
                escape(&text)
            );
        }
        _ = write!(out, r#"<path d="M{x:.1} {top:.1}V{:.1}" class="mark"/></g>"#, plot.bottom);
    }
    *out += &names;
}

/// As in the style sheet.
const FONT: f64 = 11.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TITLE: f64 = 22.0;
const LEGEND: f64 = 24.0;
const MARKS: f64 = 32.0;
const MARK_NAME_MAX: usize = 28;
const POINTS_MANY: usize = 1_500;
