//! What goes wrong, and how it is mended.

use sofw_core::base::Duration;
use sofw_core::testing::phone::Phone;

use super::{Timeline, Todo};
use crate::host::App;
use crate::link::Conditions;
use crate::scenario::model::{Change, Target};
use crate::world::{LinkId, NodeId, Way};

impl Timeline<'_> {
    pub(in crate::run) fn crash(&mut self, index: usize, back: Option<Duration>) {
        let now = self.world.now();
        self.lost_state = true;
        if let Some(call_id) = self.phone(index).and_then(Phone::call_id).map(str::to_owned) {
            self.world.observer.calls.close(now, &call_id);
        }
        let node = self.map().phones[index].node;
        self.phones_off[index] = true;
        self.world.with_host(node, |host, _| host.start_after_power_cut(App::Idle));
        if let Some(back) = back {
            self.later(now + back, Todo::StartPhone(index));
        }
    }

    /// A phone is off and nobody knows: a planted defect. It comes back when all is mended, or never.
    pub(in crate::run) fn die(&mut self, index: usize, comes_back: bool) {
        let node = self.map().phones[index].node;
        self.phones_off[index] = comes_back;
        self.world.with_host(node, |host, _| host.start_after_power_cut(App::Idle));
    }

    pub(in crate::run) fn start_phone(&mut self, index: usize) {
        if !self.phones_off[index] {
            // Two crashes overlapped; the first one's end was this phone's.
            return;
        }
        let (node, addr) = (self.map().phones[index].node, self.map().phones[index].addr);
        let app = self.builder.phone(index, addr, self.world.now());
        self.phones_off[index] = false;
        self.world.with_host(node, |host, _| host.start(app));
        if self.wants_registration[index] {
            self.command(index, Phone::register);
        }
    }

    pub(in crate::run) fn stop(&mut self, what: Target, away: Duration, power: bool) {
        self.excuse(away + AFTER_RESTART);
        let Some(node) = self.node_of(what) else { return };
        if matches!(what, Target::Firewall(_) | Target::Nat(_)) {
            return self.forget(what);
        }
        if !matches!(what, Target::Proxy(_) | Target::ReverseProxy) {
            self.lost_state = true;
        }
        if what == Target::Hras {
            // It keeps nothing on disk: the calls of this moment are lost, though their phones do not know.
            self.excuse(self.scenario.duration);
            let now = self.world.now();
            self.world.observer.calls.close_all(now);
        }
        self.off.insert(node, what);
        self.world.with_host(node, |host, _| match power {
            true => host.start_after_power_cut(App::Idle),
            false => host.start(App::Idle),
        });
        let at = self.world.now() + away;
        self.later(at, Todo::Start(what));
    }

    pub(in crate::run) fn start_again(&mut self, what: Target) {
        let Some(node) = self.node_of(what) else { return };
        let now = self.world.now();
        let app = match what {
            Target::Hras => self.builder.hras(now),
            Target::Hrac(place) => self.builder.hrac(place, now),
            Target::Proxy(place) => self.builder.proxy_of(place),
            Target::ReverseProxy => self.builder.reverse_proxy(),
            Target::Firewall(_) | Target::Nat(_) => return,
        };
        self.off.remove(&node);
        self.world.with_host(node, |host, _| host.start(app));
    }

    pub(in crate::run) fn forget(&mut self, what: Target) {
        self.excuse(AFTER_FORGETTING);
        let Some(node) = self.node_of(what) else { return };
        match what {
            Target::Firewall(_) | Target::Nat(_) => {
                self.world.with_middlebox(node, |middlebox, _| middlebox.forget())
            }
            _ => self.world.with_host(node, |host, _| {
                if let App::Other(app) = host.app_mut() {
                    app.forget();
                }
            }),
        }
    }

    pub(in crate::run) fn node_of(&self, what: Target) -> Option<NodeId> {
        let map = self.map();
        let of_box = |place: usize, kind: &str| {
            map.places[place].boxes.iter().find(|(name, _)| *name == kind).map(|&(_, node)| node)
        };
        match what {
            Target::Hras => Some(map.server.0),
            Target::Hrac(place) => map.places[place].hrac.map(|(node, _)| node),
            Target::Proxy(place) => map.places[place].proxy.map(|(node, _)| node),
            Target::ReverseProxy => map.reverse_proxy,
            Target::Firewall(place) => of_box(place, "firewall"),
            Target::Nat(place) => of_box(place, "nat"),
        }
    }

    pub(in crate::run) fn change(&mut self, link: LinkId, change: &Change) {
        let now = self.keep(link);
        let changed = match change {
            Change::To(line) => [line.up, line.down],
            Change::Values { loss, delay, jitter, rate } => now.map(|conditions| Conditions {
                loss: loss.unwrap_or(conditions.loss),
                delay: delay.unwrap_or(conditions.delay),
                jitter: jitter.unwrap_or(conditions.jitter),
                rate: rate.or(conditions.rate),
                ..conditions
            }),
        };
        for (way, conditions) in [Way::Up, Way::Down].into_iter().zip(changed) {
            self.world.set_conditions(link, way, conditions);
        }
    }

    /// Remembers a line as it was built, to restore it; gives it as it is.
    pub(in crate::run) fn keep(&mut self, link: LinkId) -> [Conditions; 2] {
        let now = [Way::Up, Way::Down].map(|way| *self.world.conditions(link, way));
        self.original.entry(link).or_insert(now);
        now
    }

    pub(in crate::run) fn restore(&mut self, link: LinkId) {
        if let Some(original) = self.original.remove(&link) {
            for (way, conditions) in [Way::Up, Way::Down].into_iter().zip(original) {
                self.world.set_conditions(link, way, conditions);
            }
        }
    }

    /// All faults are over: lines are as they were, everything is switched on.
    pub(in crate::run) fn mend(&mut self) {
        let links: Vec<LinkId> = self.original.keys().copied().collect();
        links.into_iter().for_each(|link| self.restore(link));
        for link in self.map().places.iter().map(|place| place.line).collect::<Vec<_>>() {
            self.world.set_down(link, false);
        }
        for what in self.off.values().copied().collect::<Vec<_>>() {
            self.start_again(what);
        }
        for index in 0..self.phones_off.len() {
            if self.phones_off[index] {
                self.start_phone(index);
            }
        }
        self.due.clear();
        self.excused_until = self.world.now();
    }
}

/// How long a fault excuses silence after it is over: reconnection pauses double up to ten seconds.
pub(super) const AFTER_OUTAGE: Duration = Duration::from_secs(15);
pub(super) const AFTER_RESTART: Duration = Duration::from_secs(15);
pub(super) const AFTER_FORGETTING: Duration = Duration::from_secs(30);
pub(super) const CUT_EXCUSE: Duration = Duration::from_secs(15);
