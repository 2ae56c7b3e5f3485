//! Every name that a scenario file may use for something that exists, with what it stands for.

use crate::check;
use crate::link::profile;
use crate::middlebox::{firewall, nat};
use crate::proxy;

use super::model::{Metric, ProxyAuth, System, WayOut};

/// Names of one kind of thing.
#[derive(Debug)]
pub struct Names {
    /// The kind, e.g. `line`.
    pub what: &'static str,
    /// Each name and what it stands for.
    pub list: &'static [(&'static str, &'static str)],
}

impl Names {
    /// The names alone.
    pub fn names(&self) -> Vec<&'static str> {
        self.list.iter().map(|(name, _)| *name).collect()
    }

    /// What this name stands for.
    pub fn about(&self, name: &str) -> Option<&'static str> {
        self.list.iter().find(|(known, _)| *known == name).map(|(_, about)| *about)
    }
}

/// The names and descriptions of a table of presets.
macro_rules! list_of {
    ($presets:expr) => {{
        let mut list = [("", ""); $presets.len()];
        let mut index = 0;
        while index < list.len() {
            list[index] = ($presets[index].name, $presets[index].about);
            index += 1;
        }
        list
    }};
}

/// Lines.
pub static LINES: Names = Names { what: "line", list: &LINE_LIST };
static LINE_LIST: [(&str, &str); profile::PROFILES.len()] = list_of!(profile::PROFILES);

/// Presets of firewalls.
pub static FIREWALLS: Names = Names { what: "firewall", list: &FIREWALL_LIST };
static FIREWALL_LIST: [(&str, &str); firewall::PRESETS.len()] = list_of!(firewall::PRESETS);

/// Presets of address translation, `none` among them.
pub static NATS: Names = Names { what: "NAT", list: &NAT_LIST };
static NAT_LIST: [(&str, &str); nat::PRESETS.len() + 1] = {
    let presets = list_of!(nat::PRESETS);
    let mut list = [("none", "addresses are routed"); nat::PRESETS.len() + 1];
    let mut index = 0;
    while index < presets.len() {
        list[index] = presets[index];
        index += 1;
    }
    list
};

/// Presets of proxies in a site.
pub static FORWARD_PROXIES: Names = Names { what: "proxy of a site", list: &FORWARD_LIST };
static FORWARD_LIST: [(&str, &str); count(false)] = proxies(false);

/// Presets of proxies before HRAS.
pub static REVERSE_PROXIES: Names = Names { what: "proxy before HRAS", list: &REVERSE_LIST };
static REVERSE_LIST: [(&str, &str); count(true)] = proxies(true);

const fn count(reverse: bool) -> usize {
    let (mut count, mut index) = (0, 0);
    while index < proxy::PRESETS.len() {
        if proxy::PRESETS[index].is_reverse == reverse {
            count += 1;
        }
        index += 1;
    }
    count
}

const fn proxies<const N: usize>(reverse: bool) -> [(&'static str, &'static str); N] {
    let mut list = [("", ""); N];
    let (mut count, mut index) = (0, 0);
    while index < proxy::PRESETS.len() {
        if proxy::PRESETS[index].is_reverse == reverse {
            list[count] = (proxy::PRESETS[index].name, proxy::PRESETS[index].about);
            count += 1;
        }
        index += 1;
    }
    list
}

/// Protocol inspection.
pub static INSPECTIONS: Names = Names {
    what: "inspection",
    list: &[
        ("http", "cuts what does not speak HTTP on port 80"),
        ("tls", "cuts what does not speak HTTP on port 80 or TLS on port 443"),
    ],
};

/// How a proxy asks for credentials.
pub static AUTHS: Names = Names {
    what: "way to ask for credentials",
    list: &[("basic", "RFC 7617"), ("digest", "RFC 7616"), ("ntlm", "a scheme that HRAC does not speak")],
};

/// Ways out for the tunnel.
pub static WAYS: Names = Names {
    what: "way out",
    list: &[
        ("direct", "straight to HRAS"),
        ("forward", "through the site's proxy by ordinary requests"),
        ("connect", "through the site's proxy by CONNECT"),
    ],
};

