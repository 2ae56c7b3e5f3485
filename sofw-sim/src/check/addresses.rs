//! The two address spaces never meet (P9): no inside address in a packet outside, no outside phone's in a packet inside.

#[cfg(test)]
mod tests;

use core::net::IpAddr;

use sofw_core::base::Instant;

use super::faults::Faults;
use super::sdp::{may_describe, media_addresses};
use super::{Checker, Sights};
use crate::packet::{Packet, Protocol};
use crate::record::Finding;
use crate::run::{Map, SitePlace, Zone};
use crate::scenario::Scenario;
use crate::world::{LinkId, Memo, Seen, shares};

/// Looks at the IP addresses of every packet, and outside also at those that session descriptions give for media.
///
/// What may be seen nevertheless: the addresses of a place without firewall and translation; of one with a firewall only, HRAC's and
/// the proxy's, which carry the tunnel; inside a site, HRAS's address in packets of HRAC and the proxy. SIP headers may show inside
/// addresses outside (decision 4). Where there is no HRAC, at home or in a site that has none, phones speak for themselves: a firewall
/// hides nobody, only translation does; their own SDP may show inside addresses, and HRAS sends no media there (decision 7); SIP it does
/// send to a Contact whose way back is lost, to nobody.
#[derive(Debug)]
pub struct Addresses {
    /// For each place: it hides its phones' addresses, and it has a NAT.
    guards: Vec<(bool, bool)>,
    /// A hostile HRAS tells phones to send media anywhere; HRAC carries what it says unread.
    phones_are_misled: bool,
    /// Pairs of IPv4 addresses that may be seen on a link: most packets are like one before.
    fine: Memo<(LinkId, u64), ()>,
    faults: Faults,
}

impl Addresses {
    /// For the places of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let guard = |place: &crate::scenario::model::Place| {
            let is_filtered = place.firewall.is_some() && place.hrac.is_some();
            (is_filtered || place.nat.is_some(), place.nat.is_some())
        };
        Addresses {
            guards: scenario.places.iter().map(guard).collect(),
            phones_are_misled: scenario.server.hostile,
            fine: Memo::new(FINE_MAX),
            faults: Faults::new("addresses", "packets", "no address in the other address space"),
        }
    }

    /// Whether `addr` may not be seen outside. With overlapping networks one place's freedom is enough.
    fn is_hidden(&self, map: &Map, addr: IpAddr, is_signalling: bool) -> bool {
        let mut places =
            map.places.iter().zip(&self.guards).filter(|(place, _)| holds(place, addr)).peekable();
        places.peek().is_some()
            && places.all(|(place, &(guarded, translated))| {
                let is_kept = !is_signalling || place.site.is_some();
                guarded && is_kept && (translated || !carries_tunnel(place, addr)) && place.public != addr
            })
    }

    /// Whether what comes into a guarded site, or to one of its phones, passes a link.
    fn is_entrance(&self, map: &Map, number: usize, link: LinkId) -> bool {
        let is_guarded = self.guards.get(number).is_some_and(|&(guarded, _)| guarded);
        let is_on_way =
            |place: &SitePlace| place.site.is_some() && (place.inner == link || map.is_phone_link(link));
        is_guarded && map.places.get(number).is_some_and(is_on_way)
    }

    fn is_fine(&self, seen: Seen, packet: &Packet) -> bool {
        packet
            .ipv4_pair()
            .is_some_and(|pair| self.fine.get(pair ^ (seen.link as u64), (seen.link, pair)).is_some())
    }

    fn call_fine(&mut self, seen: Seen, packet: &Packet) {
        if let Some(pair) = packet.ipv4_pair() {
            self.fine.put(pair ^ (seen.link as u64), (seen.link, pair), ());
        }
    }

    fn outside(&mut self, at: Instant, map: &Map, seen: Seen, packet: &Packet) {
        if !self.is_fine(seen, packet) {
            let (from, to) = (packet.source(), packet.destination());
            let is_signalling = to.port() == SIP_PORT;
            if self.is_hidden(map, from.ip(), false) || self.is_hidden(map, to.ip(), is_signalling) {
                self.faults.found(at, || format!("{from} to {to} on public link {}", seen.link));
            } else if !is_signalling {
                // To a home, SIP may be fine where media is not.
                self.call_fine(seen, packet);
            }
        }
        if !may_carry_sip(packet) || !is_server(map, packet.source().ip()) || !may_describe(packet.payload())
        {
            return;
        }
        // What HRAS says to the public network. A home's own address may come back to another outside phone.
        let site = |addr: IpAddr| {
            let mut places = map.places.iter().filter(|place| holds(place, addr)).peekable();
            places.peek().is_some() && places.all(|place| place.site.is_some())
        };
        for addr in media_addresses(packet.payload()).filter(|&addr| site(addr)) {
            let (from, to) = (packet.source(), packet.destination());
            self.faults.found(at, || format!("SDP with {addr} from {from} to {to}"));
        }
    }

    fn inside(&mut self, at: Instant, map: &Map, number: usize, seen: Seen, packet: &Packet) {
        let Some(place) = map.places.get(number) else { return };
        if self.is_fine(seen, packet) || !self.is_entrance(map, number, seen.link) {
            return;
        }
        let (from, to) = (packet.source().ip(), packet.destination().ip());
        let is_phone =
            |addr| map.phones.iter().any(|phone| phone.zone == Zone::Private(number) && phone.addr == addr);
        if self.phones_are_misled && is_phone(from) {
            return;
        }
        let is_fine =
            |addr, other| holds(place, addr) || (is_server(map, addr) && carries_tunnel(place, other));
        if is_fine(from, to) && is_fine(to, from) {
            self.call_fine(seen, packet);
        } else {
            self.faults.found(at, || format!("{from} to {to} inside {}", place.name));
        }
    }
}

