//! One direction of a link.

use sofw_core::base::{Duration, Instant, Rng};

use super::{Burst, Conditions};

/// Why a link lost a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LossReason {
    /// The link is out of order.
    Outage,
    /// Random loss.
    Random,
    /// A burst of loss.
    Burst,
    /// The queue was full.
    Queue,
}

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It arrives then, and perhaps once more.
    Arrives(Instant, Option<Instant>),
    /// It is lost.
    Lost(LossReason),
}

/// What a direction of a link has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PipeCounters {
    /// Packets that were put in.
    pub packets: u64,
    /// Their bytes, IP header included.
    pub bytes: u64,
    /// Packets lost, in the order of [`LossReason`].
    pub lost: [u64; 4],
    /// Longest wait in the queue.
    pub queued_max: Duration,
}

/// One direction of a link: its conditions and what they depend on.
///
/// What every packet needs is together and small, the rest apart: a run goes from link to link, and memory is slower than arithmetic.
#[derive(Debug)]
pub struct Pipe {
    packets: u64,
    bytes: u64,
    /// When the link is free again.
    free_at: Instant,
    /// The last arrival: what was sent first arrives first.
    last_arrival: Instant,
    /// The delay in nanoseconds, if nothing else about a packet is left to chance or depends on its length.
    plain: Option<u64>,
    down: bool,
    rest: Box<Rest>,
}

#[derive(Debug)]
struct Rest {
    conditions: Conditions,
    rng: Rng,
    /// The present or next burst.
    burst: Option<(Instant, Instant)>,
    lost: [u64; 4],
    queued_max: Duration,
}

impl Pipe {
    /// A pipe with these conditions. `rng` is its own.
    pub fn new(conditions: Conditions, rng: Rng) -> Pipe {
        Pipe {
            packets: 0,
            bytes: 0,
            free_at: Instant::ZERO,
            last_arrival: Instant::ZERO,
            plain: plain(&conditions),
            down: false,
            rest: Box::new(Rest { conditions, rng, burst: None, lost: [0; 4], queued_max: Duration::ZERO }),
        }
    }

    /// The conditions now.
    pub fn conditions(&self) -> &Conditions {
        &self.rest.conditions
    }

    /// Changes the conditions for packets to come.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        if conditions.burst != self.rest.conditions.burst {
            self.rest.burst = None;
        }
        self.plain = plain(&conditions);
        self.rest.conditions = conditions;
    }

    /// Whether the link is out of order.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// Takes the link out of order or back.
    pub fn set_down(&mut self, down: bool) {
        self.down = down;
    }

    /// What it has done so far.
    pub fn counters(&self) -> PipeCounters {
        let Rest { lost, queued_max, .. } = *self.rest;
        PipeCounters { packets: self.packets, bytes: self.bytes, lost, queued_max }
    }

    /// A packet of `length` bytes enters at `now`.
    #[inline]
    pub fn send(&mut self, now: Instant, length: usize) -> Fate {
        self.packets += 1;
        self.bytes += length as u64;
        if let Some(delay) = self.plain.filter(|_| !self.down && self.free_at <= now) {
            self.last_arrival = self.last_arrival.max(Instant::from_nanos(now.as_nanos() + delay));
            return Fate::Arrives(self.last_arrival, None);
        }
        let fate = self.decide(now, length);
        if let Fate::Lost(reason) = fate {
            self.rest.lost[reason as usize] += 1;
        }
        fate
    }

    fn decide(&mut self, now: Instant, length: usize) -> Fate {
        if self.down {
            return Fate::Lost(LossReason::Outage);
        }
        let Conditions { delay, jitter, rate, queue, loss, burst, duplicate, reorder } = self.rest.conditions;
        if self.chance(loss) {
            return Fate::Lost(LossReason::Random);
        }
        if let Some(burst) = burst
            && self.in_burst(now, burst)
            && self.chance(burst.loss)
        {
            return Fate::Lost(LossReason::Burst);
        }
        // In whole nanoseconds: this is done for every packet.
        let start = self.free_at.max(now).as_nanos();
        let wait = start - now.as_nanos();
        if wait > nanos(queue) {
            return Fate::Lost(LossReason::Queue);
        }
        self.rest.queued_max = self.rest.queued_max.max(Duration::from_nanos(wait));
        let sent = match rate {
            Some(rate) => start + length as u64 * 8_000_000_000 / rate.max(1),
            None => start,
        };
        self.free_at = Instant::from_nanos(sent);
        let delay = nanos(delay);
        let mut arrival = sent + delay + self.jitter(nanos(jitter));
        if self.chance(reorder) {
            // Behind what is sent meanwhile, and not an obstacle to it.
            arrival += delay / 4 + nanos(REORDER_MIN);
        } else {
            arrival = arrival.max(self.last_arrival.as_nanos());
            self.last_arrival = Instant::from_nanos(arrival);
        }
        let arrival = Instant::from_nanos(arrival);
        let again = self.chance(duplicate).then(|| arrival + DUPLICATE_AFTER);
        Fate::Arrives(arrival, again)
    }

    /// True with this probability. Certain cases draw nothing.
    fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.fraction() < share
    }

    /// Uniform in 0..1.
    fn fraction(&mut self) -> f64 {
        (self.rest.rng.u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Most packets are hardly late, few are very: the cube of a uniform value.
    fn jitter(&mut self, most: u64) -> u64 {
        if most == 0 {
            return 0;
        }
        let fraction = self.fraction();
        (most as f64 * fraction * fraction * fraction) as u64
    }

    fn in_burst(&mut self, now: Instant, burst: Burst) -> bool {
        let (mut start, mut end) = match self.rest.burst {
            Some(window) => window,
            None => self.next_burst(now, burst),
        };
        while end <= now {
            (start, end) = self.next_burst(end, burst);
        }
        self.rest.burst = Some((start, end));
        start <= now
    }

    fn next_burst(&mut self, after: Instant, burst: Burst) -> (Instant, Instant) {
        let start = after + self.exponential(burst.every);
        (start, start + self.exponential(burst.length))
    }

    fn exponential(&mut self, mean: Duration) -> Duration {
        let fraction = self.fraction();
        // Never near zero, so that looking for the burst of an hour later ends soon whatever a scenario asks for.
        mean.mul_f64(-(1.0 - fraction).ln()).max(BURST_MIN)
    }
}

/// The delay in nanoseconds, if packets are delayed and nothing else.
fn plain(conditions: &Conditions) -> Option<u64> {
    let Conditions { delay, queue, .. } = *conditions;
    (*conditions == Conditions { delay, queue, ..Conditions::WIRE }).then(|| nanos(delay))
}

fn nanos(time: Duration) -> u64 {
    (Instant::ZERO + time).as_nanos()
}

/// Neither a burst nor the time between two is shorter.
const BURST_MIN: Duration = Duration::from_micros(100);
/// How long after a packet its double arrives.
const DUPLICATE_AFTER: Duration = Duration::from_micros(200);
/// A late packet is at least so late.
const REORDER_MIN: Duration = Duration::from_millis(5);
