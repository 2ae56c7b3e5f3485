//! Every name that a scenario file may use for something that exists, with what it stands for.

use crate::link::profile;

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

const fn lines() -> [(&'static str, &'static str); profile::PROFILES.len()] {
    let mut list = [("", ""); profile::PROFILES.len()];
    let mut index = 0;
    while index < list.len() {
        list[index] = (profile::PROFILES[index].name, profile::PROFILES[index].about);
        index += 1;
    }
    list
}

/// Lines: [`profile::PROFILES`].
pub static LINES: Names = Names { what: "line", list: &LINE_LIST };
static LINE_LIST: [(&str, &str); profile::PROFILES.len()] = lines();

/// Presets of firewalls.
pub static FIREWALLS: Names = Names {
    what: "firewall",
    list: &[
        ("open", "lets everything out, and in what belongs to it"),
        ("web-only", "lets out TCP to ports 80 and 443"),
        ("proxy-only", "lets out what the site's proxy sends, and nothing else"),
        ("no-udp", "lets out TCP to any port, no UDP"),
        ("closed", "lets nothing out"),
    ],
};

/// Presets of address translation, `none` among them.
pub static NATS: Names = Names {
    what: "NAT",
    list: &[
        ("full-cone", "one outside port per inside port, open to everybody (RFC 4787: endpoint-independent)"),
        ("restricted-cone", "one outside port per inside port, open to addresses that were sent to"),
        (
            "port-restricted",
            "one outside port per inside port, open to addresses and ports that were sent to: most home routers",
        ),
        ("symmetric", "another outside port for each destination: most company firewalls"),
        ("cgnat", "a provider's NAT: few ports per customer, short idle times"),
        ("one-to-one", "one public address for each private one"),
        ("none", "addresses are routed"),
    ],
};

/// Presets of proxies in a site.
pub static FORWARD_PROXIES: Names = Names {
    what: "proxy of a site",
    list: &[
        ("squid", "streams both ways, CONNECT to 443 only"),
        (
            "tinyproxy",
            "one request per connection, closes without notice, holds answers back while a request runs",
        ),
        ("privoxy", "holds chunked request bodies back until their end"),
        ("antivirus", "holds every response back until it was scanned"),
        ("strict", "refuses CONNECT and long request bodies"),
        ("tls-inspecting", "wants to see TLS inside CONNECT and breaks it open"),
    ],
};

/// Presets of proxies before HRAS.
pub static REVERSE_PROXIES: Names = Names {
    what: "proxy before HRAS",
    list: &[
        ("nginx", "default settings: holds request bodies back whole"),
        ("nginx-tuned", "proxy_buffering and proxy_request_buffering off"),
        ("haproxy", "default settings: holds chunks up to 200 ms"),
        ("haproxy-no-delay", "with option http-no-delay"),
        ("apache", "holds request bodies back up to 16 KiB, cuts silent ones after 10 s"),
    ],
};

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
    ],
};

/// Checkers that run on every scenario.
pub static CHECKERS: Names = Names {
    what: "checker",
    list: &[
        ("address_leak", "no inside address in any packet outside, and the reverse"),
        ("foreign_voice", "every RTP packet heard belongs to that call, site and direction"),
        ("stale_voice", "no phone gets voice older than the limit"),
        ("zero", "after all calls the RAT, ports, transactions and flows are back to zero"),
        ("liveness", "after the last fault all phones register and a new call connects"),
        ("bounds", "every queue stays within its named limit"),
        ("unannounced", "HRAC sends to no inside address that its phones did not announce"),
    ],
};

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
    use Scopes::{CallOrPhone, PhoneOrPlace, Place, Whole};
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
            Place,
            "start, or the last loss, to a tunnel that carries",
        ),
        metric("tunnel_losses", TunnelLosses, Number, Place, "how often the tunnel went down"),
        metric("connections", Connections, Number, Place, "most connections that firewall or NAT remembered"),
        metric("firewall_bytes", FirewallBytes, Number, Place, "bytes that crossed the line, both ways"),
        metric("bytes_per_packet", BytesPerPacket, Number, Place, "the same per voice packet heard"),
        metric("keys", Keys, Number, CallOrPhone, "DTMF keys heard"),
        metric("rat_empty", RatEmpty, Flag, Whole, "all RAT records, ports, flows and transactions are gone"),
        metric("no_direct_udp", NoDirectUdp, Flag, Place, "no UDP passed the firewall"),
        metric("direct_media", DirectMedia, Flag, CallOrPhone, "voice went directly between the phones"),
        metric("call_alive", CallAlive, Flag, CallOrPhone, "the call is up and was never interrupted"),
        metric("all_registered", AllRegistered, Flag, Place, "all phones are registered"),
        metric("tunnel_up", TunnelUp, Flag, Place, "the tunnel is up"),
        metric("rung_post", RungPost, Flag, Place, "the tunnel sends many short POSTs"),
        metric(
            "proxy_auth_required",
            ProxyAuthRequired,
            Flag,
            Place,
            "the proxy wants credentials that HRAC lacks",
        ),
        metric("hello_refused", HelloRefused, Flag, Place, "HRAS refused a HELLO"),
    ]
};
