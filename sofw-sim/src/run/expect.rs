//! Holds what was written down against what was expected.

use sofw_core::base::{Duration, Instant};
use sofw_core::event::Rung;

use super::finding;
use super::recorder::TunnelBook;
use crate::record::{Call, Finding, Hearing, PlaceTraffic, Registration};
use crate::scenario::Scenario;
use crate::scenario::model::{Expectation, Metric, PhoneSpec, Scope};

/// What was written down.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub calls: Vec<Call>,
    pub registrations: Vec<Registration>,
    /// Each place, without its seconds.
    pub places: Vec<PlaceTraffic>,
}

/// What the books do not say.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Each phone: the Call-ID of the call that is up.
    pub in_calls: Vec<Option<String>>,
    /// Each phone.
    pub registered: Vec<bool>,
    /// Nothing of any call is left.
    pub empty: bool,
    /// Each place.
    pub tunnels: Vec<TunnelBook>,
    /// Each place: HRAS refused a HELLO of its.
    pub refused: Vec<bool>,
}

/// A value and whose it is.
type Measured = (f64, String);

/// Judges one expectation; `now` if it was asked for in the timeline.
pub(super) fn judge(
    expectation: &Expectation,
    scenario: &Scenario,
    books: &Books,
    facts: &Facts,
    now: Option<Instant>,
) -> Finding {
    let expected = expectation.text.clone();
    let values = measure(expectation, scenario, books, facts, now);
    let bad = values.iter().find(|(value, _)| !expectation.compare.holds(*value, expectation.value));
    let shown = match (bad, values.as_slice()) {
        (Some(bad), _) => tell(expectation.metric, bad),
        (None, []) => format!("nothing: {}", missing(expectation.metric)),
        (None, [one]) => tell(expectation.metric, one),
        (None, many) => {
            let least = many.iter().map(|(value, _)| *value).fold(f64::INFINITY, f64::min);
            let most = many.iter().map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max);
            match number(expectation.metric, least) {
                least if least == number(expectation.metric, most) => least,
                least => format!("{least} to {}", number(expectation.metric, most)),
            }
        }
    };
    finding(&expectation.text, bad.is_none() && !values.is_empty(), shown, expected, expectation.line)
}

