//! What can be seen of everybody.

use sofw_core::testing::phone::{CallState, Phone};

use super::super::expect;
use super::super::map::SitePlace;
use super::Timeline;
use crate::check::leftovers;

impl Timeline<'_> {
    /// What expectations look at besides the books.
    pub(in crate::run) fn facts(&self) -> expect::Facts {
        let recorder = &self.world.observer;
        expect::Facts {
            in_calls: self.in_calls(),
            registered: self.registered(),
            empty: self.rat_is_empty(),
            tunnels: recorder.tunnels.clone(),
            refused: (0..recorder.tunnels.len()).map(|place| recorder.hello_refused(place)).collect(),
        }
    }

    /// The Call-ID of the call that is up, for each phone.
    fn in_calls(&self) -> Vec<Option<String>> {
        let phones = (0..self.scenario.phones.len()).map(|phone| self.phone(phone));
        let up = |phone: &&Phone| phone.call_state() == Some(CallState::Established);
        phones.map(|phone| phone.filter(up).and_then(Phone::call_id).map(str::to_owned)).collect()
    }

    /// Who is registered.
    pub(in crate::run) fn registered(&self) -> Vec<bool> {
        (0..self.scenario.phones.len())
            .map(|phone| self.phone(phone).is_some_and(Phone::is_registered))
            .collect()
    }

    /// Who should be.
    pub(in crate::run) fn wants_registration(&self) -> &[bool] {
        &self.wants_registration
    }

    /// Whether every HRAC has a tunnel.
    pub(in crate::run) fn all_tunnels_up(&self) -> bool {
        let hracs = self.map().places.iter().filter_map(|place| place.hrac);
        hracs.filter_map(|(node, _)| self.world.host(node).hrac()).all(|hrac| hrac.tunnel_status().is_some())
    }

    /// Whether nothing of any call is left.
    pub(in crate::run) fn is_empty(&self) -> bool {
        let map = self.map();
        leftovers(map, &self.state(map, self.phase)).is_none()
    }

    /// Whether no record and no flow is left.
    pub(in crate::run) fn rat_is_empty(&self) -> bool {
        let map = self.map();
        let hrac = |place: &SitePlace| place.hrac.and_then(|(node, _)| self.world.host(node).hrac());
        self.world.host(map.server.0).hras().is_none_or(|hras| hras.records().next().is_none())
            && map.places.iter().filter_map(hrac).all(|hrac| hrac.flows() == 0)
    }
}
