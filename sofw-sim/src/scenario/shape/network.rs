//! Places, lines and what stands at their edge.

use super::super::names::{
    AUTHS, CONGESTIONS, FIREWALLS, FORWARD_PROXIES, INSPECTIONS, LINES, NATS, REVERSE_PROXIES, WAYS,
};
use super::super::values;
use super::phone::PHONES;
use super::{
    ADDRESS, Form, Key, Kind, NAME, NETWORK, NONE, Names, RATE, Shape, TIME, UNLIMITED, key, required,
};

/// A line: a profile's name, or a table.
pub const LINE: Kind = Kind::Either(&[Kind::OneOf(&LINES), Kind::Table(&LINE_TABLE)]);

static LINE_TABLE: Shape = Shape {
    about: "A line: a profile, and what differs from it, in both directions unless up or down says otherwise.",
    keys: &[
        key("profile", Kind::OneOf(&LINES), "The line to start from. Default: wire."),
        key("delay", TIME_KIND, "One-way time."),
        key("jitter", TIME_KIND, "Most extra time."),
        key("rate", RATE_KIND, "Rate of both directions."),
        key("queue", TIME_KIND, "Longest wait in the queue before the line; beyond, packets are dropped."),
        key("loss", Kind::Share, "Share of packets lost."),
        key("burst", BURST_KIND, "Bursts of loss, or \"none\"."),
        key("duplicate", Kind::Share, "Share of packets that arrive twice."),
        key("reorder", Kind::Share, "Share of packets that arrive after those sent behind them."),
        key("up", DIRECTION, "From the place to the public network: a rate, or a table."),
        key("down", DIRECTION, "The other way: a rate, or a table."),
    ],
};

const DIRECTION: Kind = Kind::Either(&[Kind::OneOf(&UNLIMITED), Kind::Form(&RATE), Kind::Table(&CONDITIONS)]);

/// One direction of a line.
pub static CONDITIONS: Shape = Shape {
    about: "One direction of a line.",
    keys: &[
        key("delay", TIME_KIND, "One-way time."),
        key("jitter", TIME_KIND, "Most extra time."),
        key("rate", RATE_KIND, "Its rate, or \"unlimited\"."),
        key("queue", TIME_KIND, "Longest wait in the queue before the line; beyond, packets are dropped."),
        key("loss", Kind::Share, "Share of packets lost."),
        key("burst", BURST_KIND, "Bursts of loss, or \"none\"."),
        key("duplicate", Kind::Share, "Share of packets that arrive twice."),
        key("reorder", Kind::Share, "Share of packets that arrive after those sent behind them."),
    ],
};

const TIME_KIND: Kind = Kind::Form(&TIME);
const RATE_KIND: Kind = Kind::Either(&[Kind::OneOf(&UNLIMITED), Kind::Form(&RATE)]);
const BURST_KIND: Kind = Kind::Either(&[Kind::OneOf(&NONE), Kind::Table(&BURST)]);

static BURST: Shape = Shape {
    about: "Bursts of loss (Gilbert-Elliott).",
    keys: &[
        required("every", TIME_KIND, "Mean time from one burst to the next."),
        required("length", TIME_KIND, "Mean length of a burst."),
        key("loss", Kind::Share, "Share of packets lost within a burst. Default: 100 %."),
    ],
};

const FIREWALL: Kind = Kind::Either(&[Kind::OneOf(&FIREWALLS), Kind::Table(&FIREWALL_TABLE)]);
static FIREWALL_TABLE: Shape = Shape {
    about: "The packet filter: a preset, and what differs from it.",
    keys: &[
        required("preset", Kind::OneOf(&FIREWALLS), "The preset to start from."),
        key(
            "rules",
            Kind::List(&Kind::Form(&RULE)),
            "Rules before the preset's; the first that fits decides.",
        ),
        key("reject", Kind::Flag, "Answers what it does not let through, instead of dropping it."),
        key("idle_udp", TIME_KIND, "How long a silent UDP conversation is remembered."),
        key("idle_tcp", TIME_KIND, "How long a silent TCP connection is remembered."),
    ],
};

