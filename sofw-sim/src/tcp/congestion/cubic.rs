//! CUBIC (RFC 9438) with a delay-based exit from slow start (RFC 9406 without its conservative phase).

use sofw_core::base::{Duration, Instant};

use super::{Acked, Window};

/// CUBIC's memory between acknowledgements. Windows in segments, times in seconds.
#[derive(Debug, Default)]
pub(in crate::tcp) struct Cubic {
    /// Window before the last reduction, lowered further by fast convergence (§4.7); 0 if none.
    w_max: f64,
    epoch: Option<Epoch>,
    /// Segments acknowledged since the window last grew.
    count: u32,
    rounds: Rounds,
}

/// One stretch of congestion avoidance.
#[derive(Debug)]
struct Epoch {
    start: Instant,
    origin: f64,
    k: f64,
    /// What Reno would have (§4.3).
    w_est: f64,
}

/// §4.1: the constant C, segments per second cubed.
const C: f64 = 0.4;
/// §4.6: multiplicative decrease.
const BETA: f64 = 0.7;
/// §4.3: 3 (1 - β) / (1 + β), without the later return to 1, which Linux does not make either.
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);
const LEAST: u32 = 2;
/// Half a segment of growth per segment acknowledged at most (§4.4: 1.5 times a round).
const PACE_LEAST: u32 = 2;
/// At the plateau, windows per segment of growth.
const PACE_REST: u32 = 100;
/// Without a known maximum, growth of a twentieth a round at least.
const PACE_UNKNOWN: u32 = 20;

impl Cubic {
    pub fn on_acked(&mut self, now: Instant, window: &mut Window, acked: &Acked) {
        if window.slow_start() {
            self.rounds.observe(window, acked);
        }
        if !window.is_limited() {
            return;
        }
        let mut segments = acked.segments;
        if window.slow_start() {
            let step = segments.min(window.threshold - window.size);
            window.size += step;
            segments -= step;
        }
        if segments > 0 {
            self.avoid(now, window, segments, acked.least_rtt);
        }
    }

    /// Congestion avoidance, §4.2 to §4.5. As in Linux the window moves in whole segments and the curve below its plateau is
    /// rounded up: at the few segments that 1 % loss leaves, that is a tenth of the throughput.
    fn avoid(&mut self, now: Instant, window: &mut Window, segments: u32, least_rtt: Duration) {
        let size = f64::from(window.size);
        let w_max = self.w_max;
        let epoch = self.epoch.get_or_insert_with(|| {
            let (origin, k) = if w_max > size { (w_max, cube_root((w_max - size) / C)) } else { (size, 0.0) };
            Epoch { start: now, origin, k, w_est: size }
        });
        let rtt = if least_rtt == Duration::MAX { 0.0 } else { least_rtt.as_secs_f64() };
        let t = now.since(epoch.start).as_secs_f64() + rtt - epoch.k;
        let curve = C * t * t * t;
        let target = epoch.origin.trunc() + curve.trunc();
        epoch.w_est += ALPHA * f64::from(segments) / size;
        let ahead = target.max(epoch.w_est.trunc()) - size;
        // Segments acknowledged per segment of growth.
        let mut pace =
            if ahead >= 1.0 { ((size / ahead) as u32).max(PACE_LEAST) } else { PACE_REST * window.size };
        if w_max == 0.0 {
            pace = pace.min(PACE_UNKNOWN);
        }
        if self.count >= pace {
            // What gathered at a slower pace gives one segment, not several.
            self.count = 0;
            window.size += 1;
        }
        self.count += segments;
        window.size += self.count / pace;
        self.count %= pace;
    }

    /// The new threshold, §4.6 and §4.7.
    pub fn on_loss(&mut self, window: &Window) -> u32 {
        let size = f64::from(window.size);
        self.w_max = if size < self.w_max { size * (1.0 + BETA) / 2.0 } else { size };
        self.end_epoch();
        ((size * BETA) as u32).max(LEAST)
    }

    pub fn end_epoch(&mut self) {
        self.epoch = None;
        self.count = 0;
    }

    /// Time without transmissions does not count as time to grow (§5.8).
    pub fn on_idle(&mut self, idle: Duration) {
        if let Some(epoch) = &mut self.epoch {
            epoch.start += idle;
        }
    }
}

/// Least round trips of this round and the one before.
#[derive(Debug, Default)]
struct Rounds {
    end: u64,
    samples: u32,
    least: Duration,
    before: Option<Duration>,
}

impl Rounds {
    /// Leaves slow start when round trips grow by an eighth (RFC 9406 §4.2).
    fn observe(&mut self, window: &mut Window, acked: &Acked) {
        const LEAST_WINDOW: u32 = 16;
        const SAMPLES: u32 = 8;
        const STEP_MIN: Duration = Duration::from_millis(4);
        const STEP_MAX: Duration = Duration::from_millis(16);
        let Some(rtt) = acked.rtt else { return };
        if acked.una > self.end {
            self.before = (self.samples > 0).then_some(self.least);
            self.end = acked.nxt;
            self.samples = 0;
            self.least = Duration::MAX;
        }
        self.samples += 1;
        self.least = self.least.min(rtt);
        let Some(before) = self.before else { return };
        if window.size >= LEAST_WINDOW
            && self.samples >= SAMPLES
            && self.least > before + (before / 8).clamp(STEP_MIN, STEP_MAX)
        {
            window.threshold = window.size;
        }
    }
}

/// Newton's method in plain arithmetic: libm's cube root differs between machines, and runs must not.
fn cube_root(x: f64) -> f64 {
    const STEPS: u32 = 60;
    if x <= 0.0 {
        return 0.0;
    }
    let mut root = x.max(1.0);
    for _ in 0..STEPS {
        let next = (2.0 * root + x / (root * root)) / 3.0;
        if next >= root {
            break;
        }
        root = next;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::cube_root;

    #[test]
    fn cube_roots_are_close() {
        for x in [0.001, 0.5, 1.0, 8.0, 27.0, 1e6, 1e12] {
            let root = cube_root(x);
            assert!((root * root * root / x - 1.0).abs() < 1e-9, "{x}: {root}");
        }
    }
}
