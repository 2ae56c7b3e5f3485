//! What arrives on a media line: numbers, losses, jitter, sound and keys.

use super::super::g711;
use super::super::rtp::{RtpHeader, TelephoneEvent};
use super::super::tone::Tone;
use super::report::MediaReport;
use super::{Heard, Limits};
use crate::base::{Duration, Instant};

#[derive(Debug, Default)]
pub(super) struct Receiver {
    ssrc: Option<u32>,
    highest: u64,
    base: u64,
    /// Bit n: packet `highest - n` came.
    window: u64,
    first_timestamp: u32,
    transit: Option<i64>,
    /// In units of the RTP clock.
    jitter: f64,
    last_event: Option<u32>,
    tone_sought: usize,
    tone_found: bool,
}

impl Receiver {
    /// Counts the packet; `false` for a duplicate.
    pub fn take(
        &mut self,
        now: Instant,
        header: &RtpHeader,
        clock_rate: u32,
        limits: &Limits,
        report: &mut MediaReport,
    ) -> bool {
        let Some(number) = self.number(header, report) else {
            return false;
        };
        self.measure_jitter(now, header, clock_rate);
        report.jitter = Duration::from_nanos((self.jitter * 1e9 / f64::from(clock_rate)) as u64);
        let log = &mut report.received_log;
        if log.0 != header.ssrc {
            *log = (header.ssrc, Vec::new());
        }
        if log.1.len() < limits.log {
            log.1.push((number, now));
        }
        report.heard_from.get_or_insert(now);
        true
    }

    /// A telephone event: its key, if it begins.
    pub fn key(&mut self, header: &RtpHeader, payload: &[u8]) -> Option<Heard> {
        let event = TelephoneEvent::parse(payload)?;
        let fresh = self.last_event != Some(header.timestamp);
        self.last_event = Some(header.timestamp);
        event.key().filter(|_| fresh).map(Heard::Key)
    }

    /// PCMU voice: kept, and searched for a tone.
    pub fn hear(
        &mut self,
        header: &RtpHeader,
        payload: &[u8],
        limits: &Limits,
        report: &mut MediaReport,
    ) -> Option<Heard> {
        let at = header.timestamp.wrapping_sub(self.first_timestamp) as usize;
        let end = at.checked_add(payload.len()).filter(|&end| end <= limits.samples)?;
        let heard = &mut report.heard;
        if heard.len() < end {
            heard.resize(end, 0);
        }
        for (sample, &byte) in heard[at..end].iter_mut().zip(payload) {
            *sample = g711::decode(byte);
        }
        const LOOK: usize = g711::SAMPLE_RATE as usize / 2;
        if !limits.detect || self.tone_found || heard.len() < self.tone_sought + LOOK {
            return None;
        }
        self.tone_sought = heard.len();
        let tone = Tone::strongest(&heard[heard.len() - LOOK..])?;
        self.tone_found = true;
        Some(Heard::Tone(tone))
    }

    /// The packet's extended number; `None` for a duplicate.
    fn number(&mut self, header: &RtpHeader, report: &mut MediaReport) -> Option<u64> {
        if self.ssrc != Some(header.ssrc) {
            // A new source starts anew; what the former one lost stays counted.
            let number = u64::from(header.sequence);
            *self = Receiver {
                ssrc: Some(header.ssrc),
                highest: number,
                base: number,
                window: 1,
                first_timestamp: header.timestamp,
                ..Receiver::default()
            };
            report.received += 1;
            return Some(number);
        }
        let ahead = header.sequence.wrapping_sub(self.highest as u16);
        if ahead < 0x8000 && ahead > 0 {
            let ahead = u64::from(ahead);
            self.highest += ahead;
            self.window = if ahead < 64 { (self.window << ahead) | 1 } else { 1 };
            report.received += 1;
            report.lost += ahead - 1;
            return Some(self.highest);
        }
        let behind = u64::from((self.highest as u16).wrapping_sub(header.sequence));
        let bit = 1u64.checked_shl(behind as u32).unwrap_or(0);
        if bit == 0 || self.window & bit != 0 {
            report.duplicates += 1;
            return None;
        }
        let number = self.highest.checked_sub(behind)?;
        self.window |= bit;
        report.received += 1;
        report.reordered += 1;
        // Before the first packet nothing was counted as lost.
        if number > self.base {
            report.lost = report.lost.saturating_sub(1);
        }
        Some(number)
    }

    /// RFC 3550 §6.4.1, in units of the RTP clock.
    fn measure_jitter(&mut self, now: Instant, header: &RtpHeader, clock_rate: u32) {
        // Wide division costs more than all else here: whole seconds first.
        let (seconds, nanos) = (now.as_secs(), now.as_nanos() % 1_000_000_000);
        let rate = u64::from(clock_rate);
        let arrival = seconds.wrapping_mul(rate).wrapping_add(nanos * rate / 1_000_000_000);
        let transit = i64::from((arrival as u32).wrapping_sub(header.timestamp) as i32);
        if let Some(former) = self.transit.replace(transit) {
            let difference = (transit - former).unsigned_abs() as f64;
            self.jitter += (difference - self.jitter) / 16.0;
        }
    }
}
