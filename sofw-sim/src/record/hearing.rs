//! What one listener heard of one talker.

use sofw_core::base::{Duration, Instant};

/// Times in buckets of 0.25 ms up to 1 s, then of 50 ms up to 30 s; beyond, the last bucket.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Histogram {
    buckets: Vec<u32>,
    count: u64,
    longest: Duration,
}

impl Histogram {
    /// Counts a time.
    pub fn add(&mut self, time: Duration) {
        let nanos = time.as_nanos() as u64;
        let bucket = match nanos {
            0..1_000_000_000 => nanos / FINE,
            _ => FINE_BUCKETS + ((nanos - 1_000_000_000) / COARSE).min(COARSE_BUCKETS),
        } as usize;
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.longest = self.longest.max(time);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.longest
    }

    /// The time that this share (0 to 1) of all does not exceed, to the bucket's upper end; zero without any.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, &count) in self.buckets.iter().enumerate() {
            seen += u64::from(count);
            if seen >= wanted {
                return upper_end(bucket as u64).min(self.longest);
            }
        }
        self.longest
    }

    /// How many exceeded `limit`, to the bucket.
    pub fn beyond(&self, limit: Duration) -> u64 {
        let above = self.buckets.iter().enumerate().filter(|(bucket, _)| upper_end(*bucket as u64) > limit);
        above.map(|(_, &count)| u64::from(count)).sum()
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Histogram) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }
}

fn upper_end(bucket: u64) -> Duration {
    Duration::from_nanos(match bucket {
        0..FINE_BUCKETS => (bucket + 1) * FINE,
        _ => 1_000_000_000 + (bucket - FINE_BUCKETS + 1) * COARSE,
    })
}

const FINE: u64 = 250_000;
const FINE_BUCKETS: u64 = 4_000;
const COARSE: u64 = 50_000_000;
const COARSE_BUCKETS: u64 = 580;

/// One direction of a call.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Hearing {
    /// Who hears.
    pub listener: String,
    /// Whom.
    pub talker: String,
    /// Packets that the talker sent while both were in the call.
    pub sent: u64,
    /// Packets that came.
    pub received: u64,
    /// Of these, how many came again.
    pub duplicates: u64,
    /// Of these, how many came after a later one.
    pub reordered: u64,
    /// Of these, how many came after the jitter buffer had given them up.
    pub late: u64,
    /// One-way times, from the talker's phone to the listener's.
    pub delay: Histogram,
    /// Mouth to ear: one-way time and the jitter buffer's wait, mean over all packets played.
    pub mouth_to_ear: Duration,
    /// Longest time without a packet between the first and the last, silence that was meant left out.
    pub gap: Duration,
    /// First and last packet.
    pub span: Option<(Instant, Instant)>,
    /// Mean opinion score (ITU-T G.107); 0 if nothing was heard.
    pub mos: f64,
    /// Each second of the call.
    pub seconds: Vec<Second>,
}

impl Hearing {
    /// Packets that never came.
    pub fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }

    /// Share of packets that were not played: lost or late.
    pub fn missed_share(&self) -> f64 {
        share(self.lost() + self.late, self.sent)
    }

    /// Share of packets that came too late.
    pub fn late_share(&self) -> f64 {
        share(self.late, self.sent)
    }

    /// Share of packets that never came.
    pub fn lost_share(&self) -> f64 {
        share(self.lost(), self.sent)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One second of a hearing.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Second {
    /// Seconds since the start of the run.
    pub second: u32,
    /// Packets sent in it, received in it, late in it.
    pub sent: u16,
    /// See above.
    pub received: u16,
    /// See above.
    pub late: u16,
    /// Shortest, mean and longest one-way time of those received, microseconds.
    pub delay_us: [u32; 3],
}
