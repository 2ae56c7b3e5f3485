//! Checkers: what must hold in every run, whatever the scenario.
//!
//! Each checker sees what happens through the methods of [`Checker`], and says at the end what it found. None of them can change
//! the run.
//!
//! ```text
//! Observer ─▶ packet, event, phone, spoke, heard, datagram ─┐
//! runner ───▶ look (every 100 ms) ──────────────────────────┴▶ Checker ─▶ finish ─▶ findings; queues ─▶ record.queues
//! ```
//!
//! What they are told by a scenario is only what excuses them: how long a way may take, which place hides its addresses, who is to
//! be registered. What they judge is what they saw.

mod addresses;
mod bounds;
mod dialogs;
mod events;
mod faults;
mod freshness;
mod liveness;
pub mod plant;
mod policy;
mod sdp;
mod stamp;
#[cfg(test)]
mod testing;
mod voice;
mod zero;

pub use addresses::Addresses;
pub use bounds::Bounds;
pub use dialogs::Dialogs;
pub use events::Events;
pub use freshness::{Freshness, Limits};
pub use liveness::Liveness;
pub use policy::Policy;
pub use stamp::Media;
pub use voice::Voice;
pub use zero::{Zero, leftovers};

use core::net::SocketAddr;

use sofw_core::Event;
use sofw_core::base::Instant;
use sofw_core::testing::phone::{Phone, PhoneEvent};

use crate::packet::Packet;
use crate::record::Finding;
use crate::run::Map;
use crate::scenario::Scenario;
use crate::scenario::model::System;
use crate::world::{LinkId, NodeId, Seen};

/// What a checker is shown. Every method does nothing unless it is written.
pub trait Checker: core::fmt::Debug {
    /// Its name in reports and in `without`.
    fn name(&self) -> &'static str;
    /// What it wants to be shown of the things that happen for every packet.
    fn sights(&self) -> Sights {
        Sights::ALL
    }
    /// Whether it wants to be shown the packets of a link, if packets at all.
    fn watches(&self, _map: &Map, _link: LinkId) -> bool {
        true
    }
    /// A packet entered a link.
    fn packet(&mut self, _at: Instant, _map: &Map, _seen: Seen, _packet: &Packet) {}
    /// One of the halves told something.
    fn event(&mut self, _at: Instant, _map: &Map, _node: NodeId, _event: &Event) {}
    /// A phone told something.
    fn phone(&mut self, _at: Instant, _map: &Map, _node: NodeId, _phone: &Phone, _event: &PhoneEvent) {}
    /// A phone sent media.
    fn spoke(&mut self, _at: Instant, _map: &Map, _node: NodeId, _to: SocketAddr, _media: &Media<'_>) {}
    /// A phone got media.
    fn heard(
        &mut self,
        _at: Instant,
        _map: &Map,
        _node: NodeId,
        _phone: &Phone,
        _from: SocketAddr,
        _media: &Media<'_>,
    ) {
    }
    /// A host sent a datagram that is no phone's media.
    fn datagram(
        &mut self,
        _at: Instant,
        _map: &Map,
        _node: NodeId,
        _from: SocketAddr,
        _to: SocketAddr,
        _bytes: &[u8],
    ) {
    }
    /// A look at everybody's state, every 100 ms of virtual time and whenever the timeline did something.
    fn look(&mut self, _at: Instant, _map: &Map, _look: &Look<'_>) {}
    /// Largest fill of queues that it looked at, with their bounds.
    fn queues(&self) -> Vec<(String, (u64, u64))> {
        Vec::new()
    }
    /// What it found. Good findings are told, too.
    fn finish(&mut self, at: Instant, map: &Map) -> Vec<Finding>;
}

/// Which of the methods that are called for every packet a checker wants; showing something to somebody who does not look takes time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sights {
    /// [`Checker::packet`].
    pub packets: bool,
    /// [`Checker::spoke`].
    pub spoken: bool,
    /// [`Checker::heard`].
    pub heard: bool,
    /// [`Checker::datagram`].
    pub datagrams: bool,
}

impl Sights {
    /// Everything.
    pub const ALL: Sights = Sights { packets: true, spoken: true, heard: true, datagrams: true };
    /// None of them.
    pub const NONE: Sights = Sights { packets: false, spoken: false, heard: false, datagrams: false };
}

/// Every checker's name, as scenario files use it in `without`, and what it checks.
pub const NAMES: [(&str, &str); 9] = [
    ("addresses", "no inside address in any packet outside, and the reverse"),
    ("voice", "every voice packet heard belongs to that call, site and direction"),
    (
        "freshness",
        "nobody gets voice older than the limit that follows from lines, proxies and `voice_age_max`",
    ),
    ("dialogs", "both phones of a call agree that it is up, and hear each other"),
    ("policy", "HRAC sends to no inside address that its phones did not announce"),
    ("bounds", "every queue and table stays within its named bound"),
    ("events", "neither half reports a fault of its own"),
    ("zero", "when all calls have ended, records, ports, transactions and flows are back to zero"),
    ("liveness", "when the last trouble is over, all phones register and a new call has voice both ways"),
];

/// All checkers that make sense for a scenario. Other systems than SoFW promise less; with a hostile HRAS nobody can register or call,
/// and what is left of its doings in HRAC is its own.
pub fn all(scenario: &Scenario) -> Vec<Box<dyn Checker>> {
    let mut all: Vec<Box<dyn Checker>> = vec![Box::new(Events::new())];
    if scenario.system != System::Sofw {
        return all;
    }
    all.push(Box::new(Addresses::new(scenario)));
    all.push(Box::new(Bounds::new()));
    all.push(Box::new(Policy::new()));
    if !scenario.server.hostile {
        all.push(Box::new(Voice::new()));
        all.push(Box::new(Freshness::new(Limits::of(scenario))));
        all.push(Box::new(Dialogs::new()));
        all.push(Box::new(Zero::new()));
        all.push(Box::new(Liveness::new(scenario)));
    }
    all.retain(|checker| scenario.without.iter().all(|(name, _)| name != checker.name()));
    all
}

/// The state of everybody at a moment.
#[derive(Debug)]
pub struct Look<'a> {
    /// The outside half; `None` while it is away.
    pub hras: Option<&'a sofw_core::Hras>,
    /// The inside half of each place.
    pub hracs: Vec<Option<&'a sofw_core::Hrac>>,
    /// Each phone; `None` while it is off.
    pub phones: Vec<Option<&'a Phone>>,
    /// What is going on.
    pub phase: Phase,
    /// Until when the timeline's faults excuse silence and failures; zero without any.
    pub excused_until: Instant,
    /// Whether something was lost for good (a restart, a crash): calls may end in unusual ways.
    pub lost_state: bool,
    /// Which phones are to be registered.
    pub wants_registration: &'a [bool],
}

/// Part of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// The timeline goes on.
    Timeline,
    /// All faults are over and all calls are hung up; everything is to return to zero.
    Settling,
    /// A last call shows that the system still works.
    LastCall,
    /// Nothing may be left.
    Over,
}
