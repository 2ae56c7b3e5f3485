//! A stateful packet firewall.
//!
//! ```text
//! packet ─▶ of a known flow? ─▶ pass
//!        └▶ may begin one? (rules, then the default of its direction) ─▶ remember, pass │ drop │ reject
//! ```
//! Rules are asked for the first packet of a flow only. An ICMP error passes when it is about a known flow.

mod preset;
mod rule;
mod table;
#[cfg(test)]
mod tests;

use core::net::IpAddr;

use sofw_core::base::{Duration, Instant};

pub use preset::{PRESETS, Preset, find};
pub use rule::{Network, Rule, Verdict};

use super::flow::Flow;
use super::refuse::refusal;
use super::track::{Timeouts, Track, is_stray};
use super::{INSIDE, Middlebox, OUTSIDE};
use crate::packet::{Packet, Protocol};
use crate::world::{Outbox, PortId};
use table::{State, Table};

/// What a firewall is told. The default lets everything out and nothing in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirewallParams {
    /// Rules; the first that matches decides.
    pub rules: Vec<Rule>,
    /// What happens to a flow from inside that no rule matches.
    pub default_out: Verdict,
    /// What happens to a flow from outside that no rule matches.
    pub default_in: Verdict,
    /// How long silent flows are remembered.
    pub timeouts: Timeouts,
    /// Whether TCP segments in the middle of a connection that it does not know are refused, as by Linux with
    /// `nf_conntrack_tcp_loose=0`. Otherwise the rules decide about them as about a SYN.
    pub strict: bool,
    /// Whether what `strict` refuses is answered by RST, so that its sender learns at once that the connection is lost.
    pub reject_strays: bool,
    /// Most flows remembered; new ones are dropped then, as when Linux' conntrack table is full.
    pub flows_max: usize,
    /// Its own address, from which ICMP errors come; without one they come in the name of the refused destination.
    pub addr: Option<IpAddr>,
}

impl Default for FirewallParams {
    fn default() -> Self {
        FirewallParams {
            rules: Vec::new(),
            default_out: Verdict::Allow,
            default_in: Verdict::Drop,
            timeouts: Timeouts {
                tcp_established: Duration::from_secs(3600),
                tcp_transitory: Duration::from_secs(120),
                tcp_closed: Duration::from_secs(10),
                udp: Duration::from_secs(120),
            },
            strict: true,
            reject_strays: false,
            flows_max: 65_536,
            addr: None,
        }
    }
}

/// What a firewall has counted of one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passage {
    /// Packets passed.
    pub passed: u64,
    /// Their bytes, IP header included.
    pub passed_bytes: u64,
    /// Packets refused.
    pub blocked: u64,
    /// Their bytes.
    pub blocked_bytes: u64,
}

/// What a firewall has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FirewallCounters {
    /// From inside.
    pub out: Passage,
    /// From outside.
    pub inward: Passage,
    /// Flows begun.
    pub flows: u64,
    /// Of the blocked: TCP segments of connections that it does not know.
    pub strays: u64,
    /// Of the blocked: for want of room in the table.
    pub table_full: u64,
}

/// A stateful packet firewall.
#[derive(Debug)]
pub struct Firewall {
    params: FirewallParams,
    table: Table,
    counters: FirewallCounters,
}

impl Firewall {
    /// A firewall that knows no flow yet.
    pub fn new(params: FirewallParams) -> Firewall {
        Firewall { table: Table::new(params.flows_max), params, counters: FirewallCounters::default() }
    }

    /// What it was told.
    pub fn params(&self) -> &FirewallParams {
        &self.params
    }

    /// What it has counted.
    pub fn counters(&self) -> &FirewallCounters {
        &self.counters
    }

    fn judge(&mut self, now: Instant, port: PortId, packet: &Packet) -> Verdict {
        if packet.protocol() == Protocol::Icmp {
            let known = Flow::refused(port, packet).is_some_and(|flow| self.table.live(now, flow).is_some());
            return if known { Verdict::Allow } else { Verdict::Drop };
        }
        let flow = Flow::of(port, packet);
        if let Some(state) = self.table.live(now, flow) {
            state.track.packet(port, packet);
            state.expires = now + self.params.timeouts.of(packet.protocol(), state.track);
            return Verdict::Allow;
        }
        self.begin(now, port, packet, flow)
    }

    fn begin(&mut self, now: Instant, port: PortId, packet: &Packet, flow: Flow) -> Verdict {
        let stray = is_stray(packet);
        if stray && self.params.strict {
            self.counters.strays += 1;
            return if self.params.reject_strays { Verdict::Reject } else { Verdict::Drop };
        }
        let matching = self.params.rules.iter().find(|rule| rule.matches(port, packet));
        let default = if port == INSIDE { self.params.default_out } else { self.params.default_in };
        let verdict = matching.map_or(default, |rule| rule.verdict);
        if verdict != Verdict::Allow {
            return verdict;
        }
        let mut track = if stray { Track::MIDDLE } else { Track::default() };
        track.packet(port, packet);
        let expires = now + self.params.timeouts.of(packet.protocol(), track);
        if !self.table.insert(now, flow, State { expires, track }) {
            self.counters.table_full += 1;
            return Verdict::Drop;
        }
        self.counters.flows += 1;
        Verdict::Allow
    }
}

impl Middlebox for Firewall {
    fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet, out: &mut Outbox) {
        let verdict = self.judge(now, port, &packet);
        let passage = if port == INSIDE { &mut self.counters.out } else { &mut self.counters.inward };
        if verdict == Verdict::Allow {
            passage.passed += 1;
            passage.passed_bytes += packet.len() as u64;
            return out.send(INSIDE + OUTSIDE - port, packet);
        }
        passage.blocked += 1;
        passage.blocked_bytes += packet.len() as u64;
        if verdict == Verdict::Reject
            && let Some(answer) = refusal(&packet, self.params.addr)
        {
            out.send(port, answer);
        }
    }

    fn forget(&mut self) {
        self.table.clear();
    }

    fn remembered(&self, now: Instant) -> usize {
        self.table.remembered(now)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let FirewallCounters { out, inward, flows, strays, table_full } = self.counters;
        vec![
            ("firewall packets out", out.passed),
            ("firewall bytes out", out.passed_bytes),
            ("firewall blocked out", out.blocked),
            ("firewall packets in", inward.passed),
            ("firewall bytes in", inward.passed_bytes),
            ("firewall blocked in", inward.blocked),
            ("firewall flows", flows),
            ("firewall strays", strays),
            ("firewall table full", table_full),
        ]
    }
}
