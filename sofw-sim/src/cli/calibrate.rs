//! `sofw-sim calibrate`: the TCP model beside a real kernel, as Markdown.

use core::ops::RangeInclusive;
use std::process::ExitCode;

use sofw_core::base::Duration;

use crate::tcp::Congestion;
use crate::tcp::calibration::{Case, calibrate};

/// Prints the table.
pub fn print() -> ExitCode {
    println!("| calls, loss, control, length | | p50 ms | p95 ms | p99 ms |");
    println!("|---|---|---|---|---|");
    for kernel in &KERNEL {
        let row = calibrate(&kernel.case());
        let control = match kernel.congestion {
            Congestion::Cubic => "CUBIC",
            Congestion::Bbr => "BBR",
        };
        let name =
            format!("{}, {} %, {control}, {} s", kernel.calls, kernel.loss_per_mille / 10, kernel.seconds);
        let model = [row.p50, row.p95, row.p99];
        let cells = |cell: &dyn Fn(usize) -> String| (0..3).map(cell).collect::<Vec<_>>().join(" | ");
        println!("| {name} | kernel | {} |", cells(&|at| range(&kernel.showed[at])));
        println!("| | model | {} |", cells(&|at| format!("{:.0}", model[at])));
        println!("| | factor | {} |", cells(&|at| format!("{:.2}", factor(model[at], &kernel.showed[at]))));
    }
    ExitCode::SUCCESS
}

fn range(range: &RangeInclusive<f64>) -> String {
    match range.start() == range.end() {
        true => format!("{:.0}", range.start()),
        false => format!("{:.0}–{:.0}", range.start(), range.end()),
    }
}

/// How far the model is from what the kernel showed: 1 within the range, below it less, above it more.
fn factor(model: f64, kernel: &RangeInclusive<f64>) -> f64 {
    if kernel.contains(&model) {
        1.0
    } else if model < *kernel.start() {
        model / kernel.start()
    } else {
        model / kernel.end()
    }
}

/// What the kernel showed in one case; where it comes from is told in [`crate::tcp::calibration`].
struct Kernel {
    calls: u32,
    loss_per_mille: u32,
    congestion: Congestion,
    /// Time in which frames were made.
    seconds: u64,
    /// p50, p95, p99 in milliseconds: least and most of its runs.
    showed: [RangeInclusive<f64>; 3],
}

impl Kernel {
    fn case(&self) -> Case {
        Case {
            calls: self.calls,
            loss_per_mille: self.loss_per_mille,
            congestion: self.congestion,
            delay: ONE_WAY,
            // The first second is for the handshake.
            length: Duration::from_secs(self.seconds + 1),
            runs: RUNS,
            seed: 1,
        }
    }
}

const ONE_WAY: Duration = Duration::from_micros(42_500);
/// Where windows stay near the limit single runs differ by a factor; the median of so many does not.
const RUNS: u64 = 9;

const KERNEL: [Kernel; 7] = [
    row(5, 10, Congestion::Cubic, 10, [47.0..=52.0, 108.0..=181.0, 141.0..=320.0]),
    row(20, 10, Congestion::Cubic, 10, [84.0..=172.0, 697.0..=1413.0, 753.0..=1564.0]),
    row(20, 10, Congestion::Cubic, 30, [911.0..=2780.0, 2055.0..=6472.0, 2138.0..=6575.0]),
    row(20, 30, Congestion::Cubic, 10, [5994.0..=6420.0, 11489.0..=11566.0, 11716.0..=11908.0]),
    row(20, 30, Congestion::Cubic, 30, [11844.0..=17961.0, 27012.0..=28498.0, 28024.0..=29315.0]),
    row(20, 10, Congestion::Bbr, 10, [64.0..=64.0, 130.0..=130.0, 178.0..=178.0]),
    row(20, 10, Congestion::Bbr, 30, [62.0..=69.0, 129.0..=130.0, 207.0..=207.0]),
];

const fn row(
    calls: u32,
    loss_per_mille: u32,
    congestion: Congestion,
    seconds: u64,
    showed: [RangeInclusive<f64>; 3],
) -> Kernel {
    Kernel { calls, loss_per_mille, congestion, seconds, showed }
}
