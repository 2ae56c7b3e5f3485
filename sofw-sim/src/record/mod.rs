//! What a run leaves: everything that expectations, reports and evaluations are made from. Plain data, no behaviour beyond sums.

mod hearing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sofw_core::base::{Duration, Instant};

pub use hearing::{Hearing, Histogram, Second};

/// One run of one scenario with one seed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Record {
    /// The scenario's name and sentence.
    pub scenario: String,
    /// See above.
    pub about: String,
    /// What it shows (`P5`, …).
    pub shows: Vec<String>,
    /// What carried the calls, as the file names it.
    pub system: String,
    /// The seed.
    pub seed: u64,
    /// The command line that repeats it.
    pub replay: String,
    /// How long it ran, virtual time.
    pub length: Duration,
    /// Fingerprint of the run.
    pub digest: u64,
    /// Events of the world: what it cost.
    pub events: u64,
    /// Expectations and checkers, each with what was found.
    pub findings: Vec<Finding>,
    /// What the reader of a good verdict must know, for people.
    pub warnings: Vec<String>,
    /// The columns of the ladder, left to right.
    pub actors: Vec<String>,
    /// SIP messages and what else belongs into the ladder, in order of time.
    pub ladder: Vec<Rung>,
    /// All calls.
    pub calls: Vec<Call>,
    /// Registrations.
    pub registrations: Vec<Registration>,
    /// What happened, for people: timeline steps, tunnel up and down, restarts.
    pub story: Vec<(Instant, String)>,
    /// RAT history: how many records HRAS had from then on, and each record's life.
    pub rat: Vec<(Instant, usize)>,
    /// See above.
    pub rat_records: Vec<RatLife>,
    /// Places with their line's traffic.
    pub places: Vec<PlaceTraffic>,
    /// Largest fill of each queue that has a named bound, with the bound.
    pub queues: BTreeMap<String, (u64, u64)>,
    /// Other numbers: drops by reason, counters of proxies and middleboxes.
    pub counters: BTreeMap<String, u64>,
    /// Captured packets by capture name.
    pub captures: Vec<Capture>,
}

impl Record {
    /// Whether nothing was wrong.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.good)
    }
}

/// The outcome of an expectation or checker.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Checker or expectation.
    pub kind: FindingKind,
    /// The expectation as written, or the checker's name.
    pub name: String,
    /// Whether it held.
    pub good: bool,
    /// What was measured, for people: `612`, `3.2 (alice hears bob)`, `10.10.10.10 seen on line office`.
    pub measured: String,
    /// What was expected, for people.
    pub expected: String,
    /// When, if it has a time.
    pub at: Option<Instant>,
    /// Line in the scenario file; 0 without one.
    pub line: usize,
}

/// What a finding is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindingKind {
    /// Written in the scenario.
    Expectation,
    /// Checked in every run.
    Checker,
}

/// A message in the ladder: from one actor to another.
#[derive(Clone, PartialEq, Debug)]
pub struct Rung {
    /// When.
    pub at: Instant,
    /// Index in [`Record::actors`].
    pub from: usize,
    /// See above. Equal to `from` for a note.
    pub to: usize,
    /// `INVITE`, `180 Ringing`, `voice`, or a note.
    pub label: String,
    /// Its Call-ID, if it is SIP.
    pub call_id: Option<String>,
    /// Whether the message passes the tunnel between its ends.
    pub tunnelled: bool,
}

/// One call, as its caller saw it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Call {
    /// Its Call-ID.
    pub call_id: String,
    /// Who called.
    pub caller: String,
    /// Whom.
    pub callee: String,
    /// INVITE left the caller.
    pub invited: Instant,
    /// First 18x at the caller.
    pub ringing: Option<Instant>,
    /// The callee's phone rang.
    pub callee_rings: Option<Instant>,
    /// The callee took it.
    pub callee_answers: Option<Instant>,
    /// 2xx at the caller.
    pub answered: Option<Instant>,
    /// The end at the caller and at the callee.
    pub ended: [Option<Instant>; 2],
    /// How it ended, for people: `hung up`, `486`, `cancelled`.
    pub end: String,
    /// Final status of a refused call, else 0.
    pub status: u16,
    /// Whether the voice went straight between the phones.
    pub direct_media: bool,
    /// Keys heard by the callee and by the caller.
    pub keys: [String; 2],
    /// What the callee heard of the caller, and the caller of the callee.
    pub hearings: [Hearing; 2],
}

impl Call {
    /// INVITE to 2xx less the time that the callee let it ring.
    pub fn setup(&self) -> Option<Duration> {
        let whole = self.answered?.since(self.invited);
        let rang = match (self.callee_rings, self.callee_answers) {
            (Some(from), Some(to)) => to.since(from),
            _ => Duration::ZERO,
        };
        Some(whole.saturating_sub(rang))
    }
}

/// A phone's registration.
#[derive(Clone, PartialEq, Debug)]
pub struct Registration {
    /// The phone.
    pub phone: String,
    /// First REGISTER.
    pub asked: Instant,
    /// First 200.
    pub granted: Option<Instant>,
    /// Last failure, if any: its status.
    pub failed: Option<u16>,
    /// Registered at the end of the timeline.
    pub registered: bool,
}

/// The life of one RAT record.
#[derive(Clone, PartialEq, Debug)]
pub struct RatLife {
    /// The dialog.
    pub call_id: String,
    /// m-line.
    pub media_line: usize,
    /// Inside end, as `site0/10.10.10.10:4000`, outside end.
    pub ends: [String; 2],
    /// Seen first and last.
    pub from: Instant,
    /// See above; `None`: at the end it is still there.
    pub until: Option<Instant>,
}

/// What crossed a place's line.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PlaceTraffic {
    /// The place.
    pub place: String,
    /// Bytes of each second, out and in, IP headers included.
    pub seconds: Vec<[u64; 2]>,
    /// Sums.
    pub bytes: [u64; 2],
    /// Packets.
    pub packets: [u64; 2],
    /// RTP packets that phones of the place sent and heard through the line.
    pub voice: u64,
    /// Packets of UDP that crossed.
    pub udp_packets: u64,
    /// Most connections that firewall and NAT remembered at once.
    pub connections_max: usize,
}

/// Packets captured on a link.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Capture {
    /// Name of the file without ending.
    pub name: String,
    /// The interface's description: the link.
    pub link: String,
    /// In order of time: time, whole IP packet with checksums, comment.
    pub packets: Vec<(Instant, Vec<u8>, Option<String>)>,
    /// Packets beyond the bound that were not kept.
    pub skipped: u64,
}
