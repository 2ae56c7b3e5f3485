//! The sending half of a socket: the bytes, the segments that carry them, and what is known of each.
//!
//! ```text
//!        una              nxt            end
//!   ─────┼────────────────┼──────────────┼──▶ sequence
//!        │ records: sent  │ unsent bytes │
//! ```
//!
//! Sequence numbers are 64-bit here, 0 the SYN and 1 the first byte: no wrap-around inside. Segments are counted as Linux
//! does: `in_flight = records - sacked - lost + retransmitted`.

use std::collections::VecDeque;

use sofw_core::base::Instant;

use super::ring::Ring;

/// One transmitted segment that is not cumulatively acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub start: u64,
    /// One past the last sequence number.
    pub end: u64,
    /// When it last left.
    pub sent: Instant,
    pub state: u8,
    pub mark: Mark,
}

/// Bits of `Record::state`.
pub(super) const SACKED: u8 = 1;
/// Deemed lost.
pub(super) const LOST: u8 = 2;
/// Its retransmission is in flight.
pub(super) const RESENT: u8 = 4;
/// Retransmitted at any time.
pub(super) const EVER_RESENT: u8 = 8;
/// Carries SYN or FIN.
pub(super) const CONTROL: u8 = 16;

/// The state of delivery when a segment left, for rate samples (draft-cheng-iccrg-delivery-rate-estimation §3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub delivered: u64,
    pub delivered_at: Instant,
    pub first_sent: Instant,
    pub app_limited: bool,
}

impl Record {
    pub fn has(&self, bits: u8) -> bool {
        self.state & bits != 0
    }
}

/// The sending half.
#[derive(Debug)]
pub(super) struct Sender {
    pub iss: u32,
    ring: Ring,
    /// Sequence number of the ring's first byte.
    base: u64,
    pub una: u64,
    pub nxt: u64,
    /// The peer's window in bytes from `una`.
    pub window: u64,
    /// Sequence number of the segment that last set the window (RFC 9293 SND.WL1).
    pub window_from: u64,
    pub scale: u8,
    pub records: VecDeque<Record>,
    pub sacked: u32,
    pub lost: u32,
    pub resent: u32,
    /// End of the newest small segment (Minshall's variant of Nagle's rule).
    pub small_end: u64,
    pub fin: bool,
    /// Payload bytes of a full segment by both ends' options.
    pub mss: usize,
    /// The same, bounded by half the largest window the peer ever offered: two segments shall fit its buffer.
    pub full: usize,
    window_largest: u64,
    pub last_sent: Instant,
    /// When the peer last acknowledged, or when what waits for that began to.
    pub progress: Instant,
    pub delivered: u64,
    pub delivered_at: Instant,
    pub first_sent: Instant,
    /// `delivered` from which on samples are no longer limited by the application; 0 if not limited.
    pub app_limited: u64,
    pub lost_ever: u64,
    pub resent_ever: u64,
}

impl Sender {
    pub fn new(iss: u32, now: Instant) -> Self {
        Sender {
            iss,
            ring: Ring::default(),
            base: 1,
            una: 0,
            nxt: 0,
            window: 0,
            window_from: 0,
            scale: 0,
            records: VecDeque::new(),
            sacked: 0,
            lost: 0,
            resent: 0,
            small_end: 0,
            fin: false,
            mss: 0,
            full: 0,
            window_largest: 0,
            last_sent: now,
            progress: now,
            delivered: 0,
            delivered_at: now,
            first_sent: now,
            app_limited: 0,
            lost_ever: 0,
            resent_ever: 0,
        }
    }

    /// Takes the peer's window.
    pub fn offer(&mut self, window: u64) {
        self.window = window;
        if window > self.window_largest {
            self.window_largest = window;
            self.full = self.mss.min((window / 2) as usize).max(1);
        }
    }

    /// Takes what fits below `limit` bytes held.
    pub fn push(&mut self, bytes: &[u8], limit: usize) -> usize {
        let taken = bytes.len().min(limit.saturating_sub(self.ring.len()));
        self.ring.push(&bytes[..taken]);
        taken
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.ring.len()
    }

