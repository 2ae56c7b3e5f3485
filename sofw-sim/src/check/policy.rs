//! HRAC speaks to nobody inside whom no phone announced, whatever HRAS says.

#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use std::collections::BTreeSet;

use sofw_core::base::{Instant, Transport};
use sofw_core::sip::{HeaderName, Host, Message};

use super::faults::Faults;
use super::sdp::announced;
use super::{Checker, Look, Sights};
use crate::packet::{Packet, Protocol, addr_bits};
use crate::record::Finding;
use crate::run::{Map, SitePlace, Zone};
use crate::world::{LinkId, Memo, NodeId, Seen, shares};

/// Follows what inside hosts say to HRAC, and objects to datagrams and connections of HRAC to an inside address that
/// - did not speak SIP to it, nor was named in Via or Contact by the same host (signalling),
/// - was in no session description sent to it, nor sent anything to the relay (media).
///
/// What it allows is more than HRAC does: HRAC forgets after a while and when it restarts.
#[derive(Debug)]
pub struct Policy {
    /// For each place: who may be spoken to by UDP and by TCP.
    known: Vec<Known>,
    /// Whom each place knows by UDP, as found before: what is known stays known.
    found: Memo<(usize, SocketAddr), ()>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Known {
    udp: BTreeSet<SocketAddr>,
    tcp: BTreeSet<SocketAddr>,
}

impl Known {
    fn add(&mut self, transport: Transport, addr: SocketAddr) {
        match transport {
            Transport::Udp => self.udp.insert(addr),
            Transport::Tcp => self.tcp.insert(addr),
        };
    }
}

impl Policy {
    /// Nobody is known.
    #[expect(clippy::new_without_default, reason = "all checkers are made by new")]
    pub fn new() -> Self {
        let expected = "HRAC sends only to inside addresses that a phone announced";
        Policy {
            known: Vec::new(),
            found: Memo::new(FOUND_MAX),
            faults: Faults::new("policy", "datagrams and connections", expected),
        }
    }

    fn known(&mut self, place: usize) -> &mut Known {
        if self.known.len() <= place {
            self.known.resize_with(place + 1, Known::default);
        }
        &mut self.known[place]
    }

    /// An inside host sends a datagram to HRAC.
    fn learn(&mut self, place: usize, from: SocketAddr, bytes: &[u8]) {
        if self.found.get(hint(from), (place, from)).is_none() {
            self.known(place).udp.insert(from);
            self.found.put(hint(from), (place, from), ());
        }
        // Media is told apart by its first byte (RFC 7983 §7).
        if bytes.first().is_some_and(|first| first >> 6 == 2) {
            return;
        }
        let known = self.known(place);
        let Ok(message) = Message::parse(bytes) else { return };
        known.udp.extend(announced(&message));
        let contacts = message.contacts().filter_map(|contact| {
            let uri = contact.uri();
            let transport = match uri.param("transport") {
                Some(name) if name.eq_ignore_ascii_case("tcp") => Transport::Tcp,
                _ => Transport::Udp,
            };
            Some((transport, ip(uri.host())?, uri.port()))
        });
        let via = message.via();
        let via = via.known_transport().and_then(|transport| Some((transport, ip(via.host())?, via.port())));
        debug_assert!(message.has(HeaderName::Via), "a message that parses has a Via");
        for (transport, addr, port) in contacts.chain(via).filter(|&(_, addr, _)| addr == from.ip()) {
            known.add(transport, SocketAddr::new(addr, port.unwrap_or(SIP_PORT)));
        }
    }

    fn judge(&mut self, at: Instant, map: &Map, place: usize, transport: Transport, to: SocketAddr) {
        self.faults.looked();
        if transport == Transport::Udp && self.found.get(hint(to), (place, to)).is_some() {
            return;
        }
        let known = self.known(place);
        let is_known = match transport {
            Transport::Udp => known.udp.contains(&to),
            Transport::Tcp => known.tcp.contains(&to),
        };
        if is_known && transport == Transport::Udp {
            self.found.put(hint(to), (place, to), ());
        }
        if !is_known {
            let place = &map.places[place].name;
            self.faults.found(at, || format!("HRAC of {place} to {transport} {to}, announced by nobody"));
        }
    }
}

impl Checker for Policy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn sights(&self) -> Sights {
        Sights { packets: true, datagrams: true, ..Sights::NONE }
    }

