//! Whether places and phones fit together: names, addresses, families.

use core::net::IpAddr;
use core::ops::Range;
use std::collections::BTreeMap;

use super::super::model::{PhoneSpec, Place, ServerSpec};
use super::super::values;
use super::context::Context;
use super::phone::Written;
use super::section::Section;

/// Names that mean something by themselves.
const RESERVED: [&str; 5] = ["server", "hras", "outer", "inner", "none"];

/// Every name once, and none that means something else.
pub fn names(context: &Context, places: &[(Place, Section)], phones: &[Written]) {
    let mut seen: BTreeMap<&str, (&'static str, usize)> = BTreeMap::new();
    let mut check = |name, what, span: &Range<usize>, path: &str| {
        if RESERVED.contains(&name) {
            context.problem(
                span,
                path,
                format!("{name:?} means something else in this file; choose another name"),
            );
        }
        let line = context.line(span.start);
        if let Some((other, first)) = seen.insert(name, (what, line)) {
            context.problem(span, path, format!("{name:?} is the name of {other} in line {first} already"));
        }
    };
    for (place, section) in places.iter().filter(|(place, _)| !place.name.is_empty()) {
        check(&place.name, "a place", &section.span_of("name"), &section.path_of("name"));
    }
    for phone in phones {
        check(&phone.spec.name, "a phone", &phone.span, &phone.path);
    }
}

/// Room for all phones, addresses within their network, one host to an address.
pub fn addresses(context: &Context, places: &[(Place, Section)], server: &ServerSpec, phones: &[Written]) {
    for (index, (place, section)) in places.iter().enumerate() {
        room(place, section, phones.iter().filter(|phone| phone.spec.place == Some(index)).count());
        if let Some(hrac) = &place.hrac
            && !values::contains(place.network, hrac.addr)
        {
            let (base, bits) = place.network;
            let message = format!("{} is not in {base}/{bits}, the network of {}", hrac.addr, place.name);
            section.section_or_empty("hrac").problem("address", message);
        }
        if place.nat.is_some() && place.network.0.is_ipv6() {
            section.problem("nat", "translates IPv4 only; leave nat out");
        }
        if place.nat.is_none() && place.alg.is_some() {
            section.problem("alg", "the SIP gateway lives in the nat, and there is none");
        }
        if values::contains(place.network, server.addr) {
            section.problem("network", format!("the public address {} of the server is in it", server.addr));
        }
        if place.network.0.is_ipv6() != server.addr.is_ipv6() {
            let (place_family, server_family) = (family(place.network.0), family(server.addr));
            section.problem("network", format!(
                "is {place_family}, the server's address {} is {server_family}; give [server] an address of the same family",
                server.addr,
            ));
        }
    }
    let mut seen: BTreeMap<(Option<usize>, IpAddr), String> = BTreeMap::new();
    seen.insert((None, server.addr), "the server".to_owned());
    for (index, (place, _)) in places.iter().enumerate() {
        seen.extend(place.fixed().into_iter().map(|(what, addr)| ((Some(index), addr), what.to_owned())));
    }
    for Written { spec, span, address, .. } in phones {
        let Some(path) = address else { continue };
        if let Some(place) = spec.place.map(|place| &places[place].0)
            && !values::contains(place.network, spec.addr)
        {
            let (base, bits) = place.network;
            let message = format!("{} is not in {base}/{bits}, the network of {}", spec.addr, place.name);
            context.problem(span, path, message);
        }
        if let Some(other) = seen.insert((spec.place, spec.addr), spec.name.clone()) {
            context.problem(span, path, format!("{} is the address of {other} already", spec.addr));
        }
    }
}

fn room(place: &Place, section: &Section, phones: usize) {
    if section.has("network") && section.network("network").is_none() {
        return;
    }
    let (base, bits) = place.network;
    let host_bits = if base.is_ipv4() { 32 } else { 128 } - u32::from(bits);
    let wanted = phones as u128 + u128::from(super::super::plan::FIRST_PHONE) + 1;
    if wanted > 1_u128.checked_shl(host_bits).unwrap_or(u128::MAX) {
        let needed = 32 - wanted.next_power_of_two().trailing_zeros() as u8;
        let better = values::masked(base, needed);
        let key = if section.has("network") { "network" } else { "phones" };
        section.problem(key, format!(
            "{phones} phones and what else stands there do not fit into {base}/{bits}; write e.g. network = \"{better}/{needed}\""
        ));
    }
}

fn family(addr: IpAddr) -> &'static str {
    if addr.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// Routed networks must not overlap: nobody could tell where a packet is to go.
pub fn overlaps(places: &[(Place, Section)]) {
    for (index, (place, section)) in places.iter().enumerate().filter(|(_, (place, _))| place.nat.is_none()) {
        let other = places[..index].iter().map(|(other, _)| other).find(|other| {
            let overlap = values::contains(other.network, place.network.0)
                || values::contains(place.network, other.network.0);
            other.nat.is_none() && overlap
        });
        if let Some(other) = other {
            let message = format!(
                "overlaps the network of {}, and neither is translated; give one of them a nat or another network",
                other.name
            );
            section.problem("network", message);
        }
    }
}

/// Forwarding leads to phones that exist.
pub fn forwards(context: &Context, phones: &[Written]) {
    let names: Vec<&str> = phones.iter().map(|phone| phone.spec.name.as_str()).collect();
    for Written { spec, span, path, .. } in phones {
        if let super::super::model::AnswerSpec::Forward(target) = &spec.answer
            && let Err(message) = super::step::callee(target, &names)
        {
            context.problem(span, format!("{path} (answer)"), message);
        }
    }
}

/// The phones alone.
pub fn specs(phones: Vec<Written>) -> Vec<PhoneSpec> {
    phones.into_iter().map(|phone| phone.spec).collect()
}
