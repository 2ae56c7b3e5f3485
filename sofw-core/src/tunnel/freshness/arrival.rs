//! Whether what a record brings is too old to be heard.
//!
//! The sender drops voice that grew old with it. What it had already given to TCP or to a proxy when a line died is
//! delivered all the same when the line is back, seconds old. Only the receiver can see that: a record says when it was
//! filled, on the sender's clock. The difference to our clock at its arrival, here its *lag*, is the way's own time and
//! the distance of the clocks, which nobody knows; so a record is judged against the least lag that is usual, the *base*.
//! Beyond that it may be late by `voice_age_max` and [`RECEIPT_INTERVAL_MAX`]: what [`super::Flight`] lets be under way, for it
//! learns of a queue that much later. A lower limit would throw away, on a line that is too thin, most of what had just
//! been carried over it.
//!
//! **What must not happen is that a healthy tunnel falls silent**, for a base that is too low condemns everything. A lower
//! lag counts at once. A higher base is learnt at the end of each window of [`ARRIVAL_WINDOW`]: the least of this one and
//! the one before.
//!
//! | what | why it does no harm |
//! |---|---|
//! | clocks differ, and drift | the distance is in the base as in every lag; it drifts by less than a millisecond in a window |
//! | the way became longer for good (route, rung, connection) | two windows without the old way, three at most, and its lag is the base |
//! | an outage, then all at once | a window ends by what arrives, a pause counts as [`ARRIVAL_PAUSE_MAX`] at most: the base is that of before |
//! | an outage, then all within seconds, also in bursts | while the least lag still falls from one window to the next, by more than [`ARRIVAL_FALL_MAX`], something drains: not learnt |
//! | the session begins | nothing is late before the first record came, and that is a ping |
//! | long silence | pings say when they were filled, too: the base is less than a minute or two old |
//! | records overtake each other on several connections | each is judged by its own lag |
//! | the other end does not say when | no voice is dropped here |

use crate::base::{Duration, Instant};
use crate::config::limits::{ARRIVAL_FALL_MAX, ARRIVAL_PAUSE_MAX, ARRIVAL_WINDOW, RECEIPT_INTERVAL_MAX};

/// The receiver's view of how long records are under way.
#[derive(Debug)]
pub(in crate::tunnel) struct ArrivalClock {
    late_max: Millis,
    base: Millis,
    /// Least lag of the window before, and of this one so far.
    former: Millis,
    current: Millis,
    /// How much of this window is over.
    elapsed: Duration,
    last: Instant,
}

/// Of a lag, which may be negative, or a part of one.
type Millis = i64;

impl ArrivalClock {
    /// Nothing has arrived.
    pub(in crate::tunnel) fn new(now: Instant, age_max: Duration) -> Self {
        ArrivalClock {
            late_max: millis(age_max.saturating_add(RECEIPT_INTERVAL_MAX)),
            base: NONE,
            former: NONE,
            current: NONE,
            elapsed: Duration::ZERO,
            last: now,
        }
    }

    /// A record arrived that was filled `sent` after the other end's session began. Gives whether its voice is too old.
    pub(in crate::tunnel) fn arrived(&mut self, now: Instant, sent: Duration) -> bool {
        // Both are far below the bounds of the type, whatever the other end says.
        let lag = (now.as_millis() as Millis) - millis(sent);
        self.base = self.base.min(lag);
        self.current = self.current.min(lag);
        self.elapsed += now.since(self.last).min(ARRIVAL_PAUSE_MAX);
        self.last = now;
        if self.elapsed >= ARRIVAL_WINDOW {
            self.end_window();
        }
        lag - self.base > self.late_max
    }

    fn end_window(&mut self) {
        let drains = self.former - self.current > millis(ARRIVAL_FALL_MAX);
        if !drains {
            self.base = self.former.min(self.current);
        }
        self.former = self.current;
        self.current = NONE;
        self.elapsed = Duration::ZERO;
    }
}

/// Above every lag, and far enough from the type's bounds for a difference.
const NONE: Millis = Millis::MAX / 4;

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(NONE).min(NONE)
}
