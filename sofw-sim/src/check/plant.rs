//! Defects to plant into a run, to see that the checkers catch them: packets that no correct system would send.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::rtp::RtpHeader;
use sofw_core::testing::phone::{MediaKind, Stamp, call_hash};

use crate::packet::Packet;
use crate::run::{Map, Zone};
use crate::world::NodeId;

/// A planted defect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Plant {
    /// A phone gets voice of another call, from its own half.
    ForeignVoice,
    /// A phone gets voice of its own call, but from a stranger beside its half.
    StrangersVoice,
    /// A phone gets voice of its own call that is a minute old.
    OldVoice,
    /// A packet of an inside phone is seen on the public network as it left the phone.
    InsideAddressOutside,
    /// A packet of an outside phone reaches an inside phone.
    OutsideAddressInside,
    /// HRAS tells an outside phone the inside address for media.
    InsideAddressInDescription,
    /// HRAC sends to an inside address that nobody announced.
    UnannouncedAddress,
}

/// A call in the run: indices of an inside phone of a site and of an outside one.
#[derive(Clone, Copy, Debug)]
pub struct Victims<'a> {
    /// The phone in a site.
    pub inside: usize,
    /// The phone outside.
    pub outside: usize,
    /// Their call.
    pub call_id: &'a str,
}

impl Plant {
    /// All of them.
    pub const ALL: [Plant; 7] = [
        Plant::ForeignVoice,
        Plant::StrangersVoice,
        Plant::OldVoice,
        Plant::InsideAddressOutside,
        Plant::OutsideAddressInside,
        Plant::InsideAddressInDescription,
        Plant::UnannouncedAddress,
    ];

    /// The checker that must catch it.
    pub const fn caught_by(self) -> &'static str {
        match self {
            Plant::ForeignVoice | Plant::StrangersVoice => "voice",
            Plant::OldVoice => "freshness",
            Plant::InsideAddressOutside | Plant::OutsideAddressInside | Plant::InsideAddressInDescription => {
                "addresses"
            }
            Plant::UnannouncedAddress => "policy",
        }
    }

    /// The packet, and the node whose first port it leaves by ([`crate::world::World::inject`]). `None` if the victims are not
    /// what they should be.
    pub fn packet(self, now: Instant, map: &Map, victims: Victims<'_>) -> Option<(NodeId, Packet)> {
        let (inside, outside) = (map.phones.get(victims.inside)?, map.phones.get(victims.outside)?);
        let Zone::Private(number) = inside.zone else { return None };
        let (hrac, hrac_addr) = map.places.get(number)?.hrac?;
        let (hras, Some(hras_addr)) = map.server else { return None };
        let voice = |call: u64, sent_at| {
            let stamp = Stamp { speaker: outside.speaker, call, number: 0, sent_at, kind: MediaKind::Audio };
            let header =
                RtpHeader { marker: false, payload_type: 0, sequence: 0, timestamp: 0, ssrc: 0x706c };
            header.packet(&stamp.encode())
        };
        let call = call_hash(victims.call_id);
        let to_inside = |from: IpAddr, bytes: &[u8]| udp((from, 20_000), (inside.addr, PHONE_RTP), bytes);
        Some(match self {
            Plant::ForeignVoice => (hrac, to_inside(hrac_addr, &voice(call ^ 1, now))),
            Plant::StrangersVoice => {
                let stranger = neighbour(hrac_addr)?;
                (hrac, to_inside(stranger, &voice(call, now)))
            }
            Plant::OldVoice => (hrac, to_inside(hrac_addr, &voice(call, now - Duration::from_secs(60)))),
            Plant::OutsideAddressInside => (hrac, to_inside(outside.addr, &voice(call, now))),
            Plant::InsideAddressOutside => {
                (hras, udp((inside.addr, PHONE_RTP), (outside.addr, PHONE_RTP), b"as it left the phone"))
            }
            Plant::InsideAddressInDescription => {
                let family = if inside.addr.is_ipv4() { "IP4" } else { "IP6" };
                let body = format!(
                    "INFO sip:x SIP/2.0\r\n\r\nv=0\r\nc=IN {family} {}\r\nm=audio {PHONE_RTP} RTP/AVP 0\r\n",
                    inside.addr
                );
                (hras, udp((hras_addr, SIP), (outside.addr, SIP), body.as_bytes()))
            }
            Plant::UnannouncedAddress => {
                (hrac, udp((hrac_addr, SIP), (inside.addr, 22), b"OPTIONS sip:ssh SIP/2.0\r\n\r\n"))
            }
        })
    }
}

fn udp(from: (IpAddr, u16), to: (IpAddr, u16), bytes: &[u8]) -> Packet {
    Packet::udp(SocketAddr::from(from), SocketAddr::from(to), bytes)
}

/// A host of the same network that nobody is.
fn neighbour(addr: IpAddr) -> Option<IpAddr> {
    match addr {
        IpAddr::V4(addr) => {
            let [a, b, c, _] = addr.octets();
            Some(IpAddr::from([a, b, c, 250]))
        }
        IpAddr::V6(_) => None,
    }
}

const SIP: u16 = 5_060;
const PHONE_RTP: u16 = 4_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{ALICE, BOB, LAN, PUBLIC, Town, scenario, seen};
    use crate::check::{Checker, Media, all};

    /// Shows a packet as the town's networks would: on its link, and to the phone that it reaches.
    fn show(town: &Town, checkers: &mut [Box<dyn Checker>], node: NodeId, packet: &Packet) {
        let now = town.pair.now();
        let link = if node == town.pair.hras_node() { PUBLIC } else { LAN };
        let alice = town.node(ALICE);
        for checker in checkers {
            checker.packet(now, &town.map, seen(link), packet);
            if packet.destination() == (town.map.phones[ALICE].addr, PHONE_RTP).into() {
                let phone = town.pair.phone(alice);
                let media = Media::read(packet.payload());
                checker.heard(now, &town.map, alice, phone, packet.source(), &media);
            }
        }
    }

    #[test]
    fn what_is_planted_is_caught_by_the_checker_that_must() {
        for plant in Plant::ALL.map(Some).into_iter().chain([None]) {
            let mut town = Town::new();
            let mut checkers = all(&scenario());
            town.call(ALICE, "bob");
            let mut watching: Vec<&mut dyn Checker> = Vec::new();
            for checker in &mut checkers {
                watching.push(&mut **checker);
            }
            town.run(Duration::from_secs(3), &mut watching);
            let call_id = town.pair.phone(town.node(ALICE)).call_id().expect("alice is in a call").to_owned();
            let victims = Victims { inside: ALICE, outside: BOB, call_id: &call_id };
            if let Some(plant) = plant {
                let (node, packet) = plant.packet(town.pair.now(), &town.map, victims).expect("victims");
                show(&town, &mut checkers, node, &packet);
            }
            for checker in &mut checkers {
                let finding = town.finish(&mut **checker);
                let must = plant.is_some_and(|plant| plant.caught_by() == checker.name());
                let may = plant == Some(Plant::OutsideAddressInside) && checker.name() == "voice";
                assert!(finding.good != must || may, "{plant:?}, {}: {}", checker.name(), finding.measured);
            }
        }
    }
}
