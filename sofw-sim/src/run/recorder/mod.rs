//! Writes down what a run does, and shows it to the checkers.

mod calls;
mod capture;
mod ladder;
mod rat;
mod traffic;

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use sofw_core::Event;
use sofw_core::base::Instant;
use sofw_core::event::Rung;
use sofw_core::testing::phone::{Phone, PhoneEvent};

use super::expect::Books;
use super::map::{Map, SitePlace, Zone};
use crate::check::{Checker, Look, Media, Sights};
use crate::packet::Packet;
use crate::record::{Record, Registration};
use crate::scenario::Scenario;
use crate::world::{LinkId, NodeId, Observer, Seen, shares};

use calls::Calls;
use capture::Captures;
use ladder::Ladder;
use rat::RatHistory;
use traffic::Traffic;

/// The observer of a run.
#[derive(Debug)]
pub(super) struct Recorder {
    pub map: Map,
    pub checkers: Vec<Box<dyn Checker>>,
    shown: Shown,
    pub calls: Calls,
    ladder: Ladder,
    traffic: Traffic,
    captures: Captures,
    rat: RatHistory,
    registrations: Vec<Registration>,
    /// When each phone's last registration was granted.
    pub granted: Vec<Option<Instant>>,
    story: Vec<(Instant, String)>,
    counters: BTreeMap<String, u64>,
    /// Each place's tunnel.
    pub tunnels: Vec<TunnelBook>,
    /// A HELLO was refused that came by the proxy before HRAS, so that only HRAC knows whose it was.
    refused_by_way_of_proxy: bool,
}

/// What the halves told of a place's tunnel.
#[derive(Clone, Debug, Default)]
pub(super) struct TunnelBook {
    /// When it came up or went down.
    pub changes: Vec<(Instant, bool)>,
    /// How it was made, the last time.
    pub rung: Option<Rung>,
    /// The proxy wanted credentials that HRAC lacks.
    pub proxy_auth_required: bool,
    /// HRAS refused a HELLO from the place.
    hello_refused: bool,
    /// HRAC was answered as whoever has no business at HRAS is.
    not_found: bool,
}

impl TunnelBook {
    pub fn is_up(&self) -> bool {
        self.changes.last().is_some_and(|(_, up)| *up)
    }
}

/// Which of the checkers want to see what, for things that happen with every packet.
#[derive(Debug, Default)]
struct Shown {
    /// By link.
    packets: Vec<Watch>,
    spoken: Vec<usize>,
    heard: Vec<usize>,
    datagrams: Vec<usize>,
}

/// Who watches a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Watch {
    /// Bit n: checker n.
    checkers: u64,
    /// It is a place's line, whose traffic is counted.
    counts: bool,
    captures: bool,
}

impl Shown {
    fn to(checkers: &[Box<dyn Checker>], map: &Map, traffic: &Traffic, captures: &Captures) -> Shown {
        assert!(checkers.len() <= u64::BITS as usize, "a bit for each checker");
        let who = |wants: fn(Sights) -> bool| {
            let wants = |&number: &usize| wants(checkers[number].sights());
            (0..checkers.len()).filter(wants).collect()
        };
        Shown {
            packets: (0..map.zones.len())
                .map(|link| {
                    let wants = |number: &usize| {
                        let checker = &checkers[*number];
                        checker.sights().packets && checker.watches(map, link)
                    };
                    let bits = (0..checkers.len()).filter(wants).map(|number| 1 << number);
                    let (counts, captures) = (traffic.watches(link), captures.watches(link));
                    Watch { checkers: bits.fold(0, |all, bit| all | bit), counts, captures }
                })
                .collect(),
            spoken: who(|sights| sights.spoken),
            heard: who(|sights| sights.heard),
            datagrams: who(|sights| sights.datagrams),
        }
    }
}

impl Recorder {
    /// A recorder that shows everything to these checkers. [`Recorder::start`] gives it the map.
    pub fn new(checkers: Vec<Box<dyn Checker>>) -> Self {
        Recorder {
            map: Map::default(),
            shown: Shown::default(),
            checkers,
            calls: Calls::default(),
            ladder: Ladder::default(),
            traffic: Traffic::default(),
            captures: Captures::default(),
            rat: RatHistory::default(),
            registrations: Vec::new(),
            granted: Vec::new(),
            story: Vec::new(),
            counters: BTreeMap::new(),
            tunnels: Vec::new(),
            refused_by_way_of_proxy: false,
        }
    }

    /// The world is built.
    pub fn start(&mut self, scenario: &Scenario, map: Map) {
        self.ladder = Ladder::new(&map);
        self.traffic = Traffic::new(&map);
        self.captures = Captures::new(scenario, &map);
        self.tunnels = vec![TunnelBook::default(); map.places.len()];
        self.granted = vec![None; map.phones.len()];
        self.shown = Shown::to(&self.checkers, &map, &self.traffic, &self.captures);
        self.map = map;
    }

