//! How much voice is under way, from the other end's receipts.
//!
//! A proxy takes our bytes as fast as we write them and queues them where no local socket shows it. What bounds the
//! delay end to end is therefore not the socket but this. The oldest voice record without a receipt has been under way
//! for a time; what of it exceeds
//!
//! ```text
//! base round trip + longest receipt interval
//! ```
//!
//! is the *excess*. Voice may wait in [`super::VoiceQueue`] for `voice_age_max` less the excess; and while the excess is
//! above `voice_age_max`, none is sent. So what waits here and what waits on the way are bounded together.
//!
//! **What must not happen is that a healthy tunnel stalls.** Each way in which the estimate can be wrong has its way out:
//!
//! | what | why it does no harm |
//! |---|---|
//! | no receipt ever came | without a base there is no limit |
//! | voice starts after a pause | the last receipt is older than [`RECEIPT_PATIENCE`]: no limit until the next one |
//! | the way *back* breaks, voice still arrives | receipts stop after one that showed progress: no limit after [`RECEIPT_PATIENCE`] |
//! | the way *forth* stands still | receipts go on and show no progress: held, as it should be; if they stop, too, for [`RECEIPT_PATIENCE_STALLED`] |
//! | records were lost and never will have a receipt | [`Flight::carrier_lost`] forgets them; else a probe goes after [`VOICE_PROBE_INTERVAL`], and its receipt covers all before it |
//! | a TCP segment was lost | repaired in a round trip and some, mostly within the limit; else voice waits here instead of in the kernel |
//! | the path became longer (route change) | a second hold soon after a first one measures the base anew, see below |
//!
//! The base is the smallest time seen from voice record to receipt, less the time that the receipt waited, which it
//! carries. That only falls. When holds follow each other within [`HOLD_RECURS_WITHIN`], the base is doubted, at most once
//! in [`BASE_TRUSTED_FOR`]: we wait until nothing is under way, send one datagram alone, and take its time as the new base,
//! for no queue of ours can be in it.

use std::collections::VecDeque;

use crate::base::{Deadline, Duration, Instant};
use crate::config::limits::{
    BASE_TRUSTED_FOR, FLIGHT_MARK_SPACING, FLIGHT_MARKS_MAX, HOLD_RECURS_WITHIN, RECEIPT_INTERVAL_MAX,
    RECEIPT_PATIENCE, RECEIPT_PATIENCE_STALLED, VOICE_AGE_MIN, VOICE_PROBE_INTERVAL,
};

/// The sender's view of its own voice.
#[derive(Debug)]
pub(in crate::tunnel) struct Flight {
    age_max: Duration,
    gate: Gate,
    /// Voice must wait, as of the last look at gate and time.
    closed: bool,
    marks: VecDeque<Mark>,
    base: Option<Duration>,
    base_measured_at: Option<Instant>,
    hold_ended_at: Option<Instant>,
    last_receipt: Option<Receipt>,
    last_sent: Instant,
    last_progress: Instant,
    /// Records sent since voice is held back.
    probes: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gate {
    /// Voice goes.
    Open,
    /// Too much is under way. With `drain`, until nothing is.
    Held { drain: bool },
    /// Nothing is under way but the record, or the one that goes next, whose receipt gives a new base.
    Measuring { nonce: Option<u64> },
}

/// Voice records sent at about the same time.
#[derive(Clone, Copy, Debug)]
struct Mark {
    first: u64,
    last: u64,
    sent_at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Receipt {
    newest: u64,
    at: Instant,
    progress: bool,
}

impl Flight {
    /// Nothing is under way.
    pub(in crate::tunnel) fn new(age_max: Duration) -> Self {
        Flight {
            age_max,
            gate: Gate::Open,
            closed: false,
            marks: VecDeque::with_capacity(FLIGHT_MARKS_MAX),
            base: None,
            base_measured_at: None,
            hold_ended_at: None,
            last_receipt: None,
            last_sent: Instant::ZERO,
            last_progress: Instant::ZERO,
            probes: 0,
        }
    }

    /// Whether voice is held back, as of the last look.
    pub(in crate::tunnel) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the next record may carry one datagram only: it finds something out.
    pub(in crate::tunnel) fn is_probe(&self) -> bool {
        self.gate != Gate::Open
    }

    /// How long voice may wait here: what waits on the way counts, too.
    pub(in crate::tunnel) fn age_max(&self, now: Instant) -> Duration {
        self.age_max.saturating_sub(self.excess(now)).max(VOICE_AGE_MIN.min(self.age_max))
    }

