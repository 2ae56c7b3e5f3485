//! What is drawn in a chart.

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Joined points.
    Line,
    /// Joined points with a dot at each: for few, measured points.
    Dots,
    /// The value holds until the next point.
    Step,
    /// Like [`Shape::Step`] with the area to zero filled.
    StepArea,
    /// The area between `low` and `y` of each point.
    Band,
    /// A bar from `low` (or the axis) to `y` at each point.
    Bars,
    /// A lying bar from `x` to `low` at the height `y` of each point: for times over an axis of names.
    Spans,
}

/// A series' colour: one of eight, told apart also in print and by colour-blind readers, or one with a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// The n-th colour, modulo eight.
    Nth(usize),
    /// All is well.
    Good,
    /// Attention.
    Warn,
    /// Wrong.
    Bad,
    /// In the background.
    Muted,
}

impl Tone {
    /// The class that sets the colour `--c`.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Nth(n) => ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"][n % 8],
            Tone::Good => "t-good",
            Tone::Warn => "t-warn",
            Tone::Bad => "t-bad",
            Tone::Muted => "t-muted",
        }
    }
}

/// A named series.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// Its name in the legend; empty: not in the legend.
    pub name: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Its colour.
    pub tone: Tone,
    /// x, low, y; x rises; a y that is not a number interrupts a curve. Low is 0 unless the shape has an area of its own.
    pub points: Vec<[f64; 3]>,
}

impl Series {
    /// A series of (x, y).
    pub fn new(name: &str, shape: Shape, tone: Tone, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().map(|(x, y)| [x, 0.0, y]).collect();
        Series { name: name.to_owned(), shape, tone, points }
    }

    /// A band or stacked bars of (x, low, y).
    pub fn between(
        name: &str,
        shape: Shape,
        tone: Tone,
        points: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, low, y)| [x, low, y]).collect();
        Series { name: name.to_owned(), shape, tone, points }
    }

    /// Lowest and highest y that it draws.
    pub(super) fn extent(&self) -> Option<(f64, f64)> {
        let lows = matches!(self.shape, Shape::StepArea | Shape::Band | Shape::Bars);
        let values = self.points.iter().flat_map(|&[_, low, y]| [if lows { low } else { y }, y]);
        values.filter(|value| value.is_finite()).fold(None, |extent, value| match extent {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
    }
}