/// What carries the calls.
pub static SYSTEMS: Names = Names {
    what: "system",
    list: &[
        ("sofw", "HRAC, HRAS and their tunnel"),
        ("plain-sip", "phones speak to the SIP server outside themselves"),
        ("hcap", "each terminal keeps an HTTP tunnel of its own"),
        ("softether", "Ethernet frames in one TLS stream a site"),
        ("skype", "each terminal speaks its own protocol on port 80"),
    ],
};

/// Habits of phones.
pub static QUIRKS: Names = Names {
    what: "quirk",
    list: &[
        ("early_media", "sends voice before it answers: 183 with SDP"),
        ("delayed_offer", "calls with an INVITE without SDP"),
        ("asymmetric_rtp", "sends RTP from another port than it hears on"),
        ("no_rport", "asks for no rport (RFC 3581)"),
        ("compact_headers", "writes v:, f:, t:, … (RFC 3261 §7.3.3)"),
        ("ignores_bye", "answers no BYE"),
        ("never_acks", "sends no ACK"),
        ("no_rtcp", "sends no RTCP"),
        ("no_keepalive", "keeps no NAT mapping open"),
        ("session_timer", "asks for session timers of 90 s, and agrees to others' (RFC 4028)"),
    ],
};

/// Checkers that run on every scenario.
pub static CHECKERS: Names = Names { what: "checker", list: &check::NAMES };

/// Congestion control of the tunnel.
pub static CONGESTIONS: Names = Names {
    what: "congestion control",
    list: &[("bbr", "BBR"), ("cubic", "CUBIC, where the kernel has no BBR")],
};

/// SIP transports.
pub static TRANSPORTS: Names =
    Names { what: "transport", list: &[("udp", "SIP over UDP"), ("tcp", "SIP over TCP")] };

/// The systems, in the order of [`SYSTEMS`].
pub(super) const SYSTEM_VALUES: [System; 5] =
    [System::Sofw, System::PlainSip, System::Hcap, System::Softether, System::Skype];
/// The same for [`AUTHS`].
pub(super) const AUTH_VALUES: [ProxyAuth; 3] = [ProxyAuth::Basic, ProxyAuth::Digest, ProxyAuth::Ntlm];
/// The same for [`WAYS`].
pub(super) const WAY_VALUES: [WayOut; 3] = [WayOut::Direct, WayOut::Forward, WayOut::Connect];

/// The value that stands at the place of this name.
pub(super) fn value_of<T: Copy>(names: &Names, values: &[T], name: &str) -> Option<T> {
    names.list.iter().position(|(known, _)| *known == name).map(|index| values[index])
}

/// The name that stands at the place of this value.
pub(super) fn name_of<T: PartialEq>(names: &Names, values: &[T], value: &T) -> &'static str {
    values.iter().position(|known| known == value).map_or("", |index| names.list[index].0)
}

/// How a metric is written.
#[derive(Debug)]
pub struct MetricName {
    /// Its name.
    pub name: &'static str,
    /// Which.
    pub metric: Metric,
    /// What it is compared with.
    pub unit: Unit,
    /// What may stand after `of`.
    pub scopes: Scopes,
    /// What it says.
    pub about: &'static str,
}

/// What a metric is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// True or false: stands alone or after `not`.
    Flag,
    /// Milliseconds; a time with a unit is understood, too.
    Milliseconds,
    /// `1 %` or `0.01`.
    Share,
    /// A number.
    Number,
}

/// What may stand after `of`; nothing always may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scopes {
    /// Nothing.
    Whole,
    /// A call, or a phone: what it hears, what it calls.
    CallOrPhone,
    /// A phone or a place: its phones.
    PhoneOrPlace,
    /// A place.
    Place,
    /// A place whose firewall, inspection or NAT remembers connections.
    Remembering,
    /// A site with HRAC.
    Site,
    /// The same, with a proxy.
    SiteWithProxy,
}

impl Scopes {
    /// In words; empty where nothing may stand.
    pub fn about(self) -> &'static str {
        match self {
            Scopes::Whole => "",
            Scopes::CallOrPhone => "a call such as alice->bob, or a phone",
            Scopes::PhoneOrPlace => "a phone, or a place",
            Scopes::Place => "a place",
            Scopes::Remembering => "a place with firewall, inspection or nat",
            Scopes::Site => "a site with HRAC",
            Scopes::SiteWithProxy => "a site with HRAC and proxy",
        }
    }
}

