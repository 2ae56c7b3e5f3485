//! What a scenario file means, once everything in it has been checked: names resolved, defaults filled in.

mod expect;
mod place;
mod step;

use core::net::IpAddr;

use sofw_core::base::{Duration, Transport};

use crate::link::profile::Line;

pub use expect::{Compare, Expectation, Metric, Scope};
pub use place::{
    AlgSpec, FirewallSpec, HomeOrSite, HracSpec, InspectSpec, NatSpec, Place, ProxyAuth, ProxySpec, Rule,
    WayOut,
};
pub use step::{Action, Change, Step, Target};

/// One scenario.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Its name: the file's name without directory and ending.
    pub name: String,
    /// One sentence for lists.
    pub about: String,
    /// What it shows, e.g. `P5`, `RFC 3665 3.1`, `proxy`.
    pub shows: Vec<String>,
    /// The seed, unless the command line says another.
    pub seed: u64,
    /// When the timeline is over. All calls are hung up then, and the checkers wait for everything to return to zero.
    pub duration: Duration,
    /// What carries the calls.
    pub system: System,
    /// Sites and homes.
    pub places: Vec<Place>,
    /// The public host with HRAS, or what takes its place in other systems.
    pub server: ServerSpec,
    /// All phones.
    pub phones: Vec<PhoneSpec>,
    /// What happens, in order of time.
    pub timeline: Vec<Step>,
    /// What must be true at the end.
    pub expect: Vec<Expectation>,
    /// Checkers that are not to be run, by name, each with the file's reason.
    pub without: Vec<(String, String)>,
    /// Links to capture: places and phones by name, `server`, `reverse proxy`; `outer` and `inner` of every site (before the firewall;
    /// what the tunnel carries, or without HRAC what goes to the firewall).
    pub capture: Vec<String>,
}

/// What carries the calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum System {
    /// HRAC, HRAS and their tunnel.
    Sofw,
    /// Phones that speak to the SIP server outside themselves (the paper's Linphone).
    PlainSip,
    /// Each terminal keeps an HTTP tunnel of its own to a relay (the paper's HCAP).
    Hcap,
    /// Ethernet frames in one TLS stream a site (the paper's SoftEther).
    Softether,
    /// Each terminal speaks its own protocol on port 80 (the paper's Skype).
    Skype,
}

/// The public host.
#[derive(Clone, PartialEq, Debug)]
pub struct ServerSpec {
    /// Its address. Default 203.0.113.5.
    pub addr: IpAddr,
    /// Its line to the public network.
    pub line: Line,
    /// A reverse proxy before it.
    pub proxy: Option<ProxySpec>,
    /// The SIP domain.
    pub domain: String,
    /// Age at which voice is dropped.
    pub voice_age_max: Duration,
    /// A hostile HRAS: a script that knows the sites' keys and tries to misuse HRAC.
    pub hostile: bool,
}

/// One phone.
#[derive(Clone, PartialEq, Debug)]
pub struct PhoneSpec {
    /// Its user.
    pub name: String,
    /// Index in [`Scenario::places`]; `None`: on the public network with a line of its own.
    pub place: Option<usize>,
    /// Its address. Given out in order when the file names none.
    pub addr: IpAddr,
    /// Its line to its place's network, or to the public network.
    pub line: Line,
    /// SIP transport.
    pub transport: Transport,
    /// What it does with incoming calls.
    pub answer: AnswerSpec,
    /// Registers at the start.
    pub registers: bool,
    /// Seconds of registration asked for.
    pub expires_s: u32,
    /// Habits, by name as in the phone's configuration: `early_media`, `delayed_offer`, `asymmetric_rtp`, `no_rport`, …
    pub quirks: Vec<String>,
    /// Milliseconds of voice in a packet.
    pub ptime_ms: u8,
    /// Offers and accepts video.
    pub video: bool,
    /// Wrong password.
    pub wrong_password: bool,
}

/// What a phone does with incoming calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnswerSpec {
    /// Rings for so long, then answers.
    After(Duration),
    /// Rings until the timeline says more.
    Never,
    /// Refuses with this status.
    Refuse(u16),
    /// Sends the caller to another user (302).
    Forward(String),
}