    /// Whether anybody wants to see what passes a link.
    pub fn watches(&self, link: LinkId) -> bool {
        self.shown.packets.get(link).is_some_and(|&watch| watch != Watch::default())
    }

    /// Something happened that people want to read.
    pub fn tell(&mut self, at: Instant, text: impl Into<String>) {
        if self.story.len() < STORY_MAX {
            self.story.push((at, text.into()));
        }
    }

    /// Counts something by name.
    pub fn count(&mut self, name: &str, by: u64) {
        match self.counters.get_mut(name) {
            Some(counter) => *counter += by,
            None => drop(self.counters.insert(name.into(), by)),
        }
    }

    /// The state of everybody.
    pub fn look(&mut self, at: Instant, look: &Look<'_>, connections: &[usize]) {
        if let Some(hras) = look.hras {
            self.rat.look(at, hras);
        }
        self.traffic.look(connections);
        for checker in &mut self.checkers {
            checker.look(at, &self.map, look);
        }
    }

    /// A phone asks to be registered.
    pub fn registers(&mut self, at: Instant, phone: usize) {
        let name = &self.map.phones[phone].name;
        if !self.registrations.iter().any(|registration| registration.phone == *name) {
            self.registrations.push(Registration {
                phone: name.clone(),
                asked: at,
                granted: None,
                failed: None,
                registered: false,
            });
        }
    }

    /// What expectations look at, as it is now, but for the calls: to sum those up takes time.
    pub fn books(&self) -> Books {
        Books {
            calls: Vec::new(),
            registrations: self.registrations.clone(),
            places: self.traffic.snapshot(),
        }
    }

    /// All that was written down: everything but the findings.
    pub fn finish(&mut self, at: Instant, record: &mut Record, registered: &[bool]) {
        for (phone, &registered) in self.map.phones.iter().zip(registered) {
            let found = self.registrations.iter_mut().find(|known| known.phone == phone.name);
            if let Some(registration) = found {
                registration.registered = registered;
            }
        }
        record.calls = self.calls.finish(at, &self.map);
        record.registrations = std::mem::take(&mut self.registrations);
        record.story = std::mem::take(&mut self.story);
        record.counters = std::mem::take(&mut self.counters);
        (record.actors, record.ladder) = self.ladder.finish();
        (record.rat, record.rat_records) = self.rat.finish();
        record.places = self.traffic.finish();
        record.captures = self.captures.finish();
    }

    fn place_of_hrac(&self, node: NodeId) -> Option<usize> {
        self.map.places.iter().position(|place| place.hrac.is_some_and(|(hrac, _)| hrac == node))
    }

    /// The place that the public network knows by this address.
    fn place_behind(&self, addr: IpAddr) -> Option<usize> {
        let is_routed = |place: &SitePlace| self.map.zones[place.line] != Zone::Public;
        self.map.places.iter().position(|place| {
            place.public == addr || (is_routed(place) && shares(place.network.0, addr, place.network.1))
        })
    }

    fn book_of(&mut self, place: Option<usize>) -> Option<&mut TunnelBook> {
        self.tunnels.get_mut(place?)
    }

    /// Whether HRAS refused a HELLO of a place.
    pub fn hello_refused(&self, place: usize) -> bool {
        let book = &self.tunnels[place];
        book.hello_refused || (book.not_found && self.refused_by_way_of_proxy)
    }

    fn note(&mut self, at: Instant, node: NodeId, event: &Event) {
        let place = self.place_of_hrac(node);
        let name = place.map_or("HRAS".into(), |place| format!("HRAC of {}", self.map.places[place].name));
        match event {
            Event::TunnelUp { site: None, rung, resumed, .. } => {
                if let Some(book) = self.book_of(place) {
                    book.changes.push((at, true));
                    book.rung = Some(*rung);
                }
                let how = if *resumed { "tunnel resumed" } else { "tunnel up" };
                self.tell(at, format!("{name}: {how}, rung {rung}"));
            }
            Event::TunnelDown { site: None, reason } => {
                if let Some(book) = self.book_of(place) {
                    book.changes.push((at, false));
                }
                self.tell(at, format!("{name}: tunnel down: {reason}"));
            }
            Event::ProxyAuthRequired { schemes } => {
                if let Some(book) = self.book_of(place) {
                    book.proxy_auth_required = true;
                }
                self.tell(at, format!("{name}: the proxy wants credentials: {}", schemes.join(", ")));
            }
            Event::TunnelRefused { status, advice } => {
                if let Some(book) = self.book_of(place) {
                    book.not_found |= *status == NOT_FOUND;
                }
                self.tell(at, format!("{name}: refused with {status}: {advice}"));
            }
            Event::HelloRefused { peer, reason } => {
                let from = self.place_behind(peer.ip());
                self.refused_by_way_of_proxy |= from.is_none();
                if let Some(book) = self.book_of(from) {
                    book.hello_refused = true;
                }
                self.tell(at, format!("{name}: a tunnel was refused: {reason}"));
            }
            Event::Dropped(reason, _) => {
                let half = if place.is_some() { "hrac" } else { "hras" };
                self.count(&format!("{half} dropped {}", reason.name()), 1);
            }
            Event::AuthFailed { user, .. } => self.tell(at, format!("{name}: wrong password of {user}")),
            Event::InvariantBroken(what) => self.tell(at, format!("{name}: DEFECT: {what}")),
            Event::SocketFailed(_, addr, error) | Event::ListenerFailed(_, addr, error) => {
                self.tell(at, format!("{name}: {addr}: {error}"));
            }
            _ => {}
        }
    }
}

