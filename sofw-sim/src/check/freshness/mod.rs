//! A phone never gets voice that is older than it may be.
//!
//! The limit that the halves keep is the sender's: voice waits before a tunnel, and on the way through it beyond what is usual, for
//! `voice_age_max` together, as the receiver's receipts tell with [`RECEIPT_INTERVAL_MAX`] of delay. A packet passes one tunnel per end
//! that is inside a site. So what a listener gets may be as old as
//!
//! ```text
//! lines (delay, jitter, queue, reordering) + for each tunnel (voice_age_max + RECEIPT_INTERVAL_MAX + proxies + TCP repair)
//! ```
//!
//! The tunnel is TCP: what it has taken it delivers, however late. A lost segment costs retransmission time-outs, more of them in a row
//! the more the line loses; what was in it when a line died comes when the line is back, unless the connection was given up by
//! then. So packets sent before the end of an excused time are held to a second, long limit: [`SERVER_SILENCE_MAX`], after which HRAS ends a
//! dead uplink.

mod limits;
#[cfg(test)]
mod tests;

pub use limits::Limits;

use core::net::SocketAddr;

use sofw_core::base::{Duration, Instant};
use sofw_core::config::limits::{RECEIPT_INTERVAL_MAX, SERVER_SILENCE_MAX};
use sofw_core::testing::phone::Phone;

use super::faults::Faults;
use super::stamp::Media;
use super::{Checker, Look, Sights};
use crate::record::Finding;
use crate::run::Map;
use crate::world::NodeId;

/// Measures the age of every stamped packet when it is heard.
#[derive(Debug)]
pub struct Freshness {
    limits: Limits,
    excused_until: Instant,
    oldest: Duration,
    faults: Faults,
}

impl Freshness {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        let expected = "no packet older than lines, tunnels and TCP repair may make it";
        Freshness {
            limits,
            excused_until: Instant::ZERO,
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
        let is_excused = self.excused_until > Instant::ZERO && stamp.sent_at <= self.excused_until;
        let limit = self.limits.between(speaker, who, is_excused);
        self.oldest = self.oldest.max(age);
        if age > limit {
            let (speaker, who) = (&map.phones[speaker].name, &map.phones[who].name);
            self.faults.found(at, || format!("{who} hears {speaker} of {age:?} ago, limit {limit:?}"));
        }
    }

    fn look(&mut self, _: Instant, _: &Map, look: &Look<'_>) {
        self.excused_until = self.excused_until.max(look.excused_until);
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        let mut findings = self.faults.finish();
        if let Some(finding) = findings.first_mut() {
            finding.measured.push_str(&format!(", oldest {:?}", self.oldest));
        }
        findings
    }
}
