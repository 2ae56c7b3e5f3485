//! The model against the kernel's table in `calibration`: each percentile within a factor of 1.5 of what the kernel showed.

use core::ops::RangeInclusive;

use sofw_core::base::Duration;

use crate::tcp::Congestion;
use crate::tcp::calibration::{Case, Row, calibrate};

const TOLERANCE: f64 = 1.5;

fn row(calls: u32, loss_per_mille: u32, congestion: Congestion, seconds: u64) -> Row {
    // Where windows stay near the limit, single runs differ by a factor.
    let runs = if calls == 20 && congestion == Congestion::Cubic { 9 } else { 3 };
    let delay = Duration::from_micros(42_500);
    let length = Duration::from_secs(seconds);
    let row = calibrate(&Case { calls, loss_per_mille, congestion, delay, length, runs, seed: 1 });
    println!("{calls} calls, {loss_per_mille} ‰, {congestion:?}, {seconds} s: {row:.0?}");
    assert_eq!(row.frames as u64, runs * u64::from(calls) * (seconds - 1) * 50, "every frame arrives once");
    row
}

fn near(value: f64, kernel: RangeInclusive<f64>) {
    let (low, high) = (kernel.start() / TOLERANCE, kernel.end() * TOLERANCE);
    assert!((low..=high).contains(&value), "{value} is not within {low}..{high}");
}

#[test]
fn five_calls_at_one_percent() {
    let row = row(5, 10, Congestion::Cubic, 30);
    near(row.p50, 47.0..=52.0);
    near(row.p95, 108.0..=181.0);
    near(row.p99, 141.0..=320.0);
}

#[test]
fn twenty_calls_at_one_percent() {
    let short = row(20, 10, Congestion::Cubic, 11);
    near(short.p50, 84.0..=172.0);
    near(short.p99, 753.0..=1564.0);
    let long = row(20, 10, Congestion::Cubic, 31);
    near(long.p50, 911.0..=2780.0);
    near(long.p99, 2138.0..=6575.0);
}

#[test]
fn twenty_calls_at_three_percent_are_too_many() {
    let short = row(20, 30, Congestion::Cubic, 11);
    near(short.p50, 5994.0..=6420.0);
    near(short.p95, 11489.0..=11566.0);
    near(short.p99, 11716.0..=11908.0);
    let long = row(20, 30, Congestion::Cubic, 31);
    near(long.p50, 11844.0..=17961.0);
    near(long.p99, 28024.0..=29315.0);
}

#[test]
fn twenty_calls_at_one_percent_with_bbr() {
    let row = row(20, 10, Congestion::Bbr, 31);
    near(row.p50, 62.0..=69.0);
    near(row.p95, 129.0..=130.0);
    near(row.p99, 178.0..=207.0);
}
