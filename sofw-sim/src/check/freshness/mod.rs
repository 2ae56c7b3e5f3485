//! A phone never gets voice that is older than it may be.
//!
//! Voice waits before a tunnel for the sender's `voice_age_max` at most; and what comes out of it later than usual by more than the
//! receiver's `voice_age_max` and [`RECEIPT_INTERVAL_MAX`], the receiver drops. A packet passes one tunnel per end that is inside a site. So
//! what a listener gets may be as old as
//!
//! ```text
//! lines (delay, jitter, queue, reordering) + for each tunnel (both voice_age_max + RECEIPT_INTERVAL_MAX + proxies)
//! ```
//!
//! The tunnel is TCP: what it has taken it delivers, however late. But neither repair nor an outage makes room here: what they make late is not
//! to be heard, also when the line is back. What is usual the receiver learns; so this says, too, that it does not learn it from a
//! backlog.

mod limits;
#[cfg(test)]
mod tests;

pub use limits::Limits;

use core::net::SocketAddr;

use sofw_core::base::{Duration, Instant};
use sofw_core::config::limits::RECEIPT_INTERVAL_MAX;
use sofw_core::testing::phone::Phone;

use super::faults::Faults;
use super::stamp::Media;
use super::{Checker, Sights};
use crate::record::Finding;
use crate::run::Map;
use crate::world::NodeId;

/// Measures the age of every stamped packet when it is heard.
#[derive(Debug)]
pub struct Freshness {
    limits: Limits,
    oldest: Duration,
    faults: Faults,
}

impl Freshness {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        let expected = "no packet older than lines and tunnels may make it";
        Freshness {
            limits,
            oldest: Duration::ZERO,
            faults: Faults::new("freshness", "packets heard", expected),
        }
    }
}

impl Checker for Freshness {
    fn name(&self) -> &'static str {
        "freshness"
    }

    fn sights(&self) -> Sights {
        Sights { heard: true, ..Sights::NONE }
    }

    fn heard(&mut self, at: Instant, map: &Map, node: NodeId, _: &Phone, _: SocketAddr, media: &Media<'_>) {
        let (Some(who), Some(stamp)) = (map.phone(node), media.stamp) else { return };
        let Some(speaker) = map.speaker(&stamp) else { return };
        self.faults.looked();
        let age = at.since(stamp.sent_at);
        let limit = self.limits.between(speaker, who);
        self.oldest = self.oldest.max(age);
        if age > limit {
            let (speaker, who) = (&map.phones[speaker].name, &map.phones[who].name);
            self.faults.found(at, || format!("{who} hears {speaker} of {age:?} ago, limit {limit:?}"));
        }
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        let mut findings = self.faults.finish();
        if let Some(finding) = findings.first_mut() {
            finding.measured.push_str(&format!(", oldest {:?}", self.oldest));
        }
        findings
    }
}
