//! Proxies by name.
//!
//! Their habits were measured in November 2026 with the configurations that Debian ships: octet streams and text in chunks, bodies that
//! trickle, answers to unfinished requests, small POSTs one after the other (whose rate gives [`ProxyConfig::request_latency`]), upgrades,
//! CONNECT, 100-continue, silence. Those without a measurement say so.

use sofw_core::base::Duration;

use super::config::{Buffering, ChunkedRequests, ConnectPolicy, Duplex, Expect, ProxyConfig, Upgrade};

/// A proxy by name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As in a scenario file.
    pub name: &'static str,
    /// It stands before HRAS, and needs [`ProxyConfig::origin`].
    pub is_reverse: bool,
    /// What it does to a tunnel, and where that is known from.
    pub about: &'static str,
    config: fn() -> ProxyConfig,
}

impl Preset {
    /// Its habits. A reverse proxy's `origin` is yet to be set.
    pub fn config(&self) -> ProxyConfig {
        (self.config)()
    }
}

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// All presets.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "squid",
        is_reverse: false,
        about: "Passes everything at once; CONNECT to port 443 only. Measured: Squid 5.7, forward.",
        config: squid,
    },
    Preset {
        name: "tinyproxy",
        is_reverse: false,
        about: "One request per connection, closed in silence; the answer waits for the request's end, a 100 never comes. \
                Measured: tinyproxy 1.11, forward.",
        config: tinyproxy,
    },
    Preset {
        name: "privoxy",
        is_reverse: false,
        about: "Holds requests in chunks and text responses until they are complete; the answer waits for the request's end. \
                Measured: Privoxy 3.0.34, forward.",
        config: privoxy,
    },
    Preset {
        name: "antivirus",
        is_reverse: false,
        about: "Holds every response until it is complete and scanned. Not measured: what vendors describe.",
        config: antivirus,
    },
    Preset {
        name: "strict",
        is_reverse: false,
        about: "Refuses CONNECT, requests in chunks (411), requests over 16 KiB (413); cuts responses after 1 MiB and exchanges after \
                60 s. Not measured: a policy that a careful administrator might set.",
        config: strict,
    },
    Preset {
        name: "tls-inspecting",
        is_reverse: false,
        about: "Allows CONNECT to port 443 but cuts what does not begin with a TLS ClientHello. Not measured; real ones then also \
                decrypt, which this one does not.",
        config: tls_inspecting,
    },
    Preset {
        name: "transparent",
        is_reverse: false,
        about: "Stands behind a redirected port 80: what goes there straight comes to it, and it goes by the Host field; else as squid. Not measured.",
        config: transparent,
    },
    Preset {
        name: "nginx",
        is_reverse: true,
        about: "Holds requests until they are complete and responses in blocks of a page, unless they say X-Accel-Buffering: no; speaks \
                HTTP/1.0 to the server. Measured: nginx, reverse, default.",
        config: nginx,
    },
    Preset {
        name: "nginx-tuned",
        is_reverse: true,
        about: "proxy_buffering and proxy_request_buffering off, HTTP/1.1 and upgrades on. Measured: nginx, reverse, tuned.",
        config: nginx_tuned,
    },
    Preset {
        name: "haproxy",
        is_reverse: true,
        about: "Holds small pieces up to 200 ms in both directions. Measured: HAProxy, reverse, default.",
        config: haproxy,
    },
    Preset {
        name: "haproxy-no-delay",
        is_reverse: true,
        about: "`option http-no-delay`: passes everything at once. Measured: HAProxy, reverse.",
        config: haproxy_no_delay,
    },
    Preset {
        name: "apache",
        is_reverse: true,
        about: "Holds request bodies in blocks of 16 KiB, gives a silent body 10 s (408); the answer waits for the request's end. \
                Measured: Apache mod_proxy, reverse, default.",
        config: apache,
    },
];

const fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

/// The time of one request from the measured rate of small POSTs in sequence.
fn per_second(rate: u32) -> Duration {
    Duration::from_secs(1) / rate
}

fn named(via: &str) -> ProxyConfig {
    ProxyConfig { via: Some(via.to_owned()), ..ProxyConfig::default() }
}

