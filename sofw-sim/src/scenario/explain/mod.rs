//! A scenario in plain words, with a picture: what `sofw-sim explain` prints.

mod picture;
mod words;

use sofw_core::base::{Duration, Transport};

use super::model::{AnswerSpec, HomeOrSite, PhoneSpec, Place, ProxySpec, Scenario, System};
use super::names::{self, FIREWALLS, FORWARD_PROXIES, NATS, Names, REVERSE_PROXIES, SYSTEMS, WAYS};
use super::plan;
use super::values::{answer_text, rate_text, rule_text, time_text};

/// The picture, all addresses, what presets stand for, what happens when, and what must be true.
pub fn explain(scenario: &Scenario) -> String {
    let mut out = format!("{}: {}\n", scenario.name, scenario.about);
    if !scenario.shows.is_empty() {
        out += &format!("shows {}\n", scenario.shows.join(", "));
    }
    let system = names::name_of(&SYSTEMS, &names::SYSTEM_VALUES, &scenario.system);
    out += &format!("calls are carried by {system}: {}\n\n", SYSTEMS.about(system).unwrap_or_default());
    out += &picture::picture(scenario);
    out += "\n";
    for (index, place) in scenario.places.iter().enumerate() {
        out += &place_text(scenario, index, place);
    }
    out += &server_text(scenario);
    let public: Vec<&PhoneSpec> = scenario.phones.iter().filter(|phone| phone.place.is_none()).collect();
    if !public.is_empty() {
        out += "\nOn the public network\n";
        out += &phones_text(&public);
    }
    out += &format!("\nWhat happens (seed {}, until {})\n", scenario.seed, time_text(scenario.duration));
    out += &timeline_text(scenario);
    out += "\nWhat must be true at the end\n";
    scenario
        .expect
        .iter()
        .for_each(|expect| out += &format!("  {:<44} {}\n", expect.text, words::expectation(expect)));
    scenario.warnings().iter().for_each(|warning| out += &format!("  WARNING: {warning}\n"));
    if scenario.system == System::Sofw {
        out += "  and what is checked in every run\n";
        for (check, because) in &scenario.without {
            out += &format!("  except {check}: {because}\n");
        }
    }
    if !scenario.capture.is_empty() {
        out += &format!("\nCaptured: {}\n", scenario.capture.join(", "));
    }
    out
}

fn place_text(scenario: &Scenario, index: usize, place: &Place) -> String {
    let what = match place.kind {
        HomeOrSite::Site => "Site",
        HomeOrSite::Home => "Home",
    };
    let mut out = format!(
        "\n{what} {}: {}/{}, seen as {}\n",
        place.name, place.network.0, place.network.1, place.public
    );
    let mut row = |name: &str, text: String| out += &format!("  {name:<10} {text}\n");
    row("line", words::line(&place.line));
    if let Some(firewall) = &place.firewall {
        row("firewall", named(&FIREWALLS, &firewall.preset));
        firewall.rules.iter().for_each(|rule| row("", rule_text(rule)));
        if firewall.reject == Some(true) {
            row("", "what it does not let through, it answers".to_owned());
        }
        times(&mut row, firewall.idle_udp, firewall.idle_tcp);
    }
    if let Some(inspect) = &place.inspect {
        let tls = if inspect.tls { ", on port 443 what does not speak TLS" } else { "" };
        let connect = if inspect.deny_connect { ", and CONNECT" } else { "" };
        row("inspection", format!("cuts on port 80 what does not speak HTTP{tls}{connect}"));
    }
    match &place.nat {
        Some(nat) => {
            row("NAT", named(&NATS, &nat.preset));
            times(&mut row, nat.idle_udp, nat.idle_tcp);
        }
        None => row("NAT", "none: addresses are routed".to_owned()),
    }
    if let Some(alg) = &place.alg {
        let parts = [("Via", alg.via), ("Contact", alg.contact), ("SDP", alg.sdp)];
        let parts: Vec<&str> = parts.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
        let broken = if alg.breaks_content_length { ", and forgets Content-Length" } else { "" };
        row("ALG", format!("rewrites {}{broken}", parts.join(", ")));
    }
    row("router", place.router_addr().to_string());
    if let Some(proxy) = &place.proxy {
        row("proxy", format!("{}: {}", place.proxy_addr(), proxy_text(&FORWARD_PROXIES, proxy)));
    }
    if let Some(hrac) = place.hrac.as_ref().filter(|_| scenario.system == System::Sofw) {
        let ways = hrac.ways.iter().map(|way| names::name_of(&WAYS, &names::WAY_VALUES, way));
        let ways: Vec<&str> = ways.collect();
        let control = if hrac.bbr { "BBR" } else { "CUBIC" };
        let key = if hrac.wrong_key { ", with a WRONG KEY" } else { "" };
        row("HRAC", format!("{}: {} to port {}, {control}{key}", hrac.addr, ways.join(", then "), hrac.port));
    }
    if place.kind == HomeOrSite::Site && place.hrac.is_none() {
        row("HRAC", "none: its phones speak to HRAS themselves".to_owned());
    }
    let phones: Vec<&PhoneSpec> = scenario.phones.iter().filter(|phone| phone.place == Some(index)).collect();
    out + &phones_text(&phones)
}

