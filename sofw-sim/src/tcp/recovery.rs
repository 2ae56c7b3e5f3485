//! What loss recovery remembers: its state, RACK and tail loss probes (RFC 8985), proportional rate reduction (RFC 6937)
//! and the means to undo a needless reduction (RFC 3522 by timestamps, RFC 3708 by duplicate SACK).

use sofw_core::base::{Duration, Instant};

use super::rtt::Rtt;
use super::send::{EVER_RESENT, LOST, RESENT, Record, SACKED, Sender};

/// Linux's states of congestion control.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    /// Nothing amiss.
    Open,
    /// Something arrived out of order.
    Disorder,
    /// Reducing the window without a loss to repair.
    Reduced,
    /// Repairing losses found by RACK.
    Recovery,
    /// After a time-out.
    Loss,
}

/// A tail loss probe in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    /// `nxt` when it left.
    pub high: u64,
    /// It repeated old data rather than sending new.
    pub again: bool,
}

/// What would prove a reduction needless.
#[derive(Clone, Copy, Debug, Default)]
struct Undo {
    resent: u32,
    /// Of these, reported as duplicates.
    duplicates: u32,
}

/// State of loss recovery.
#[derive(Debug)]
pub(super) struct Recovery {
    pub phase: Phase,
    /// `nxt` when the phase began.
    pub high: u64,
    prior_window: u32,
    prior_threshold: u32,
    prr_delivered: u32,
    prr_out: u32,
    /// `Some` while the latest reduction may yet prove needless.
    undo: Option<Undo>,
    /// Our clock at the episode's first retransmission.
    pub first_resent: Option<u32>,
    rack_sent: Instant,
    rack_end: u64,
    rack_rtt: Duration,
    /// Reorder window in quarters of the least round trip (RFC 8985 §6.2 step 4).
    rack_steps: u32,
    rack_round: u64,
    rack_persist: u32,
    reordering: bool,
    /// End of the highest segment delivered.
    pub highest: u64,
    pub probe: Option<Probe>,
    /// Doublings of the time-out.
    pub backoff: u32,
}

/// Segments received out of order that start recovery at once while no reordering was ever seen (RFC 8985 §6.2 step 4).
const DUPLICATES: u32 = 3;
const STEPS_MAX: u32 = 20;
/// Recoveries without a duplicate until the reorder window shrinks back.
const PERSIST: u32 = 16;

impl Recovery {
    pub fn new() -> Self {
        Recovery {
            phase: Phase::Open,
            high: 0,
            prior_window: 0,
            prior_threshold: 0,
            prr_delivered: 0,
            prr_out: 0,
            undo: None,
            first_resent: None,
            rack_sent: Instant::ZERO,
            rack_end: 0,
            rack_rtt: Duration::ZERO,
            rack_steps: 1,
            rack_round: 0,
            rack_persist: 0,
            reordering: false,
            highest: 0,
            probe: None,
            backoff: 0,
        }
    }

    /// RACK steps 2 and 3: the newest transmission known to have arrived.
    pub fn advance(&mut self, now: Instant, record: &Record, least_rtt: Duration) {
        let rtt = now.since(record.sent);
        if record.has(EVER_RESENT) && rtt < least_rtt {
            return;
        }
        self.rack_rtt = rtt;
        if (record.sent, record.end) > (self.rack_sent, self.rack_end) {
            self.rack_sent = record.sent;
            self.rack_end = record.end;
        }
        if record.end > self.highest {
            self.highest = record.end;
        } else if !record.has(EVER_RESENT) {
            self.reordering = true;
        }
    }

    /// A duplicate was reported: a retransmission was needless, so wait longer next time (RFC 8985 §6.2 step 4).
    pub fn on_duplicate(&mut self, una: u64, nxt: u64) {
        if let Some(undo) = &mut self.undo {
            undo.duplicates += 1;
        }
        if una >= self.rack_round {
            self.rack_steps = (self.rack_steps + 1).min(STEPS_MAX);
            self.rack_persist = PERSIST;
            self.rack_round = nxt;
        }
    }

