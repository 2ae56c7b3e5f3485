//! The jitter buffer's one decision: how long after its sending a packet is played.

use sofw_core::base::Duration;

/// An adaptive jitter buffer that follows a high percentile of the one-way time.
///
/// As Moon, Kurose and Towsley ("Packet audio playout delay adjustment", Multimedia Systems 6, 1998, algorithm 3) it keeps the
/// one-way times of the last packets in a histogram and aims at the time that all but a small share of them did not exceed. As
/// phones with time stretching do (WebRTC's NetEq), it moves there while the talker speaks: up by at most one packet of
/// concealment each packet, down by a twentieth of a packet each packet, which no ear notices. The cushion above the shortest
/// time of the window starts at 60 ms and stays within 20 and 200 ms, the usual settings of desk phones.
#[derive(Clone, Debug)]
pub struct Playout {
    /// Times are nanoseconds: this runs for each packet of each call.
    ptime: u64,
    /// Time from sending to playing.
    now: u64,
    /// Buckets of the last packets, a ring.
    ring: [u16; WINDOW],
    seen: u64,
    counts: Box<[u16; BUCKETS]>,
    /// The percentile: its bucket, and how many of the window lie in lower buckets.
    bucket: usize,
    below: u32,
    /// Shortest time of this half of the window and of the one before.
    shortest: [u64; 2],
}

impl Playout {
    /// A buffer for packets of `ptime` that has heard nothing.
    pub fn new(ptime: Duration) -> Self {
        Playout {
            ptime: ptime.as_nanos() as u64,
            now: 0,
            ring: [0; WINDOW],
            seen: 0,
            counts: Box::new([0; BUCKETS]),
            bucket: 0,
            below: 0,
            shortest: [u64::MAX; 2],
        }
    }

    /// Takes the one-way time of a packet, nanoseconds. Says how long after its sending it was to be played; it came too late if its
    /// time is longer.
    pub fn packet(&mut self, delay: u64) -> u64 {
        if self.seen == 0 {
            self.now = delay + CUSHION_START;
        }
        let played_after = self.now;
        self.remember(delay);
        let target = self.target();
        self.now = if target > self.now {
            target.min(self.now + self.ptime)
        } else {
            target.max(self.now.saturating_sub(self.ptime / STRETCH))
        };
        played_after
    }

    /// How long after its sending the next packet will be played.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    fn target(&self) -> u64 {
        let base = self.shortest[0].min(self.shortest[1]);
        let least = if self.seen < YOUNG { CUSHION_START } else { CUSHION_MIN };
        upper_end(self.bucket).clamp(base + least, base + CUSHION_MAX)
    }

    fn remember(&mut self, delay: u64) {
        let slot = (self.seen % WINDOW as u64) as usize;
        if self.seen >= WINDOW as u64 {
            self.change(usize::from(self.ring[slot]), false);
        }
        let bucket = bucket(delay);
        self.ring[slot] = bucket as u16;
        self.change(bucket, true);
        if self.seen.is_multiple_of(WINDOW as u64 / 2) {
            self.shortest = [u64::MAX, self.shortest[0]];
        }
        self.shortest[0] = self.shortest[0].min(delay);
        self.seen += 1;
        self.settle();
    }

    fn change(&mut self, bucket: usize, more: bool) {
        let below = u32::from(bucket < self.bucket);
        if more {
            self.counts[bucket] += 1;
            self.below += below;
        } else {
            self.counts[bucket] -= 1;
            self.below -= below;
        }
    }

    /// Walks to the bucket of the percentile; one packet moves it a few buckets at most unless the path changed.
    fn settle(&mut self) {
        let held = self.seen.min(WINDOW as u64) as u32;
        let rank = held - held / SPARED;
        while self.below >= rank {
            self.bucket -= 1;
            self.below -= u32::from(self.counts[self.bucket]);
        }
        while self.below + u32::from(self.counts[self.bucket]) < rank {
            self.below += u32::from(self.counts[self.bucket]);
            self.bucket += 1;
        }
    }
}

fn bucket(nanos: u64) -> usize {
    let bucket = if nanos < FINE_END { nanos / FINE } else { FINE_BUCKETS + (nanos - FINE_END) / COARSE };
    (bucket as usize).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match bucket {
        0..FINE_BUCKETS => (bucket + 1) * FINE,
        _ => FINE_END + (bucket - FINE_BUCKETS + 1) * COARSE,
    }
}

/// Packets that the percentile looks at: 10 s of 20 ms.
const WINDOW: usize = 512;
/// One packet of so many may come later than the percentile.
const SPARED: u32 = 100;
/// Packets until the cushion may shrink below its start.
const YOUNG: u64 = 50;
const CUSHION_START: u64 = 60_000_000;
const CUSHION_MIN: u64 = 20_000_000;
const CUSHION_MAX: u64 = 200_000_000;
/// The part of a packet's time by which one packet may be shortened.
const STRETCH: u64 = 20;

/// Buckets of 2 ms up to 0.5 s, then of 62.5 ms up to 8 s: a buffer needs no finer ones.
const FINE: u64 = 2_000_000;
const FINE_BUCKETS: u64 = 250;
const FINE_END: u64 = FINE * FINE_BUCKETS;
const COARSE: u64 = 62_500_000;
const BUCKETS: usize = 250 + 120;
