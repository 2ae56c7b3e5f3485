//! The model against a real kernel (TUN pair, 85 ms round trip, one-way milliseconds).

use sofw_core::base::Duration;

use crate::tcp::Congestion;
use crate::tcp::calibration::{Case, Row, calibrate};

fn case(calls: u32, loss: u32, congestion: Congestion, seconds: u64, seed: u64) -> Row {
    calibrate(&Case {
        calls,
        loss_per_mille: loss,
        congestion,
        delay: Duration::from_micros(42_500),
        length: Duration::from_secs(seconds),
        seed,
    })
}

#[test]
fn table() {
    for (calls, loss, congestion) in [
        (20, 10, Congestion::Cubic),
        (20, 30, Congestion::Cubic),
        (20, 10, Congestion::Bbr),
        (5, 10, Congestion::Cubic),
    ] {
        for seconds in [10, 30] {
            for seed in 0..4 {
                let r = case(calls, loss, congestion, seconds, seed);
                println!("{calls} {loss} {seconds} {congestion:?} {:.0} {:.0} {:.0}", r.p50, r.p95, r.p99);
            }
        }
    }
}
