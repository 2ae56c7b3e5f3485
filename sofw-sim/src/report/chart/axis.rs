//! Scales and their ticks.

/// How values lie along an axis.
#[derive(Clone, PartialEq, Debug)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// Powers of ten evenly; values at or below zero lie at the axis' start.
    Log,
    /// Seconds, with ticks at whole seconds, minutes or hours.
    Time,
    /// Named places at 0, 1, 2, …
    Names(Vec<String>),
}

/// An axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    pub(super) title: String,
    pub(super) scale: Scale,
    pub(super) from: Option<f64>,
    pub(super) to: Option<f64>,
    pub(super) mirrored: bool,
    pub(super) whole: bool,
    pub(super) bare: bool,
}

impl Axis {
    /// An axis with a title that names the unit: `delay, ms`.
    pub fn new(title: &str, scale: Scale) -> Self {
        let title = title.to_owned();
        Axis { title, scale, from: None, to: None, mirrored: false, whole: false, bare: false }
    }

    /// A linear axis.
    pub fn linear(title: &str) -> Self {
        Axis::new(title, Scale::Linear)
    }

    /// Must show at least from here to there.
    pub fn range(mut self, from: f64, to: f64) -> Self {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }

    /// Begins at zero.
    pub fn from_zero(mut self) -> Self {
        self.from = Some(0.0);
        self
    }

    /// Values below zero mean the other direction: labels have no sign.
    pub fn mirrored(mut self) -> Self {
        self.mirrored = true;
        self
    }

    /// Only whole numbers have ticks.
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Without labels: the chart below has the same axis.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The axis laid over `length` pixels for values from `low` to `high`.
    pub(super) fn fit(&self, extent: Option<(f64, f64)>, length: f64, spacing: f64, exact: bool) -> Fitted {
        let (low, high) = extent.unwrap_or((0.0, 1.0));
        let low = self.from.map_or(low, |from| from.min(low));
        let high = self.to.map_or(high, |to| to.max(high));
        let wanted = (length / spacing).max(1.0);
        match &self.scale {
            Scale::Names(names) => Fitted {
                low: -0.5,
                high: names.len() as f64 - 0.5,
                log: false,
                ticks: names.iter().enumerate().map(|(n, name)| (n as f64, name.clone())).collect(),
            },
            Scale::Log => fit_log(low, high),
            Scale::Linear => {
                let step = nice((high - low) / wanted).max(if self.whole { 1.0 } else { 0.0 });
                self.fit_even(low, high, step, exact, |value| number(value, step))
            }
            Scale::Time => {
                let step = time_step((high - low) / wanted);
                self.fit_even(low, high, step, exact, |value| clock(value, high, step))
            }
        }
    }

    fn fit_even(&self, low: f64, high: f64, step: f64, exact: bool, label: impl Fn(f64) -> String) -> Fitted {
        let high = if high > low { high } else { low + step };
        let (first, last) = ((low / step).floor(), (high / step - 1e-9).ceil());
        let (low, high) = if exact { (low, high) } else { (first * step, last * step) };
        let values = (first as i64..=last as i64).map(|n| n as f64 * step);
        let inside = values.filter(|value| *value >= low - step * 1e-6 && *value <= high + step * 1e-6);
        let shown = |value: f64| if self.mirrored { value.abs() } else { value };
        Fitted { low, high, log: false, ticks: inside.map(|value| (value, label(shown(value)))).collect() }
    }
}

/// An axis with its range and ticks.
pub(super) struct Fitted {
    low: f64,
    high: f64,
    log: bool,
    /// Values and labels.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Fitted {
    /// Where a value lies: 0 at the axis' start, 1 at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high, value) = match self.log {
            true => (self.low.log10(), self.high.log10(), value.max(self.low).log10()),
            false => (self.low, self.high, value),
        };
        (value - low) / (high - low)
    }
}

/// From a 1, 2 or 5 below the values to one above; over little more than two powers of ten these have ticks too.
fn fit_log(low: f64, high: f64) -> Fitted {
    let high = nice(if high > 0.0 { high } else { 1.0 });
    let low = below(if low > 0.0 { low.min(high / 10.0) } else { high / 1e3 });
    let dense = high / low <= 200.0;
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let values = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|factor| (factor, factor * 10f64.powi(power))));
    let inside = values.filter(|(factor, value)| {
        (dense || *factor == 1.0) && *value >= low * 0.999 && *value <= high * 1.001
    });
    Fitted { low, high, log: true, ticks: inside.map(|(_, value)| (value, number(value, value))).collect() }
}

/// The last 1, 2 or 5 times a power of ten that is not above.
fn below(value: f64) -> f64 {
    let power = 10f64.powf((value * 1.001).log10().floor());
    [5.0, 2.0, 1.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|nice| *nice <= value * 1.001)
        .unwrap_or(power)
}

/// The next 1, 2 or 5 times a power of ten.
fn nice(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * 0.999).unwrap_or(10.0);
    factor * power
}

fn time_step(step: f64) -> f64 {
    const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
    match step {
        step if step < 1.0 => nice(step),
        step => {
            STEPS.into_iter().find(|known| *known >= step).unwrap_or_else(|| nice(step / 3_600.0) * 3_600.0)
        }
    }
}

/// With as many decimals as the step needs, thousands set apart.
fn number(value: f64, step: f64) -> String {
    let decimals = (-step.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    let grouped = crate::report::units::count(digits.parse().unwrap_or(0));
    if rest.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{rest}") }
}

/// Seconds, or minutes and seconds once the axis is longer than 100 s, or hours.
fn clock(value: f64, longest: f64, step: f64) -> String {
    let seconds = value.round() as u64;
    match longest {
        longest if longest <= 100.0 => number(value, step),
        longest if longest < 7_200.0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3_600, seconds / 60 % 60),
    }
}