    /// HRAC's own link. Datagrams of it are seen when it sends them, too.
    fn watches(&self, map: &Map, link: LinkId) -> bool {
        map.hrac_at.get(link).is_some_and(Option::is_some)
    }

    fn packet(&mut self, at: Instant, map: &Map, seen: Seen, packet: &Packet) {
        let Some(number) = map.hrac_at.get(seen.link).copied().flatten() else { return };
        let Some((place, hrac)) = map.places.get(number).and_then(|place| Some((place, place.hrac?.1)))
        else {
            return;
        };
        if packet.protocol() == Protocol::Tcp && !packet.is_syn() {
            return;
        }
        let (from, to) = (packet.source(), packet.destination());
        match packet.protocol() {
            Protocol::Udp if to.ip() == hrac => self.learn(number, from, packet.payload()),
            Protocol::Udp if from.ip() == hrac && is_inside(place, to) => {
                self.judge(at, map, number, Transport::Udp, to);
            }
            Protocol::Tcp if to.ip() == hrac => self.known(number).add(Transport::Tcp, from),
            Protocol::Tcp if from.ip() == hrac && is_inside(place, to) => {
                self.judge(at, map, number, Transport::Tcp, to);
            }
            _ => {}
        }
    }

    fn datagram(
        &mut self,
        at: Instant,
        map: &Map,
        node: NodeId,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        let hracs =
            map.places.iter().enumerate().filter_map(|(number, place)| Some((number, place, place.hrac?)));
        for (number, place, (hrac, addr)) in hracs {
            if node == hrac && is_inside(place, to) {
                self.judge(at, map, number, Transport::Udp, to);
            } else if addr == to.ip()
                && map.phone(node).is_some_and(|who| map.phones[who].zone == Zone::Private(number))
            {
                self.learn(number, from, bytes);
            }
        }
    }

    /// What phones say over TCP is not read here; where they listen is known from themselves.
    fn look(&mut self, _: Instant, map: &Map, look: &Look<'_>) {
        for (place, phone) in map.phones.iter().zip(&look.phones) {
            let (&Zone::Private(number), Some(phone)) = (&place.zone, phone) else { continue };
            let config = phone.config();
            if config.transport == Transport::Tcp {
                let known = self.known(number);
                known.tcp.insert(config.sip_addr());
                let ports = config.rtp_port..config.rtp_port.saturating_add(PHONE_MEDIA_PORTS);
                known.udp.extend(ports.map(|port| SocketAddr::new(config.addr, port)));
            }
        }
    }

    fn finish(&mut self, _: Instant, _: &Map) -> Vec<Finding> {
        self.faults.finish()
    }
}

/// In the private network, and not the proxy: to that HRAC goes by configuration.
fn is_inside(place: &SitePlace, addr: SocketAddr) -> bool {
    shares(place.network.0, addr.ip(), place.network.1)
        && place.proxy.is_none_or(|(_, proxy)| proxy != addr.ip())
}

/// Where an answer about an address is looked for.
fn hint(addr: SocketAddr) -> u64 {
    (addr_bits(addr.ip()) as u64) << 16 ^ u64::from(addr.port())
}

fn ip(host: Host<'_>) -> Option<core::net::IpAddr> {
    host.ip()
}

const FOUND_MAX: usize = 1_024;
/// RFC 3261 §19.1.2.
const SIP_PORT: u16 = 5060;
/// Ports from its first media port on that a phone may use: voice and video, with RTCP, of a call and of those that follow it by transfer.
const PHONE_MEDIA_PORTS: u16 = 64;
