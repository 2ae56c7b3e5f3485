//! Sites, homes and the public host.

use core::net::IpAddr;

use sofw_core::config::limits::VOICE_AGE_MAX;

use super::super::model::{
    AlgSpec, FirewallSpec, HomeOrSite, HracSpec, InspectSpec, NatSpec, Place, ProxyAuth, ProxySpec,
    ServerSpec, WayOut,
};
use super::super::names::{self, AUTHS, WAYS};
use super::super::{plan, values};
use super::line::line;
use super::section::Section;

/// One place, without its phones. `index` counts places of its kind.
pub fn place(section: &Section, kind: HomeOrSite, index: usize) -> Place {
    let network = section.network("network").unwrap_or(plan::network(kind));
    let nat = nat(section, network.0);
    let proxy = section.has("proxy").then(|| proxy(section)).flatten();
    let hrac = match kind {
        HomeOrSite::Site => hrac(section, network, proxy.as_ref()),
        HomeOrSite::Home => None,
    };
    let public = section.address("public").unwrap_or_else(|| match nat {
        None => values::nth(network, plan::ROUTER),
        Some(_) => plan::public_address(kind, network.0.is_ipv6(), index),
    });
    Place {
        name: section.text("name").unwrap_or_default().to_owned(),
        kind,
        network,
        line: line(section, "line", plan::line(kind)),
        public,
        firewall: firewall(section),
        inspect: inspect(section),
        nat,
        alg: alg(section),
        proxy,
        hrac,
    }
}

fn firewall(section: &Section) -> Option<FirewallSpec> {
    let preset = |preset: &str| FirewallSpec {
        preset: preset.to_owned(),
        rules: Vec::new(),
        reject: None,
        idle_udp: None,
        idle_tcp: None,
    };
    if let Some(name) = section.text("firewall") {
        return Some(preset(name));
    }
    let table = section.section("firewall")?;
    Some(FirewallSpec {
        rules: table.items("rules").iter().filter_map(|item| values::rule(item.text).ok()).collect(),
        reject: table.flag("reject"),
        idle_udp: table.time("idle_udp"),
        idle_tcp: table.time("idle_tcp"),
        ..preset(table.text("preset")?)
    })
}

fn inspect(section: &Section) -> Option<InspectSpec> {
    if let Some(name) = section.text("inspect") {
        return Some(InspectSpec { tls: name == "tls", deny_connect: false });
    }
    let table = section.section("inspect")?;
    let flag = |key| table.flag(key).unwrap_or(false);
    Some(InspectSpec { tls: flag("tls"), deny_connect: flag("deny_connect") })
}

fn nat(section: &Section, network: IpAddr) -> Option<NatSpec> {
    let preset = |preset: &str| {
        (preset != "none").then(|| NatSpec {
            preset: preset.to_owned(),
            idle_udp: None,
            idle_tcp: None,
            hairpin: None,
        })
    };
    if let Some(name) = section.text("nat") {
        return preset(name);
    }
    match section.section("nat") {
        Some(table) => Some(NatSpec {
            idle_udp: table.time("idle_udp"),
            idle_tcp: table.time("idle_tcp"),
            hairpin: table.flag("hairpin"),
            ..preset(table.text("preset")?)?
        }),
        None => plan::is_private(network).then(|| preset(plan::DEFAULT_NAT)).flatten(),
    }
}

fn alg(section: &Section) -> Option<AlgSpec> {
    let table = section.section("alg");
    let flag = |key, default| table.as_ref().and_then(|table| table.flag(key)).unwrap_or(default);
    (table.is_some() || section.flag("alg") == Some(true)).then(|| AlgSpec {
        via: flag("via", true),
        contact: flag("contact", true),
        sdp: flag("sdp", true),
        breaks_content_length: flag("breaks_content_length", false),
    })
}

fn proxy(section: &Section) -> Option<ProxySpec> {
    let table = section.section_or_empty("proxy");
    let preset = section.text("proxy").or(table.text("preset"))?;
    let ports = table.has("connect_ports").then(|| {
        table.numbers("connect_ports").into_iter().filter_map(|port| u16::try_from(port).ok()).collect()
    });
    let spec = ProxySpec {
        preset: preset.to_owned(),
        auth: table
            .text("auth")
            .and_then(|name| names::value_of::<ProxyAuth>(&AUTHS, &names::AUTH_VALUES, name)),
        wrong_password: table.flag("wrong_password").unwrap_or(false),
        latency: table.time("latency"),
        idle: table.time("idle"),
        lifetime: table.time("lifetime"),
        connections: table.number("connections").and_then(|number| u32::try_from(number).ok()),
        rate: table.rate("rate").map(|bits| bits / 8),
        connect_ports: ports,
    };
    if spec.is_transparent() {
        for key in ["auth", "wrong_password", "connect_ports"].into_iter().filter(|key| table.has(key)) {
            table.problem(
                key,
                "nobody speaks to a transparent proxy as to a proxy; take another preset, e.g. \"squid\"",
            );
        }
    }
    Some(spec)
}

fn hrac(section: &Section, network: (IpAddr, u8), proxy: Option<&ProxySpec>) -> Option<HracSpec> {
    let has_proxy = proxy.is_some_and(|proxy| !proxy.is_transparent());
    let named = section.text("hrac");
    if named == Some("none") {
        return None;
    }
    let table = section.section_or_empty("hrac");
    let written: Vec<&str> = match named {
        Some(name) => vec![name],
        None => table.items("ways").iter().map(|item| item.text).collect(),
    };
    let mut ways: Vec<WayOut> =
        written.into_iter().filter_map(|name| names::value_of(&WAYS, &names::WAY_VALUES, name)).collect();
    if !has_proxy && ways.iter().any(|way| *way != WayOut::Direct) {
        let message = match proxy {
            None => {
                "forward and connect lead through the site's proxy, and it has none; add proxy = \"squid\""
            }
            Some(_) => {
                "forward and connect are ways through a proxy that HRAC is told of; a transparent one stands in the way of \"direct\""
            }
        };
        match named {
            Some(_) => section.problem("hrac", message),
            None => table.problem("ways", message),
        }
    }
    if ways.is_empty() {
        ways.push(plan::default_way(has_proxy));
    }
    Some(HracSpec {
        addr: table.address("address").unwrap_or_else(|| values::nth(network, plan::HRAC)),
        port: table.number("port").map_or_else(|| plan::default_port(&ways), |port| port as u16),
        voice_age_max: table.time("voice_age_max").unwrap_or(VOICE_AGE_MAX),
        bbr: table.text("congestion") != Some("cubic"),
        wrong_key: table.flag("wrong_key").unwrap_or(false),
        ways,
    })
}

/// The public host.
pub fn server(section: &Section) -> ServerSpec {
    let default = plan::server();
    ServerSpec {
        addr: section.address("address").unwrap_or(default.addr),
        line: line(section, "line", default.line),
        proxy: section.has("proxy").then(|| proxy(section)).flatten(),
        domain: section.text("domain").map_or(default.domain, str::to_owned),
        voice_age_max: section.time("voice_age_max").unwrap_or(default.voice_age_max),
        hostile: section.flag("hostile").unwrap_or(default.hostile),
    }
}
