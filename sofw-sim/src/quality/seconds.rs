//! A hearing second by second.

use sofw_core::base::Instant;

use crate::record::Second;

/// Counts of each second in which the talker sent. A packet counts in the second of its sending, so that the lost ones of a second
/// are those sent in it less those received of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seconds {
    seconds: Vec<(Second, u64)>,
}

impl Seconds {
    pub(super) fn sent(&mut self, at: Instant) {
        if let Some((second, _)) = self.of(at) {
            second.sent = second.sent.saturating_add(1);
        }
    }

    /// Takes back a packet sent at `at`.
    pub(super) fn unsent(&mut self, at: Instant) {
        if let Some((second, _)) = self.of(at) {
            second.sent = second.sent.saturating_sub(1);
        }
    }

    pub(super) fn received(&mut self, sent_at: Instant, delay_nanos: u64, late: bool) {
        let micros = u32::try_from(delay_nanos / 1_000).unwrap_or(u32::MAX);
        let Some((second, sum)) = self.of(sent_at) else { return };
        let [shortest, _, longest] = &mut second.delay_us;
        *shortest = if second.received == 0 { micros } else { micros.min(*shortest) };
        *longest = micros.max(*longest);
        *sum += u64::from(micros);
        second.received = second.received.saturating_add(1);
        second.late = second.late.saturating_add(u16::from(late));
    }

    pub(super) fn into_vec(self) -> Vec<Second> {
        let with_mean = self.seconds.into_iter().map(|(mut second, sum)| {
            second.delay_us[1] = sum.checked_div(u64::from(second.received)).unwrap_or(0) as u32;
            second
        });
        with_mean.collect()
    }

    fn of(&mut self, at: Instant) -> Option<&mut (Second, u64)> {
        let second = u32::try_from(at.as_secs()).ok()?;
        let first = self.seconds.first().map_or(second, |(first, _)| first.second);
        let index = second.checked_sub(first)? as usize;
        if index >= SECONDS_MAX {
            return None;
        }
        while self.seconds.len() <= index {
            let second = first + self.seconds.len() as u32;
            self.seconds.push((Second { second, ..Second::default() }, 0));
        }
        self.seconds.get_mut(index)
    }
}

/// Longer calls are counted on, but not second by second.
const SECONDS_MAX: usize = 10_000;