static RULE: Form = Form {
    what: "a rule",
    example: "\"allow out tcp 8080\"",
    check: |text| values::rule(text).map(drop),
    pattern: r"^\s*(allow|deny)\s+(out|in)\b.*$",
};

const INSPECT: Kind = Kind::Either(&[Kind::OneOf(&INSPECTIONS), Kind::Table(&INSPECT_TABLE)]);
static INSPECT_TABLE: Shape = Shape {
    about: "Protocol inspection: what does not speak HTTP on port 80 is cut.",
    keys: &[
        key("tls", Kind::Flag, "Port 443 must look like TLS. Default: false."),
        key("deny_connect", Kind::Flag, "CONNECT is cut, too. Default: false."),
    ],
};

const NAT: Kind = Kind::Either(&[Kind::OneOf(&NATS), Kind::Table(&NAT_TABLE)]);
static NAT_TABLE: Shape = Shape {
    about: "Address translation: a preset, and what differs from it.",
    keys: &[
        required("preset", Kind::OneOf(&NATS), "The preset to start from."),
        key("idle_udp", TIME_KIND, "How long a silent UDP mapping lives."),
        key("idle_tcp", TIME_KIND, "How long a silent TCP mapping lives."),
        key("hairpin", Kind::Flag, "Hosts inside reach each other by the public address."),
    ],
};

const ALG: Kind = Kind::Either(&[Kind::Flag, Kind::Table(&ALG_TABLE)]);
static ALG_TABLE: Shape = Shape {
    about: "The SIP gateway in a router that means well.",
    keys: &[
        key("via", Kind::Flag, "Rewrites Via. Default: true."),
        key("contact", Kind::Flag, "Rewrites Contact. Default: true."),
        key("sdp", Kind::Flag, "Rewrites SDP. Default: true."),
        key("breaks_content_length", Kind::Flag, "Forgets to correct Content-Length. Default: false."),
    ],
};

const PROXY: Kind = Kind::Either(&[Kind::OneOf(&FORWARD_PROXIES), Kind::Table(&FORWARD_TABLE)]);
static FORWARD_TABLE: Shape = Shape {
    about: "The site's HTTP proxy: a preset, and what differs from it.",
    keys: &[
        required("preset", Kind::OneOf(&FORWARD_PROXIES), "The preset to start from."),
        key("auth", Kind::OneOf(&AUTHS), "Asks for credentials."),
        key("wrong_password", Kind::Flag, "HRAC's credentials are wrong. Default: false."),
        LATENCY,
        IDLE,
        LIFETIME,
        CONNECTIONS,
        PROXY_RATE,
        key("connect_ports", Kind::List(&Kind::Number(1, 65_535)), "Ports to which CONNECT may lead."),
    ],
};

/// A proxy before HRAS.
pub const REVERSE_PROXY: Kind = Kind::Either(&[Kind::OneOf(&REVERSE_PROXIES), Kind::Table(&REVERSE_TABLE)]);
static REVERSE_TABLE: Shape = Shape {
    about: "The proxy before HRAS: a preset, and what differs from it.",
    keys: &[
        required("preset", Kind::OneOf(&REVERSE_PROXIES), "The preset to start from."),
        LATENCY,
        IDLE,
        LIFETIME,
        CONNECTIONS,
        PROXY_RATE,
    ],
};

const LATENCY: Key = key("latency", TIME_KIND, "Extra time for each message.");
const IDLE: Key = key("idle", TIME_KIND, "Ends what was silent for so long.");
const LIFETIME: Key = key("lifetime", TIME_KIND, "Ends requests and tunnels after so long.");
const CONNECTIONS: Key = key("connections", Kind::Number(1, 1_000_000), "Most connections of one client.");
const PROXY_RATE: Key = key("rate", Kind::Form(&RATE), "Rate of each direction.");

