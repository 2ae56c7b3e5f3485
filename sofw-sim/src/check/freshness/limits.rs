//! How old voice may be between two phones of a scenario.

use super::{Duration, RECEIPT_INTERVAL_MAX, SERVER_SILENCE_MAX};
use crate::link::Conditions;
use crate::link::profile::Line;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Change, ProxySpec};

/// Limits between any two phones.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// For each phone, as talker and as listener.
    sides: Vec<[Side; 2]>,
}

/// The half of a way between a phone and the middle of the public network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Side {
    /// Lines.
    lines: Duration,
    /// A tunnel's share; zero without one.
    tunnel: Duration,
    /// TCP repair in the tunnel.
    repair: Duration,
}

impl Limits {
    /// Of the worst that the scenario's lines ever are.
    pub fn of(scenario: &Scenario) -> Limits {
        let server = worst(scenario, None, scenario.server.line);
        let sides = scenario.phones.iter().enumerate().map(|(number, phone)| {
            let own = worst(scenario, Some(Err(number)), phone.line);
            let place = phone.place.and_then(|place| Some((place, scenario.places.get(place)?)));
            let line = place.map(|(number, place)| worst(scenario, Some(Ok(number)), place.line));
            let lines = own.time + line.map_or(Duration::ZERO, |line| line.time) + server.time;
            let hrac = place.and_then(|(_, place)| Some((place, place.hrac.as_ref()?)));
            let Some((place, hrac)) = hrac else { return [Side { lines, ..Side::default() }; 2] };
            let way = [line.unwrap_or_default(), server];
            let proxies = [place.proxy.as_ref(), scenario.server.proxy.as_ref()].map(proxy);
            [hrac.voice_age_max, scenario.server.voice_age_max].map(|age_max| Side {
                lines,
                tunnel: age_max + RECEIPT_INTERVAL_MAX + proxies[0] + proxies[1],
                repair: repair(&way),
            })
        });
        Limits { sides: sides.collect() }
    }

    /// From one phone to another.
    pub(super) fn between(&self, talker: usize, listener: usize, excused: bool) -> Duration {
        let of =
            |phone: usize, role: usize| self.sides.get(phone).map(|sides| sides[role]).unwrap_or_default();
        [of(talker, 0), of(listener, 1)]
            .iter()
            .map(|side| {
                let dead =
                    if excused && !side.tunnel.is_zero() { SERVER_SILENCE_MAX } else { Duration::ZERO };
                side.lines + side.tunnel + side.repair + dead
            })
            .sum::<Duration>()
            + DRIVER
    }
}

/// What a line may do at its worst.
#[derive(Clone, Copy, Default)]
struct Worst {
    time: Duration,
    /// It can lose packets by a full queue, and by itself.
    overflows: bool,
    loses: bool,
}

impl Worst {
    fn with(self, line: Line) -> Worst {
        [line.up, line.down].into_iter().fold(self, |worst, way: Conditions| {
            let queue = if way.rate.is_some() { way.queue } else { Duration::ZERO };
            let reorder = if way.reorder > 0.0 { way.delay / 4 + REORDER } else { Duration::ZERO };
            Worst {
                time: worst.time.max(way.delay + way.jitter + queue + reorder),
                overflows: worst.overflows || way.rate.is_some(),
                loses: worst.loses || way.loss > 0.0 || way.burst.is_some() || way.reorder > 0.0,
            }
        })
    }
}

/// A line as it is at the start and after every change.
fn worst(scenario: &Scenario, which: Option<Result<usize, usize>>, line: Line) -> Worst {
    let changes = scenario.timeline.iter().filter_map(|step| match &step.action {
        Action::Line { which: changed, change, .. } if *changed == which => Some(change),
        _ => None,
    });
    changes.fold(Worst::default().with(line), |worst, change| worst.with(changed(line, change)))
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

/// Time-outs (RFC 6298, at least 200 ms as in Linux, doubled each time) that a segment may need on this way, and a round trip for each.
fn repair(way: &[Worst]) -> Duration {
    let round_trip: Duration = way.iter().map(|line| 2 * line.time).sum();
    let (loses, overflows) = (way.iter().any(|line| line.loses), way.iter().any(|line| line.overflows));
    let rounds = if loses { LOSSES_IN_A_ROW } else { u32::from(overflows) };
    (0..rounds).map(|round| RTO_MIN * (1 << round) + round_trip).sum()
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
const RTO_MIN: Duration = Duration::from_millis(200);
/// A segment and its repetitions are not lost more often than this on a line that loses at random: once in a million packets at 3 %.
const LOSSES_IN_A_ROW: u32 = 3;
