//! Holds what was written down against what was expected.

use sofw_core::base::{Duration, Instant};

use super::finding;
use crate::record::{Call, Finding, Hearing, Record};
use crate::scenario::Scenario;
use crate::scenario::model::{Expectation, Metric, Scope};

/// What the books do not say.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub counts: Counts,
    /// Each phone.
    pub registered: Vec<bool>,
    /// Each place.
    pub tunnels_up: Vec<bool>,
    /// Nothing of any call is left.
    pub empty: bool,
    /// Each place: when its tunnel came up and went down.
    pub tunnels: Vec<Vec<(Instant, bool)>>,
    /// Hellos refused, and proxies that asked in vain.
    pub refused: (u64, u64),
}

/// Numbers of a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// Phones in a call that is up.
    pub phones_in_calls: usize,
}

/// A value and whose it is.
type Measured = (f64, String);

/// Judges one expectation; `now` if it was asked for in the timeline.
pub(super) fn judge(
    expectation: &Expectation,
    scenario: &Scenario,
    record: &Record,
    facts: &Facts,
    now: Option<Instant>,
) -> Finding {
    let expected = expectation.text.clone();
    let values = measure(expectation, scenario, record, facts, now);
    let bad = values.iter().find(|(value, _)| !expectation.compare.holds(*value, expectation.value));
    let shown = match (bad, values.as_slice()) {
        (Some(bad), _) => tell(expectation.metric, bad),
        (None, []) => "nothing to measure: no such call, phone or place was seen".into(),
        (None, [one]) => tell(expectation.metric, one),
        (None, many) => {
            let least = many.iter().map(|(value, _)| *value).fold(f64::INFINITY, f64::min);
            let most = many.iter().map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max);
            format!("{} to {}", number(expectation.metric, least), number(expectation.metric, most))
        }
    };
    finding(&expectation.text, bad.is_none() && !values.is_empty(), shown, expected, expectation.line)
}

fn measure(
    expectation: &Expectation,
    scenario: &Scenario,
    record: &Record,
    facts: &Facts,
    now: Option<Instant>,
) -> Vec<Measured> {
    let scope = &expectation.scope;
    let calls: Vec<&Call> = record.calls.iter().filter(|call| covers(scope, scenario, call)).collect();
    let whole = |value: f64| vec![(value, String::new())];
    let answered = || calls.iter().filter(|call| call.answered.is_some());
    let of_calls = |value: &dyn Fn(&Call) -> Option<f64>| -> Vec<Measured> {
        calls.iter().filter_map(|call| Some((value(call)?, name_of(call)))).collect()
    };
    let of_hearings = |value: &dyn Fn(&Hearing) -> f64| -> Vec<Measured> {
        let hearings = answered().flat_map(|call| &call.hearings);
        let hearings = hearings.filter(|hearing| hears(scope, hearing) && hearing.sent > 0);
        hearings
            .map(|hearing| (value(hearing), format!("{} hears {}", hearing.listener, hearing.talker)))
            .collect()
    };
    match expectation.metric {
        Metric::SetupMs => of_calls(&|call| call.setup().map(ms)),
        Metric::RingMs => of_calls(&|call| call.ringing.map(|at| ms(at.since(call.invited)))),
        Metric::Mos => of_hearings(&|hearing| hearing.mos),
        Metric::MissedShare => of_hearings(&Hearing::missed_share),
        Metric::LateShare => of_hearings(&Hearing::late_share),
        Metric::LostShare => of_hearings(&Hearing::lost_share),
        Metric::DelayP50Ms => of_hearings(&|hearing| ms(hearing.delay.quantile(0.5))),
        Metric::DelayP99Ms => of_hearings(&|hearing| ms(hearing.delay.quantile(0.99))),
        Metric::DelayMaxMs => of_hearings(&|hearing| ms(hearing.delay.max())),
        Metric::GapMs => of_hearings(&|hearing| ms(hearing.gap)),
        Metric::CallsMade => whole(calls.len() as f64),
        Metric::CallsAnswered => whole(answered().count() as f64),
        Metric::CallsFailed => whole(
            calls.iter().filter(|call| call.answered.is_none() && call.ended[0].is_some()).count() as f64,
        ),
        Metric::CallsUp => whole((facts.counts.phones_in_calls / 2) as f64),
        Metric::Status => of_calls(&|call| Some(f64::from(call.status))),
        Metric::Registered => whole(registered(scope, scenario, facts).filter(|&up| up).count() as f64),
        Metric::AllRegistered => whole(flag(registered(scope, scenario, facts).all(|up| up))),
        Metric::RegisterMs => {
            let known = record.registrations.iter().filter(|known| is_phone(scope, &known.phone));
            known
                .filter_map(|known| Some((ms(known.granted?.since(known.asked)), known.phone.clone())))
                .collect()
        }
        Metric::TunnelUpMs => places(scope, scenario)
            .filter_map(|place| {
                let history = facts.tunnels.get(place)?;
                let (at, _) = history.iter().rev().find(|(_, up)| *up)?;
                let lost = history.iter().rev().find(|(down, up)| !up && down < at).map(|(down, _)| *down);
                Some((ms(at.since(lost.unwrap_or(Instant::ZERO))), scenario.places[place].name.clone()))
            })
            .collect(),
        Metric::TunnelLosses => places(scope, scenario)
            .filter_map(|place| {
                let losses = facts.tunnels.get(place)?.iter().filter(|(_, up)| !up).count();
                Some((losses as f64, scenario.places[place].name.clone()))
            })
            .collect(),
        Metric::TunnelUp => places(scope, scenario)
            .map(|place| {
                (flag(facts.tunnels_up.get(place) == Some(&true)), scenario.places[place].name.clone())
            })
            .collect(),
        Metric::RungPost => {
            let told = record.story.iter().any(|(_, text)| text.contains("rung post"));
            whole(flag(told))
        }
        Metric::ProxyAuthRequired => whole(flag(facts.refused.1 > 0)),
        Metric::HelloRefused => whole(flag(facts.refused.0 > 0)),
        Metric::Connections => traffic(scope, record, |traffic| traffic.connections_max as f64),
        Metric::FirewallBytes => {
            traffic(scope, record, |traffic| (traffic.bytes[0] + traffic.bytes[1]) as f64)
        }
        Metric::BytesPerPacket => traffic(scope, record, |traffic| {
            (traffic.bytes[0] + traffic.bytes[1]) as f64 / traffic.voice.max(1) as f64
        }),
        Metric::NoDirectUdp => {
            let sites = record.places.iter().zip(&scenario.places);
            let sites = sites.filter(|(_, place)| place.hrac.is_some());
            whole(flag(sites.map(|(traffic, _)| traffic.udp_packets).sum::<u64>() == 0))
        }
        Metric::Keys => of_calls(&|call| Some((call.keys[0].len() + call.keys[1].len()) as f64)),
        Metric::RatEmpty => whole(flag(facts.empty)),
        Metric::DirectMedia => answered().map(|call| (flag(call.direct_media), name_of(call))).collect(),
        Metric::CallAlive => calls
            .iter()
            .map(|call| {
                let up = call.answered.is_some() && call.ended.iter().all(Option::is_none);
                let over = now.is_none() && call.answered.is_some() && call.end.starts_with("hung up");
                (flag(up || over), name_of(call))
            })
            .collect(),
    }
}

