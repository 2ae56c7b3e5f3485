//! What is kept of a run once its page is written.

use sofw_core::base::Duration;

use super::markup::slug;
use crate::record::{Finding, Hearing, Histogram, Record};

/// A run in key numbers: enough for tables, the index and JUnit.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The scenario's name and sentence.
    pub scenario: String,
    /// See above.
    pub about: String,
    /// What it shows (`P5`, …).
    pub shows: Vec<String>,
    /// What carried the calls.
    pub system: String,
    /// The seed.
    pub seed: u64,
    /// The command line that repeats it.
    pub replay: String,
    /// How long it ran, virtual time.
    pub length: Duration,
    /// Expectations and checkers.
    pub findings: Vec<Finding>,
    /// What the reader of a good verdict must know.
    pub warnings: Vec<String>,
    /// Calls made and answered.
    pub calls_made: usize,
    /// See above.
    pub calls_answered: usize,
    /// The lowest score of any hearing in which something was sent; 0 if one heard nothing. `None` without a hearing.
    pub worst_mos: Option<f64>,
    /// Median set-up time of the answered calls.
    pub setup_p50: Option<Duration>,
    /// Packets not played (lost or late) of all sent in all hearings, 0 to 1.
    pub missed_share: Option<f64>,
    /// 99th percentile of the one-way time over all hearings.
    pub delay_p99: Option<Duration>,
    /// Bytes on the places' lines, both ways, per RTP packet that crossed them.
    pub bytes_per_packet: Option<f64>,
    /// Name of the run's page, a file in the report's directory.
    pub page: String,
}

impl Summary {
    /// Sums a record up.
    pub fn of(record: &Record) -> Summary {
        let heard = || record.calls.iter().flat_map(|call| &call.hearings).filter(|hearing| hearing.sent > 0);
        let mut delay = Histogram::default();
        heard().for_each(|hearing| delay.merge(&hearing.delay));
        let mut setups: Vec<_> = record.calls.iter().filter_map(|call| call.setup()).collect();
        setups.sort();
        Summary {
            scenario: record.scenario.clone(),
            about: record.about.clone(),
            shows: record.shows.clone(),
            system: record.system.clone(),
            seed: record.seed,
            replay: record.replay.clone(),
            length: record.length,
            findings: record.findings.clone(),
            warnings: record.warnings.clone(),
            calls_made: record.calls.len(),
            calls_answered: record.calls.iter().filter(|call| call.answered.is_some()).count(),
            worst_mos: heard().map(|hearing| hearing.mos).min_by(f64::total_cmp),
            setup_p50: setups.get(setups.len().saturating_sub(1) / 2).copied(),
            missed_share: missed(heard()),
            delay_p99: (delay.count() > 0).then(|| delay.quantile(0.99)),
            bytes_per_packet: bytes_per_packet(record),
            page: format!("{}.html", file_stem(record)),
        }
    }

    /// Whether nothing was wrong.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.good)
    }

    /// What was wrong, in the order of the findings.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.good)
    }
}

/// Name of a run's files without ending: scenario, system and seed tell all runs of a report apart.
pub(super) fn file_stem(record: &Record) -> String {
    match record.system.as_str() {
        "" | "sofw" => format!("{}-{}", slug(&record.scenario), record.seed),
        system => format!("{}-{}-{}", slug(&record.scenario), slug(system), record.seed),
    }
}

fn missed<'a>(heard: impl Iterator<Item = &'a Hearing>) -> Option<f64> {
    let (missed, sent) = heard.fold((0, 0), |(missed, sent), hearing| {
        (missed + hearing.lost() + hearing.late, sent + hearing.sent)
    });
    (sent > 0).then(|| missed as f64 / sent as f64)
}

fn bytes_per_packet(record: &Record) -> Option<f64> {
    let bytes: u64 = record.places.iter().filter(|place| place.voice > 0).flat_map(|place| place.bytes).sum();
    let voice: u64 = record.places.iter().map(|place| place.voice).sum();
    (voice > 0).then(|| bytes as f64 / voice as f64)
}
