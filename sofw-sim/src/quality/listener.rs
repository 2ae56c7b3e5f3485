//! One direction of a call as it is heard.

use sofw_core::base::{Duration, Instant};

use super::numbers::{Misses, Seen};
use super::playout::Playout;
use super::seconds::Seconds;
use crate::record::{Hearing, Histogram};

/// Listens to one talker, packet by packet.
///
/// The talker numbers the packets that it sends without a hole, so that what is missing was lost; a pause (hold, mute, silence)
/// sends nothing, takes no number, and is neither a loss nor a gap. A beginning or an end that was not heard is a gap. Order of
/// calls: `sent(n)` before `packet(n)`; packets that were never announced by `sent` (the talker was not in the call yet) are not
/// counted.
#[derive(Clone, Debug)]
pub struct Listener {
    ptime: Duration,
    sent: u64,
    first_sent: u64,
    /// Times of the last packets sent, by number.
    sent_at: [Instant; UNDERWAY_MAX],
    next_number: u64,
    seen: Seen,
    received: u64,
    duplicates: u64,
    reordered: u64,
    late: u64,
    delay: Histogram,
    playout: Playout,
    seconds: Seconds,
    played: u64,
    /// Sum of the times from sending to playing of all packets played, nanoseconds.
    played_nanos: u64,
    /// The newest packet so far: number and time of sending.
    newest: Option<(u64, Instant)>,
    span: Option<(Instant, Instant)>,
    gap: Duration,
    misses: Misses,
}

impl Listener {
    /// A listener of packets that hold `ptime` of voice each.
    pub fn new(ptime: Duration) -> Self {
        Listener {
            ptime,
            sent: 0,
            first_sent: 0,
            sent_at: [Instant::ZERO; UNDERWAY_MAX],
            next_number: 0,
            seen: Seen::default(),
            received: 0,
            duplicates: 0,
            reordered: 0,
            late: 0,
            delay: Histogram::default(),
            playout: Playout::new(ptime),
            seconds: Seconds::default(),
            played: 0,
            played_nanos: 0,
            newest: None,
            span: None,
            gap: Duration::ZERO,
            misses: Misses::default(),
        }
    }

    /// The talker sent packet `number` at `at`, and both are in the call. Numbers rise by one.
    pub fn sent(&mut self, number: u64, at: Instant) {
        if self.sent == 0 {
            self.first_sent = number;
            self.misses = Misses::from(number);
        }
        self.sent += 1;
        self.next_number = number + 1;
        self.sent_at[slot(number)] = at;
        self.seconds.sent(at);
    }

    /// Packet `number`, sent at `sent_at`, came at `arrived`.
    pub fn packet(&mut self, number: u64, sent_at: Instant, arrived: Instant) {
        if self.sent == 0 || number < self.first_sent || number >= self.next_number {
            return;
        }
        if !self.seen.add(number) {
            self.duplicates += 1;
            return;
        }
        self.received += 1;
        let delay = arrived.as_nanos().saturating_sub(sent_at.as_nanos());
        let played_after = self.playout.packet(delay);
        let late = delay > played_after;
        self.late += u64::from(late);
        if !late {
            self.played += 1;
            self.played_nanos += played_after;
            self.misses.played(number);
        }
        self.delay.add(Duration::from_nanos(delay));
        self.seconds.received(sent_at, delay, late);
        self.arrival(number, sent_at, arrived);
    }

    /// How long after its sending the jitter buffer plays the next packet.
    pub fn playout_delay(&self) -> Duration {
        self.playout.delay()
    }

    /// Ends the hearing at `ended`. Packets that would have been played only after that do not count as lost.
    pub fn finish(mut self, listener: &str, talker: &str, ended: Instant) -> Hearing {
        self.forgive_underway(ended);
        self.gap = self.gap.max(self.silence_at_the_end());
        let mut hearing = Hearing {
            listener: listener.to_owned(),
            talker: talker.to_owned(),
            sent: self.sent,
            received: self.received,
            duplicates: self.duplicates,
            reordered: self.reordered,
            late: self.late,
            delay: self.delay,
            mouth_to_ear: Duration::ZERO,
            gap: self.gap,
            span: self.span,
            mos: 0.0,
            seconds: self.seconds.into_vec(),
        };
        if let Some(mean) = self.played_nanos.checked_div(self.played) {
            // The first sound of a packet waited in the talker's phone until the packet was full.
            hearing.mouth_to_ear = Duration::from_nanos(mean) + self.ptime;
            let missed = hearing.missed_share();
            let bursts = self.misses.burst_ratio(hearing.lost() + hearing.late, hearing.sent);
            hearing.mos = super::mos(hearing.mouth_to_ear, missed, bursts);
        }
        hearing
    }

    fn arrival(&mut self, number: u64, sent_at: Instant, arrived: Instant) {
        let (first, last) = self.span.unwrap_or((arrived, arrived));
        self.span = Some((first, arrived));
        match self.newest {
            Some((newest, _)) if number < newest => {
                self.reordered += 1;
                self.gap = self.gap.max(arrived.since(last));
            }
            Some((newest, newest_sent)) => {
                let pause = sent_at.since(newest_sent).saturating_sub(self.voice(number - newest));
                self.gap = self.gap.max(arrived.since(last).saturating_sub(pause));
                self.newest = Some((number, sent_at));
            }
            None => {
                self.gap = self.voice(number - self.first_sent);
                self.newest = Some((number, sent_at));
            }
        }
    }

    /// Takes the last packets back that never came but could not have been played before the end.
    fn forgive_underway(&mut self, ended: Instant) {
        let patience = self.playout.delay().max(PATIENCE_MIN);
        let known_from = self.next_number.saturating_sub(UNDERWAY_MAX as u64).max(self.unheard_from());
        while self.next_number > known_from {
            let at = self.sent_at[slot(self.next_number - 1)];
            if at + patience <= ended {
                break;
            }
            self.next_number -= 1;
            self.sent -= 1;
            self.seconds.unsent(at);
        }
    }

    /// Voice that was sent after the newest packet that came.
    fn silence_at_the_end(&self) -> Duration {
        self.voice(self.next_number.saturating_sub(self.unheard_from()))
    }

    /// The first number of which nothing newer came.
    fn unheard_from(&self) -> u64 {
        self.newest.map_or(self.first_sent, |(newest, _)| newest + 1)
    }

    /// The time that so many packets speak.
    fn voice(&self, packets: u64) -> Duration {
        self.ptime * u32::try_from(packets).unwrap_or(u32::MAX)
    }
}

fn slot(number: u64) -> usize {
    (number % UNDERWAY_MAX as u64) as usize
}

/// Packets of which the listener knows the time of sending: more than any jitter buffer waits for.
const UNDERWAY_MAX: usize = 64;
/// How long before the end a packet that did not come is forgiven at least, also when none ever came.
const PATIENCE_MIN: Duration = Duration::from_millis(100);