impl Observer for Recorder {
    fn packet(&mut self, at: Instant, seen: Seen, packet: &Packet) {
        let Some(&Watch { mut checkers, counts, captures }) = self.shown.packets.get(seen.link) else {
            return;
        };
        if counts {
            self.traffic.packet(at, seen, packet);
        }
        if captures {
            self.captures.packet(at, seen, packet, &self.calls);
        }
        while checkers != 0 {
            self.checkers[checkers.trailing_zeros() as usize].packet(at, &self.map, seen, packet);
            checkers &= checkers - 1;
        }
    }

    fn event(&mut self, at: Instant, node: NodeId, event: &Event) {
        self.note(at, node, event);
        self.ladder.event(at, &self.map, node, event);
        for checker in &mut self.checkers {
            checker.event(at, &self.map, node, event);
        }
    }

    fn phone(&mut self, at: Instant, node: NodeId, phone: &Phone, event: &PhoneEvent) {
        if let Some(index) = self.map.phone(node) {
            if let (PhoneEvent::Registered { .. }, Some(granted)) = (event, self.granted.get_mut(index)) {
                *granted = Some(at);
            }
            let name = &self.map.phones[index].name;
            if let Some(registration) = self.registrations.iter_mut().find(|known| known.phone == *name) {
                match event {
                    PhoneEvent::Registered { .. } => drop(registration.granted.get_or_insert(at)),
                    PhoneEvent::RegisterFailed { status } => registration.failed = Some(*status),
                    _ => {}
                }
            }
            self.calls.event(at, index, phone, event);
        }
        for checker in &mut self.checkers {
            checker.phone(at, &self.map, node, phone, event);
        }
    }

    fn spoke(&mut self, at: Instant, node: NodeId, to: SocketAddr, bytes: &[u8]) {
        let media = Media::read(bytes);
        if let Some(stamp) = &media.stamp {
            self.calls.spoke(at, stamp, to);
        }
        for &who in &self.shown.spoken {
            self.checkers[who].spoke(at, &self.map, node, to, &media);
        }
    }

    fn heard(&mut self, at: Instant, node: NodeId, phone: &Phone, from: SocketAddr, bytes: &[u8]) {
        let media = Media::read(bytes);
        if let (Some(stamp), Some(index)) = (&media.stamp, self.map.phone(node)) {
            self.calls.heard(at, index, stamp, from, &self.map);
            self.traffic.voice(&self.map, stamp, index);
        }
        for &who in &self.shown.heard {
            self.checkers[who].heard(at, &self.map, node, phone, from, &media);
        }
    }

    fn datagram(&mut self, at: Instant, node: NodeId, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(call_id) = accepted_invite(bytes)
            && let Some(phone) = self.map.phone(node)
        {
            self.calls.answers(at, phone, call_id);
        }
        self.ladder.datagram(at, node, to, bytes);
        for &who in &self.shown.datagrams {
            self.checkers[who].datagram(at, &self.map, node, from, to, bytes);
        }
    }
}

/// The Call-ID of a 2xx to an INVITE.
fn accepted_invite(bytes: &[u8]) -> Option<&str> {
    let text = bytes.starts_with(b"SIP/2.0 2").then(|| core::str::from_utf8(bytes).ok())??;
    let value = |name: &str| {
        let mut lines = text.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| line.strip_prefix(name).map(str::trim))
    };
    value("CSeq:").filter(|cseq| cseq.ends_with("INVITE"))?;
    value("Call-ID:")
}

/// What HRAS answers to whoever has no key.
const NOT_FOUND: u16 = 404;
/// Longest story: what people read.
const STORY_MAX: usize = 2_000;
