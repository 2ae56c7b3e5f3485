//! The paper's table of seven columns, and the crossings that fill two of them.

use crate::scenario::model::System;

use super::document::{at, number, row, rule, was_run};
use super::plan::{LOSS_KEPT_PERMILLE, across, loss};
use super::{BARRIERS, Barrier, Measured, Point, SYSTEMS, title};

/// The paper's columns.
const COLUMNS: [&str; 8] = [
    "system",
    "firewall traversal",
    "NA(P)T traversal",
    "SIP compatibility",
    "ease of deployment",
    "delay",
    "security",
    "address management",
];

/// The paper's comparison table.
pub(super) fn table(measured: &[(Point, Measured)]) -> String {
    let mut text = row(COLUMNS.map(str::to_owned));
    text.push_str(&rule(COLUMNS.len()));
    for system in SYSTEMS {
        let Judged { sip, deployment, security, addresses } = judged(system);
        let judged = |reason: &str| format!("*judged:* {reason}");
        text.push_str(&row([
            title(system).to_owned(),
            firewalls(measured, system),
            nat(measured, system),
            judged(sip),
            judged(deployment),
            delay(measured, system),
            judged(security),
            judged(addresses),
        ]));
    }
    text
}

/// Which barriers each system crosses.
pub(super) fn crossings(measured: &[(Point, Measured)]) -> String {
    let heads = SYSTEMS.iter().map(|system| title(*system).to_owned());
    let mut text = row(["between site and public network".to_owned()].into_iter().chain(heads));
    text.push_str(&rule(SYSTEMS.len() + 1));
    for barrier in BARRIERS {
        let cells = SYSTEMS.iter().map(|&system| match at(measured, across(system, barrier)) {
            None => "–".to_owned(),
            Some(measured) => format!("{} of {} calls heard", measured.calls.1, measured.calls.0),
        });
        text.push_str(&row([barrier.title().to_owned()].into_iter().chain(cells)));
    }
    text
}

fn firewalls(measured: &[(Point, Measured)], system: System) -> String {
    let barriers = [Barrier::Firewall, Barrier::Inspection, Barrier::Proxy];
    let known: Vec<(Barrier, bool)> = barriers
        .into_iter()
        .filter_map(|barrier| Some((barrier, at(measured, across(system, barrier))?.all_calls_heard())))
        .collect();
    if known.is_empty() {
        return "–".into();
    }
    let names = |wanted: bool| {
        let names =
            known.iter().filter(|(_, crosses)| *crosses == wanted).map(|(barrier, _)| barrier.title());
        names.collect::<Vec<_>>().join(", ")
    };
    let crossed = known.iter().filter(|(_, crosses)| *crosses).count();
    match crossed {
        0 => format!("none of {}", known.len()),
        _ if crossed == known.len() => format!("all {crossed}: {}", names(true)),
        _ => format!("{crossed} of {}: {}; not {}", known.len(), names(true), names(false)),
    }
}

fn nat(measured: &[(Point, Measured)], system: System) -> String {
    match at(measured, across(system, Barrier::Nat)) {
        None => "–".into(),
        Some(measured) if measured.all_calls_heard() => "yes, in both directions".into(),
        Some(measured) => format!("no: {} of {} calls heard", measured.calls.1, measured.calls.0),
    }
}

fn delay(measured: &[(Point, Measured)], system: System) -> String {
    if !was_run(measured, system) {
        return "–".into();
    }
    let quantile = |permille, which: usize| {
        number(
            at(measured, loss(system, permille)).and_then(|found| found.delay_ms).map(|delay| delay[which]),
        )
    };
    format!("{} ms; {} ms under loss", quantile(0, 0), quantile(LOSS_KEPT_PERMILLE, 1))
}

/// What no run can tell.
struct Judged {
    sip: &'static str,
    deployment: &'static str,
    security: &'static str,
    addresses: &'static str,
}

fn judged(system: System) -> Judged {
    match system {
        System::Sofw => Judged {
            sip: "good; phones and providers are ordinary ones (P3, P5, P6)",
            deployment: "good; one program inside, one outside, phones need another server address only (P13)",
            security: "good; only SIP and the voice of calls that SIP has set up pass, sealed end to end between the halves",
            addresses: "good; the two address spaces never meet (P9)",
        },
        System::PlainSip => Judged {
            sip: "good; it is SIP",
            deployment: "bad where a firewall stands: its policy must be changed",
            security: "bad where a firewall must be opened for it: a range of UDP ports, from anywhere",
            addresses: "bad; phones need addresses that the other side reaches",
        },
        System::Hcap => Judged {
            sip: "bad; needs special terminals",
            deployment: "bad; every terminal must be changed, and a relay stands in the DMZ",
            security: "good; only its own traffic passes, in the clear to every proxy between",
            addresses: "good; the relay keeps terminals apart",
        },
        System::Softether => Judged {
            sip: "good; any IP application works",
            deployment: "limited; a virtual network interface and privileges inside, a hub outside",
            security: "bad; every application passes, so the site's network is exposed",
            addresses: "bad; all phones share one address space, managed centrally",
        },
        System::Skype => Judged {
            sip: "bad; a protocol of its own, SIP phones only through a gateway",
            deployment: "good; a program for each user",
            security: "limited; encrypted, but unknown to those who watch over the firewall",
            addresses: "good; users have names, not addresses",
        },
    }
}
