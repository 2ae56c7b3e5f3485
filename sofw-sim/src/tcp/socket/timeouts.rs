//! Timers: what sets them, and what happens when time passes.

use sofw_core::base::{Duration, Instant};

use super::{Alarms, Events, NEVER, Purpose, Socket, Stage, TcpEvent};
use crate::tcp::recovery::Phase;
use crate::tcp::send::SACKED;

impl Socket {
    pub fn timeout(&mut self, now: Instant, events: &mut Events) {
        if self.alarms.delayed_ack <= now {
            self.alarms.delayed_ack = NEVER;
            self.receive.waited();
        }
        if self.alarms.pacing <= now {
            self.alarms.pacing = NEVER;
        }
        if self.alarms.linger <= now {
            self.alarms.linger = NEVER;
            self.finish(events, TcpEvent::Closed(self.id));
            return;
        }
        if self.alarms.keepalive <= now {
            self.keep_alive(now, events);
        }
        if self.alarms.resend <= now && self.stage != Stage::Gone {
            self.alarms.resend = NEVER;
            match self.alarms.purpose {
                Purpose::TimeOut => self.time_out(now, events),
                Purpose::TailProbe => self.tail_due = true,
                Purpose::Reorder => self.reorder_over(now),
                Purpose::Persist => self.persist(now, events),
            }
        }
    }

    fn reorder_over(&mut self, now: Instant) {
        self.alarms.purpose = Purpose::TimeOut;
        self.find_losses(now);
        if self.send.lost > 0 && self.recovery.phase <= Phase::Reduced {
            self.enter_recovery();
            self.reduce_window(1, false);
        }
        if self.alarms.resend == NEVER {
            self.rearm(now);
        }
    }

    /// RFC 6298 §5.4 to §5.7.
    fn time_out(&mut self, now: Instant, events: &mut Events) {
        if self.send.records.is_empty() || self.gives_up(now, events) {
            return;
        }
        if self.stage != Stage::Open {
            self.syn_due = true;
            self.recovery.backoff += 1;
            return;
        }
        self.enter_loss(now);
        self.recovery.backoff += 1;
        self.alarms.resend = self.next_attempt(now);
        self.alarms.purpose = Purpose::TimeOut;
    }

    /// The backed-off time-out, or the end of the user's patience if that is earlier.
    fn next_attempt(&self, now: Instant) -> Instant {
        let end = self.config.user_timeout.map(|timeout| self.send.progress + timeout);
        (now + self.rto()).min(end.filter(|end| *end > now).unwrap_or(NEVER))
    }

    fn enter_loss(&mut self, now: Instant) {
        if self.recovery.phase <= Phase::Disorder || self.send.una >= self.recovery.high {
            let window = self.window.size;
            let threshold = self.control.on_loss(&self.window);
            self.recovery.reduce(Phase::Loss, window, threshold, &self.send);
            self.window.threshold = threshold;
        }
        self.control.on_timeout();
        self.recovery.phase = Phase::Loss;
        self.recovery.high = self.send.nxt;
        self.recovery.probe = None;
        for index in 0..self.send.records.len() {
            let record = self.send.records[index];
            // What left lately may yet arrive, but for the first, which did not.
            let recent = index > 0 && self.recovery.recent(now, &record);
            if !record.has(SACKED) && !recent {
                self.send.mark_lost(index);
            }
        }
        self.window.size = self.send.in_flight() + 1;
    }

    fn persist(&mut self, now: Instant, events: &mut Events) {
        if self.gives_up(now, events) {
            return;
        }
        self.recovery.backoff += 1;
        self.probe_due = true;
        self.alarms.purpose = Purpose::Persist;
        self.alarms.resend = self.next_attempt(now);
    }

    fn keep_alive(&mut self, now: Instant, events: &mut Events) {
        let Some(keepalive) = self.config.keepalive.filter(|_| self.stage == Stage::Open) else {
            self.alarms.keepalive = NEVER;
            return;
        };
        let silent = now.since(self.heard);
        if silent < keepalive.idle || !self.send.records.is_empty() {
            self.alarms.keepalive = (self.heard + keepalive.idle).max(now + keepalive.interval);
            return;
        }
        if self.attempts >= keepalive.count {
            self.finish(events, TcpEvent::TimedOut(self.id));
            return;
        }
        self.attempts += 1;
        self.probe_due = true;
        self.alarms.keepalive = now + keepalive.interval;
    }

    /// Counts an attempt; ends the socket when there were enough.
    fn gives_up(&mut self, now: Instant, events: &mut Events) -> bool {
        let limit = if self.stage == Stage::Open { self.config.retries } else { self.config.syn_retries };
        let overdue =
            self.config.user_timeout.is_some_and(|timeout| now.since(self.send.progress) >= timeout);
        if self.attempts >= limit || overdue {
            self.finish(events, TcpEvent::TimedOut(self.id));
            return true;
        }
        self.attempts += 1;
        false
    }

    /// Sets the tail probe or the time-out for what is in flight.
    pub(super) fn rearm(&mut self, now: Instant) {
        if self.alarms.purpose == Purpose::Reorder && self.alarms.resend != NEVER {
            return;
        }
        if self.send.records.is_empty() {
            self.alarms.resend = NEVER;
            self.alarms.purpose = Purpose::TimeOut;
        } else if !self.arm_tail_probe(now) {
            self.alarms.resend = now + self.rto();
            self.alarms.purpose = Purpose::TimeOut;
        }
    }

    /// RFC 8985 §7.2: a probe after two round trips, if nothing is amiss and no probe is out.
    pub(super) fn arm_tail_probe(&mut self, now: Instant) -> bool {
        /// Least wait, two ticks of Linux's clock.
        const LEAST: Duration = Duration::from_millis(2);
        let usable = self.stage == Stage::Open && self.sack && self.recovery.probe.is_none();
        let quiet = self.recovery.phase == Phase::Open && self.send.sacked == 0;
        let (true, Some(smoothed)) = (usable && quiet, self.rtt.smoothed()) else { return false };
        // A lone segment may meet a delayed acknowledgement.
        let extra = if self.send.records.len() == 1 { self.config.rto_min } else { LEAST };
        let at = now + 2 * smoothed + extra;
        let oldest = self.send.records.front().map_or(now, |record| record.sent);
        self.alarms.resend = at.min((oldest + self.rto()).max(now));
        self.alarms.purpose = Purpose::TailProbe;
        true
    }

    /// A closed window with something to send: probe it (RFC 9293 §3.8.6.1).
    pub(super) fn check_persist(&mut self, now: Instant) {
        if self.stage != Stage::Open || !self.send.records.is_empty() || self.send.unsent() == 0 {
            if self.alarms.is_persisting() {
                self.alarms.resend = NEVER;
            }
            return;
        }
        if self.can_send_new() {
            if self.alarms.is_persisting() {
                self.alarms.resend = NEVER;
                self.recovery.backoff = 0;
            }
        } else if !self.alarms.is_persisting() && self.window_blocks() {
            self.alarms.purpose = Purpose::Persist;
            self.send.progress = now;
            self.alarms.resend = now + self.rto();
        }
    }
}

impl Alarms {
    pub(super) fn is_persisting(&self) -> bool {
        self.purpose == Purpose::Persist && self.resend != NEVER
    }
}
