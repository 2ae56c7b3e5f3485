//! How much voice is under way, from the other end's receipts.
//!
//! A proxy takes our bytes as fast as we write them and queues them where no local socket shows it. What bounds the
//! delay end to end is therefore not the socket but this: while the oldest voice record without a receipt has been
//! under way for longer than
//!
//! ```text
//! base round trip + longest receipt interval + voice_age_max
//! ```
//!
//! voice is held back. It then waits in [`super::VoiceQueue`], where it can be dropped for age. So voice that arrives
//! is at most about `2 × voice_age_max` older than the path makes it.
//!
//! **What must not happen is that a healthy tunnel stalls.** Each way in which the estimate can be wrong has its way out:
//!
//! | what | why it does no harm |
//! |---|---|
//! | no receipt ever came | without a base there is no limit |
//! | voice starts after a pause | the last receipt is older than [`RECEIPT_PATIENCE`]: no limit until the next one |
//! | the way *back* breaks, voice still arrives | receipts stop after one that showed progress: no limit after [`RECEIPT_PATIENCE`] |
//! | the way *forth* stands still | receipts go on and show no progress: held, as it should be; if they stop, too, for [`RECEIPT_PATIENCE_STALLED`] |
//! | records were lost and never will have a receipt | [`Flight::carrier_lost`] forgets them; else a probe record goes after [`VOICE_PROBE_INTERVAL`], and its receipt covers all before it |
//! | the path became longer (route change) | holding empties the pipe, and a record sent into an empty pipe measures the base anew: its delay is not of our making |
//! | one lost TCP segment | repaired in a round trip and some; voice behind it would have waited in the kernel instead of here |
//!
//! The base is the smallest round trip seen of voice record and receipt, less the time that the receipt waited, which
//! it carries; the next record sent into an empty pipe replaces it.

use std::collections::VecDeque;

use crate::base::{Deadline, Duration, Instant};
use crate::config::limits::{
    FLIGHT_MARK_SPACING, FLIGHT_MARKS_MAX, RECEIPT_INTERVAL_MAX, RECEIPT_PATIENCE, RECEIPT_PATIENCE_STALLED,
    VOICE_PROBE_INTERVAL,
};

/// The sender's view of its own voice.
#[derive(Debug)]
pub(in crate::tunnel) struct Flight {
    excess_max: Duration,
    marks: VecDeque<Mark>,
    base: Option<Duration>,
    last_receipt: Option<Receipt>,
    last_sent: Instant,
    last_progress: Instant,
    /// Records sent since voice is held back.
    probes: u32,
    held: bool,
}

/// Voice records sent at about the same time.
#[derive(Clone, Copy, Debug)]
struct Mark {
    first: u64,
    last: u64,
    sent_at: Instant,
    /// Nothing else was under way.
    alone: bool,
}

#[derive(Clone, Copy, Debug)]
struct Receipt {
    newest: u64,
    at: Instant,
    progress: bool,
}

impl Flight {
    /// Nothing is under way. `excess_max` is the time beyond the base that voice may be under way.
    pub(in crate::tunnel) fn new(excess_max: Duration) -> Self {
        Flight {
            excess_max,
            marks: VecDeque::with_capacity(FLIGHT_MARKS_MAX),
            base: None,
            last_receipt: None,
            last_sent: Instant::ZERO,
            last_progress: Instant::ZERO,
            probes: 0,
            held: false,
        }
    }

    /// A record with voice goes out under `nonce`.
    pub(in crate::tunnel) fn sent(&mut self, now: Instant, nonce: u64) {
        self.last_sent = now;
        if self.is_too_much(now) {
            self.probes += 1;
        }
        match self.marks.back_mut() {
            Some(mark) if now.since(mark.sent_at) < FLIGHT_MARK_SPACING => mark.last = nonce,
            _ => {
                if self.marks.len() == FLIGHT_MARKS_MAX {
                    self.marks.pop_front();
                }
                let alone = self.marks.is_empty();
                self.marks.push_back(Mark { first: nonce, last: nonce, sent_at: now, alone });
            }
        }
    }

    /// The other end's newest voice record is `newest`, and had arrived `age` before it said so. Gives whether holding
    /// began.
    pub(in crate::tunnel) fn receipt(&mut self, now: Instant, newest: u64, age: Duration) -> bool {
        let former = self.last_receipt.map(|receipt| receipt.newest);
        if former.is_some_and(|former| newest < former) {
            return false; // Overtaken by a later receipt on another connection.
        }
        while let Some(mark) = self.marks.front_mut() {
            if mark.first > newest {
                break;
            }
            if newest <= mark.last {
                let sample = now.since(mark.sent_at).saturating_sub(age);
                self.base = match self.base {
                    Some(base) if !mark.alone => Some(base.min(sample)),
                    _ => Some(sample),
                };
            }
            if mark.last > newest {
                mark.first = newest + 1;
                mark.alone = false;
                break;
            }
            self.marks.pop_front();
        }
        // With nothing under way there is nothing to progress.
        let progress = former.is_none_or(|former| newest > former) || self.marks.is_empty();
        if progress {
            self.last_progress = now;
        }
        self.last_receipt = Some(Receipt { newest, at: now, progress });
        self.update(now)
    }

    /// What was under way may never arrive.
    pub(in crate::tunnel) fn carrier_lost(&mut self) {
        self.marks.clear();
        self.last_receipt = self.last_receipt.map(|receipt| Receipt { progress: true, ..receipt });
        self.probes = 0;
        self.held = false;
    }

    /// Looks again whether voice is to be held back. Gives whether holding began.
    pub(in crate::tunnel) fn update(&mut self, now: Instant) -> bool {
        let former = self.held;
        let too_much = self.is_too_much(now);
        if !too_much {
            self.probes = 0;
        }
        self.held = too_much && now < self.probe_at();
        self.held && !former && self.probes == 0
    }

    /// While receipts show progress there is nothing to find out; and a probe that came to nothing doubles the pause,
    /// so that a pipe longer than the pause can become empty.
    fn probe_at(&self) -> Instant {
        self.last_sent.max(self.last_progress) + VOICE_PROBE_INTERVAL * (1 << self.probes.min(3))
    }

    /// Whether voice is held back, as of the last look.
    pub(in crate::tunnel) const fn is_held(&self) -> bool {
        self.held
    }

    /// When to look again, if held: a probe is due.
    pub(in crate::tunnel) fn deadline(&self) -> Option<Deadline> {
        self.held.then(|| Deadline::new(self.probe_at(), "voice probe"))
    }

    /// How long the oldest voice without a receipt has been under way beyond the base.
    pub(in crate::tunnel) fn excess(&self, now: Instant) -> Duration {
        match (self.marks.front(), self.base) {
            (Some(oldest), Some(base)) => now.since(oldest.sent_at).saturating_sub(base),
            _ => Duration::ZERO,
        }
    }

    fn is_too_much(&self, now: Instant) -> bool {
        let Some(receipt) = self.last_receipt else { return false };
        let patience = if receipt.progress { RECEIPT_PATIENCE } else { RECEIPT_PATIENCE_STALLED };
        now.since(receipt.at) <= patience && self.excess(now) > RECEIPT_INTERVAL_MAX + self.excess_max
    }
}
