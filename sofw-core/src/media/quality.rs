//! RTP quality of one direction, from sequence numbers and time stamps only: works without RTCP and under SRTP.

use crate::base::{Duration, Instant};

/// Loss by sequence numbers and interarrival jitter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quality {
    ssrc: u32,
    first: u64,
    highest: u64,
    /// Packets of finished sources (an SSRC change starts a new count).
    former: (u64, u64),
    received: u64,
    transit: i64,
    /// RFC 3550 §A.8: scaled by 16, in time stamp units.
    jitter: u64,
    clock_hz: u32,
}

impl Quality {
    /// Takes one datagram; anything that is not RTP version 2 is ignored.
    pub fn observe(&mut self, now: Instant, bytes: &[u8]) {
        let Some(&[first, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3]) = bytes.first_chunk::<12>() else {
            return;
        };
        // RFC 5761 §4: payload types 64…95 are RTCP on a multiplexed port.
        let payload_type = second & 0x7f;
        if first >> 6 != 2 || (64..96).contains(&payload_type) {
            return;
        }
        let sequence = u16::from_be_bytes([s0, s1]);
        let ssrc = u32::from_be_bytes([r0, r1, r2, r3]);
        if self.received == 0 || ssrc != self.ssrc {
            self.start(ssrc, sequence);
        }
        self.count(sequence);
        self.jitter(now, payload_type, u32::from_be_bytes([t0, t1, t2, t3]));
    }

    /// Packets that the sequence numbers say were sent, over all sources.
    pub const fn expected(&self) -> u64 {
        self.former.0 + self.expected_now()
    }

    /// Packets expected but not seen (RFC 3550 §A.3); duplicates can hide a loss.
    pub const fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.former.1 + self.received)
    }

    /// Interarrival jitter, if the payload type's clock is known (RFC 3551 §6).
    pub fn jitter_now(&self) -> Option<Duration> {
        (self.clock_hz > 0)
            .then(|| Duration::from_nanos((self.jitter >> 4) * 1_000_000_000 / u64::from(self.clock_hz)))
    }

    const fn expected_now(&self) -> u64 {
        if self.received == 0 { 0 } else { self.highest - self.first + 1 }
    }

    fn start(&mut self, ssrc: u32, sequence: u16) {
        self.former = (self.expected(), self.former.1 + self.received);
        self.ssrc = ssrc;
        self.received = 0;
        self.first = u64::from(sequence) + 0x1_0000;
        self.highest = self.first;
        self.clock_hz = 0;
    }

    fn count(&mut self, sequence: u16) {
        self.received += 1;
        // Signed distance from the highest one extends the 16-bit number (RFC 3550 §A.1).
        let step = sequence.wrapping_sub(self.highest as u16) as i16;
        if step > 0 {
            self.highest += step as u64;
        } else {
            let extended = self.highest.saturating_sub(u64::from(step.unsigned_abs()));
            self.first = self.first.min(extended);
        }
    }

    fn jitter(&mut self, now: Instant, payload_type: u8, timestamp: u32) {
        let Some(clock_hz) = clock_hz(payload_type) else { return };
        let (nanos, hz) = (now.as_nanos(), u64::from(clock_hz));
        // Seconds and their parts apart, or the product would need 128 bits.
        let part = nanos % 1_000_000_000 * hz / 1_000_000_000;
        let arrival = (nanos / 1_000_000_000).wrapping_mul(hz).wrapping_add(part) as u32;
        let transit = i64::from(arrival.wrapping_sub(timestamp) as i32);
        if self.clock_hz == clock_hz {
            let distance = (transit - self.transit).unsigned_abs().min(u64::from(u32::MAX));
            self.jitter = self.jitter + distance - ((self.jitter + 8) >> 4);
        }
        self.clock_hz = clock_hz;
        self.transit = transit;
    }
}

/// The RTP clock of a static payload type (RFC 3551 §6, tables 4 and 5). Dynamic ones would need the SDP.
const fn clock_hz(payload_type: u8) -> Option<u32> {
    match payload_type {
        0 | 3..=5 | 7..=9 | 12 | 15 | 18 => Some(8_000),
        6 => Some(16_000),
        16 => Some(11_025),
        17 => Some(22_050),
        10 | 11 => Some(44_100),
        14 | 25 | 26 | 28 | 31..=34 => Some(90_000),
        _ => None,
    }
}
