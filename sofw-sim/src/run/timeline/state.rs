//! What can be seen of everybody.

use sofw_core::testing::phone::{CallState, Phone};

use super::super::expect;
use super::super::map::SitePlace;
use super::Timeline;
use crate::check::leftovers;

impl Timeline<'_> {
    /// Calls up at the moment, and phones.
    pub(in crate::run) fn counts(&self) -> expect::Counts {
        let up = (0..self.scenario.phones.len())
            .filter(|&phone| self.phone(phone).and_then(Phone::call_state) == Some(CallState::Established));
        expect::Counts { phones_in_calls: up.count() }
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

    /// Which places' tunnels are up.
    pub(in crate::run) fn tunnels_up(&self) -> Vec<bool> {
        let tunnels = self.world.observer.tunnels.iter();
        tunnels.map(|history| history.last().is_some_and(|(_, up)| *up)).collect()
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
