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
    /// Without back-off; every segment asks for it.
    timeout: Duration,
    floor: Duration,
    ceiling: Duration,
}

/// Beyond, the ceiling holds anyway.
const DOUBLINGS: u32 = 20;

/// How long a least round trip is believed (Linux `tcp_min_rtt_wlen`).
const LEAST_VALID: Duration = Duration::from_secs(300);

impl Rtt {
    pub fn new(config: &TcpConfig) -> Self {
        Rtt {
            smoothed: None,
            variance: Duration::ZERO,
            least: Duration::MAX,
            least_at: Instant::ZERO,
            timeout: config.rto_initial,
            floor: config.rto_min,
            ceiling: config.rto_max,
        }
    }

    /// Takes one measurement: the least round trip comes from the newest segment acknowledged, the smoothed one from the oldest,
    /// so that the time-out allows for delayed acknowledgements.
    pub fn measure(&mut self, now: Instant, oldest: Duration, newest: Duration) {
        let smoothed = match self.smoothed {
            None => {
                self.variance = oldest / 2;
                oldest
            }
            Some(smoothed) => {
                let error = smoothed.abs_diff(oldest);
                self.variance = nanos((3 * whole(self.variance) + whole(error)) / 4);
                nanos((7 * whole(smoothed) + whole(oldest)) / 8)
            }
        };
        self.smoothed = Some(smoothed);
        self.timeout = (smoothed + self.floor.max(4 * self.variance)).min(self.ceiling);
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
        self.timeout
    }

    /// The time-out doubled `backoff` times.
    pub fn backed_off(&self, backoff: u32) -> Duration {
        if backoff == 0 {
            return self.timeout;
        }
        self.timeout.saturating_mul(1 << backoff.min(DOUBLINGS)).min(self.ceiling)
    }
}

fn whole(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}
