use sofw_core::base::{Duration, Instant};

use super::{Call, Histogram};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn quantiles_are_right_to_a_quarter_of_a_millisecond() {
    let mut histogram = Histogram::default();
    (1..=100).for_each(|n| histogram.add(ms(n)));
    let near = |time: Duration, expected: u64| time.abs_diff(ms(expected)) <= Duration::from_micros(250);
    assert!(near(histogram.quantile(0.5), 50), "{:?}", histogram.quantile(0.5));
    assert!(near(histogram.quantile(0.99), 99), "{:?}", histogram.quantile(0.99));
    assert_eq!(histogram.max(), ms(100));
    assert_eq!(histogram.beyond(ms(90)), 11, "the bucket that 90 ms falls into ends above 90 ms");
    histogram.add(Duration::from_secs(100));
    assert!(histogram.quantile(1.0) > Duration::from_secs(29), "beyond the range counts as its end");
}

#[test]
fn set_up_time_leaves_the_ringing_out() {
    let at = Instant::from_millis;
    let call = Call {
        invited: at(1_000),
        callee_rings: Some(at(1_050)),
        callee_answers: Some(at(1_550)),
        answered: Some(at(1_600)),
        ..Call::default()
    };
    assert_eq!(call.setup(), Some(ms(100)));
}
