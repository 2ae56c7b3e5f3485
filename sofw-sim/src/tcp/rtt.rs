//! Round-trip time and the retransmission time-out (RFC 6298), with Linux's floor under the variance.

use sofw_core::base::{Duration, Instant};

use super::TcpConfig;

/// Measured round trips of one connection.
#[derive(Debug)]
pub(super) struct Rtt {
    smoothed: Option<Duration>,
    variance: Duration,
    least: Duration,
    least_at: Instant,
    initial: Duration,
    floor: Duration,
    ceiling: Duration,
}

/// How long a least round trip is believed (Linux `tcp_min_rtt_wlen`).
const LEAST_VALID: Duration = Duration::from_secs(300);

impl Rtt {
    pub fn new(config: &TcpConfig) -> Self {
        Rtt {
            smoothed: None,
            variance: Duration::ZERO,
            least: Duration::MAX,
            least_at: Instant::ZERO,
            initial: config.rto_initial,
            floor: config.rto_min,
            ceiling: config.rto_max,
        }
    }

    /// Takes one measurement. `late` tells how long the acknowledgement covers back: the least round trip comes from the
    /// newest segment acknowledged, the smoothed one from the oldest (RFC 6298 §2 and its delayed acknowledgements).
    pub fn measure(&mut self, now: Instant, oldest: Duration, newest: Duration) {
        match self.smoothed {
            None => {
                self.smoothed = Some(oldest);
                self.variance = oldest / 2;
            }
            Some(smoothed) => {
                let error = smoothed.abs_diff(oldest);
                self.variance = nanos((3 * whole(self.variance) + whole(error)) / 4);
                self.smoothed = Some(nanos((7 * whole(smoothed) + whole(oldest)) / 8));
            }
        }
        if newest <= self.least || now.since(self.least_at) > LEAST_VALID {
            self.least = newest;
            self.least_at = now;
        }
    }

    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The least round trip of the last minutes; `Duration::MAX` before the first measurement.
    pub fn least(&self) -> Duration {
        self.least
    }

    /// The time-out without back-off: SRTT + max(rto_min, 4 RTTVAR).
    pub fn timeout(&self) -> Duration {
        match self.smoothed {
            None => self.initial,
            Some(smoothed) => (smoothed + self.floor.max(4 * self.variance)).min(self.ceiling),
        }
    }

    /// The time-out doubled `backoff` times.
    pub fn backed_off(&self, backoff: u32) -> Duration {
        self.timeout().saturating_mul(1 << backoff.min(20)).min(self.ceiling)
    }
}

fn whole(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}
