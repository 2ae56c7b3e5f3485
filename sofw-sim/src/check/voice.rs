//! Everything that a phone hears belongs to its call, comes from the other end of it, and by the way that it should.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use sofw_core::Event;
use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::{Phone, PhoneEvent};

use super::faults::Faults;
use super::stamp::{Media, call_hash};
use super::{Checker, Look, Sights};
use crate::record::Finding;
use crate::run::{Map, Zone};
use crate::world::NodeId;

/// Knows who was in which call when: by what phones say of themselves, and by the stamps of what they send.
///
/// Unstamped packets (keys, phones that play tones) are known by the SSRC under which a phone sent them; under no known one they are
/// foreign. RTCP is not looked at: it bears no stamp.
///
/// A packet belongs to the time when it was said. Who is switched off in the middle of a call cannot end it: its voice goes on until the other end hangs up, also when the phone is on
/// again. Of two phones that talk directly nobody can tell one that the other has hung up while the tunnel is away, and perhaps nobody may
/// after a loss for good; nor can a home whose line is dead tell HRAS. When a tunnel is back, what it kept arrives at once: a call given up meanwhile may speak until its CANCEL or BYE is
/// there, too.
#[derive(Debug)]
pub struct Voice {
    /// When each phone (index) was last in which calls (hash). The newest call is the last, and nearly always the one asked for.
    members: Vec<Vec<(u64, Instant)>>,
    /// Calls that a phone lost by being switched off.
    lost: BTreeSet<(usize, u64)>,
    lost_state: bool,
    excused_until: Instant,
    /// When each HRAC's tunnel last came up; `None` while it is down.
    tunnels: BTreeMap<NodeId, Option<Instant>>,
    /// Who sends under an SSRC, and in which call, once a stamp told it.
    sources: BTreeMap<u32, (usize, Option<u64>)>,
    /// From where each phone last heard what was right: most packets come from there, too.
    ways: Vec<Option<IpAddr>>,
    faults: Faults,
}

impl Voice {
    /// Nobody has spoken yet.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        Voice {
            members: Vec::new(),
            lost: BTreeSet::new(),
            lost_state: false,
            excused_until: Instant::ZERO,
            tunnels: BTreeMap::new(),
            sources: BTreeMap::new(),
            ways: Vec::new(),
            faults: Faults::new(
                "voice",
                "packets heard",
                "only voice of the own call, from its other end, by way of the own half",
            ),
        }
    }

    fn is_in(&mut self, at: Instant, who: usize, phone: &Phone) {
        for call_id in phone.call_ids() {
            self.note(at, who, call_hash(call_id));
        }
    }

    fn note(&mut self, at: Instant, who: usize, call: u64) {
        if self.members.len() <= who {
            self.members.resize_with(who + 1, Vec::new);
        }
        let calls = &mut self.members[who];
        match calls.iter_mut().rfind(|(known, _)| *known == call) {
            Some((_, last)) => *last = at,
            None => calls.push((call, at)),
        }
    }

    /// When a phone was last in a call, if ever.
    fn last_in(&self, who: usize, call: u64) -> Option<Instant> {
        self.members.get(who)?.iter().rfind(|(known, _)| *known == call).map(|&(_, last)| last)
    }

    /// Whether the phone was in this call until lately.
    fn was_in(&self, at: Instant, who: usize, call: u64) -> bool {
        self.last_in(who, call).is_some_and(|last| at.since(last) <= AFTER_END)
    }

    /// Whether the tunnel of the phone's site came up a moment ago, or is about to: it says so when both directions work, and one may bring
    /// something before.
    fn is_tunnel_just_back(&self, at: Instant, map: &Map, phone: usize) -> bool {
        let Zone::Private(place) = map.phones[phone].zone else { return false };
        let hrac = map.places.get(place).and_then(|place| place.hrac);
        let up = hrac.and_then(|(node, _)| self.tunnels.get(&node));
        up.is_some_and(|up| up.is_none_or(|up| at.since(up) <= AFTER_END))
    }

    fn objection(
        &self,
        at: Instant,
        map: &Map,
        who: usize,
        from: SocketAddr,
        media: &Media<'_>,
    ) -> Option<String> {
        // How old it may be is another checker's business.
        let (speaker, call, said) = match media.stamp {
            Some(stamp) => (map.speaker(&stamp), Some(stamp.call), stamp.sent_at),
            None => match media.ssrc.and_then(|ssrc| self.sources.get(&ssrc)) {
                Some(&(speaker, call)) => (Some(speaker), call, at),
                None => return Some("foreign packet".into()),
            },
        };
        let Some(speaker) = speaker else { return Some("unknown speaker".into()) };
        let name = &map.phones[speaker].name;
        if speaker == who {
            return Some("own voice".into());
        }
        let is_usual = self.ways.get(who).is_some_and(|way| *way == Some(from.ip()));
        if !is_usual && !is_way(map, who, from) {
            return Some(format!("voice of {name} from a stranger"));
        }
        let call = call?;
        let is_excused = || {
            let is_direct = map.phones.iter().any(|phone| phone.addr == from.ip());
            let is_cut_off = is_direct || is_home(map, who);
            let is_untold = self.lost_state || at <= self.excused_until;
            let was_ever_in = self.last_in(who, call).is_some();
            let is_back = || [who, speaker].into_iter().any(|phone| self.is_tunnel_just_back(at, map, phone));
            self.lost.contains(&(who, call)) || (was_ever_in && ((is_cut_off && is_untold) || is_back()))
        };
        if !self.was_in(said, who, call) && !is_excused() {
            return Some(format!("voice of {name} in another call"));
        }
        // What is late is no proof against the speaker.
        let spoke = self.last_in(speaker, call).is_some();
        (!spoke).then(|| format!("voice of {name}, who is not in this call"))
    }
}

