//! Sites, homes and the public host.

use super::super::model::{
    AlgSpec, FirewallSpec, HomeOrSite, HracSpec, InspectSpec, NatSpec, Place, ProxySpec, ServerSpec,
};
use super::super::names::{self, AUTHS, WAYS};
use super::super::{plan, values};
use super::line::line;
use super::text::{Fields, list, quoted};
use sofw_core::base::Duration;
use sofw_core::config::limits::VOICE_AGE_MAX;

/// The keys of a place without its phones; `index` counts places of its kind.
pub fn place(place: &Place, index: usize) -> Fields {
    let mut fields = Fields::default();
    fields.text("name", &place.name);
    if place.network != plan::network(place.kind) {
        fields.text("network", &format!("{}/{}", place.network.0, place.network.1));
    }
    if place.line != plan::line(place.kind) {
        fields.raw("line", line(&place.line));
    }
    let default_public = match place.nat {
        None => place.router_addr(),
        Some(_) => plan::public_address(place.kind, place.network.0.is_ipv6(), index),
    };
    if place.public != default_public {
        fields.text("public", &place.public.to_string());
    }
    fields.some("firewall", place.firewall.as_ref().map(firewall));
    fields.some("inspect", place.inspect.as_ref().map(inspect));
    fields.some("nat", nat(place));
    fields.some("alg", place.alg.as_ref().map(alg));
    fields.some("proxy", place.proxy.as_ref().map(proxy));
    if place.kind == HomeOrSite::Site {
        fields.some("hrac", hrac(place));
    }
    fields
}

/// A preset's name alone, or a table with what differs from it.
fn preset(name: &str, differences: Fields) -> String {
    if differences.is_empty() {
        return quoted(name);
    }
    let mut fields = Fields::default();
    fields.text("preset", name);
    fields.extend(differences);
    fields.inline()
}

fn time(time: Option<Duration>) -> Option<String> {
    time.map(|time| quoted(&values::time_text(time)))
}

fn firewall(spec: &FirewallSpec) -> String {
    let mut fields = Fields::default();
    let rules = spec.rules.iter().map(values::rule_text);
    fields.some("rules", (!spec.rules.is_empty()).then(|| list(rules)));
    fields.some("reject", spec.reject.map(|reject| reject.to_string()));
    fields.some("idle_udp", time(spec.idle_udp));
    fields.some("idle_tcp", time(spec.idle_tcp));
    preset(&spec.preset, fields)
}

fn inspect(spec: &InspectSpec) -> String {
    if !spec.deny_connect {
        return quoted(if spec.tls { "tls" } else { "http" });
    }
    let mut fields = Fields::default();
    fields.flag("tls", spec.tls);
    fields.flag("deny_connect", spec.deny_connect);
    fields.inline()
}

fn nat(place: &Place) -> Option<String> {
    let Some(NatSpec { preset: name, idle_udp, idle_tcp, hairpin }) = &place.nat else {
        return plan::is_private(place.network.0).then(|| quoted("none"));
    };
    let mut fields = Fields::default();
    fields.some("idle_udp", time(*idle_udp));
    fields.some("idle_tcp", time(*idle_tcp));
    fields.some("hairpin", hairpin.map(|hairpin| hairpin.to_string()));
    let is_default = fields.is_empty() && name == plan::DEFAULT_NAT && plan::is_private(place.network.0);
    (!is_default).then(|| preset(name, fields))
}

fn alg(spec: &AlgSpec) -> String {
    let mut fields = Fields::default();
    for (key, value) in [("via", spec.via), ("contact", spec.contact), ("sdp", spec.sdp)] {
        fields.some(key, (!value).then(|| "false".to_owned()));
    }
    fields.flag("breaks_content_length", spec.breaks_content_length);
    if fields.is_empty() { "true".to_owned() } else { fields.inline() }
}

fn proxy(spec: &ProxySpec) -> String {
    let mut fields = Fields::default();
    fields.some("auth", spec.auth.map(|auth| quoted(names::name_of(&AUTHS, &names::AUTH_VALUES, &auth))));
    fields.flag("wrong_password", spec.wrong_password);
    fields.some("latency", time(spec.latency));
    fields.some("idle", time(spec.idle));
    fields.some("lifetime", time(spec.lifetime));
    fields.some("connections", spec.connections.map(|connections| connections.to_string()));
    fields.some("rate", spec.rate.map(|bytes| quoted(&values::rate_text(bytes * 8))));
    fields.some("connect_ports", spec.connect_ports.as_ref().map(|ports| format!("{ports:?}")));
    preset(&spec.preset, fields)
}

fn hrac(place: &Place) -> Option<String> {
    let Some(HracSpec { addr, ways, port, voice_age_max, bbr, wrong_key }) = &place.hrac else {
        return Some(quoted("none"));
    };
    let mut fields = Fields::default();
    let names: Vec<&str> = ways.iter().map(|way| names::name_of(&WAYS, &names::WAY_VALUES, way)).collect();
    if ways[..] != [plan::default_way(place.told_proxy().is_some())] {
        fields.raw("ways", list(&names));
    }
    fields.some("port", (*port != plan::default_port(ways)).then(|| port.to_string()));
    if *addr != values::nth(place.network, plan::HRAC) {
        fields.text("address", &addr.to_string());
    }
    fields.some("congestion", (!bbr).then(|| quoted("cubic")));
    fields.some("voice_age_max", time((*voice_age_max != VOICE_AGE_MAX).then_some(*voice_age_max)));
    fields.flag("wrong_key", *wrong_key);
    match (fields.only("ways").is_some(), &names[..]) {
        (true, [only]) => Some(quoted(only)),
        _ => (!fields.is_empty()).then(|| fields.inline()),
    }
}

/// The keys of the public host.
pub fn server(server: &ServerSpec) -> Fields {
    let default = plan::server();
    let mut fields = Fields::default();
    fields.some("address", (server.addr != default.addr).then(|| quoted(&server.addr.to_string())));
    fields.some("line", (server.line != default.line).then(|| line(&server.line)));
    fields.some("proxy", server.proxy.as_ref().map(proxy));
    fields.some("domain", (server.domain != default.domain).then(|| quoted(&server.domain)));
    let age = server.voice_age_max;
    fields.some("voice_age_max", time((age != default.voice_age_max).then_some(age)));
    fields.flag("hostile", server.hostile);
    fields
}
