//! What an acknowledgement says of our segments: delivery, loss, the window, the rate.

use sofw_core::base::{Duration, Instant};

use super::{Alarms, Events, NEVER, Purpose, Socket, Stage};
use crate::tcp::congestion::{Acked, Control, Sample, Trouble, Window};
use crate::tcp::recovery::Phase;
use crate::tcp::segment::Head;
use crate::tcp::send::{EVER_RESENT, LOST, Mark, RESENT, Record, SACKED};

/// What one acknowledgement brought.
#[derive(Default)]
struct News {
    /// `una` moved.
    advanced: bool,
    /// Segments newly known to have arrived.
    delivered: u32,
    newly_sacked: u32,
    /// It reports a duplicate (RFC 2883).
    duplicate: bool,
    /// Round trips of the oldest and newest segment acknowledged that was sent once.
    oldest: Option<Duration>,
    newest: Option<Duration>,
    /// Mark and sending time of the newest segment delivered.
    mark: Option<(Mark, Instant)>,
    echo: Option<u32>,
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

    /// Moves the congestion window.
    fn steer(&mut self, now: Instant, news: &News, lost: u32) {
        if self.control.pacing_rate().is_some() {
            self.steer_by_model(now, news, lost);
            return;
        }
        if matches!(self.recovery.phase, Phase::Reduced | Phase::Recovery) {
            self.reduce_window(news.delivered, news.advanced && lost == 0);
        } else if news.advanced && news.delivered > 0 {
            let acked = Acked {
                segments: news.delivered,
                rtt: news.newest,
                least_rtt: self.rtt.least(),
                una: self.send.una,
                nxt: self.send.nxt,
            };
            self.control.on_acked(now, &mut self.window, &acked);
        }
    }

    /// Proportional rate reduction, for a control that knows only the window.
    pub(super) fn reduce_window(&mut self, delivered: u32, clean: bool) {
        if !matches!(self.control, Control::Cubic(_)) {
            return;
        }
        let (in_flight, threshold) = (self.send.in_flight(), self.window.threshold);
        if let Some(size) = self.recovery.prr(delivered, in_flight, threshold, clean) {
            self.window.size = size;
        }
    }

    fn steer_by_model(&mut self, now: Instant, news: &News, lost: u32) {
        if self.send.app_limited > 0 && self.send.delivered > self.send.app_limited {
            self.send.app_limited = 0;
        }
        let in_flight = self.send.in_flight();
        let mut sample = Sample {
            rate: None,
            prior_delivered: 0,
            delivered: self.send.delivered,
            app_limited: false,
            rtt: news.newest,
            lost,
            acked: news.delivered,
            in_flight,
            trouble: match self.recovery.phase {
                Phase::Loss => Trouble::Loss,
                Phase::Recovery => Trouble::Recovery,
                _ => Trouble::None,
            },
        };
        if let Some((mark, sent)) = news.mark {
            // The slower of sending and acknowledging, so that bunched acknowledgements do not look like rate.
            let sending = sent.since(mark.first_sent);
            let acking = now.since(mark.delivered_at);
            let interval = sending.max(acking);
            self.send.first_sent = sent;
            sample.prior_delivered = mark.delivered;
            sample.app_limited = mark.app_limited;
            if interval >= self.rtt.least() && !interval.is_zero() {
                sample.rate = Some((self.send.delivered - mark.delivered) as f64 / interval.as_secs_f64());
            }
        }
        let Control::Bbr(bbr) = &mut self.control else { return };
        if bbr.on_sample(now, &mut self.window, &sample) {
            self.send.app_limited = (self.send.delivered + u64::from(in_flight)).max(1);
        }
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

    /// Notes how the window is used after sending or being stopped.
    pub(super) fn note_use(&mut self, now: Instant, limited: bool) {
        let decays = matches!(self.control, Control::Cubic(_))
            && self.recovery.phase == Phase::Open
            && !self.wants_writable;
        let usage = crate::tcp::congestion::Usage {
            una: self.send.una,
            nxt: self.send.nxt,
            out: self.send.records.len() as u32,
            limited,
        };
        let idle_after = decays.then(|| self.rtt.timeout());
        Window::note_use(&mut self.window, now, usage, idle_after);
    }
}

impl Alarms {
    pub(super) fn is_persisting(&self) -> bool {
        self.purpose == Purpose::Persist && self.resend != NEVER
    }
}
