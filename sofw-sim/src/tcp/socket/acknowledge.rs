//! What an acknowledgement says of our segments: delivery, loss, the window, the rate.

use sofw_core::base::{Duration, Instant};

use super::{Events, NEVER, Purpose, Socket};
use crate::tcp::congestion::Control;
use crate::tcp::recovery::Phase;
use crate::tcp::segment::Head;
use crate::tcp::send::{EVER_RESENT, LOST, Mark, RESENT, Record, SACKED};

/// What one acknowledgement brought.
#[derive(Default)]
pub(super) struct News {
    /// `una` moved.
    pub advanced: bool,
    /// Segments newly known to have arrived.
    pub delivered: u32,
    pub newly_sacked: u32,
    /// It reports a duplicate (RFC 2883).
    pub duplicate: bool,
    /// Round trips of the oldest and newest segment acknowledged that was sent once.
    pub oldest: Option<Duration>,
    pub newest: Option<Duration>,
    /// Mark and sending time of the newest segment delivered.
    pub mark: Option<(Mark, Instant)>,
    pub echo: Option<u32>,
}

impl Socket {
    pub(super) fn acknowledge(&mut self, now: Instant, ack: u64, head: &Head, events: &mut Events) {
        if ack > self.send.nxt {
            self.receive.urgent = true;
            return;
        }
        let before_una = self.send.una;
        if ack >= before_una {
            self.update_window(ack, head);
        }
        if ack > before_una || self.send.records.is_empty() {
            self.attempts = 0;
            self.send.progress = now;
        }
        let mut news = News { echo: head.options.timestamps.map(|(_, echo)| echo), ..News::default() };
        if ack > before_una {
            self.send.una = ack;
            news.advanced = true;
            self.take_cumulative(now, ack, &mut news);
            self.send.release();
        }
        if self.sack && head.options.sack[0].is_some() {
            self.take_blocks(now, ack, head, &mut news);
        }
        if news.advanced {
            // RFC 6298 §5.7 keeps the back-off until something sent once is acknowledged; timestamps tell anyway.
            self.recovery.backoff = 0;
        }
        self.measure(now, &news);
        let prior_lost = self.send.lost_ever;
        self.end_probe(ack, &news);
        let dubious = !self.send.calm()
            || news.newly_sacked > 0
            || news.duplicate
            || self.recovery.phase != Phase::Open;
        if dubious {
            self.alert(now, &news);
        }
        if news.advanced || news.newly_sacked > 0 {
            self.rearm(now);
        }
        let lost = (self.send.lost_ever - prior_lost) as u32;
        self.steer(now, &news, lost);
        if self.send.records.is_empty() && !self.alarms.is_persisting() {
            self.alarms.resend = NEVER;
        }
        self.check_persist(now);
        self.tell_writable(events);
        if news.advanced && self.send.fin_done() {
            self.check_closed(now, events);
        }
    }

    /// RFC 9293 §3.10.7.4: newer segments set the window.
    fn update_window(&mut self, ack: u64, head: &Head) {
        let scale = if head.flags.syn { 0 } else { self.send.scale };
        let window = u64::from(head.window) << scale;
        let from = u64::from(head.seq.wrapping_sub(self.receive.irs));
        let newer =
            (head.seq.wrapping_sub(self.receive.irs.wrapping_add(self.send.window_from as u32)) as i32) > 0;
        if ack > self.send.una || newer || window > self.send.window {
            self.send.offer(window);
            self.send.window_from = from;
        }
    }

    fn take_cumulative(&mut self, now: Instant, ack: u64, news: &mut News) {
        while let Some(record) = self.send.records.front_mut() {
            if record.end > ack {
                record.start = record.start.max(ack);
                break;
            }
            let record = *record;
            self.send.records.pop_front();
            self.send.lost -= u32::from(record.has(LOST));
            self.send.resent -= u32::from(record.has(RESENT));
            if record.has(SACKED) {
                self.send.sacked -= 1;
            } else {
                self.deliver(now, &record, news);
            }
        }
    }

    fn take_blocks(&mut self, now: Instant, ack: u64, head: &Head, news: &mut News) {
        let una = self.send.una;
        let place = |wire: u32| {
            una as i64 + i64::from(wire.wrapping_sub(self.send.iss.wrapping_add(una as u32)) as i32)
        };
        let mut blocks = [None; 3];
        for (slot, block) in blocks.iter_mut().zip(head.options.sack.iter().flatten()) {
            *slot = Some((place(block.0), place(block.1)));
        }
        if let Some((start, end)) = blocks[0] {
            let inside = blocks[1].is_some_and(|(outer, outer_end)| outer <= start && end <= outer_end);
            if start < ack as i64 || inside {
                news.duplicate = true;
                self.recovery.on_duplicate(self.send.una, self.send.nxt);
            }
        }
        // In rising order, or a block that an earlier lost acknowledgement told of would look like reordering.
        blocks.sort_unstable();
        for (start, end) in blocks.into_iter().flatten() {
            if start < ack as i64 || start >= end || end > self.send.nxt as i64 {
                continue;
            }
            self.take_block(now, start as u64, end as u64, news);
        }
    }