const fn metric(
    name: &'static str,
    metric: Metric,
    unit: Unit,
    scopes: Scopes,
    about: &'static str,
) -> MetricName {
    MetricName { name, metric, unit, scopes, about }
}

/// All metrics.
pub static METRICS: [MetricName; 32] = {
    use Metric::*;
    use Scopes::{CallOrPhone, PhoneOrPlace, Place, Remembering, Site, SiteWithProxy, Whole};
    use Unit::{Flag, Milliseconds, Number, Share};
    [
        metric("setup_ms", SetupMs, Milliseconds, CallOrPhone, "INVITE to 2xx, without the callee's ringing"),
        metric("ring_ms", RingMs, Milliseconds, CallOrPhone, "INVITE to the first 18x"),
        metric("mos", Mos, Number, CallOrPhone, "mean opinion score of the worst listener, 1 to 4.5"),
        metric("missed_share", MissedShare, Share, CallOrPhone, "voice packets lost or late"),
        metric("late_share", LateShare, Share, CallOrPhone, "voice packets that came too late"),
        metric("lost_share", LostShare, Share, CallOrPhone, "voice packets that never came"),
        metric("delay_p50_ms", DelayP50Ms, Milliseconds, CallOrPhone, "median one-way time of voice"),
        metric("delay_p99_ms", DelayP99Ms, Milliseconds, CallOrPhone, "its 99th percentile"),
        metric("delay_max_ms", DelayMaxMs, Milliseconds, CallOrPhone, "its longest"),
        metric("gap_ms", GapMs, Milliseconds, CallOrPhone, "longest silence of a listener who should hear"),
        metric("calls_made", CallsMade, Number, CallOrPhone, "calls made"),
        metric("calls_answered", CallsAnswered, Number, CallOrPhone, "calls answered"),
        metric("calls_failed", CallsFailed, Number, CallOrPhone, "calls refused or given up by the network"),
        metric("calls_up", CallsUp, Number, CallOrPhone, "calls in progress at the moment"),
        metric("status", Status, Number, CallOrPhone, "final status of a call that failed, e.g. 486"),
        metric("registered", Registered, Number, PhoneOrPlace, "phones registered at the moment"),
        metric("register_ms", RegisterMs, Milliseconds, PhoneOrPlace, "first REGISTER to its 200"),
        metric(
            "tunnel_up_ms",
            TunnelUpMs,
            Milliseconds,
            Site,
            "start, or the last loss, to a tunnel that carries",
        ),
        metric("tunnel_losses", TunnelLosses, Number, Site, "how often the tunnel went down"),
        metric(
            "connections",
            Connections,
            Number,
            Remembering,
            "most connections that firewall or NAT remembered",
        ),
        metric("firewall_bytes", FirewallBytes, Number, Place, "bytes that crossed the line, both ways"),
        metric("bytes_per_packet", BytesPerPacket, Number, Place, "the same per voice packet heard"),
        metric("keys", Keys, Number, CallOrPhone, "DTMF keys heard"),
        metric("rat_empty", RatEmpty, Flag, Whole, "all RAT records, ports, flows and transactions are gone"),
        metric("no_direct_udp", NoDirectUdp, Flag, Place, "no UDP crossed the line"),
        metric("direct_media", DirectMedia, Flag, CallOrPhone, "voice went directly between the phones"),
        metric("call_alive", CallAlive, Flag, CallOrPhone, "the call is up and was never interrupted"),
        metric("all_registered", AllRegistered, Flag, Place, "all phones are registered"),
        metric("tunnel_up", TunnelUp, Flag, Site, "the tunnel is up"),
        metric("rung_post", RungPost, Flag, Site, "the tunnel sends many short POSTs"),
        metric(
            "proxy_auth_required",
            ProxyAuthRequired,
            Flag,
            SiteWithProxy,
            "the proxy wants credentials that HRAC lacks",
        ),
        metric("hello_refused", HelloRefused, Flag, Site, "HRAS refused a HELLO"),
    ]
};