    /// One past the last byte.
    pub fn end(&self) -> u64 {
        self.base + self.ring.len() as u64
    }

    /// Bytes never sent.
    pub fn unsent(&self) -> usize {
        self.end().saturating_sub(self.nxt.max(1)) as usize
    }

    /// Whether the FIN was asked for but has not left.
    pub fn fin_due(&self) -> bool {
        self.fin && self.nxt <= self.end()
    }

    /// Whether the FIN is acknowledged.
    pub fn fin_done(&self) -> bool {
        self.fin && self.una > self.end()
    }

    /// Segments in flight by the best knowledge.
    pub fn in_flight(&self) -> u32 {
        (self.records.len() as u32 + self.resent).saturating_sub(self.sacked + self.lost)
    }

    /// Nothing is known to be missing or out of order.
    pub fn calm(&self) -> bool {
        self.sacked | self.lost | self.resent == 0
    }

    /// Appends the bytes of `start..end` that the ring holds.
    pub fn copy(&self, start: u64, end: u64, into: &mut Vec<u8>) {
        let (start, end) = (start.max(self.base), end.min(self.end()));
        if start < end {
            self.ring.copy((start - self.base) as usize, (end - start) as usize, into);
        }
    }

    /// Drops acknowledged bytes.
    pub fn release(&mut self) {
        let upto = self.una.min(self.end());
        if upto > self.base {
            self.ring.consume((upto - self.base) as usize);
            self.base = upto;
        }
    }

    /// Notes a new segment `nxt..end` leaving now.
    pub fn record(&mut self, now: Instant, end: u64, control: bool) {
        if self.records.is_empty() {
            self.first_sent = now;
            self.delivered_at = now;
            self.progress = now;
        }
        let state = if control { CONTROL } else { 0 };
        self.records.push_back(Record { start: self.nxt, end, sent: now, state, mark: self.mark() });
        self.nxt = end;
        self.last_sent = now;
    }

    /// Notes that record `index` leaves again, together with small neighbours behind it that fit the same segment.
    pub fn record_again(&mut self, now: Instant, index: usize) -> Record {
        self.collapse(index);
        let mark = self.mark();
        let record = &mut self.records[index];
        record.sent = now;
        record.mark = mark;
        if !record.has(RESENT) {
            self.resent += 1;
        }
        record.state |= RESENT | EVER_RESENT;
        self.last_sent = now;
        self.resent_ever += 1;
        *record
    }

    fn mark(&self) -> Mark {
        Mark {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent: self.first_sent,
            app_limited: self.app_limited > 0,
        }
    }

    /// Linux `tcp_retrans_try_collapse`: a retransmission takes along what follows, if that is not received yet.
    fn collapse(&mut self, index: usize) {
        while let Some(next) = self.records.get(index + 1).copied() {
            let record = &self.records[index];
            let fits = (next.end - record.start) as usize <= self.mss;
            if record.has(CONTROL) || next.has(SACKED | RESENT | CONTROL) || !fits {
                return;
            }
            if next.has(LOST) {
                self.lost -= 1;
            }
            self.records[index].end = next.end;
            self.records.remove(index + 1);
            if !self.records[index].has(LOST) {
                self.records[index].state |= next.state & LOST;
                self.lost += u32::from(next.has(LOST));
            }
        }
    }

    /// The first segment that is lost and not on its way again.
    pub fn first_lost(&self) -> Option<usize> {
        if self.lost == 0 {
            return None;
        }
        self.records.iter().position(|record| record.state & (LOST | RESENT) == LOST)
    }

    pub fn mark_lost(&mut self, index: usize) {
        let record = &mut self.records[index];
        if record.has(RESENT) {
            record.state &= !RESENT;
            self.resent -= 1;
        }
        if !record.has(LOST) {
            record.state |= LOST;
            self.lost += 1;
        }
        self.lost_ever += 1;
    }

    /// Takes back that anything is lost.
    pub fn clear_lost(&mut self) {
        for record in &mut self.records {
            record.state &= !LOST;
        }
        self.lost = 0;
    }
}
