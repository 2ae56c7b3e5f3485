//! The figures: what is drawn, not how.

use crate::scenario::model::System;

use super::plan::{calls, idle, loss, round_trip};
use super::{CALLS, IDLE_PHONES, LOSS_PERMILLE, Measured, Point, ROUND_TRIP_MS, SYSTEMS};

/// A figure to be drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// The file's name, `idle.svg`.
    pub file: &'static str,
    /// Above it.
    pub title: &'static str,
    /// Under the horizontal axis.
    pub x_title: &'static str,
    /// At the vertical axis.
    pub y_title: &'static str,
    /// Both axes are to be logarithmic: the values span several powers of ten.
    pub logarithmic: bool,
    /// One for each system that has values.
    pub curves: Vec<Curve>,
}

/// A system's values.
#[derive(Clone, PartialEq, Debug)]
pub struct Curve {
    /// Whose.
    pub system: System,
    /// In the order of x.
    pub points: Vec<(f64, f64)>,
}

/// What a figure shows of a run; `None`: nothing was measured there.
type Value = fn(&Measured) -> Option<f64>;

/// How a figure is made: over which points, and of what.
pub(super) struct Sweep {
    pub figure: Figure,
    pub xs: &'static [u32],
    /// How `xs` are shown: x divided by this.
    pub scale: f64,
    pub point: fn(System, u32) -> Point,
    pub value: Value,
}

/// All figures, as far as their points were run.
pub fn figures(outcomes: &[(Point, Measured)]) -> Vec<Figure> {
    sweeps().into_iter().map(|sweep| sweep.fill(outcomes)).collect()
}

impl Sweep {
    fn fill(mut self, outcomes: &[(Point, Measured)]) -> Figure {
        for system in SYSTEMS {
            let points: Vec<(f64, f64)> = (self.xs.iter())
                .filter_map(|&x| Some((f64::from(x) / self.scale, self.at(outcomes, system, x)?)))
                .collect();
            if !points.is_empty() {
                self.figure.curves.push(Curve { system, points });
            }
        }
        self.figure
    }

    pub fn at(&self, outcomes: &[(Point, Measured)], system: System, x: u32) -> Option<f64> {
        let point = (self.point)(system, x);
        outcomes.iter().find(|(known, _)| *known == point).and_then(|(_, measured)| (self.value)(measured))
    }
}

pub(super) fn sweeps() -> [Sweep; 8] {
    let figure = |file, title, x_title, y_title, logarithmic| Figure {
        file,
        title,
        x_title,
        y_title,
        logarithmic,
        curves: Vec::new(),
    };
    let over_loss = |file, title, y_title, value| Sweep {
        figure: figure(file, title, "packets lost on the line, %", y_title, false),
        xs: &LOSS_PERMILLE,
        scale: 10.0,
        point: loss,
        value,
    };
    let over_round_trip = |file, title, y_title, value| Sweep {
        figure: figure(file, title, "round trip of the line, ms", y_title, false),
        xs: &ROUND_TRIP_MS,
        scale: 1.0,
        point: round_trip,
        value,
    };
    let over_calls = |file, title, y_title, logarithmic, value| Sweep {
        figure: figure(file, title, "calls at once", y_title, logarithmic),
        xs: &CALLS,
        scale: 1.0,
        point: calls,
        value,
    };
    [
        Sweep {
            figure: figure(
                "idle.svg",
                "Traffic of phones that only stay reachable",
                "phones",
                "bit/s, both ways",
                true,
            ),
            xs: &IDLE_PHONES,
            scale: 1.0,
            point: idle,
            value: |measured| Some(measured.kbit_per_second() * 1000.0),
        },
        Sweep {
            figure: figure(
                "connections.svg",
                "What the firewall must remember",
                "phones",
                "connections",
                true,
            ),
            xs: &IDLE_PHONES,
            scale: 1.0,
            point: idle,
            value: |measured| Some(measured.connections as f64),
        },
        over_calls("calls.svg", "Traffic of calls", "kbit/s, both ways", true, |measured| {
            measured.all_calls_heard().then(|| measured.kbit_per_second())
        }),
        over_calls(
            "bytes.svg",
            "Weight of a voice packet",
            "bytes of IP per RTP packet",
            false,
            |measured| measured.bytes_per_packet,
        ),
        over_loss("loss-delay.svg", "Delay under loss", "one-way time, 99th percentile, ms", |measured| {
            measured.delay_ms.map(|delay| delay[1])
        }),
        over_loss("loss-missed.svg", "Voice missed under loss", "packets lost or too late, %", |measured| {
            measured.delay_ms.map(|_| measured.missed_share * 100.0)
        }),
        over_round_trip(
            "round-trip-delay.svg",
            "Delay with 1 % loss",
            "one-way time, 99th percentile, ms",
            |measured| measured.delay_ms.map(|delay| delay[1]),
        ),
        over_round_trip(
            "round-trip-mos.svg",
            "Voice quality with 1 % loss",
            "MOS of the worst listener",
            |measured| measured.mos,
        ),
    ]
}
