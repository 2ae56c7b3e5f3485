//! Which rung an uplink uses on one way out: falls on evidence, climbs by trial, and does neither often.

use crate::base::{Duration, Instant};
use crate::config::limits::{CLIMB_PAUSE, STREAM_DEATHS_MAX, STREAM_YOUNG};
use crate::event::Rung;

/// What is known about one way out. The best rung is assumed until a probe or a row of early deaths says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    rung: Rung,
    /// Rung `stream` has carried an echo on this way.
    proved: bool,
    /// Streaming uplinks that died young, in a row.
    deaths: u32,
    climb_at: Option<Instant>,
    climb_pause: Duration,
}

impl Default for Ladder {
    fn default() -> Self {
        Ladder { rung: Rung::Stream, proved: false, deaths: 0, climb_at: None, climb_pause: CLIMB_PAUSE.0 }
    }
}

impl Ladder {
    /// The rung to use now.
    pub const fn rung(&self) -> Rung {
        self.rung
    }

    /// Whether the streaming uplink has still to be probed before it carries anything else.
    pub const fn wants_probe(&self) -> bool {
        matches!(self.rung, Rung::Stream) && !self.proved
    }

    /// When to try the streaming uplink again.
    pub const fn climb_at(&self) -> Option<Instant> {
        self.climb_at
    }

    /// An echo came over a streaming uplink.
    pub fn stream_proved(&mut self) {
        self.rung = Rung::Stream;
        self.proved = true;
        self.climb_at = None;
    }

    /// No echo came, at the start or when climbing: short POSTs, and each further trial later than the one before.
    pub fn stream_failed(&mut self, now: Instant) {
        if self.rung == Rung::Post {
            self.climb_pause = (self.climb_pause * 2).min(CLIMB_PAUSE.1);
        }
        self.rung = Rung::Post;
        self.proved = false;
        self.deaths = 0;
        self.climb_at = Some(now + self.climb_pause);
    }

    /// A streaming uplink that had carried echoes died after `life`.
    pub fn stream_died(&mut self, now: Instant, life: Duration) {
        if life > STREAM_YOUNG {
            self.deaths = 0;
            self.climb_pause = CLIMB_PAUSE.0;
            return;
        }
        self.deaths += 1;
        if self.deaths >= STREAM_DEATHS_MAX {
            self.stream_failed(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_on_evidence_and_climbs_ever_more_seldom() {
        let mut ladder = Ladder::default();
        let start = Instant::from_millis(1_000);
        assert!(ladder.wants_probe());
        ladder.stream_failed(start);
        assert_eq!((ladder.rung(), ladder.climb_at()), (Rung::Post, Some(start + CLIMB_PAUSE.0)));
        ladder.stream_failed(start);
        assert_eq!(ladder.climb_at(), Some(start + CLIMB_PAUSE.0 * 2));
        for _ in 0..9 {
            ladder.stream_failed(start);
        }
        assert_eq!(ladder.climb_at(), Some(start + CLIMB_PAUSE.1));
        ladder.stream_proved();
        assert_eq!((ladder.rung(), ladder.climb_at(), ladder.wants_probe()), (Rung::Stream, None, false));
    }

    #[test]
    fn one_early_death_is_no_reason_but_a_row_is() {
        let mut ladder = Ladder::default();
        let now = Instant::ZERO;
        ladder.stream_proved();
        ladder.stream_died(now, Duration::from_secs(1));
        ladder.stream_died(now, STREAM_YOUNG * 2);
        for _ in 1..STREAM_DEATHS_MAX {
            ladder.stream_died(now, Duration::from_secs(1));
        }
        assert_eq!(ladder.rung(), Rung::Stream);
        ladder.stream_died(now, Duration::from_secs(1));
        assert_eq!(ladder.rung(), Rung::Post);
    }
}
