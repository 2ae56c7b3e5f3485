//! When all trouble is over, the system works again.

#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use std::collections::BTreeSet;

use sofw_core::base::Instant;
use sofw_core::testing::phone::Phone;

use super::faults::Faults;
use super::stamp::is_rtcp;
use super::{Checker, Look, Phase};
use crate::record::Finding;
use crate::run::Map;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, PhoneSpec, ProxyAuth, WayOut};
use crate::world::NodeId;

/// When [`Phase::LastCall`] begins, every phone that is to be registered is, by its own word and by HRAS's; and before the phase is over
/// two phones hear voice.
///
/// The bound is the runner's: how long it lets the world settle before the last call.
#[derive(Debug)]
pub struct Liveness {
    /// Indices of phones that are to be registered at the end.
    wanted: Vec<usize>,
    phase: Phase,
    /// Packets of media that each phone heard in the last call.
    heard: Vec<u64>,
    checked: bool,
    faults: Faults,
}

impl Liveness {
    /// For a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let phones = scenario.phones.iter().enumerate();
        Liveness {
            wanted: phones.filter(|&(n, phone)| is_wanted(scenario, n, phone)).map(|(n, _)| n).collect(),
            phase: Phase::Timeline,
            heard: vec![0; scenario.phones.len()],
            checked: false,
            faults: Faults::new(
                "liveness",
                "phones and last calls",
                "after all trouble everybody is registered and a call has voice both ways",
            ),
        }
    }

    fn check_registrations(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        let status = look.hras.map(sofw_core::Hras::status);
        for &number in &self.wanted {
            let (Some(place), Some(phone)) = (map.phones.get(number), look.phones.get(number)) else {
                continue;
            };
            self.faults.looked();
            let name = &place.name;
            let has_binding = || {
                status.as_ref().is_some_and(|status| status.bindings.iter().any(|bound| bound.user == *name))
            };
            match phone {
                None => self.faults.found(at, || format!("{name} is off")),
                Some(phone) if !phone.is_registered() => {
                    self.faults.found(at, || format!("{name} is not registered"));
                }
                Some(_) if !has_binding() => self.faults.found(at, || format!("HRAS does not know {name}")),
                Some(_) => {}
            }
        }
    }
}

impl Checker for Liveness {
    fn name(&self) -> &'static str {
        "liveness"
    }

    fn heard(&mut self, _: Instant, map: &Map, node: NodeId, _: &Phone, _: SocketAddr, bytes: &[u8]) {
        if self.phase == Phase::LastCall && !is_rtcp(bytes) {
            if let Some(count) = map.phone(node).and_then(|who| self.heard.get_mut(who)) {
                *count += 1;
            }
        }
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        if look.phase == Phase::LastCall && !core::mem::replace(&mut self.checked, true) {
            self.check_registrations(at, map, look);
        }
        self.phase = look.phase;
    }

    fn finish(&mut self, at: Instant, map: &Map) -> Vec<Finding> {
        if self.checked && self.wanted.len() >= 2 {
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

fn is_wanted(scenario: &Scenario, number: usize, phone: &PhoneSpec) -> bool {
    let mut on = true;
    let mut registers = phone.registers;
    for step in &scenario.timeline {
        match step.action {
            Action::Register(who, wanted) if who == number => registers = wanted,
            Action::Crash(who, back) if who == number => (on, registers) = (back.is_some(), true),
            _ => {}
        }
    }
    on && registers && !phone.wrong_password && !hopeless(scenario).contains(&phone.place)
}

/// Sites whose tunnel cannot come up, by configuration.
fn hopeless(scenario: &Scenario) -> BTreeSet<Option<usize>> {
    let places = scenario.places.iter().enumerate().filter(|(_, place)| {
        let Some(hrac) = &place.hrac else { return false };
        let needs_proxy = !hrac.ways.contains(&WayOut::Direct);
        let refused = |proxy: &crate::scenario::model::ProxySpec| {
            proxy.wrong_password || proxy.auth == Some(ProxyAuth::Ntlm)
        };
        hrac.wrong_key || (needs_proxy && place.proxy.as_ref().is_none_or(refused))
    });
    places.map(|(number, _)| Some(number)).collect()
}

/// Half a second of voice.
const VOICE_MIN: u64 = 25;
