//! When all trouble is over, the system works again.

#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use std::collections::BTreeSet;

use sofw_core::base::Instant;
use sofw_core::testing::phone::Phone;

use super::faults::Faults;
use super::stamp::Media;
use super::{Checker, Look, Phase, Sights};
use crate::record::Finding;
use crate::run::Map;
use crate::scenario::Scenario;
use crate::scenario::model::{HomeOrSite, PhoneSpec, ProxyAuth, ProxySpec, WayOut};
use crate::world::NodeId;

/// At the end of [`Phase::LastCall`] every phone that is to be registered is, by its own word and by HRAS's; and in this phase two phones
/// have heard voice, if one of those phones is at a site: HRAS does not let phones outside call each other.
///
/// The bound is the runner's: how long it lets the world settle, and phones register, before the last call.
#[derive(Debug)]
pub struct Liveness {
    /// Which phones can be registered, by configuration.
    able: Vec<bool>,
    phase: Phase,
    /// Packets of media that each phone heard in the last call.
    heard: Vec<u64>,
    /// At the last look of the phase: who was to be registered, and who was not, each with a reason.
    wanted: usize,
    /// Whether two of them may call each other: one is at a site.
    is_callable: bool,
    missing: Vec<(Instant, String)>,
    faults: Faults,
}

impl Liveness {
    /// For a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let hopeless = hopeless(scenario);
        let able = |phone: &PhoneSpec| !phone.wrong_password && !hopeless.contains(&phone.place);
        Liveness {
            able: scenario.phones.iter().map(able).collect(),
            phase: Phase::Timeline,
            heard: vec![0; scenario.phones.len()],
            wanted: 0,
            is_callable: false,
            missing: Vec::new(),
            faults: Faults::new(
                "liveness",
                "phones and last calls",
                "after all trouble everybody is registered and a call has voice both ways",
            ),
        }
    }

    fn look_at_registrations(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        (self.wanted, self.is_callable, self.missing) = (0, false, Vec::new());
        for (number, (place, phone)) in map.phones.iter().zip(&look.phones).enumerate() {
            let of = |list: &[bool]| list.get(number).copied().unwrap_or(false);
            if !of(&self.able) || !of(look.wants_registration) {
                continue;
            }
            self.wanted += 1;
            self.is_callable |= map.site_of(number).is_some();
            let name = &place.name;
            let has_binding = || look.hras.is_some_and(|hras| hras.has_binding(name));
            let trouble = match phone {
                None => format!("{name} is off"),
                Some(phone) if !phone.is_registered() => format!("{name} is not registered"),
                Some(_) if !has_binding() => format!("HRAS does not know {name}"),
                Some(_) => continue,
            };
            self.missing.push((at, trouble));
        }
    }
}

impl Checker for Liveness {
    fn name(&self) -> &'static str {
        "liveness"
    }

    fn sights(&self) -> Sights {
        Sights { heard: true, ..Sights::NONE }
    }

    fn heard(&mut self, _: Instant, map: &Map, node: NodeId, _: &Phone, _: SocketAddr, media: &Media<'_>) {
        if self.phase == Phase::LastCall
            && !media.is_rtcp
            && let Some(count) = map.phone(node).and_then(|who| self.heard.get_mut(who))
        {
            *count += 1;
        }
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        if look.phase == Phase::LastCall {
            self.look_at_registrations(at, map, look);
        }
        self.phase = look.phase;
    }

    fn finish(&mut self, at: Instant, map: &Map) -> Vec<Finding> {
        (0..self.wanted).for_each(|_| self.faults.looked());
        for (at, trouble) in core::mem::take(&mut self.missing) {
            self.faults.found(at, || trouble);
        }
        if self.wanted >= 2 && self.is_callable {
            self.faults.looked();
            let heard = self.heard.iter().filter(|&&count| count >= VOICE_MIN).count();
            if heard < 2 {
                let who = map.phones.iter().zip(&self.heard).filter(|&(_, &count)| count > 0);
                let who: Vec<_> = who.map(|(phone, count)| format!("{} heard {count}", phone.name)).collect();
                let who = if who.is_empty() { "nobody heard anything".into() } else { who.join(", ") };
                self.faults.found(at, || format!("no voice both ways in the last call: {who}"));
            }
        }
        self.faults.finish()
    }
}

/// Sites whose tunnel cannot come up, by configuration; a site without HRAC has none at all.
fn hopeless(scenario: &Scenario) -> BTreeSet<Option<usize>> {
    let places = scenario.places.iter().enumerate().filter(|(_, place)| {
        let Some(hrac) = &place.hrac else { return place.kind == HomeOrSite::Site };
        let needs_proxy = !hrac.ways.contains(&WayOut::Direct);
        let refused = |proxy: &ProxySpec| proxy.wrong_password || proxy.auth == Some(ProxyAuth::Ntlm);
        hrac.wrong_key || (needs_proxy && place.proxy.as_ref().is_none_or(refused))
    });
    places.map(|(number, _)| Some(number)).collect()
}

/// Half a second of voice.
const VOICE_MIN: u64 = 25;
