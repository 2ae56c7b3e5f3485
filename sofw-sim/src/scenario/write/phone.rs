//! Phones.

use core::net::Ipv4Addr;

use sofw_core::base::{Duration, Transport};

use super::super::model::{PhoneSpec, Scenario};
use super::super::{plan, values};
use super::line::line;
use super::text::{Fields, list, quoted};

/// The keys of a phone that differ from what an ordinary one has, its name first.
pub fn phone(phone: &PhoneSpec, with_address: bool) -> Fields {
    let default = plan::phone(&phone.name, phone.place);
    let mut fields = Fields::default();
    fields.text("name", &phone.name);
    if with_address {
        fields.text("address", &phone.addr.to_string());
    }
    fields.some("line", (phone.line != default.line).then(|| line(&phone.line)));
    fields.some("transport", (phone.transport == Transport::Tcp).then(|| quoted("tcp")));
    fields.some(
        "answer",
        (phone.answer != default.answer).then(|| quoted(&values::answer_text(&phone.answer))),
    );
    fields.some("registers", (!phone.registers).then(|| "false".to_owned()));
    let expires = quoted(&values::time_text(Duration::from_secs(phone.expires_s.into())));
    fields.some("expires", (phone.expires_s != default.expires_s).then_some(expires));
    fields.some("quirks", (!phone.quirks.is_empty()).then(|| list(&phone.quirks)));
    fields.some("ptime", (phone.ptime_ms != default.ptime_ms).then(|| phone.ptime_ms.to_string()));
    fields.flag("video", phone.video);
    fields.flag("wrong_password", phone.wrong_password);
    fields
}

/// Which phones have an address that they would not be given anyway.
pub fn with_addresses(scenario: &Scenario) -> Vec<bool> {
    let mut explicit = vec![false; scenario.phones.len()];
    loop {
        let mut given = scenario.phones.clone();
        for (phone, explicit) in given.iter_mut().zip(&explicit) {
            if !explicit {
                phone.addr = Ipv4Addr::UNSPECIFIED.into();
            }
        }
        plan::give_addresses(&scenario.places, scenario.server.addr, &mut given);
        let wrong: Vec<usize> =
            (0..given.len()).filter(|&index| given[index].addr != scenario.phones[index].addr).collect();
        if wrong.is_empty() {
            return explicit;
        }
        wrong.into_iter().for_each(|index| explicit[index] = true);
    }
}

/// Whether phones stand in the order of places, those of the public network last: then they can be listed with their place.
pub fn in_order_of_places(phones: &[PhoneSpec]) -> bool {
    phones.is_sorted_by_key(|phone| phone.place.unwrap_or(usize::MAX))
}

/// The phones of one place as a list: names, and tables where there is more to say.
pub fn of_place(scenario: &Scenario, place: Option<usize>, explicit: &[bool]) -> Option<String> {
    let of_place = scenario.phones.iter().zip(explicit).filter(|(phone, _)| phone.place == place);
    let items: Vec<String> = of_place
        .map(|(spec, explicit)| {
            let fields = phone(spec, *explicit);
            fields.only("name").map_or_else(|| fields.inline(), str::to_owned)
        })
        .collect();
    let plain = items.iter().all(|item| item.starts_with('"'));
    match items.len() {
        0 => None,
        _ if plain => Some(format!("[{}]", items.join(", "))),
        _ => Some(format!("[\n  {},\n]", items.join(",\n  "))),
    }
}