impl Checker for Addresses {
    fn name(&self) -> &'static str {
        "addresses"
    }

    fn sights(&self) -> Sights {
        Sights { packets: true, ..Sights::NONE }
    }

    fn watches(&self, map: &Map, link: LinkId) -> bool {
        match map.zones.get(link) {
            Some(Zone::Public) => true,
            Some(&Zone::Private(place)) => self.is_entrance(map, place, link),
            None => false,
        }
    }

    fn packet(&mut self, at: Instant, map: &Map, seen: Seen, packet: &Packet) {
        self.faults.looked();
        match map.zones.get(seen.link) {
            Some(Zone::Public) => self.outside(at, map, seen, packet),
            Some(&Zone::Private(place)) => self.inside(at, map, place, seen, packet),
            None => {}
        }
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.faults.finish()
    }
}

fn holds(place: &SitePlace, addr: IpAddr) -> bool {
    shares(place.network.0, addr, place.network.1)
}

/// HRAS, or the proxy before it.
fn is_server(map: &Map, addr: IpAddr) -> bool {
    map.server.1 == Some(addr) || map.server_addrs.contains(&addr)
}

fn carries_tunnel(place: &SitePlace, addr: IpAddr) -> bool {
    [place.hrac, place.proxy].into_iter().flatten().any(|(_, own)| own == addr)
}

/// Not RTP, not the tunnel.
fn may_carry_sip(packet: &Packet) -> bool {
    let web = |port| matches!(port, 80 | 443);
    match packet.protocol() {
        Protocol::Udp => packet.payload().first().is_some_and(u8::is_ascii_alphabetic),
        Protocol::Tcp => {
            let (source, destination) = packet.ports();
            !web(source) && !web(destination)
        }
        Protocol::Icmp => false,
    }
}

const SIP_PORT: u16 = 5060;
/// Pairs remembered as fine.
const FINE_MAX: usize = 8_192;