fn named(names: &Names, name: &str) -> String {
    format!("{name}: {}", names.about(name).unwrap_or_default())
}

fn times(row: &mut impl FnMut(&str, String), udp: Option<Duration>, tcp: Option<Duration>) {
    for (what, time) in [("UDP", udp), ("TCP", tcp)] {
        if let Some(time) = time {
            row("", format!("forgets silent {what} after {}", time_text(time)));
        }
    }
}

fn proxy_text(names: &Names, proxy: &ProxySpec) -> String {
    let mut text = named(names, &proxy.preset);
    let mut add = |more: Option<String>| text.extend(more.map(|more| format!("; {more}")));
    add(proxy.auth.map(|auth| format!("asks for credentials by {auth:?}")));
    add(proxy.wrong_password.then(|| "HRAC's password is WRONG".to_owned()));
    add(proxy.latency.map(|time| format!("takes {} for each message", time_text(time))));
    add(proxy.idle.map(|time| format!("ends what is silent for {}", time_text(time))));
    add(proxy.lifetime.map(|time| format!("ends everything after {}", time_text(time))));
    add(proxy.connections.map(|most| format!("at most {most} connections a client")));
    add(proxy.rate.map(|bytes| format!("{} each way", rate_text(bytes * 8))));
    add(proxy.connect_ports.as_ref().map(|ports| format!("CONNECT to {ports:?} only")));
    text
}

fn server_text(scenario: &Scenario) -> String {
    let server = &scenario.server;
    let mut out = format!("\nPublic host: {}, SIP domain {}\n", server.addr, server.domain);
    if server.line != plan::server().line {
        out += &format!("  {:<10} {}\n", "line", words::line(&server.line));
    }
    if let Some(proxy) = &server.proxy {
        out +=
            &format!("  {:<10} {}: {}\n", "proxy", server.proxy_addr(), proxy_text(&REVERSE_PROXIES, proxy));
    }
    if server.hostile {
        out += "  HRAS is hostile: a script that knows the sites' keys and tries to misuse HRAC\n";
    }
    out
}

/// Phones that differ in nothing but name and address share a line.
fn phones_text(phones: &[&PhoneSpec]) -> String {
    let alike = |a: &PhoneSpec, b: &PhoneSpec| {
        PhoneSpec { name: String::new(), addr: b.addr, ..a.clone() }
            == PhoneSpec { name: String::new(), ..b.clone() }
    };
    let mut out = String::new();
    for group in phones.chunk_by(|a, b| alike(a, b)) {
        let (first, last) = (group[0], group[group.len() - 1]);
        let who = match group.len() {
            1 => format!("{:<10} {}", first.name, first.addr),
            2..=4 => group
                .iter()
                .map(|phone| format!("{} {}", phone.name, phone.addr))
                .collect::<Vec<_>>()
                .join(", "),
            n => format!("{} … {} ({n} phones), {} … {}", first.name, last.name, first.addr, last.addr),
        };
        out += &format!("  {who}{}\n", habits(first));
    }
    out
}

fn habits(phone: &PhoneSpec) -> String {
    let default = plan::phone(&phone.name, phone.place);
    let mut habits = Vec::new();
    if phone.transport == Transport::Tcp {
        habits.push("TCP".to_owned());
    }
    match &phone.answer {
        answer if *answer == default.answer => {}
        AnswerSpec::After(time) => habits.push(format!("answers after {}", time_text(*time))),
        AnswerSpec::Never => habits.push("never answers".to_owned()),
        answer => habits.push(answer_text(answer)),
    }
    if phone.line != default.line {
        habits.push(words::line(&phone.line));
    }
    if phone.ptime_ms != default.ptime_ms {
        habits.push(format!("{} ms of voice a packet", phone.ptime_ms));
    }
    if phone.expires_s != default.expires_s {
        habits.push(format!("registers for {}", time_text(Duration::from_secs(phone.expires_s.into()))));
    }
    let flags = [
        (phone.video, "video"),
        (phone.wrong_password, "WRONG PASSWORD"),
        (!phone.registers, "does not register"),
    ];
    habits.extend(flags.into_iter().filter(|(on, _)| *on).map(|(_, text)| text.to_owned()));
    habits.extend(phone.quirks.iter().cloned());
    if habits.is_empty() { String::new() } else { format!(", {}", habits.join(", ")) }
}

fn timeline_text(scenario: &Scenario) -> String {
    let mut out = String::new();
    for step in scenario.timeline.iter().take(STEPS_SHOWN) {
        out += &format!("  {:>8}  {}\n", time_text(step.at), words::action(scenario, &step.action));
    }
    if scenario.timeline.len() > STEPS_SHOWN {
        let rest = scenario.timeline.len() - STEPS_SHOWN;
        out += &format!(
            "  {:>8}  and {rest} more, the last at {}\n",
            "…",
            time_text(scenario.timeline[STEPS_SHOWN + rest - 1].at)
        );
    }
    if scenario.timeline.is_empty() {
        out += "  nothing: the phones register and wait\n";
    }
    out
}

/// A busy hour has hundreds of calls; nobody reads them.
const STEPS_SHOWN: usize = 40;