fn covers(scope: &Scope, scenario: &Scenario, call: &Call) -> bool {
    match scope {
        Scope::All => true,
        Scope::Call(from, to) => call.caller == *from && call.callee == *to,
        Scope::Phone(phone) => call.caller == *phone || call.callee == *phone,
        Scope::Place(name) => scenario.phones.iter().any(|phone| {
            (phone.name == call.caller || phone.name == call.callee)
                && phone.place.is_some_and(|place| scenario.places[place].name == *name)
        }),
    }
}

fn hears(scope: &Scope, hearing: &Hearing) -> bool {
    !matches!(scope, Scope::Phone(phone) if hearing.listener != *phone)
}

fn is_phone(scope: &Scope, name: &str) -> bool {
    !matches!(scope, Scope::Phone(phone) if phone != name)
}

/// The registrations that an expectation is about: of phones that are to be registered at all, unless it names one.
fn registered<'a>(
    scope: &'a Scope,
    scenario: &'a Scenario,
    facts: &'a Facts,
) -> impl Iterator<Item = bool> + 'a {
    let phones = scenario.phones.iter().zip(&facts.registered);
    phones.filter_map(move |(phone, &up)| {
        let about = match scope {
            Scope::Phone(name) => phone.name == *name,
            Scope::Place(name) => phone.place.is_some_and(|place| scenario.places[place].name == *name),
            _ => phone.registers,
        };
        about.then_some(up)
    })
}

/// Places with a HRAC, or the one named.
fn places<'a>(scope: &'a Scope, scenario: &'a Scenario) -> impl Iterator<Item = usize> + 'a {
    (0..scenario.places.len()).filter(move |&index| match scope {
        Scope::Place(name) => scenario.places[index].name == *name,
        _ => scenario.places[index].hrac.is_some(),
    })
}

fn traffic(
    scope: &Scope,
    record: &Record,
    value: impl Fn(&crate::record::PlaceTraffic) -> f64,
) -> Vec<Measured> {
    let places =
        record.places.iter().filter(|traffic| !matches!(scope, Scope::Place(name) if traffic.place != *name));
    places.map(|traffic| (value(traffic), traffic.place.clone())).collect()
}

fn name_of(call: &Call) -> String {
    format!("{}->{}", call.caller, call.callee)
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn tell(metric: Metric, (value, whose): &Measured) -> String {
    if whose.is_empty() { number(metric, *value) } else { format!("{} ({whose})", number(metric, *value)) }
}

fn number(metric: Metric, value: f64) -> String {
    match metric {
        Metric::RatEmpty
        | Metric::NoDirectUdp
        | Metric::DirectMedia
        | Metric::CallAlive
        | Metric::AllRegistered
        | Metric::TunnelUp
        | Metric::RungPost
        | Metric::ProxyAuthRequired
        | Metric::HelloRefused => if value > 0.0 { "yes" } else { "no" }.into(),
        Metric::MissedShare | Metric::LateShare | Metric::LostShare => format!("{:.2} %", value * 100.0),
        Metric::Mos => format!("{value:.2}"),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}
