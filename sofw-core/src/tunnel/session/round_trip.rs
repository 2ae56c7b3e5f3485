//! Pings: whether the other end is there, and how far away.

use std::collections::VecDeque;

use crate::base::{Deadline, Duration, Instant};
use crate::config::limits::{PING_INTERVAL, PINGS_OUTSTANDING_MAX};

/// Our pings and the round trips that they measured.
#[derive(Debug)]
pub(super) struct Pings {
    next_number: u64,
    next_at: Instant,
    due: bool,
    outstanding: VecDeque<(u64, Instant)>,
    smoothed: Option<Duration>,
}

impl Pings {
    /// The first ping is due at once: it measures the path before voice needs it.
    pub(super) fn new(now: Instant) -> Self {
        Pings {
            next_number: 0,
            next_at: now,
            due: true,
            outstanding: VecDeque::with_capacity(PINGS_OUTSTANDING_MAX),
            smoothed: None,
        }
    }

    /// Makes a ping due now. Gives the number that it will have.
    pub(super) fn ask(&mut self) -> u64 {
        self.due = true;
        self.next_number
    }

    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// The number for a record that goes now, if a ping is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        if !self.due {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.due = false;
        self.next_at = now + PING_INTERVAL;
        if self.outstanding.len() == PINGS_OUTSTANDING_MAX {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back((number, now));
        Some(number)
    }

    /// An answer came that had waited for `held`. Gives the round trip, if we sent this ping not too long ago.
    pub(super) fn answered(&mut self, now: Instant, number: u64, held: Duration) -> Option<Duration> {
        let index = self.outstanding.iter().position(|(sent, _)| *sent == number)?;
        let (_, sent_at) = self.outstanding.remove(index)?;
        let sample = now.since(sent_at).saturating_sub(held);
        // RFC 6298 §2.3 with alpha = 1/8.
        self.smoothed = Some(self.smoothed.map_or(sample, |smoothed| smoothed * 7 / 8 + sample / 8));
        Some(sample)
    }

    pub(super) const fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.due |= self.next_at <= now;
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        (!self.due).then(|| Deadline::new(self.next_at, "tunnel ping"))
    }
}
