//! How much may be in flight: the congestion window, counted in segments as Linux does, and who moves it.
//!
//! A window that the application does not fill proves nothing about the path, so it does not grow (RFC 7661; Linux
//! `tcp_is_cwnd_limited`), and it decays over idle time-outs.

mod bbr;
mod cubic;

use sofw_core::base::{Duration, Instant};

use super::{Congestion, TcpConfig};
use bbr::Bbr;
pub(super) use bbr::{Sample, Trouble};
use cubic::Cubic;

/// The congestion window of one socket.
#[derive(Debug)]
pub(super) struct Window {
    /// Segments that may be in flight.
    pub size: u32,
    /// Below it: slow start.
    pub threshold: u32,
    /// Whether the flow filled the window within the last round.
    limited: bool,
    most_out: u32,
    round_end: u64,
    used: u32,
    used_since: Instant,
    initial: u32,
}

/// A threshold never reached.
pub(super) const NO_THRESHOLD: u32 = u32::MAX >> 1;

impl Window {
    pub fn new(now: Instant, initial: u32) -> Self {
        Window {
            size: initial,
            threshold: NO_THRESHOLD,
            limited: false,
            most_out: 0,
            round_end: 0,
            used: 0,
            used_since: now,
            initial,
        }
    }

    pub fn slow_start(&self) -> bool {
        self.size < self.threshold
    }

    /// Notes after a transmission how full the window is. `idle_after` is the time-out after which an unfilled window decays
    /// (RFC 2861), `None` if it may not decay now.
    pub fn note_use(&mut self, now: Instant, usage: Usage, idle_after: Option<Duration>) {
        if usage.una >= self.round_end || usage.limited || (!self.limited && usage.out > self.most_out) {
            self.limited = usage.limited;
            self.most_out = usage.out;
            self.round_end = usage.nxt;
        }
        if self.is_limited() {
            self.used = 0;
            self.used_since = now;
            return;
        }
        self.used = self.used.max(usage.out);
        if idle_after.is_some_and(|after| now.since(self.used_since) >= after) {
            let used = self.used.max(self.initial);
            if used < self.size {
                self.threshold = self.gentle_threshold();
                self.size = self.size.midpoint(used);
            }
            self.used = 0;
            self.used_since = now;
        }
    }

    /// Whether an acknowledgement may enlarge the window. In slow start a half-filled one suffices.
    pub fn is_limited(&self) -> bool {
        self.limited || (self.slow_start() && self.size < 2 * self.most_out)
    }

    /// After `idle` without a transmission: half the window per time-out, not below the initial one (RFC 9293 §3.8.2).
    pub fn restart(&mut self, now: Instant, idle: Duration, timeout: Duration) {
        self.threshold = self.gentle_threshold();
        let floor = self.initial.min(self.size);
        let mut left = idle;
        while left > timeout && self.size > floor {
            left -= timeout;
            self.size /= 2;
        }
        self.size = self.size.max(floor);
        self.used = 0;
        self.used_since = now;
    }

    fn gentle_threshold(&self) -> u32 {
        self.threshold.max(self.size / 2 + self.size / 4)
    }
}

/// How a transmission left the flow.
pub(super) struct Usage {
    pub una: u64,
    pub nxt: u64,
    /// Segments sent and not cumulatively acknowledged.
    pub out: u32,
    /// The window, nothing else, stops the sender.
    pub limited: bool,
}

/// What an acknowledgement tells a window-based control.
pub(super) struct Acked {
    pub segments: u32,
    pub rtt: Option<Duration>,
    pub least_rtt: Duration,
    pub una: u64,
    pub nxt: u64,
}

/// The congestion control in use.
#[derive(Debug)]
pub(super) enum Control {
    Cubic(Cubic),
    Bbr(Box<Bbr>),
}

impl Control {
    pub fn new(config: &TcpConfig, salt: u32) -> Self {
        match config.congestion {
            Congestion::Cubic => Control::Cubic(Cubic::default()),
            Congestion::Bbr => Control::Bbr(Box::new(Bbr::new(config, salt))),
        }
    }

    /// Grows a loss-based window; nothing for one based on a model.
    pub fn on_acked(&mut self, now: Instant, window: &mut Window, acked: &Acked) {
        if let Control::Cubic(cubic) = self {
            cubic.on_acked(now, window, acked);
        }
    }

    /// The threshold after a loss is found.
    pub fn on_loss(&mut self, window: &Window) -> u32 {
        match self {
            Control::Cubic(cubic) => cubic.on_loss(window),
            Control::Bbr(bbr) => {
                bbr.keep(window);
                window.threshold
            }
        }
    }

    pub fn on_timeout(&mut self) {
        match self {
            Control::Cubic(cubic) => cubic.end_epoch(),
            Control::Bbr(bbr) => bbr.on_timeout(),
        }
    }

    /// The loss was none: forget what it did to the model.
    pub fn on_undo(&mut self) {
        match self {
            Control::Cubic(cubic) => cubic.end_epoch(),
            Control::Bbr(bbr) => bbr.on_undo(),
        }
    }

    /// The first segment leaves after `idle` with nothing in flight.
    pub fn on_restart(&mut self, idle: Duration, app_limited: bool) {
        match self {
            Control::Cubic(cubic) => cubic.on_idle(idle),
            Control::Bbr(bbr) => bbr.on_restart(app_limited),
        }
    }

    /// Bytes per second at which to space segments; `None`: no pacing.
    pub fn pacing_rate(&self) -> Option<f64> {
        match self {
            Control::Cubic(_) => None,
            Control::Bbr(bbr) => Some(bbr.pacing_rate()),
        }
    }
}