impl Checker for Voice {
    fn name(&self) -> &'static str {
        "voice"
    }

    fn sights(&self) -> Sights {
        Sights { spoken: true, heard: true, ..Sights::NONE }
    }

    fn event(&mut self, at: Instant, _: &Map, node: NodeId, event: &Event) {
        match event {
            Event::TunnelUp { site: None, .. } => drop(self.tunnels.insert(node, Some(at))),
            Event::TunnelDown { site: None, .. } => drop(self.tunnels.insert(node, None)),
            _ => {}
        }
    }

    fn phone(&mut self, at: Instant, map: &Map, node: NodeId, phone: &Phone, _: &PhoneEvent) {
        if let Some(who) = map.phone(node) {
            self.is_in(at, who, phone);
        }
    }

    fn spoke(&mut self, at: Instant, map: &Map, node: NodeId, _: SocketAddr, media: &Media<'_>) {
        let (Some(who), Some(ssrc)) = (map.phone(node), media.ssrc) else { return };
        let call = media.stamp.map(|stamp| stamp.call);
        if let Some(call) = call {
            self.note(at, who, call);
        }
        let source = self.sources.entry(ssrc).or_insert((who, call));
        source.1 = call.or(source.1);
    }

    fn heard(
        &mut self,
        at: Instant,
        map: &Map,
        node: NodeId,
        phone: &Phone,
        from: SocketAddr,
        media: &Media<'_>,
    ) {
        let Some(who) = map.phone(node) else { return };
        if media.is_rtcp {
            return;
        }
        self.faults.looked();
        // What the phone says of itself was noted when last looked at; it is asked again only if that does not do.
        let mut objection = self.objection(at, map, who, from, media);
        if objection.is_some() {
            self.is_in(at, who, phone);
            objection = self.objection(at, map, who, from, media);
        }
        match objection {
            None => {
                if self.ways.len() <= who {
                    self.ways.resize(who + 1, None);
                }
                self.ways[who] = Some(from.ip());
            }
            Some(objection) => {
                let name = &map.phones[who].name;
                self.faults.found(at, || format!("{name} hears from {from}: {objection}"));
            }
        }
    }

    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        (self.lost_state, self.excused_until) = (look.lost_state, look.excused_until);
        for (who, phone) in look.phones.iter().enumerate().take(map.phones.len()) {
            match phone {
                Some(phone) => self.is_in(at, who, phone),
                None => {
                    let calls = self.members.get(who).into_iter().flatten();
                    self.lost.extend(calls.map(|&(call, _)| (who, call)));
                }
            }
        }
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.faults.finish()
    }
}

/// Whether a phone is behind a translator that knows nothing of SoFW.
pub(super) fn is_home(map: &Map, who: usize) -> bool {
    map.phones[who].zone != Zone::Public && map.site_of(who).is_none()
}

/// Whether voice may come to a phone from `from`: in a site from HRAC or a phone beside it; elsewhere from HRAS, or from whoever is
/// outside, too.
fn is_way(map: &Map, who: usize, from: SocketAddr) -> bool {
    let addr = from.ip();
    let beside = |zone| map.phones.iter().any(|phone| phone.zone == zone && phone.addr == addr);
    let is_outside = || {
        map.server.1 == Some(addr)
            || map.server_addrs.contains(&addr)
            || beside(Zone::Public)
            || map.places.iter().any(|place| place.site.is_none() && place.public == addr)
    };
    match map.phones[who].zone {
        Zone::Public => is_outside(),
        zone @ Zone::Private(number) => {
            let place = &map.places[number];
            beside(zone)
                || match place.site {
                    Some(_) => place.hrac.is_some_and(|(_, hrac)| hrac == addr),
                    None => is_outside(),
                }
        }
    }
}

/// What was under way when the call ended may still come.
const AFTER_END: Duration = Duration::from_secs(2);
