//! What files mean.

use core::net::IpAddr;
use core::time::Duration;

use sofw_core::base::Transport;

use super::super::Scenario;
use super::super::model::{Action, AnswerSpec, Change, Compare, Metric, Scope, Target, WayOut};
use crate::link::profile;

fn parse(text: &str) -> Scenario {
    Scenario::parse("test.toml", text).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_short_file_is_filled_with_defaults() {
    let scenario = parse(
        r#"
        about = "x"
        phones = ["dave"]
        [[site]]
        name = "office"
        phones = ["alice", "carol"]
        [[home]]
        name = "home1"
        phones = ["bob"]
        "#,
    );
    let addresses: Vec<String> = scenario.phones.iter().map(|phone| phone.addr.to_string()).collect();
    assert_eq!(addresses, ["10.10.10.10", "10.10.10.11", "192.168.1.10", "203.0.113.20"]);
    let office = &scenario.places[0];
    let hrac = office.hrac.as_ref().unwrap();
    assert_eq!((hrac.addr, &hrac.ways[..], hrac.port), (ip("10.10.10.2"), &[WayOut::Direct][..], 80));
    assert_eq!((office.public, scenario.places[1].public), (ip("198.51.100.1"), ip("198.51.100.101")));
    assert_eq!(office.nat.as_ref().unwrap().preset, "port-restricted");
    assert_eq!(office.line, profile::find("office").unwrap().line);
    assert_eq!(scenario.server.addr, ip("203.0.113.5"));
    assert_eq!(scenario.phones[0].answer, AnswerSpec::After(Duration::from_millis(500)));
    assert_eq!(scenario.name, "test");
    assert_eq!(scenario.seed, 1);
}

#[test]
fn a_table_changes_what_the_profile_says() {
    let scenario = parse(
        r#"
        about = "x"
        [[site]]
        name = "office"
        line = { profile = "mobile", delay = "1.5ms", loss = 0.25, burst = "none", up = "512 kbit/s", down = { rate = "unlimited", jitter = "0s" } }
        "#,
    );
    let (line, mobile) = (scenario.places[0].line, profile::find("mobile").unwrap().line);
    assert_eq!(line.up.delay, Duration::from_micros(1_500));
    assert_eq!((line.up.loss, line.down.loss), (0.25, 0.25));
    assert_eq!((line.up.rate, line.down.rate), (Some(512_000), None));
    assert_eq!((line.up.jitter, line.down.jitter), (mobile.up.jitter, Duration::ZERO));
    assert_eq!((line.up.burst, line.up.queue), (None, mobile.up.queue));
}

#[test]
fn presets_come_alone_or_with_what_differs() {
    let scenario = parse(
        r#"
        about = "x"
        [[site]]
        name = "a"
        firewall = { preset = "web-only", reject = true, rules = ["deny out udp 1000-2000 to 203.0.113.5", "allow in tcp"] }
        inspect = { deny_connect = true }
        nat = { preset = "symmetric", idle_udp = "30s" }
        alg = { sdp = false }
        proxy = { preset = "squid", auth = "digest", rate = "8 Mbit/s", connect_ports = [443, 563] }
        hrac = { ways = ["connect", "direct"], congestion = "cubic", address = "10.10.10.99" }
        [[site]]
        name = "b"
        network = "10.20.0.0/16"
        nat = "none"
        hrac = "none"
        "#,
    );
    let (a, b) = (&scenario.places[0], &scenario.places[1]);
    let firewall = a.firewall.as_ref().unwrap();
    assert_eq!(
        (firewall.preset.as_str(), firewall.reject, firewall.rules.len()),
        ("web-only", Some(true), 2)
    );
    let rule = &firewall.rules[0];
    assert_eq!(
        (rule.allow, rule.out, rule.tcp, &rule.ports[..]),
        (false, true, Some(false), &[(1000, 2000)][..])
    );
    assert_eq!((rule.to, rule.from), (Some((ip("203.0.113.5"), 32)), None));
    assert!(a.inspect.as_ref().is_some_and(|inspect| !inspect.tls && inspect.deny_connect));
    let proxy = a.proxy.as_ref().unwrap();
    assert_eq!((proxy.rate, proxy.connect_ports.as_deref()), (Some(1_000_000), Some(&[443, 563][..])));
    let hrac = a.hrac.as_ref().unwrap();
    assert_eq!((&hrac.ways[..], hrac.port, hrac.bbr), (&[WayOut::Connect, WayOut::Direct][..], 443, false));
    assert!(b.nat.is_none() && b.hrac.is_none());
    assert_eq!(b.public, ip("10.20.0.1"));
    assert!(a.alg.as_ref().is_some_and(|alg| alg.via && !alg.sdp && !alg.breaks_content_length));
}

#[test]
fn many_phones_are_written_in_one_line() {
    let scenario = parse(
        r#"
        about = "x"
        [[site]]
        name = "office"
        network = "10.20.0.0/16"
        phones = ["boss", { prefix = "desk", count = 500, expires = "5min", transport = "tcp" }]
        [[phone]]
        name = "late"
        place = "office"
        address = "10.20.0.11"
        "#,
    );
    assert_eq!(scenario.phones.len(), 502);
    let desk = &scenario.phones[500];
    assert_eq!((desk.name.as_str(), desk.expires_s, desk.transport), ("desk500", 300, Transport::Tcp));
    assert_eq!(
        scenario.phones[1].addr,
        ip("10.20.0.12"),
        "the address that is written down is not given out"
    );
}

#[test]
fn steps_are_in_order_of_time_and_may_follow_each_other() {
    let scenario = parse(
        r#"
        about = "x"
        phones = ["bob"]
        [[site]]
        name = "office"
        proxy = "squid"
        phones = ["alice"]
        [timeline]
        steps = [
          { at = "10s", call = "alice", to = "bob", for = "1min" },
          { at = "+5s", manner = "bob", answer = "refuses 404" },
          { at = "+500ms", restart = "proxy", power = true },
          { at = "2s", line = "server", loss = "3 %", for = "10s" },
          { at = "3s", line = "bob", to = "hotel" },
          { at = "4s", forget = "nat of office" },
        ]
        "#,
    );
    let at: Vec<u64> = scenario.timeline.iter().map(|step| step.at.as_millis() as u64).collect();
    assert_eq!(at, [2_000, 3_000, 4_000, 10_000, 15_000, 15_500]);
    assert_eq!(scenario.duration, Duration::from_secs(80), "the call's end and ten seconds");
    assert!(
        matches!(&scenario.timeline[0].action, Action::Line { which: None, change: Change::Values { loss, .. }, .. } if *loss == Some(0.03))
    );
    assert!(matches!(
        &scenario.timeline[1].action,
        Action::Line { which: Some(Err(1)), change: Change::To(_), lasting: None }
    ));
    assert_eq!(scenario.timeline[2].action, Action::Forget(Target::Nat(0)));
    assert_eq!(scenario.timeline[4].action, Action::Manner(1, AnswerSpec::Refuse(404)));
    let away = Duration::from_secs(2);
    assert_eq!(scenario.timeline[5].action, Action::Restart { what: Target::Proxy(0), away, power: true });
    assert_eq!(scenario.timeline[5].line, 12);
}

#[test]
fn expectations_say_what_is_compared_with_what() {
    let scenario = parse(
        r#"
        about = "x"
        phones = ["bob"]
        expect = ["setup_ms<500", "mos of alice->bob >= 4", "late_share < 1 %", "gap_ms of bob <= 1.5s", "not registered of bob",
          "rat_empty", "firewall_bytes of office != 7", "status of alice -> bob == 486"]
        [[site]]
        name = "office"
        phones = ["alice"]
        "#,
    );
    let call = Scope::Call("alice".into(), "bob".into());
    let meant = [
        (Metric::SetupMs, Scope::All, Compare::Less, 500.0),
        (Metric::Mos, call.clone(), Compare::GreaterOrEqual, 4.0),
        (Metric::LateShare, Scope::All, Compare::Less, 0.01),
        (Metric::GapMs, Scope::Phone("bob".into()), Compare::LessOrEqual, 1_500.0),
        (Metric::Registered, Scope::Phone("bob".into()), Compare::Equal, 0.0),
        (Metric::RatEmpty, Scope::All, Compare::Equal, 1.0),
        (Metric::FirewallBytes, Scope::Place("office".into()), Compare::NotEqual, 7.0),
        (Metric::Status, call, Compare::Equal, 486.0),
    ];
    let read: Vec<_> =
        scenario.expect.iter().map(|e| (e.metric, e.scope.clone(), e.compare, e.value)).collect();
    assert_eq!(read, meant);
    assert_eq!((scenario.expect[0].line, scenario.expect[7].line), (4, 5));
}

#[test]
fn calls_are_spread_over_phones_that_are_free() {
    let scenario = parse(
        r#"
        about = "x"
        [[site]]
        name = "a"
        phones = { prefix = "a", count = 4 }
        [[home]]
        name = "b"
        phones = { prefix = "b", count = 4 }
        [[calls]]
        from = ["a", "b1"]
        to = ["b"]
        every = "5s"
        for = "3s"
        count = 20
        [[calls]]
        from = ["b"]
        to = ["a"]
        starting = "6s"
        every = "5s"
        for = "3s"
        count = 20
        "#,
    );
    assert_eq!(scenario.timeline.len(), 40);
    let mut busy_until = vec![Duration::ZERO; scenario.phones.len()];
    for step in &scenario.timeline {
        let Action::Call { from, to, talk } = &step.action else { panic!("{step:?}") };
        let to = scenario.phones.iter().position(|phone| phone.name == *to).unwrap();
        for phone in [*from, to] {
            assert!(
                busy_until[phone] <= step.at,
                "{} is in a call at {:?}",
                scenario.phones[phone].name,
                step.at
            );
            busy_until[phone] = step.at + talk.unwrap();
        }
    }
}