    fn take_block(&mut self, now: Instant, start: u64, end: u64, news: &mut News) {
        let first = self.send.records.partition_point(|record| record.start < start);
        for index in first..self.send.records.len() {
            let record = self.send.records[index];
            if record.end > end {
                break;
            }
            if record.has(SACKED) {
                continue;
            }
            self.send.lost -= u32::from(record.has(LOST));
            self.send.resent -= u32::from(record.has(RESENT));
            self.send.sacked += 1;
            self.send.records[index].state = (record.state & !(LOST | RESENT)) | SACKED;
            news.newly_sacked += 1;
            self.deliver(now, &record, news);
        }
    }

    /// Counts one segment as arrived.
    fn deliver(&mut self, now: Instant, record: &Record, news: &mut News) {
        self.send.delivered += 1;
        self.send.delivered_at = now;
        news.delivered += 1;
        self.recovery.advance(now, record, self.rtt.least());
        if news.mark.is_none_or(|(mark, sent)| (record.mark.delivered, record.sent) >= (mark.delivered, sent))
        {
            news.mark = Some((record.mark, record.sent));
        }
        if !record.has(EVER_RESENT) {
            let rtt = now.since(record.sent);
            news.oldest.get_or_insert(rtt);
            news.newest = Some(rtt);
        }
    }

    /// One measurement per acknowledgement; of a retransmission only by the echoed time (RFC 7323 §4).
    fn measure(&mut self, now: Instant, news: &News) {
        if let (Some(oldest), Some(newest)) = (news.oldest, news.newest) {
            self.rtt.measure(now, oldest, newest);
        } else if let Some(echo) = news.echo.filter(|echo| news.advanced && *echo != 0 && self.timestamps) {
            let rtt = Duration::from_millis(u64::from(Self::clock(now).wrapping_sub(echo)));
            self.rtt.measure(now, rtt, rtt.max(self.rtt.least()));
        }
    }

    /// RFC 8985 §7.4: did the probe repair a loss?
    fn end_probe(&mut self, ack: u64, news: &News) {
        let Some(probe) = self.recovery.probe else { return };
        if ack < probe.high {
            return;
        }
        if !probe.again || news.duplicate {
            self.recovery.probe = None;
        } else if ack > probe.high {
            // The probe filled a hole that nobody reported: that was congestion.
            let threshold = self.control.on_loss(&self.window);
            self.recovery.reduce(Phase::Reduced, self.window.size, threshold, &self.send);
            self.window.threshold = threshold;
            if matches!(self.control, Control::Cubic(_)) {
                self.window.size = threshold;
            }
            self.recovery.settle();
        } else if !news.advanced && news.newly_sacked == 0 {
            self.recovery.probe = None;
        }
    }

    /// Leaves a phase that is over, finds losses, begins recovery.
    fn alert(&mut self, now: Instant, news: &News) {
        if news.duplicate || news.advanced {
            self.undo_if_needless(news);
        }
        if self.recovery.phase >= Phase::Reduced && self.send.una >= self.recovery.high {
            if self.recovery.phase != Phase::Loss && matches!(self.control, Control::Cubic(_)) {
                self.window.size = self.window.threshold;
            }
            self.recovery.settle();
        }
        self.find_losses(now);
        if self.recovery.phase <= Phase::Reduced {
            if self.send.lost > 0 {
                self.enter_recovery();
            } else if self.recovery.phase != Phase::Reduced {
                self.recovery.phase = if self.send.sacked > 0 { Phase::Disorder } else { Phase::Open };
            }
        }
    }

    fn undo_if_needless(&mut self, news: &News) {
        if !self.recovery.needless(news.advanced, news.echo) {
            return;
        }
        let (window, threshold) = self.recovery.prior();
        self.window.size = self.window.size.max(window);
        self.window.threshold = self.window.threshold.max(threshold);
        self.send.clear_lost();
        self.control.on_undo();
        self.recovery.forgive();
    }

    /// Lets RACK look; sets the reorder timer if it wants to look again.
    pub(super) fn find_losses(&mut self, now: Instant) {
        let (_, next) = self.recovery.detect(now, &mut self.send, &self.rtt);
        if let Some(wait) = next {
            self.alarms.resend = now + wait;
            self.alarms.purpose = Purpose::Reorder;
        } else if self.alarms.purpose == Purpose::Reorder {
            self.alarms.resend = NEVER;
            self.alarms.purpose = Purpose::TimeOut;
            self.rearm(now);
        }
    }

    pub(super) fn enter_recovery(&mut self) {
        let threshold = self.control.on_loss(&self.window);
        self.recovery.reduce(Phase::Recovery, self.window.size, threshold, &self.send);
        self.window.threshold = threshold;
    }
}
