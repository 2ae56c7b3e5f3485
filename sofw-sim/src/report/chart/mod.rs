//! Charts as SVG: lines, bands, steps and bars over a linear, logarithmic or time axis.
//!
//! Drawn by hand: what a page needs is small, and only so do the colours follow the reader's light or dark page. A chart is built, then
//! drawn either as a part of a page that has [`STYLE`] ([`Chart::inline`]) or as a file of its own ([`Chart::file`]).

mod axis;
mod draw;
mod series;

pub use axis::{Axis, Scale};
pub use series::{Series, Shape, Tone};

/// What a page with inline charts must have in its style sheet: colours for light and dark, and the classes of the charts.
pub const STYLE: &str = concat!(include_str!("colours.css"), include_str!("chart.css"));

/// A chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    title: String,
    x: Axis,
    y: Axis,
    width: f64,
    height: f64,
    series: Vec<Series>,
    marks: Vec<(f64, String)>,
    limits: Vec<(f64, String)>,
}

impl Chart {
    /// An empty chart of 760 by 260.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        Chart {
            title: title.to_owned(),
            x,
            y,
            width: 760.0,
            height: 260.0,
            series: Vec::new(),
            marks: Vec::new(),
            limits: Vec::new(),
        }
    }

    /// Another size, pixels. A file has a margin beyond it.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// One more series; later ones lie above earlier ones.
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// A vertical line for an event at `x`.
    pub fn mark(mut self, x: f64, name: &str) -> Self {
        self.marks.push((x, name.to_owned()));
        self
    }

    /// A horizontal line for a limit at `y`.
    pub fn limit(mut self, y: f64, name: &str) -> Self {
        self.limits.push((y, name.to_owned()));
        self
    }

    /// The `<svg>` element for a page that has [`STYLE`].
    pub fn inline(&self) -> String {
        draw::svg(self, "", 0.0)
    }

    /// A whole SVG file, also for `<img>`: it brings its own style, light or dark as the reader's system is.
    pub fn file(&self) -> String {
        let style = format!(
            "<style>{STYLE}</style><rect x=\"-50%\" y=\"-50%\" width=\"200%\" height=\"200%\" fill=\"var(--card)\"/>"
        );
        let svg = draw::svg(self, &style, FILE_MARGIN);
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{svg}\n")
    }
}

/// Pixels around a chart in a file of its own.
const FILE_MARGIN: f64 = 16.0;
