//! Whether late voice is known as such, and nothing else for late.

use proptest::prelude::*;

use super::*;

/// What may be late at most, milliseconds.
const LATE: u64 = (AGE.as_millis() + RECEIPT_INTERVAL_MAX.as_millis()) as u64;
/// When the sender's session began, on a clock that has nothing to do with the receiver's.
const BEGAN: u64 = 1_000_000;

/// A receiver, and a sender whose clock goes faster by some millionths. Times in milliseconds on the receiver's clock.
struct Way {
    clock: ArrivalClock,
    ahead_ppm: i64,
}

impl Way {
    fn new(ahead_ppm: i64) -> Way {
        Way { clock: ArrivalClock::new(at(BEGAN), AGE), ahead_ppm }
    }

    /// Whether a record is late that was filled at `sent` and arrives at `now`.
    fn is_late(&mut self, sent: u64, now: u64) -> bool {
        let since = (sent - BEGAN) as i64;
        let on_its_clock = since + since * self.ahead_ppm / 1_000_000;
        self.clock.arrived(at(now), Duration::from_millis(on_its_clock as u64))
    }

    /// A record each 20 ms from `from` to `to` that is under way for `delay`. Gives when late ones were sent.
    fn voice(&mut self, from: u64, to: u64, mut delay: impl FnMut(u64) -> u64) -> Vec<u64> {
        let records = (from..to).step_by(20);
        let late = |sent: &u64| self.is_late(*sent, sent + delay(*sent));
        records.filter(late).collect()
    }

    /// Pings alone.
    fn silence(&mut self, from: u64, to: u64, delay: u64) {
        for sent in (from..to).step_by(PING_INTERVAL.as_millis() as usize) {
            assert!(!self.is_late(sent, sent + delay));
        }
    }

    /// The line is dead from `from` on for `length`; then it carries so much more than the voice that speaks on that a
    /// backlog like this one is through after `within`, and more comes meanwhile. Gives of the records that are late how many
    /// were taken for late and how many were not, and the same of those that are not, and when all is well again.
    fn outage(&mut self, from: u64, length: u64, within: u64, delay: u64) -> ([[usize; 2]; 2], u64) {
        let mut counts = [[0; 2]; 2];
        let well = from + length * length / (length - within);
        for sent in (from..well).step_by(20) {
            let waits = (from + length + (sent - from) * within / length).saturating_sub(sent);
            // Clocks drift by some milliseconds meanwhile.
            if waits.abs_diff(LATE) > 20 {
                counts[usize::from(waits < LATE)][usize::from(!self.is_late(sent, sent + waits + delay))] +=
                    1;
            }
        }
        (counts, well)
    }
}

#[test]
fn what_an_outage_kept_is_late_and_what_follows_is_not() {
    for (length, within) in [(1_000, 0), (10_000, 30), (10_000, 1_500), (30_000, 8_000)] {
        let mut way = Way::new(0);
        assert_eq!(way.voice(BEGAN, BEGAN + 5_000, |_| 40), []);
        let from = BEGAN + 5_000;
        let ([[late, missed], [accused, fresh]], well) = way.outage(from, length, within, 40);
        assert!(late as u64 >= (length - LATE - 20) / 20, "{late} in {length} ms");
        assert_eq!((missed, accused), (0, 0), "{length} ms within {within} ms");
        assert!(fresh > 0);
        assert_eq!(way.voice(well, well + 5_000, |_| 40), []);
    }
}

#[test]
fn a_backlog_that_comes_in_bursts_is_late_to_its_end() {
    let mut way = Way::new(0);
    assert_eq!(way.voice(BEGAN, BEGAN + 5_000, |_| 40), []);
    // Ten seconds of voice in five bursts, two seconds apart, each at the pace of the line.
    let from = BEGAN + 5_000;
    for sent in (from..from + 10_000).step_by(20) {
        let (burst, within) = ((sent - from) / 2_000, (sent - from) % 2_000 / 50);
        let now = from + 10_000 + burst * 2_000 + within;
        assert!(way.is_late(sent, now), "sent {} ms ago", now - sent);
    }
}

