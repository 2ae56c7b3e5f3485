//! Congestion control by a model of the path, after BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): the
//! largest delivery rate of ten rounds and the least round trip of ten seconds give the pacing rate and the window.
//! Loss alone does not shrink the model, so random loss hardly matters.

use std::collections::VecDeque;

use sofw_core::base::{Duration, Instant};

use super::Window;
use crate::tcp::TcpConfig;

/// The model of one path. Rates in segments per second.
#[derive(Debug)]
pub(in crate::tcp) struct Bbr {
    mode: Mode,
    rates: VecDeque<(u64, f64)>,
    round: u64,
    round_end: u64,
    least_rtt: Duration,
    least_rtt_at: Instant,
    /// Largest rate at the last look, and rounds without a quarter more.
    full_rate: f64,
    full_rounds: u32,
    full: bool,
    phase: usize,
    phase_since: Instant,
    pacing: f64,
    segment: f64,
    kept: u32,
    was: Trouble,
    conserve: bool,
    idle_restart: bool,
    probe_done: Option<Instant>,
    probe_round_done: bool,
    initial: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Startup,
    Drain,
    ProbeRate,
    ProbeRtt,
}

/// What loss recovery does, as far as the model cares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::tcp) enum Trouble {
    None,
    Recovery,
    Loss,
}

/// What one acknowledgement says about the path.
pub(in crate::tcp) struct Sample {
    /// Segments delivered over `interval`; `None` if the interval is too short to mean anything.
    pub rate: Option<f64>,
    /// `delivered` when the newest acknowledged segment left.
    pub prior_delivered: u64,
    /// Segments delivered on this connection so far.
    pub delivered: u64,
    pub app_limited: bool,
    pub rtt: Option<Duration>,
    pub lost: u32,
    pub acked: u32,
    pub in_flight: u32,
    pub trouble: Trouble,
}

