//! The ladder: every SIP message between phones, HRAC and HRAS.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use sofw_core::base::{Hop, Instant, Transport};
use sofw_core::event::{Event, SipPassage};

use crate::record::Rung;
use crate::run::{Map, Zone};
use crate::world::NodeId;

#[derive(Debug, Default)]
pub(super) struct Ladder {
    actors: Vec<String>,
    rungs: Vec<Rung>,
    by_node: BTreeMap<NodeId, (usize, Zone)>,
    by_addr: BTreeMap<(Zone, IpAddr), usize>,
    server: usize,
}

impl Ladder {
    /// Columns: phones of sites, their HRACs, HRAS, phones outside.
    pub fn new(map: &Map) -> Self {
        let mut ladder = Ladder::default();
        let is_of = |zone: Zone, place: usize| zone == Zone::Private(place);
        for (index, place) in map.places.iter().enumerate().filter(|(_, place)| place.site.is_some()) {
            for phone in map.phones.iter().filter(|phone| is_of(phone.zone, index)) {
                ladder.actor(phone.name.clone(), phone.node, phone.zone, &[phone.addr]);
            }
            if let Some((node, addr)) = place.hrac {
                ladder.actor(format!("HRAC {}", place.name), node, Zone::Private(index), &[addr]);
            }
        }
        let (node, addr) = map.server;
        let addrs: Vec<IpAddr> = addr.into_iter().collect();
        ladder.server = ladder.actor("HRAS".into(), node, Zone::Public, &addrs);
        for (index, place) in map.places.iter().enumerate().filter(|(_, place)| place.site.is_none()) {
            for phone in map.phones.iter().filter(|phone| is_of(phone.zone, index)) {
                // From outside, everybody at home has the router's address: the first one stands for all.
                let actor = ladder.actor(phone.name.clone(), phone.node, phone.zone, &[phone.addr]);
                ladder.by_addr.entry((Zone::Public, place.public)).or_insert(actor);
                // Where nothing is translated, everybody has his own.
                if map.zones[place.line] != Zone::Public {
                    ladder.by_addr.insert((Zone::Public, phone.addr), actor);
                }
            }
        }
        for phone in map.phones.iter().filter(|phone| phone.zone == Zone::Public) {
            ladder.actor(phone.name.clone(), phone.node, Zone::Public, &[phone.addr]);
        }
        ladder
    }

    fn actor(&mut self, name: String, node: NodeId, zone: Zone, addrs: &[IpAddr]) -> usize {
        let actor = self.actors.len();
        self.actors.push(name);
        self.by_node.insert(node, (actor, zone));
        for &addr in addrs {
            self.by_addr.insert((zone, addr), actor);
        }
        actor
    }

    /// A host sent a datagram: a rung if it is SIP.
    pub fn datagram(&mut self, at: Instant, node: NodeId, to: SocketAddr, bytes: &[u8]) {
        // Media is told apart by its first byte.
        if self.rungs.len() >= RUNGS_MAX || !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
            return;
        }
        let Some(&(from, zone)) = self.by_node.get(&node) else { return };
        let Some((label, call_id)) = sip_of(bytes) else { return };
        let to = self.by_addr.get(&(zone, to.ip())).or_else(|| self.by_addr.get(&(Zone::Public, to.ip())));
        if let Some(&to) = to {
            self.push(at, from, to, label, call_id, false);
        }
    }

    /// One of the halves passed a message on: what crosses the tunnel, and what is not UDP.
    pub fn event(&mut self, at: Instant, map: &Map, node: NodeId, event: &Event) {
        let Event::Sip(passage) = event else { return };
        let SipPassage { from, to, start_line, call_id } = &**passage;
        if self.rungs.len() >= RUNGS_MAX {
            return;
        }
        let Some(&(half, zone)) = self.by_node.get(&node) else { return };
        let label = label_of(start_line);
        if half == self.server {
            // Inside hops are told by HRAC; datagrams were seen.
            if let (Hop::Outside(hop), Transport::Tcp) = (to, to.transport())
                && let Some(&phone) = self.by_addr.get(&(Zone::Public, hop.addr.ip()))
            {
                self.push(at, half, phone, label.clone(), call_id.clone(), false);
            }
            if let (Hop::Outside(hop), Transport::Tcp) = (from, from.transport())
                && let Some(&phone) = self.by_addr.get(&(Zone::Public, hop.addr.ip()))
            {
                self.push(at, phone, half, label, call_id.clone(), false);
            }
            return;
        }
        let hrac = map.places.iter().find_map(|place| place.hrac.filter(|(hrac, _)| *hrac == node));
        let Some((_, hrac_addr)) = hrac else { return };
        let is_up = to.addr().ip() == hrac_addr;
        let phone = if is_up { from } else { to };
        let known = self.by_addr.get(&(zone, phone.addr().ip())).copied();
        let is_tcp = phone.transport() == Transport::Tcp;
        let server = self.server;
        if is_up {
            if let Some(phone) = known.filter(|_| is_tcp) {
                self.push(at, phone, half, label.clone(), call_id.clone(), false);
            }
            self.push(at, half, server, label, call_id.clone(), true);
        } else {
            self.push(at, server, half, label.clone(), call_id.clone(), true);
            if let Some(phone) = known.filter(|_| is_tcp) {
                self.push(at, half, phone, label, call_id.clone(), false);
            }
        }
    }

    fn push(&mut self, at: Instant, from: usize, to: usize, label: String, call_id: String, tunnelled: bool) {
        self.rungs.push(Rung { at, from, to, label, call_id: Some(call_id), tunnelled });
    }

    /// Columns and rungs.
    pub fn finish(&mut self) -> (Vec<String>, Vec<Rung>) {
        (std::mem::take(&mut self.actors), std::mem::take(&mut self.rungs))
    }
}

/// Label and Call-ID of a SIP message; `None` for anything else.
fn sip_of(bytes: &[u8]) -> Option<(String, String)> {
    let text = core::str::from_utf8(bytes).ok()?;
    let start = text.lines().next()?;
    if !start.contains("SIP/2.0") {
        return None;
    }
    let call_id = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim();
        (name.eq_ignore_ascii_case("call-id") || name.eq_ignore_ascii_case("i"))
            .then(|| value.trim().to_owned())
    });
    Some((label_of(start), call_id.unwrap_or_default()))
}

/// `INVITE bob`, `180 Ringing`.
fn label_of(start_line: &str) -> String {
    if let Some(status) = start_line.strip_prefix("SIP/2.0 ") {
        return status.trim_end().to_owned();
    }
    let mut words = start_line.split(' ');
    let (method, uri) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let user = uri.strip_prefix("sip:").and_then(|uri| uri.split_once('@')).map_or("", |(user, _)| user);
    format!("{method} {user}").trim_end().to_owned()
}

/// Most rungs kept: a ladder beyond is read by nobody.
const RUNGS_MAX: usize = 5_000;