fn measure(
    expectation: &Expectation,
    scenario: &Scenario,
    books: &Books,
    facts: &Facts,
    now: Option<Instant>,
) -> Vec<Measured> {
    let scope = &expectation.scope;
    let calls: Vec<&Call> = books.calls.iter().filter(|call| covers(scope, call)).collect();
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
    let of_tunnels = |value: &dyn Fn(usize, &TunnelBook) -> Option<f64>| -> Vec<Measured> {
        let places = scenario.places.iter().zip(&facts.tunnels).enumerate();
        let places = places.filter(|(_, (place, _))| match scope {
            Scope::Place(name) => place.name == *name,
            _ => place.hrac.is_some(),
        });
        places.filter_map(|(at, (place, tunnel))| Some((value(at, tunnel)?, place.name.clone()))).collect()
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
        Metric::CallsUp => whole(calls_up(scope, scenario, &calls, facts) as f64),
        Metric::Status => of_calls(&|call| Some(f64::from(call.status))),
        Metric::Registered => {
            let registered = phones(scope, scenario, facts).filter(|(_, up)| *up);
            whole(registered.count() as f64)
        }
        Metric::AllRegistered => {
            let mut phones = phones(scope, scenario, facts).filter(|(phone, _)| phone.registers).peekable();
            match phones.peek() {
                Some(_) => whole(flag(phones.all(|(_, up)| up))),
                None => Vec::new(),
            }
        }
        Metric::RegisterMs => {
            let wanted: Vec<&str> =
                phones(scope, scenario, facts).map(|(phone, _)| phone.name.as_str()).collect();
            let known = books.registrations.iter().filter(|known| wanted.contains(&known.phone.as_str()));
            known
                .filter_map(|known| Some((ms(known.granted?.since(known.asked)), known.phone.clone())))
                .collect()
        }
        Metric::TunnelUpMs => of_tunnels(&|_, tunnel| {
            let (at, _) = tunnel.changes.iter().rev().find(|(_, up)| *up)?;
            let lost = tunnel.changes.iter().rev().find(|(down, up)| !up && down < at);
            Some(ms(at.since(lost.map_or(Instant::ZERO, |(down, _)| *down))))
        }),
        Metric::TunnelLosses => {
            of_tunnels(&|_, tunnel| Some(tunnel.changes.iter().filter(|(_, up)| !up).count() as f64))
        }
        Metric::TunnelUp => of_tunnels(&|_, tunnel| Some(flag(tunnel.is_up()))),
        Metric::RungPost => of_tunnels(&|_, tunnel| Some(flag(tunnel.rung == Some(Rung::Post)))),
        Metric::ProxyAuthRequired => of_tunnels(&|_, tunnel| Some(flag(tunnel.proxy_auth_required))),
        Metric::HelloRefused => of_tunnels(&|place, _| Some(flag(facts.refused[place]))),
        Metric::Connections => traffic(scope, books, |traffic| Some(traffic.connections_max as f64)),
        Metric::FirewallBytes => traffic(scope, books, |traffic| Some(bytes(traffic))),
        Metric::BytesPerPacket => traffic(scope, books, |traffic| {
            (traffic.voice > 0).then(|| bytes(traffic) / traffic.voice as f64)
        }),
        Metric::NoDirectUdp => {
            let places = books.places.iter().zip(&scenario.places).filter(|(_, place)| match scope {
                Scope::Place(name) => place.name == *name,
                _ => place.hrac.is_some(),
            });
            places.map(|(traffic, place)| (flag(traffic.udp_packets == 0), place.name.clone())).collect()
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

/// Why nothing was measured.
fn missing(metric: Metric) -> &'static str {
    match metric {
        Metric::RingMs | Metric::Status | Metric::Keys | Metric::CallAlive => "no such call was made",
        Metric::AllRegistered | Metric::RegisterMs => "no such phone registers",
        Metric::TunnelUpMs => "no such tunnel came up",
        Metric::BytesPerPacket => "no voice crossed such a line",
        Metric::TunnelLosses
        | Metric::TunnelUp
        | Metric::RungPost
        | Metric::ProxyAuthRequired
        | Metric::HelloRefused
        | Metric::NoDirectUdp => "there is no site with HRAC",
        Metric::Connections | Metric::FirewallBytes => "there is no such place",
        _ => "no such call was answered",
    }
}

/// Calls that two phones agree on, and a phone's own call even if the other end is no phone of the scenario.
fn calls_up(scope: &Scope, scenario: &Scenario, calls: &[&Call], facts: &Facts) -> usize {
    let mut up: Vec<&str> = facts.in_calls.iter().flatten().map(String::as_str).collect();
    up.sort_unstable();
    match scope {
        Scope::Phone(name) => {
            let phones = scenario.phones.iter().zip(&facts.in_calls);
            phones.filter(|(phone, call)| phone.name == *name && call.is_some()).count()
        }
        Scope::Call(..) => calls.iter().filter(|call| up.contains(&call.call_id.as_str())).count(),
        _ => up.chunk_by(|a, b| a == b).filter(|ends| ends.len() > 1).count(),
    }
}

fn covers(scope: &Scope, call: &Call) -> bool {
    match scope {
        Scope::All | Scope::Place(_) => true,
        Scope::Call(from, to) => call.caller == *from && call.callee == *to,
        Scope::Phone(phone) => call.caller == *phone || call.callee == *phone,
    }
}

fn hears(scope: &Scope, hearing: &Hearing) -> bool {
    !matches!(scope, Scope::Phone(phone) if hearing.listener != *phone)
}

/// The phones that an expectation is about, and whether each is registered.
fn phones<'a>(
    scope: &'a Scope,
    scenario: &'a Scenario,
    facts: &'a Facts,
) -> impl Iterator<Item = (&'a PhoneSpec, bool)> + 'a {
    let phones = scenario.phones.iter().zip(&facts.registered);
    phones.filter_map(move |(phone, &up)| {
        let about = match scope {
            Scope::Phone(name) => phone.name == *name,
            Scope::Place(name) => phone.place.is_some_and(|place| scenario.places[place].name == *name),
            _ => true,
        };
        about.then_some((phone, up))
    })
}

fn traffic(scope: &Scope, books: &Books, value: impl Fn(&PlaceTraffic) -> Option<f64>) -> Vec<Measured> {
    let places =
        books.places.iter().filter(|traffic| !matches!(scope, Scope::Place(name) if traffic.place != *name));
    places.filter_map(|traffic| Some((value(traffic)?, traffic.place.clone()))).collect()
}

fn bytes(traffic: &PlaceTraffic) -> f64 {
    (traffic.bytes[0] + traffic.bytes[1]) as f64
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
