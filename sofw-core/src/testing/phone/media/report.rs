//! What one media line of one call sent and heard.

use super::super::g711;
use super::super::tone::Tone;
use crate::base::{Duration, Instant};

/// What was sent and heard in one call. Two reports of one call, with one clock, give the one-way delays.
#[derive(Clone, Debug, Default)]
pub struct MediaReport {
    /// RTP packets sent.
    pub sent: u64,
    /// Different RTP packets received.
    pub received: u64,
    /// Packets received twice.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Packets that never came, by gaps in the sequence numbers.
    pub lost: u64,
    /// RTCP packets sent and received.
    pub rtcp: [u64; 2],
    /// Interarrival jitter (RFC 3550 §6.4.1), as of the last packet.
    pub jitter: Duration,
    /// What was heard, from the first packet on, 16-bit at 8000 samples per second; lost packets are silence. Empty for
    /// video and for phones whose voice is stamped.
    pub heard: Vec<i16>,
    /// When the first packet came.
    pub heard_from: Option<Instant>,
    /// SSRC and packet numbers sent, with the time of each: `sent_log[n]` is number `first + n`.
    pub sent_log: (u32, u64, Vec<Instant>),
    /// SSRC received last, and number and time of each packet.
    pub received_log: (u32, Vec<(u64, Instant)>),
}

impl MediaReport {
    /// The tone heard in the whole call, if there is one.
    pub fn tone(&self) -> Option<Tone> {
        // Ringing, hold and the cut at the end do not belong to the tone: a second from the middle is enough.
        let middle = self.heard.len() / 2;
        let half = (g711::SAMPLE_RATE as usize / 2).min(middle);
        Tone::strongest(&self.heard[middle - half..middle + half])
    }

    /// One-way delays of the packets that `self` sent and `receiver` got, in order of arrival. Both phones must have
    /// had the same clock.
    pub fn delays_to(&self, receiver: &MediaReport) -> Vec<Duration> {
        let (ssrc, first, times) = &self.sent_log;
        if receiver.received_log.0 != *ssrc {
            return Vec::new();
        }
        let sent_at = |number: u64| times.get(usize::try_from(number.checked_sub(*first)?).ok()?);
        receiver.received_log.1.iter().filter_map(|&(number, at)| Some(at.since(*sent_at(number)?))).collect()
    }
}
