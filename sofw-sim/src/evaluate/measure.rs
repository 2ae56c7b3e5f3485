//! What is read from a run.

use crate::record::{Hearing, Histogram, Record};

use super::Point;

/// The numbers of one run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measured {
    /// Bits a second across the site's line while traffic is steady, out and in, IP headers included.
    pub bits_per_second: [f64; 2],
    /// Bytes across the site's line per RTP packet sent; `None` without calls.
    pub bytes_per_packet: Option<f64>,
    /// Packets a second across the line, both ways, mean over the run.
    pub packets_per_second: f64,
    /// Connections and flows that firewall and NAT remembered at most.
    pub connections: usize,
    /// Calls made, and of these answered and heard at both ends.
    pub calls: (usize, usize),
    /// One-way time of voice, milliseconds: median, 99th percentile; `None` if none was heard.
    pub delay_ms: Option<[f64; 2]>,
    /// Share of voice packets lost, or too late for the jitter buffer.
    pub missed_share: f64,
    /// Mean opinion score of the worst listener.
    pub mos: Option<f64>,
    /// Median of INVITE to 2xx without ringing, milliseconds.
    pub setup_ms: Option<f64>,
    /// Phones that registered, of all.
    pub registered: (usize, usize),
}

impl Measured {
    /// Reads them.
    pub fn of(point: &Point, record: &Record) -> Measured {
        let steady = point.steady();
        let hearings = || record.calls.iter().flat_map(|call| &call.hearings);
        let mut delays = Histogram::default();
        hearings().for_each(|hearing| delays.merge(&hearing.delay));
        let (sent, missed) = hearings().fold((0, 0), |(sent, missed), hearing| {
            (sent + hearing.sent, missed + hearing.lost() + hearing.late)
        });
        let heard = record.calls.iter().filter(|call| call.hearings.iter().all(is_heard)).count();
        let mut measured = Measured {
            calls: (record.calls.len().max(point.calls as usize), heard),
            delay_ms: (delays.count() > 0).then(|| [0.5, 0.99].map(|share| ms(delays.quantile(share)))),
            missed_share: if sent == 0 { 0.0 } else { missed as f64 / sent as f64 },
            mos: hearings().map(|hearing| hearing.mos).min_by(f64::total_cmp),
            setup_ms: median(record.calls.iter().filter_map(|call| call.setup()).map(ms).collect()),
            registered: (
                record.registrations.iter().filter(|one| one.granted.is_some()).count(),
                record.registrations.len(),
            ),
            ..Measured::default()
        };
        if let Some(traffic) = record.places.first() {
            let seconds = &traffic.seconds[steady.start.min(traffic.seconds.len())..];
            let seconds = &seconds[..steady.len().min(seconds.len())];
            // Seconds at the end in which nothing crossed may be missing.
            let length = steady.len().max(1) as f64;
            let sums = [0, 1].map(|way| seconds.iter().map(|second| second[way]).sum::<u64>());
            measured.bits_per_second = sums.map(|bytes| bytes as f64 * 8.0 / length);
            let voice: u64 = hearings()
                .flat_map(|hearing| &hearing.seconds)
                .filter(|second| steady.contains(&(second.second as usize)))
                .map(|second| u64::from(second.sent))
                .sum();
            measured.bytes_per_packet = (voice > 0).then(|| (sums[0] + sums[1]) as f64 / voice as f64);
            measured.packets_per_second =
                (traffic.packets[0] + traffic.packets[1]) as f64 / record.length.as_secs_f64().max(1.0);
            measured.connections = traffic.connections_max;
        }
        measured
    }

    /// Whether every call was made and heard at both ends.
    pub fn all_calls_heard(&self) -> bool {
        self.calls.0 > 0 && self.calls.0 == self.calls.1
    }

    /// Both ways together.
    pub fn kbit_per_second(&self) -> f64 {
        (self.bits_per_second[0] + self.bits_per_second[1]) / 1000.0
    }
}

/// Whether a listener would say that there was somebody.
fn is_heard(hearing: &Hearing) -> bool {
    hearing.sent > 0 && hearing.received * 2 > hearing.sent
}

fn ms(time: core::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