#[test]
fn a_longer_way_is_silent_for_three_seconds_at_most() {
    for (delay, longer) in [(20, 320), (20, 5_000), (200, 700)] {
        let mut way = Way::new(0);
        assert_eq!(way.voice(BEGAN, BEGAN + 5_700, |_| delay), []);
        // Also with 100 ms of jitter.
        let late = way.voice(BEGAN + 5_700, BEGAN + 20_000, |sent| delay + longer + sent * 7_919 % 100);
        let from = BEGAN + 5_700;
        assert_eq!(late.first(), Some(&from));
        assert!(late.last().is_some_and(|last| *last <= from + 3_200), "{late:?}");
    }
}

#[test]
fn after_long_silence_drifted_clocks_silence_nobody() {
    for ahead_ppm in [-500, 0, 500] {
        let mut way = Way::new(ahead_ppm);
        let call = BEGAN + 4 * 3_600_000;
        way.silence(BEGAN, call, 50);
        assert_eq!(way.voice(call, call + 5_000, |_| 50), [], "{ahead_ppm} ppm");
        // In the silence of an outage the base is kept.
        assert!(way.is_late(call + 5_000, call + 65_000));
    }
}

#[test]
fn the_first_records_of_a_session_are_heard() {
    let mut way = Way::new(0);
    assert!(!way.is_late(BEGAN, BEGAN + 700), "the first is what is usual");
    assert_eq!(way.voice(BEGAN + 20, BEGAN + 3_000, |_| 60), [], "a lower lag counts at once");
    assert!(way.is_late(BEGAN + 3_000, BEGAN + 3_000 + 60 + LATE + 2));
}

#[test]
fn an_absurd_time_of_sending_is_no_trouble() {
    let mut clock = ArrivalClock::new(at(0), AGE);
    for (now, sent) in [(0, u64::MAX), (u64::MAX / 1_000_000, 0), (u64::MAX / 1_000_000, u64::MAX)] {
        clock.arrived(at(now), Duration::from_millis(sent));
    }
    let mut clock = ArrivalClock::new(at(0), Duration::from_secs(u64::MAX));
    assert!(!clock.arrived(at(1), Duration::ZERO));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the clocks, on ways of any length and with jitter within the limit, over several connections and through
    /// silence, nobody is silenced; and then an outage's voice is late, and a longer way is learnt.
    #[test]
    fn a_healthy_tunnel_is_heard_and_an_outage_is_not(
        ahead_ppm in -500..500_i64, delay in 0..800_u64, jitter in 0..LATE - 10, seed: u32,
        silence_s in 0..7_200_u64, (length, within) in (500..20_000_u64, 0..6_000_u64), longer in 300..3_000_u64,
    ) {
        let mut way = Way::new(ahead_ppm);
        // Each record takes another time, as if each went on another connection: they overtake each other.
        let any = |sent: u64| delay + (sent ^ u64::from(seed)).wrapping_mul(0x9e37_79b9_7f4a_7c15) % (jitter + 1);
        let mut records: Vec<_> = (BEGAN..BEGAN + 10_000).step_by(20).map(|sent| (sent + any(sent), sent)).collect();
        records.sort_unstable();
        for (now, sent) in records {
            prop_assert!(!way.is_late(sent, now));
        }
        let call = BEGAN + 11_000 + silence_s * 1_000;
        way.silence(BEGAN + 11_000, call, delay);
        prop_assert_eq!(way.voice(call, call + 3_000, |_| delay), []);

        let from = call + 3_000;
        // What falls by less than 2 % a second is not told from a longer way.
        let within = within.min(length * 4 / 5);
        let ([[late, missed], [accused, _]], back) = way.outage(from, length, within, delay);
        prop_assert!(late > 0);
        prop_assert_eq!((missed, accused), (0, 0));

        prop_assert_eq!(way.voice(back, back + 3_000, |_| delay), []);
        let late = way.voice(back + 3_000, back + 10_000, |_| delay + longer);
        prop_assert!(late.first() == Some(&(back + 3_000)) && late.last().is_some_and(|last| *last < back + 6_200));
    }
}