/// 2 / ln 2: the least gain that doubles the rate each round.
const HIGH_GAIN: f64 = 2.885;
const CYCLE: [f64; 8] = [1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
const WINDOW_GAIN: f64 = 2.0;
const LEAST_WINDOW: u32 = 4;
const RATE_ROUNDS: u64 = 10;
const RTT_VALID: Duration = Duration::from_secs(10);
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
/// Headers beside the payload, as the rate is that of packets.
const OVERHEAD: f64 = 40.0;
/// Paced a little below the estimate so that queues drain.
const MARGIN: f64 = 0.99;
/// Segments beyond the product of rate and round trip, for acknowledgements that come in pairs.
const QUANTA: f64 = 3.0;

impl Bbr {
    pub fn new(config: &TcpConfig, salt: u32) -> Self {
        let segment = f64::from(config.mss) + OVERHEAD;
        Bbr {
            mode: Mode::Startup,
            rates: VecDeque::with_capacity(RATE_ROUNDS as usize + 2),
            round: 0,
            round_end: 0,
            least_rtt: Duration::MAX,
            least_rtt_at: Instant::ZERO,
            full_rate: 0.0,
            full_rounds: 0,
            full: false,
            // Any phase but the draining one, different from flow to flow.
            phase: [0, 2, 3, 4, 5, 6, 7][salt as usize % 7],
            phase_since: Instant::ZERO,
            // As if the round trip were one millisecond, until it is measured.
            pacing: HIGH_GAIN * f64::from(config.initial_window) * segment * 1000.0,
            segment,
            kept: 0,
            was: Trouble::None,
            conserve: false,
            idle_restart: false,
            probe_done: None,
            probe_round_done: false,
            initial: config.initial_window,
        }
    }

    pub fn pacing_rate(&self) -> f64 {
        self.pacing
    }

    /// Remembers the window before loss or a probe shrinks it.
    pub fn keep(&mut self, window: &Window) {
        self.kept = if self.was == Trouble::None && self.mode != Mode::ProbeRtt {
            window.size
        } else {
            self.kept.max(window.size)
        };
    }

    pub fn on_timeout(&mut self) {
        self.was = Trouble::Loss;
        self.full_rate = 0.0;
    }

    pub fn on_undo(&mut self) {
        self.full_rate = 0.0;
        self.full_rounds = 0;
    }

    pub fn on_restart(&mut self, app_limited: bool) {
        if app_limited {
            self.idle_restart = true;
            if self.mode == Mode::ProbeRate {
                self.pace(1.0);
            }
        }
    }

    /// Takes an acknowledgement; returns whether the flow counts as limited by its application from now on.
    pub fn on_sample(&mut self, now: Instant, window: &mut Window, sample: &Sample) -> bool {
        let round_start = self.learn_rate(sample);
        self.learn_full(round_start, sample);
        self.advance(now, sample);
        let probing = self.learn_rtt(now, window, sample, round_start);
        self.pace(self.pacing_gain());
        self.resize(window, sample);
        probing
    }

    fn learn_rate(&mut self, sample: &Sample) -> bool {
        let round_start = sample.rate.is_some() && sample.prior_delivered >= self.round_end;
        if round_start {
            self.round_end = sample.delivered;
            self.round += 1;
            self.conserve = false;
        }
        if let Some(rate) = sample.rate.filter(|rate| !sample.app_limited || *rate >= self.rate()) {
            self.push_rate(rate);
        }
        round_start
    }

    /// Keeps falling rates of rising rounds, so that a successor is known when the largest leaves.
    fn push_rate(&mut self, rate: f64) {
        while self.rates.back().is_some_and(|entry| entry.1 <= rate) {
            self.rates.pop_back();
        }
        if self.rates.back().is_none_or(|entry| entry.0 < self.round) {
            self.rates.push_back((self.round, rate));
        }
        while self.rates.front().is_some_and(|entry| entry.0 + RATE_ROUNDS < self.round) {
            self.rates.pop_front();
        }
    }

    fn rate(&self) -> f64 {
        self.rates.front().map_or(0.0, |entry| entry.1)
    }

    fn learn_full(&mut self, round_start: bool, sample: &Sample) {
        if self.full || !round_start || sample.app_limited {
            return;
        }
        if self.rate() >= self.full_rate * 1.25 {
            self.full_rate = self.rate();
            self.full_rounds = 0;
            return;
        }
        self.full_rounds += 1;
        self.full = self.full_rounds >= 3;
    }

    fn advance(&mut self, now: Instant, sample: &Sample) {
        if self.mode == Mode::Startup && self.full {
            self.mode = Mode::Drain;
        }
        if self.mode == Mode::Drain && f64::from(sample.in_flight) <= self.product(1.0) {
            self.mode = Mode::ProbeRate;
            self.phase_since = now;
        }
        if self.mode == Mode::ProbeRate {
            let whole = now.since(self.phase_since) > self.least_rtt;
            let gain = CYCLE[self.phase];
            let over = if gain > 1.0 {
                whole && (sample.lost > 0 || f64::from(sample.in_flight) >= self.product(gain))
            } else {
                whole || (gain < 1.0 && f64::from(sample.in_flight) <= self.product(1.0))
            };
            if over {
                self.phase = (self.phase + 1) % CYCLE.len();
                self.phase_since = now;
            }
        }
    }

    fn learn_rtt(&mut self, now: Instant, window: &mut Window, sample: &Sample, round_start: bool) -> bool {
        let expired = self.least_rtt != Duration::MAX && now > self.least_rtt_at + RTT_VALID;
        if let Some(rtt) = sample.rtt.filter(|rtt| *rtt <= self.least_rtt || expired) {
            self.least_rtt = rtt;
            self.least_rtt_at = now;
        }
        if expired && !self.idle_restart && self.mode != Mode::ProbeRtt {
            self.keep(window);
            self.mode = Mode::ProbeRtt;
            self.probe_done = None;
        }
        let probing = self.mode == Mode::ProbeRtt;
        if probing {
            match self.probe_done {
                None if sample.in_flight <= LEAST_WINDOW => {
                    self.probe_done = Some(now + PROBE_RTT_TIME);
                    self.probe_round_done = false;
                    self.round_end = sample.delivered;
                }
                None => {}
                Some(until) => {
                    self.probe_round_done |= round_start;
                    if self.probe_round_done && now > until {
                        self.least_rtt_at = now;
                        window.size = window.size.max(self.kept);
                        self.mode = if self.full { Mode::ProbeRate } else { Mode::Startup };
                        self.phase_since = now;
                    }
                }
            }
        }
        if sample.acked > 0 {
            self.idle_restart = false;
        }
        probing
    }

    fn pacing_gain(&self) -> f64 {
        match self.mode {
            Mode::Startup => HIGH_GAIN,
            Mode::Drain => 1.0 / HIGH_GAIN,
            Mode::ProbeRate => CYCLE[self.phase],
            Mode::ProbeRtt => 1.0,
        }
    }

    fn pace(&mut self, gain: f64) {
        let measured = if self.rate() > 0.0 {
            self.rate()
        } else if self.least_rtt < Duration::MAX {
            f64::from(self.initial) / self.least_rtt.as_secs_f64().max(0.001)
        } else {
            return;
        };
        let rate = measured * self.segment * gain * MARGIN;
        if self.full || rate > self.pacing || self.rates.is_empty() {
            self.pacing = rate;
        }
    }

    fn resize(&mut self, window: &mut Window, sample: &Sample) {
        if sample.acked > 0 && !self.recover(window, sample) {
            let gain = if matches!(self.mode, Mode::Startup | Mode::Drain) { HIGH_GAIN } else { WINDOW_GAIN };
            let target = (self.product(gain) + QUANTA).min(f64::from(u32::MAX / 4)) as u32;
            if self.full {
                window.size = (window.size + sample.acked).min(target);
            } else if window.size < target || sample.delivered < u64::from(self.initial) {
                window.size += sample.acked;
            }
        }
        window.size = window.size.max(LEAST_WINDOW);
        if self.mode == Mode::ProbeRtt {
            window.size = window.size.min(LEAST_WINDOW);
        }
    }

    /// One round of packet conservation when recovery begins, the old window back when it ends.
    fn recover(&mut self, window: &mut Window, sample: &Sample) -> bool {
        window.size = window.size.saturating_sub(sample.lost).max(1);
        if sample.trouble == Trouble::Recovery && self.was != Trouble::Recovery {
            self.conserve = true;
            self.round_end = sample.delivered;
            window.size = sample.in_flight + sample.acked;
        } else if sample.trouble == Trouble::None && self.was != Trouble::None {
            window.size = window.size.max(self.kept);
            self.conserve = false;
        }
        self.was = sample.trouble;
        if self.conserve {
            window.size = window.size.max(sample.in_flight + sample.acked);
        }
        self.conserve
    }

    /// Segments in flight at `gain` times the estimated rate.
    fn product(&self, gain: f64) -> f64 {
        if self.least_rtt == Duration::MAX {
            return f64::from(self.initial);
        }
        gain * self.rate() * self.least_rtt.as_secs_f64()
    }
}