const HRAC: Kind = Kind::Either(&[Kind::OneOf(&HRAC_NAMES), Kind::Table(&HRAC_TABLE)]);
static HRAC_NAMES: Names = Names {
    what: "way out",
    list: &[
        WAYS.list[0],
        WAYS.list[1],
        WAYS.list[2],
        ("none", "the site has no HRAC: its phones speak to HRAS"),
    ],
};
static HRAC_TABLE: Shape = Shape {
    about: "HRAC in the site.",
    keys: &[
        key(
            "ways",
            Kind::List(&Kind::OneOf(&WAYS)),
            "Ways out, in order. Default: forward with a proxy, else direct.",
        ),
        key("port", Kind::Choice(&[80, 443]), "Port of HRAS. Default: 443 for connect, else 80."),
        key("address", Kind::Form(&ADDRESS), "Its address. Default: .2 of the network."),
        key("congestion", Kind::OneOf(&CONGESTIONS), "Congestion control of the tunnel. Default: bbr."),
        key("voice_age_max", TIME_KIND, "Age at which voice is dropped. Default: 150ms."),
        key("wrong_key", Kind::Flag, "Has another key than HRAS. Default: false."),
    ],
};

const PLACE_NAME: Key = required("name", Kind::Form(&NAME), "Its name.");
const PUBLIC: Key = key(
    "public",
    Kind::Form(&ADDRESS),
    "The address that the public network sees. Given out in order by default.",
);
const PLACE_FIREWALL: Key = key("firewall", FIREWALL, "Packet filter. Default: none.");
const PLACE_INSPECT: Key = key("inspect", INSPECT, "Protocol inspection. Default: none.");
const PLACE_ALG: Key = key("alg", ALG, "SIP gateway in the NAT. Default: false.");
const NAT_ABOUT: &str = "Address translation. Default: port-restricted; none for a public network.";

/// A company's site.
pub static SITE: Shape = Shape {
    about: "A company's site: its phones speak to HRAC.",
    keys: &[
        PLACE_NAME,
        key("network", Kind::Form(&NETWORK), "Its network. Default: 10.10.10.0/24, for every site."),
        key("line", LINE, "Its line to the public network. Default: office."),
        PUBLIC,
        PLACE_FIREWALL,
        PLACE_INSPECT,
        key("nat", NAT, NAT_ABOUT),
        PLACE_ALG,
        key("proxy", PROXY, "HTTP proxy. Default: none."),
        key("hrac", HRAC, "The tunnel's way out. Default: forward with a proxy, else direct."),
        key("phones", PHONES, "Its phones: names, or tables."),
    ],
};

/// A home.
pub static HOME: Shape = Shape {
    about: "A home: its phones speak to HRAS, through the home router.",
    keys: &[
        PLACE_NAME,
        key("network", Kind::Form(&NETWORK), "Its network. Default: 192.168.1.0/24, for every home."),
        key("line", LINE, "Its line to the public network. Default: home."),
        PUBLIC,
        PLACE_FIREWALL,
        PLACE_INSPECT,
        key("nat", NAT, NAT_ABOUT),
        PLACE_ALG,
        key("phones", PHONES, "Its phones: names, or tables."),
    ],
};

/// The public host.
pub static SERVER: Shape = Shape {
    about: "The public host with HRAS.",
    keys: &[
        key("address", Kind::Form(&ADDRESS), "Its address. Default: 203.0.113.5."),
        key("line", LINE, "Its line to the public network. Default: datacenter."),
        key("proxy", REVERSE_PROXY, "A reverse proxy before HRAS. Default: none."),
        key("domain", Kind::Text, "The SIP domain. Default: example.net."),
        key("voice_age_max", TIME_KIND, "Age at which voice is dropped. Default: 150ms."),
        key(
            "hostile",
            Kind::Flag,
            "A script that knows the sites' keys and tries to misuse HRAC. Default: false.",
        ),
    ],
};
