//! From a scenario's words to middleboxes and proxies.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::{Duration, Rng};

use super::accounts;
use crate::middlebox::alg::{AlgParams, SipAlg};
use crate::middlebox::firewall::{self, Firewall, FirewallParams, Network, Verdict};
use crate::middlebox::inspect::{InspectParams, Inspector};
use crate::middlebox::nat::{self, Nat, NatParams};
use crate::middlebox::{INSIDE, Middlebox, OUTSIDE, Redirect};
use crate::packet::Protocol;
use crate::proxy::{self, AuthScheme, ConnectPolicy, ProxyConfig};
use crate::scenario::model::{FirewallSpec, NatSpec, Place, ProxyAuth, ProxySpec, Rule};

/// The boxes of a place, from inside to outside, with what they are.
pub(super) fn of(place: &Place, rng: Rng) -> Vec<(&'static str, Box<dyn Middlebox>)> {
    let mut boxes: Vec<(&'static str, Box<dyn Middlebox>)> = Vec::new();
    if place.proxy.as_ref().is_some_and(ProxySpec::is_transparent) {
        let proxy = SocketAddr::new(super::build::proxy_addr(place), WEB_PORT);
        boxes.push(("redirect", Box::new(Redirect::new(place.router_addr(), proxy))));
    }
    if let Some(inspect) = &place.inspect {
        let params = InspectParams {
            tls: inspect.tls,
            deny_connect: inspect.deny_connect,
            ..InspectParams::default()
        };
        boxes.push(("inspection", Box::new(Inspector::new(params))));
    }
    if let Some(spec) = &place.firewall {
        boxes.push(("firewall", Box::new(Firewall::new(firewall_params(place, spec)))));
    }
    if let (Some(spec), IpAddr::V4(public)) = (&place.nat, place.public) {
        let nat = Nat::new(nat_params(spec, public), rng.fork("nat"));
        match &place.alg {
            Some(alg) => {
                let params = AlgParams {
                    rewrites_via: alg.via,
                    rewrites_contact: alg.contact,
                    rewrites_sdp: alg.sdp,
                    breaks_content_length: alg.breaks_content_length,
                    ..AlgParams::default()
                };
                boxes.push(("nat", Box::new(SipAlg::new(params, nat))));
            }
            None => boxes.push(("nat", Box::new(nat))),
        }
    }
    boxes
}

fn firewall_params(place: &Place, spec: &FirewallSpec) -> FirewallParams {
    let proxy = place.proxy.as_ref().map(|_| super::build::proxy_addr(place));
    let preset = firewall::find(&spec.preset).expect("the scenario's preset names were checked");
    let mut params = preset.params(proxy);
    let no = if spec.reject == Some(true) { Verdict::Reject } else { Verdict::Drop };
    let own = spec.rules.iter().flat_map(|rule| rules(rule, no));
    params.rules = own.chain(params.rules).collect();
    if params.default_out != Verdict::Allow {
        params.default_out = no;
    }
    params.timeouts.udp = spec.idle_udp.unwrap_or(params.timeouts.udp);
    params.timeouts.tcp_established = spec.idle_tcp.unwrap_or(params.timeouts.tcp_established);
    params
}

/// One rule of a scenario is one for each protocol and range of ports.
fn rules(rule: &Rule, no: Verdict) -> Vec<firewall::Rule> {
    let network = |network: (IpAddr, u8)| Network { addr: network.0, prefix: network.1 };
    let protocols = match rule.tcp {
        Some(true) => vec![Some(Protocol::Tcp)],
        Some(false) => vec![Some(Protocol::Udp)],
        None => vec![None],
    };
    let ports: Vec<_> = match rule.ports.is_empty() {
        true => vec![None],
        false => rule.ports.iter().copied().map(Some).collect(),
    };
    let from = if rule.out { INSIDE } else { OUTSIDE };
    let verdict = if rule.allow { Verdict::Allow } else { no };
    let base = firewall::Rule {
        source: rule.from.map(network),
        destination: rule.to.map(network),
        ..firewall::Rule::all(from, verdict)
    };
    let each = protocols.iter().flat_map(|&protocol| ports.iter().map(move |&ports| (protocol, ports)));
    each.map(|(protocol, destination_ports)| firewall::Rule { protocol, destination_ports, ..base }).collect()
}

fn nat_params(spec: &NatSpec, public: core::net::Ipv4Addr) -> NatParams {
    let preset = nat::find(&spec.preset).expect("the scenario's preset names were checked");
    let mut params = preset.params(public);
    params.timeouts.udp = spec.idle_udp.unwrap_or(params.timeouts.udp);
    params.timeouts.tcp_established = spec.idle_tcp.unwrap_or(params.timeouts.tcp_established);
    params.hairpin = spec.hairpin.unwrap_or(params.hairpin);
    params
}

/// A proxy's configuration; with an `origin` it stands before that.
pub(super) fn proxy_config(spec: &ProxySpec, listen: SocketAddr, origin: Option<SocketAddr>) -> ProxyConfig {
    let preset = proxy::find(&spec.preset).expect("the scenario's preset names were checked");
    let mut config = ProxyConfig { listen, origin, ..preset.config() };
    if let Some(auth) = spec.auth {
        config.auth = Some(proxy::ProxyAuth {
            realm: "proxy".into(),
            schemes: match auth {
                ProxyAuth::Basic => vec![AuthScheme::Basic],
                ProxyAuth::Digest => vec![AuthScheme::DigestMd5],
                ProxyAuth::Ntlm => vec![AuthScheme::Negotiate, AuthScheme::Ntlm],
            },
            users: vec![(accounts::PROXY_USER.into(), accounts::password(accounts::PROXY_USER))],
            nonce_life: NONCE_LIFE,
        });
    }
    config.request_latency = spec.latency.unwrap_or(config.request_latency);
    if let Some(idle) = spec.idle {
        config.idle_get = Some(idle);
        config.idle_post = Some(idle);
        config.idle_connect = Some(idle);
    }
    config.lifetime_max = spec.lifetime.or(config.lifetime_max);
    config.connections_per_client_max =
        spec.connections.map(|most| most as usize).or(config.connections_per_client_max);
    config.bytes_per_second = spec.rate.or(config.bytes_per_second);
    if let Some(ports) = &spec.connect_ports {
        config.connect = ConnectPolicy::Ports(ports.clone());
    }
    config
}

/// Where a redirected port leads.
pub(super) const WEB_PORT: u16 = 80;
/// As Squid's `nonce_max_duration`.
const NONCE_LIFE: Duration = Duration::from_secs(30 * 60);
