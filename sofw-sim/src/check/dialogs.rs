//! Both phones of a call agree about it, and what one says the other hears.

#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use sofw_core::Event;
use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::{CallState, Phone};

use super::faults::Faults;
use super::stamp::{Media, call_hash};
use super::voice::is_home;
use super::{Checker, Look, Phase, Sights};
use crate::record::Finding;
use crate::report::units;
use crate::run::Map;
use crate::world::NodeId;

/// Objects, outside of excused times, to
/// - a call that one phone believes up for [`AGREE_WITHIN`] while nobody else does. After a loss for good (a restart, a crash) nobody may
///   be there to tell it, so then only what is left after all hung up counts ([`super::Zero`]);
/// - a call that both believe up in which one speaks for [`VOICE_WITHIN`] and the other hears nothing. Who is silent because of
///   mute or hold does not speak. A home phone that has not said a word in the call yet cannot be heard of behind its translator: HRAS
///   learns from its first packet where it is.
///
/// Calls of a phone in a site without HRAC are not looked at: that a firewall lets through nothing of them is what such sites show.
#[derive(Debug)]
pub struct Dialogs {
    /// Since when each call has been half up.
    halves: BTreeMap<String, Instant>,
    phones: Vec<Ear>,
    /// Halves whose tunnel was up, and whether one began a new session: its calls are lost, and nobody inside is told.
    up: BTreeSet<NodeId>,
    /// Calls in which a phone of a site without HRAC is or was.
    unpromised: BTreeSet<String>,
    lost_session: bool,
    faults: Faults,
    objected: Vec<String>,
}

/// What a phone sent and heard.
#[derive(Clone, Debug, Default)]
struct Ear {
    spoke: u64,
    heard: u64,
    /// In which call it last spoke.
    spoke_in: Option<u64>,
    /// The call and the state of the counters of both ends at the begin of a silence.
    silence: Option<Silence>,
}

#[derive(Clone, Debug)]
struct Silence {
    call_id: String,
    since: Instant,
    /// Packets that this one had heard, and that the other one had sent.
    heard: u64,
    spoken: u64,
}

impl Dialogs {
    /// No call.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        Dialogs {
            halves: BTreeMap::new(),
            phones: Vec::new(),
            up: BTreeSet::new(),
            unpromised: BTreeSet::new(),
            lost_session: false,
            faults: Faults::new(
                "dialogs",
                "calls up, ten times a second",
                "both ends agree that a call is up, and hear each other",
            ),
            objected: Vec::new(),
        }
    }

    fn ear(&mut self, who: usize) -> &mut Ear {
        if self.phones.len() <= who {
            self.phones.resize_with(who + 1, Ear::default);
        }
        &mut self.phones[who]
    }

    fn object(&mut self, at: Instant, call_id: &str, text: impl FnOnce() -> String) {
        if !self.objected.iter().any(|known| known == call_id) {
            self.objected.push(call_id.into());
            self.faults.found(at, text);
        }
    }

    fn check_agreement(&mut self, at: Instant, map: &Map, calls: &BTreeMap<&str, Vec<usize>>, strict: bool) {
        self.halves
            .retain(|call_id, _| strict && calls.get(call_id.as_str()).is_some_and(|who| who.len() == 1));
        for (&call_id, who) in calls.iter().filter(|(_, who)| strict && who.len() == 1) {
            let since = *self.halves.entry(call_id.into()).or_insert(at);
            if at.since(since) > AGREE_WITHIN {
                let name = &map.phones[who[0]].name;
                self.object(at, call_id, || {
                    format!("{call_id} is up for {name} only, since {} s", units::clock(since))
                });
            }
        }
    }

    fn check_voice(&mut self, at: Instant, map: &Map, call_id: &str, ear: usize, mouth: usize) {
        let (spoken, heard) = (self.ear(mouth).spoke, self.ear(ear).heard);
        let begins = Silence { call_id: call_id.into(), since: at, heard, spoken };
        let silence = self.ear(ear).silence.get_or_insert_with(|| begins.clone());
        if silence.call_id != call_id || silence.heard != heard {
            *silence = begins;
            return;
        }
        let is_unknown = is_home(map, ear) && self.ear(ear).spoke_in != Some(call_hash(call_id));
        let silence = self.ear(ear).silence.get_or_insert_with(|| begins.clone());
        if at.since(silence.since) < VOICE_WITHIN {
            return;
        }
        let said = spoken - silence.spoken;
        *silence = begins;
        if said >= SPOKEN_MIN && !is_unknown {
            let (ear, mouth) = (&map.phones[ear].name, &map.phones[mouth].name);
            self.object(at, call_id, || {
                format!("{ear} hears none of {said} packets of {mouth} in {call_id}")
            });
        }
    }
}

impl Checker for Dialogs {
    fn name(&self) -> &'static str {
        "dialogs"
    }

    fn sights(&self) -> Sights {
        Sights { spoken: true, heard: true, ..Sights::NONE }
    }

    fn event(&mut self, _: Instant, _: &Map, node: NodeId, event: &Event) {
        if let Event::TunnelUp { site: None, resumed, .. } = event {
            self.lost_session |= !self.up.insert(node) && !resumed;
        }
    }

    fn spoke(&mut self, _: Instant, map: &Map, node: NodeId, _: SocketAddr, media: &Media<'_>) {
        if let Some(who) = map.phone(node).filter(|_| !media.is_rtcp) {
            let ear = self.ear(who);
            ear.spoke += 1;
            ear.spoke_in = media.stamp.map(|stamp| stamp.call).or(ear.spoke_in);
        }
    }

    fn heard(&mut self, _: Instant, map: &Map, node: NodeId, _: &Phone, _: SocketAddr, media: &Media<'_>) {
        if let Some(who) = map.phone(node).filter(|_| !media.is_rtcp) {
            self.ear(who).heard += 1;
        }
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        let mut calls: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let alone = |who: &usize| map.is_on_its_own(*who);
        for phone in (0..map.phones.len()).filter(alone).filter_map(|who| *look.phones.get(who)?) {
            self.unpromised.extend(phone.call_ids().map(str::to_owned));
        }
        for (who, phone) in look.phones.iter().enumerate().take(map.phones.len()) {
            let up = phone.filter(|phone| phone.call_state() == Some(CallState::Established));
            if let Some(call_id) = up.and_then(Phone::call_id).filter(|id| !self.unpromised.contains(*id)) {
                self.faults.looked();
                calls.entry(call_id).or_default().push(who);
            }
        }
        let is_excused = at <= look.excused_until;
        let is_lost = look.lost_state || self.lost_session;
        self.check_agreement(at, map, &calls, !is_lost && !is_excused && look.phase != Phase::Over);
        for who in 0..map.phones.len() {
            let call = calls.iter().find(|(_, members)| members.len() == 2 && members.contains(&who));
            match call.filter(|_| !is_excused) {
                Some((call_id, members)) => {
                    let mouth = if members[0] == who { members[1] } else { members[0] };
                    self.check_voice(at, map, call_id, who, mouth);
                }
                None => self.ear(who).silence = None,
            }
        }
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.faults.finish()
    }
}

/// An unanswered BYE is given up after 64·T1 (RFC 3261 §17.1.2.2); the ACK and what repeats it come within the same time.
const AGREE_WITHIN: Duration = Duration::from_secs(40);
/// Longer than a tunnel needs to notice a lost connection and to be up again.
const VOICE_WITHIN: Duration = Duration::from_secs(3);
/// Of 150: the talker may just have been unmuted.
const SPOKEN_MIN: u64 = 75;