fn squid() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(545),
        connect: ConnectPolicy::Ports(vec![443]),
        upgrade: Upgrade::Strip,
        expect: Expect::Pass,
        idle_get: secs(900),
        // Longer than the 910 s for which it was watched.
        idle_post: None,
        idle_connect: secs(900),
        // Squid's client_idle_pconn_timeout.
        idle_keep_alive: secs(120),
        ..named("squid")
    }
}

fn tinyproxy() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(48),
        one_request: true,
        duplex: Duplex::AfterRequest,
        upgrade: Upgrade::Strip,
        expect: Expect::Lose,
        idle_pages: false,
        idle_get: secs(600),
        idle_post: secs(600),
        idle_connect: secs(600),
        origin_keep_alive: None,
        ..named("tinyproxy")
    }
}

fn privoxy() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(1000),
        chunked_requests: ChunkedRequests::WithLength,
        response_buffering_by_type: vec![("text/".to_owned(), Buffering::UntilEnd)],
        duplex: Duplex::AfterRequest,
        upgrade: Upgrade::NoAnswer,
        expect: Expect::Lose,
        idle_pages: false,
        idle_get: secs(300),
        idle_post: secs(300),
        idle_connect: secs(300),
        via: None,
        ..ProxyConfig::default()
    }
}

fn antivirus() -> ProxyConfig {
    ProxyConfig { response_buffering: Buffering::UntilEnd, ..named("antivirus") }
}

fn strict() -> ProxyConfig {
    ProxyConfig {
        connect: ConnectPolicy::Refuse,
        chunked_requests: ChunkedRequests::Refuse,
        request_body_max: Some(16 * 1024),
        response_body_max: Some(1024 * 1024),
        lifetime_max: secs(60),
        ..named("strict")
    }
}

fn tls_inspecting() -> ProxyConfig {
    ProxyConfig {
        connect: ConnectPolicy::Ports(vec![443]),
        connect_needs_tls: true,
        ..named("tls-inspecting")
    }
}

fn transparent() -> ProxyConfig {
    ProxyConfig { intercepts: true, via: None, ..squid() }
}

fn nginx() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(1100),
        request_buffering: Buffering::UntilEnd,
        response_buffering: Buffering::Bytes(4096),
        honours_accel: true,
        upgrade: Upgrade::Strip,
        expect: Expect::Answer,
        idle_get: secs(60),
        idle_post: secs(60),
        // Its client_max_body_size.
        request_body_max: Some(1024 * 1024),
        origin_http_1_0: true,
        origin_keep_alive: None,
        via: None,
        ..reverse()
    }
}

fn nginx_tuned() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(270),
        request_buffering: Buffering::AtOnce,
        response_buffering: Buffering::AtOnce,
        upgrade: Upgrade::Pass,
        request_body_max: None,
        origin_http_1_0: false,
        // Not measured: nobody waited for them.
        idle_get: None,
        idle_post: None,
        ..nginx()
    }
}

/// A segment of the usual MTU leaves at once even where small pieces wait.
const SEGMENT: usize = 1448;

fn haproxy() -> ProxyConfig {
    let held = Buffering::BytesOrTime(SEGMENT, Duration::from_millis(200));
    ProxyConfig { request_buffering: held, response_buffering: held, ..haproxy_no_delay() }
}

fn haproxy_no_delay() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(9000),
        upgrade: Upgrade::Pass,
        expect: Expect::Pass,
        idle_get: secs(50),
        idle_post: secs(50),
        idle_connect: secs(50),
        via: None,
        ..reverse()
    }
}

fn apache() -> ProxyConfig {
    ProxyConfig {
        request_latency: per_second(3300),
        request_buffering: Buffering::Bytes(16 * 1024),
        duplex: Duplex::AfterRequest,
        upgrade: Upgrade::Strip,
        expect: Expect::AnswerAndAsk,
        idle_get: secs(300),
        idle_post: secs(10),
        // Its KeepAliveTimeout.
        idle_keep_alive: secs(5),
        via: None,
        ..reverse()
    }
}

fn reverse() -> ProxyConfig {
    let listen = core::net::SocketAddr::from(([0, 0, 0, 0], 80));
    ProxyConfig { listen, connect: ConnectPolicy::Refuse, ..ProxyConfig::default() }
}
