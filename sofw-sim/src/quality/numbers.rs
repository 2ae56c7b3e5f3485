//! Numbers of packets: which came, and which were missed in a row.

/// Which of the last numbers came: a window that ends at the highest.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// One above the highest; 0 before the first.
    next: u64,
    words: [u64; SEEN_MAX / 64],
}

impl Seen {
    /// Whether it is new. What lies before the window is taken as seen: nobody waits so long for voice.
    pub(super) fn add(&mut self, number: u64) -> bool {
        if number >= self.next {
            let skipped = (number + 1 - self.next).min(SEEN_MAX as u64);
            if skipped == SEEN_MAX as u64 {
                self.words = [0; SEEN_MAX / 64];
            } else {
                (self.next..number).for_each(|between| self.words[word(between)] &= !bit(between));
            }
            self.next = number + 1;
            self.words[word(number)] |= bit(number);
            return true;
        }
        if self.next - number > SEEN_MAX as u64 {
            return false;
        }
        let new = self.words[word(number)] & bit(number) == 0;
        self.words[word(number)] |= bit(number);
        new
    }
}

fn word(number: u64) -> usize {
    number as usize % SEEN_MAX / 64
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

/// Runs of packets that were not played, in the order of numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Misses {
    /// The number that would be played next if nothing were missed.
    next: u64,
    runs: u64,
}

impl Misses {
    /// None yet; `number` is the first to be played.
    pub(super) fn from(number: u64) -> Self {
        Misses { next: number, runs: 0 }
    }

    pub(super) fn played(&mut self, number: u64) {
        self.runs += u64::from(number > self.next);
        self.next = self.next.max(number + 1);
    }

    /// ITU-T G.107 §7.5: mean length of the runs against that of as many misses at random.
    pub(super) fn burst_ratio(&self, missed: u64, sent: u64) -> f64 {
        let runs = self.runs + u64::from(missed > 0 && self.runs == 0);
        if runs == 0 || sent == 0 {
            return 1.0;
        }
        let mean = missed as f64 / runs as f64;
        mean * (1.0 - missed as f64 / sent as f64)
    }
}

/// Packets back that a copy is recognised: 20 s of 20 ms.
const SEEN_MAX: usize = 1_024;
