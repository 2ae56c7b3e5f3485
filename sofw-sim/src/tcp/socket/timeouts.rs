//! Time passing.

use sofw_core::base::Instant;

use super::{Events, NEVER, Purpose, Socket, Stage, TcpEvent};
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
}
