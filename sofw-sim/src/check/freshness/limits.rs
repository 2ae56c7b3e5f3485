//! How old voice may be between two phones of a scenario.

use super::{Duration, RECEIPT_INTERVAL_MAX};
use crate::link::Conditions;
use crate::link::profile::Line;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Change, ProxySpec};

/// Limits between any two phones.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// For each phone, the half of a way between it and the middle of the public network, whoever talks.
    sides: Vec<Duration>,
}

impl Limits {
    /// Of the worst that the scenario's lines ever are.
    pub fn of(scenario: &Scenario) -> Limits {
        let server = worst(scenario, None, scenario.server.line);
        let sides = scenario.phones.iter().enumerate().map(|(number, phone)| {
            let own = worst(scenario, Some(Err(number)), phone.line);
            let place = phone.place.and_then(|place| Some((place, scenario.places.get(place)?)));
            let line =
                place.map_or(Duration::ZERO, |(number, place)| worst(scenario, Some(Ok(number)), place.line));
            let lines = own + line + server;
            let Some((place, hrac)) = place.and_then(|(_, place)| Some((place, place.hrac.as_ref()?))) else {
                return lines;
            };
            let proxies = [place.proxy.as_ref(), scenario.server.proxy.as_ref()].map(proxy);
            let waits = hrac.voice_age_max + scenario.server.voice_age_max + RECEIPT_INTERVAL_MAX;
            lines + waits + proxies[0] + proxies[1]
        });
        Limits { sides: sides.collect() }
    }

    /// Between two phones.
    pub(super) fn between(&self, talker: usize, listener: usize) -> Duration {
        let of = |phone: usize| self.sides.get(phone).copied().unwrap_or_default();
        of(talker) + of(listener) + DRIVER
    }
}

/// The longest time on a line, as it is at the start and after every change.
fn worst(scenario: &Scenario, which: Option<Result<usize, usize>>, line: Line) -> Duration {
    let changes = scenario.timeline.iter().filter_map(|step| match &step.action {
        Action::Line { which: changed, change, .. } if *changed == which => Some(change),
        _ => None,
    });
    changes.fold(longest(line), |worst, change| worst.max(longest(changed(line, change))))
}

fn longest(line: Line) -> Duration {
    let time = |way: Conditions| {
        let queue = if way.rate.is_some() { way.queue } else { Duration::ZERO };
        let reorder = if way.reorder > 0.0 { way.delay / 4 + REORDER } else { Duration::ZERO };
        way.delay + way.jitter + queue + reorder
    };
    time(line.up).max(time(line.down))
}

fn changed(line: Line, change: &Change) -> Line {
    match *change {
        Change::To(line) => line,
        Change::Values { loss, delay, jitter, rate } => {
            let way = |way: Conditions| Conditions {
                loss: loss.unwrap_or(way.loss),
                delay: delay.unwrap_or(way.delay),
                jitter: jitter.unwrap_or(way.jitter),
                rate: rate.or(way.rate),
                ..way
            };
            Line { up: way(line.up), down: way(line.down) }
        }
    }
}

fn proxy(spec: Option<&ProxySpec>) -> Duration {
    spec.map_or(Duration::ZERO, |spec| PROXY + 2 * spec.latency.unwrap_or_default())
}

/// Waiting for other media to be read together, and for a write under way, at each of four programs.
const DRIVER: Duration = Duration::from_millis(20);
/// A proxy's own buffering and scheduling.
const PROXY: Duration = Duration::from_millis(100);
/// A reordered packet is a quarter of the line's delay late, and this.
const REORDER: Duration = Duration::from_millis(5);
