//! The paper's open evaluation (P15): what SoFW puts on the firewall, and how long voice takes, compared with the other systems.
//!
//! ```text
//! plan ─▶ Point ─▶ scenario ─▶ (run) ─▶ Record ─▶ measure ─▶ figures, compare ─▶ document (Markdown, names of SVG files)
//! ```
//! Nothing runs here, and nothing is drawn: the caller runs scenarios and draws figures.

mod compare;
mod document;
mod figures;
mod measure;
mod plan;
mod scenario;
#[cfg(test)]
mod tests;

pub use document::{Document, document};
pub use figures::{Curve, Figure, figures};
pub use measure::Measured;
pub use plan::{BARRIERS, CALLS, IDLE_PHONES, LOSS_PERMILLE, ROUND_TRIP_MS, SYSTEMS, plan};

use crate::scenario::model::System;

/// One run of the evaluation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Point {
    /// What carries the calls.
    pub system: System,
    /// What stands between the site and the public network.
    pub barrier: Barrier,
    /// Phones in the site.
    pub phones: u32,
    /// Of these, how many are in a call with a phone outside.
    pub calls: u32,
    /// Packets lost on the site's line, of a thousand in each direction.
    pub loss_permille: u32,
    /// Round trip of the site's line, milliseconds.
    pub round_trip_ms: u32,
}

/// What stands between a site and the public network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Barrier {
    /// Nothing: routed addresses, everything passes. Here all systems work, so here they are measured.
    Open,
    /// Address and port translation.
    Nat,
    /// The same, and a firewall that lets out TCP to ports 80 and 443 only.
    Firewall,
    /// The same, and an inspection that cuts what does not speak HTTP on port 80 and TLS on port 443.
    Inspection,
    /// The same, and the only way out leads through an HTTP proxy (Squid).
    Proxy,
}

impl Barrier {
    /// For tables.
    pub const fn title(self) -> &'static str {
        match self {
            Barrier::Open => "nothing",
            Barrier::Nat => "NA(P)T",
            Barrier::Firewall => "web-only firewall",
            Barrier::Inspection => "protocol inspection",
            Barrier::Proxy => "HTTP proxy only",
        }
    }
}

/// The name of a system for tables.
pub const fn title(system: System) -> &'static str {
    match system {
        System::Sofw => "SoFW",
        System::PlainSip => "plain SIP",
        System::Hcap => "HCAP-like",
        System::Softether => "SoftEther-like",
        System::Skype => "Skype-like",
    }
}

/// The name of a system in scenario files.
pub const fn name(system: System) -> &'static str {
    match system {
        System::Sofw => "sofw",
        System::PlainSip => "plain-sip",
        System::Hcap => "hcap",
        System::Softether => "softether",
        System::Skype => "skype",
    }
}