    /// When to look again, if held: a probe is due.
    pub(in crate::tunnel) fn deadline(&self) -> Option<Deadline> {
        self.closed.then(|| Deadline::new(self.probe_at(), "voice probe"))
    }

    /// Looks again whether voice is to be held back. Gives whether a hold began.
    pub(in crate::tunnel) fn update(&mut self, now: Instant) -> bool {
        let former = self.gate;
        self.gate = match former {
            Gate::Open if self.is_too_much(now) => Gate::Held { drain: self.is_base_doubtful(now) },
            Gate::Held { .. } | Gate::Measuring { .. } if !self.receipts_flow(now) => Gate::Open,
            Gate::Held { drain: true } if self.marks.is_empty() => Gate::Measuring { nonce: None },
            Gate::Held { drain: false } if !self.is_too_much(now) => Gate::Open,
            gate => gate,
        };
        if self.gate == Gate::Open && former != Gate::Open {
            self.hold_ended_at = Some(now);
            self.probes = 0;
        }
        self.closed = match self.gate {
            Gate::Open | Gate::Measuring { nonce: None } => false,
            Gate::Held { .. } | Gate::Measuring { .. } => now < self.probe_at(),
        };
        former == Gate::Open && self.gate != Gate::Open
    }

    /// A record with voice goes out under `nonce`.
    pub(in crate::tunnel) fn sent(&mut self, now: Instant, nonce: u64) {
        self.last_sent = now;
        if self.gate != Gate::Open {
            self.probes += 1;
            self.closed = true;
        }
        if let Gate::Measuring { nonce: measured } = &mut self.gate {
            *measured = Some(nonce);
        }
        match self.marks.back_mut() {
            Some(mark) if now.since(mark.sent_at) < FLIGHT_MARK_SPACING => mark.last = nonce,
            _ => {
                if self.marks.len() == FLIGHT_MARKS_MAX {
                    self.marks.pop_front();
                }
                self.marks.push_back(Mark { first: nonce, last: nonce, sent_at: now });
            }
        }
    }

    /// The other end's newest voice record is `newest`, and had arrived `age` before it said so. Gives whether a hold
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
            let (last, sent_at) = (mark.last, mark.sent_at);
            mark.first = newest + 1;
            if newest <= last {
                self.sample(now, newest, now.since(sent_at).saturating_sub(age));
            }
            if last > newest {
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
        self.gate = Gate::Open;
        self.closed = false;
        self.probes = 0;
    }

    fn sample(&mut self, now: Instant, newest: u64, sample: Duration) {
        if matches!(self.gate, Gate::Measuring { nonce: Some(nonce) } if nonce <= newest) {
            self.base = Some(sample);
            self.base_measured_at = Some(now);
            self.hold_ended_at = None;
            self.probes = 0;
            self.gate = Gate::Open;
        } else {
            self.base = Some(self.base.map_or(sample, |base| base.min(sample)));
        }
    }

    /// How long the oldest voice without a receipt has been under way beyond what is usual.
    fn excess(&self, now: Instant) -> Duration {
        match (self.marks.front(), self.base) {
            (Some(oldest), Some(base)) if self.receipts_flow(now) => {
                now.since(oldest.sent_at).saturating_sub(base + RECEIPT_INTERVAL_MAX)
            }
            _ => Duration::ZERO,
        }
    }

    fn is_too_much(&self, now: Instant) -> bool {
        self.excess(now) > self.age_max
    }

    /// Whether receipts say something about the way forth, and not only that the way back is broken.
    fn receipts_flow(&self, now: Instant) -> bool {
        self.last_receipt.is_some_and(|receipt| {
            let patience = if receipt.progress { RECEIPT_PATIENCE } else { RECEIPT_PATIENCE_STALLED };
            now.since(receipt.at) <= patience
        })
    }

    fn is_base_doubtful(&self, now: Instant) -> bool {
        self.hold_ended_at.is_some_and(|at| now.since(at) <= HOLD_RECURS_WITHIN)
            && self.base_measured_at.is_none_or(|at| now.since(at) > BASE_TRUSTED_FOR)
    }

    /// While receipts show progress there is nothing to find out; and a probe that came to nothing doubles the pause.
    fn probe_at(&self) -> Instant {
        self.last_sent.max(self.last_progress) + VOICE_PROBE_INTERVAL * (1 << self.probes.min(3))
    }
}