    fn reorder_window(&self, sender: &Sender, rtt: &Rtt) -> Duration {
        if !self.reordering && (self.phase >= Phase::Recovery || sender.sacked >= DUPLICATES) {
            return Duration::ZERO;
        }
        let quarter = rtt.least() / 4;
        quarter.saturating_mul(self.rack_steps).min(rtt.smoothed().unwrap_or_default())
    }

    /// RACK step 5: marks what must have arrived by now. Returns how many, and how long until the next would be marked.
    pub fn detect(&self, now: Instant, sender: &mut Sender, rtt: &Rtt) -> (u32, Option<Duration>) {
        let wait = self.rack_rtt + self.reorder_window(sender, rtt);
        let mut marked = 0;
        let mut next: Option<Duration> = None;
        for index in 0..sender.records.len() {
            let record = sender.records[index];
            let settled = record.has(SACKED) || record.state & (LOST | RESENT) == LOST;
            if settled || (record.sent, record.end) >= (self.rack_sent, self.rack_end) {
                continue;
            }
            let due = record.sent + wait;
            if due <= now {
                sender.mark_lost(index);
                marked += 1;
            } else {
                next = next.max(Some(due.since(now)));
            }
        }
        (marked, next)
    }

    /// Whether a record left too recently to be deemed lost at a time-out.
    pub fn recent(&self, now: Instant, record: &Record) -> bool {
        record.sent + self.rack_rtt > now
    }

    /// Begins a reduction to `threshold`.
    pub fn reduce(&mut self, phase: Phase, window: u32, threshold: u32, sender: &Sender) {
        self.prior_window = window;
        self.prior_threshold = threshold;
        self.prr_delivered = 0;
        self.prr_out = 0;
        self.high = sender.nxt;
        self.probe = None;
        self.phase = phase;
        if phase != Phase::Reduced {
            self.undo = Some(Undo { resent: sender.resent, duplicates: 0 });
            self.first_resent = None;
            self.rack_persist = self.rack_persist.saturating_sub(1);
            if self.rack_persist == 0 {
                self.rack_steps = 1;
            }
        }
    }

    /// Proportional rate reduction: the window after `delivered` more segments arrived.
    pub fn prr(
        &mut self,
        delivered: u32,
        in_flight: u32,
        threshold: u32,
        advanced_clean: bool,
    ) -> Option<u32> {
        if delivered == 0 || self.prior_window == 0 {
            return None;
        }
        self.prr_delivered += delivered;
        let budget = if in_flight > threshold {
            let share = u64::from(threshold) * u64::from(self.prr_delivered);
            (share.div_ceil(u64::from(self.prior_window)) as u32).saturating_sub(self.prr_out)
        } else {
            let owed = self.prr_delivered.saturating_sub(self.prr_out).max(delivered);
            (owed + u32::from(advanced_clean)).min(threshold - in_flight)
        };
        // The first retransmission leaves whatever the arithmetic says.
        Some(in_flight + budget.max(u32::from(self.prr_out == 0)))
    }

    pub fn count_sent(&mut self) {
        self.prr_out += 1;
    }

    /// Notes a retransmission, so that a duplicate report can take it back.
    pub fn count_resent(&mut self, clock: u32) {
        self.prr_out += 1;
        self.first_resent.get_or_insert(clock);
        if let Some(undo) = &mut self.undo {
            undo.resent += 1;
        }
    }

    /// Whether the reduction was needless: every retransmission came back as a duplicate, or the peer echoes a time before
    /// the first of them although the acknowledgement moved on.
    pub fn needless(&self, advanced: bool, echo: Option<u32>) -> bool {
        let Some(undo) = self.undo else { return false };
        let delayed = advanced
            && self
                .first_resent
                .zip(echo)
                .is_some_and(|(resent, echo)| (echo.wrapping_sub(resent) as i32) < 0);
        delayed || (undo.resent > 0 && undo.duplicates >= undo.resent)
    }

    /// The window and threshold from before the reduction.
    pub fn prior(&self) -> (u32, u32) {
        (self.prior_window, self.prior_threshold)
    }

    /// The episode is over. Late duplicates may still prove it needless.
    pub fn settle(&mut self) {
        self.phase = Phase::Open;
        self.first_resent = None;
    }

    /// The reduction is taken back.
    pub fn forgive(&mut self) {
        self.settle();
        self.undo = None;
    }
}
