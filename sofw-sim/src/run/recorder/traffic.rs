//! What crosses each place's line.

use sofw_core::base::Instant;
use sofw_core::testing::phone::Stamp;

use crate::packet::{Packet, Protocol};
use crate::record::PlaceTraffic;
use crate::run::{Map, Zone};
use crate::world::{LinkId, Seen, Way};

#[derive(Debug, Default)]
pub(super) struct Traffic {
    places: Vec<PlaceTraffic>,
    /// The place whose line a link is.
    place_at: Vec<Option<usize>>,
    zones: Vec<Zone>,
}

impl Traffic {
    pub fn new(map: &Map) -> Self {
        let mut place_at = vec![None; map.zones.len()];
        for (index, place) in map.places.iter().enumerate() {
            place_at[place.line] = Some(index);
        }
        let places = map.places.iter();
        Traffic {
            places: places
                .map(|place| PlaceTraffic { place: place.name.clone(), ..PlaceTraffic::default() })
                .collect(),
            place_at,
            zones: map.phones.iter().map(|phone| phone.zone).collect(),
        }
    }

    /// Whether a link is a place's line.
    pub fn watches(&self, link: LinkId) -> bool {
        self.place_at.get(link).is_some_and(Option::is_some)
    }

    pub fn packet(&mut self, at: Instant, seen: Seen, packet: &Packet) {
        let place: Option<usize> = self.place_at.get(seen.link as LinkId).copied().flatten();
        let Some(traffic) = place.and_then(|place| self.places.get_mut(place)) else { return };
        let way = usize::from(seen.way == Way::Down);
        let second = at.as_secs() as usize;
        if second < SECONDS_MAX {
            if traffic.seconds.len() <= second {
                traffic.seconds.resize(second + 1, [0; 2]);
            }
            traffic.seconds[second][way] += packet.len() as u64;
        }
        traffic.bytes[way] += packet.len() as u64;
        traffic.packets[way] += 1;
        traffic.udp_packets += u64::from(packet.protocol() == Protocol::Udp);
    }

    /// A phone heard a packet; it crossed the lines of both places unless they are one.
    pub fn voice(&mut self, _map: &Map, stamp: &Stamp, listener: usize) {
        let talker = self.zones.get(stamp.speaker as usize).copied();
        let listener = self.zones.get(listener).copied();
        if talker == listener {
            return;
        }
        for zone in [talker, listener] {
            if let Some(Zone::Private(place)) = zone {
                self.places[place].voice += 1;
            }
        }
    }

    pub fn look(&mut self, connections: &[usize]) {
        for (traffic, &connections) in self.places.iter_mut().zip(connections) {
            traffic.connections_max = traffic.connections_max.max(connections);
        }
    }

    /// What crossed until now, without its seconds: they are for charts.
    pub fn snapshot(&self) -> Vec<PlaceTraffic> {
        let sums = |traffic: &PlaceTraffic| PlaceTraffic {
            place: traffic.place.clone(),
            seconds: Vec::new(),
            ..*traffic
        };
        self.places.iter().map(sums).collect()
    }

    pub fn finish(&mut self) -> Vec<PlaceTraffic> {
        std::mem::take(&mut self.places)
    }
}

/// Longest series of seconds.
const SECONDS_MAX: usize = 20_000;
