//! Moving the congestion window.

use sofw_core::base::Instant;

use super::Socket;
use super::acknowledge::News;
use crate::tcp::congestion::{Acked, Control, Sample, Trouble, Usage};
use crate::tcp::recovery::Phase;

impl Socket {
    /// Moves the congestion window.
    pub(super) fn steer(&mut self, now: Instant, news: &News, lost: u32) {
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

    /// Notes how the window is used after sending or being stopped.
    pub(super) fn note_use(&mut self, now: Instant, limited: bool) {
        let decays = matches!(self.control, Control::Cubic(_))
            && self.recovery.phase == Phase::Open
            && !self.wants_writable;
        let usage =
            Usage { una: self.send.una, nxt: self.send.nxt, out: self.send.records.len() as u32, limited };
        let idle_after = decays.then(|| self.rtt.timeout());
        self.window.note_use(now, usage, idle_after);
    }
}
