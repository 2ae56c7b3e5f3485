//! Faults and habits, as others see them.

use super::*;
use crate::testing::pair::{Pair, inside_phone, outside_phone};

/// Alice has the quirks and calls Bob, who answers after half a second.
fn call_with(change: impl FnOnce(&mut PhoneConfig)) -> World {
    let mut configs = pair();
    change(&mut configs[0]);
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_000);
    world
}

fn requests_of_alice(world: &World) -> impl Iterator<Item = &str> {
    let own = world.messages.iter().filter(|(who, text)| *who == 0 && !text.starts_with("SIP/2.0"));
    own.map(|(_, text)| text.as_str())
}

#[test]
fn an_ordinary_phone_has_none() {
    let world = call_with(|_| {});
    for request in requests_of_alice(&world) {
        assert!(request.contains("\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch="), "{request}");
        assert!(request.contains("\r\nFrom: ") && !request.contains("Session-Expires"), "{request}");
    }
    assert!(world.media.iter().all(|(_, port, to, _)| (*port, to.port()) == (4_000, 4_000)));
}

#[test]
fn without_rport() {
    let world = call_with(|config| config.quirks.no_rport = true);
    assert!(world.heard(0, &PhoneEvent::Established));
    assert_eq!(requests_of_alice(&world).count(), 2);
    for request in requests_of_alice(&world) {
        assert!(request.contains("\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch="), "{request}");
    }
}

#[test]
fn compact_headers_are_understood() {
    let world = call_with(|config| config.quirks.compact_headers = true);
    assert!(world.heard(0, &PhoneEvent::Established) && world.heard(1, &PhoneEvent::Established));
    let invite = requests_of_alice(&world).next().unwrap();
    for name in ["v", "f", "t", "i", "m", "c", "l"] {
        assert!(invite.contains(&format!("\r\n{name}: ")), "{name} in {invite}");
    }
    for name in ["Via", "From", "To", "Call-ID", "Contact", "Content-Type", "Content-Length"] {
        assert!(!invite.contains(&format!("\r\n{name}: ")), "{name} in {invite}");
    }
}

#[test]
fn rtp_from_another_port_than_announced() {
    let world = call_with(|config| (config.quirks.asymmetric_rtp, config.video) = (true, true));
    assert!(world.messages[0].1.contains("m=audio 4000 "));
    let ports = |who: usize| world.media.iter().filter(move |m| m.0 == who).map(|m| (m.1, m.2.port()));
    assert!(ports(0).count() > 60 && ports(0).all(|ports| ports == (4_010, 4_000)));
    assert!(ports(1).count() > 60 && ports(1).all(|ports| ports == (4_000, 4_000)));
    let mut phone = Phone::new(world.phones[0].config().clone(), [0; 32], world.now);
    let bound = core::iter::from_fn(|| phone.poll_output()).filter_map(|output| match output {
        Output::Bind { socket: SocketId::Media(port), .. } => Some(port),
        _ => None,
    });
    assert_eq!(bound.collect::<Vec<_>>(), [4_000, 4_001, 4_010, 4_002, 4_003, 4_012]);
}

#[test]
fn a_bye_that_is_ignored() {
    let mut configs = pair();
    configs[1].quirks.ignores_bye = true;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_000);
    world.sip();
    let now = world.now;
    world.phones[0].hang_up(now);
    world.run(40_000);
    assert_eq!(world.sip(), ["BYE"; 11].join(" "));
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::HungUp(408))));
    assert_eq!(world.phones[1].call_state(), Some(CallState::Established));
    let now = world.now;
    world.phones[1].hang_up(now);
    world.run(500);
    assert_eq!(world.sip(), "BYE 481");
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::HungUp(481))));
}

#[test]
fn an_ack_that_never_comes() {
    let mut world = call_with(|config| config.quirks.never_acks = true);
    assert!(world.heard(0, &PhoneEvent::Established) && !world.heard(1, &PhoneEvent::Established));
    world.run(40_000);
    assert!(requests_of_alice(&world).all(|request| !request.starts_with("ACK")));
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::NoAck)));
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::PeerHungUp)));
    // Refusals are acknowledged all the same: their ACK belongs to the transaction.
    world.phones[1].set_answer(Answer::Refuse(486));
    world.sip();
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 486 ACK");
}

#[test]
fn a_session_is_refreshed_at_half_its_time() {
    let mut world = call_with(|config| config.session_expires_s = Some(90));
    let invite = requests_of_alice(&world).next().unwrap();
    assert!(
        invite.contains("\r\nSupported: timer\r\n")
            && invite.contains("\r\nSession-Expires: 90;refresher=uac\r\n")
    );
    world.sip();
    world.run(43_000);
    assert_eq!(world.sip(), "");
    world.run(2_000);
    assert_eq!(world.sip(), "INVITE 200 ACK");
    world.run(45_000);
    assert_eq!(world.sip(), "INVITE 200 ACK");
    assert!(!world.events[0].iter().any(|event| matches!(event, PhoneEvent::Held(_))));
    // A refresh that nobody answers ends the call (RFC 4028 §10).
    world.lose = [true; 7].into();
    world.run(80_000);
    assert_eq!(world.sip(), ["INVITE"; 7].join(" ") + " BYE 200");
    assert_eq!(world.events[0].last(), Some(&PhoneEvent::Ended(Ended::HungUp(200))));
}

#[test]
fn a_session_timer_is_agreed_by_who_knows_it() {
    for (knows, agreed) in [(None, false), (Some(1_800), true)] {
        let mut configs = pair();
        configs[0].session_expires_s = Some(90);
        configs[1].session_expires_s = knows;
        let mut world = World::new(configs);
        let now = world.now;
        world.phones[0].call(now, "bob");
        world.run(2_000);
        let answers = world.messages.iter().filter(|(_, text)| text.starts_with("SIP/2.0 200"));
        let has = |text: &str| {
            text.contains("\r\nSession-Expires: 90;refresher=uac\r\n")
                && text.contains("\r\nRequire: timer\r\n")
        };
        assert_eq!(answers.filter(|(_, text)| has(text)).count(), usize::from(agreed));
    }
}

#[test]
fn a_nat_is_kept_open() {
    let mut configs = pair();
    configs[0].keepalive_s = Some(20);
    let mut world = World::new(configs);
    world.run(65_000);
    assert_eq!(world.sip(), "CRLF CRLF CRLF");
    assert!(world.messages.iter().all(|(who, text)| *who == 0 && text == "\r\n\r\n"));
}

/// What a phone is made to do, and what it is called.
type Habit = (&'static str, fn(&mut PhoneConfig));

#[test]
fn habits_pass_the_firewall() {
    let habits: [Habit; 7] = [
        ("no rport", |config| config.quirks.no_rport = true),
        ("asymmetric RTP", |config| config.quirks.asymmetric_rtp = true),
        ("compact headers", |config| config.quirks.compact_headers = true),
        ("no RTCP", |config| config.rtcp = false),
        ("40 ms", |config| config.ptime_ms = 40),
        ("session timer", |config| config.session_expires_s = Some(4)),
        ("keep-alive", |config| config.keepalive_s = Some(1)),
    ];
    for (name, habit) in habits {
        for who in 0..2 {
            if who == 1 && name == "asymmetric RTP" {
                // HRAS answers to where media come from (RFC 7362 §4: latching): that phone does not listen there.
                continue;
            }
            let mut configs = [inside_phone(10, "alice"), outside_phone(20, "bob")];
            habit(&mut configs[who]);
            let mut pair = Pair::new(1, 3);
            let phones = [1, 0].map(|network| pair.phone_with(network, configs[1 - network].clone()));
            phones.into_iter().for_each(|phone| pair.register(phone));
            for (caller, callee) in [(0, "bob"), (1, "alice")] {
                pair.talk(phones[caller], callee, Duration::from_secs(5));
                for phone in phones {
                    let received = pair.report(phone).received;
                    assert!(received >= 120, "{name} of {who}, call by {caller}: {received} packets");
                }
                pair.command(phones[caller], Phone::hang_up);
                pair.run_for(Duration::from_secs(1));
                assert!(pair.phone(phones[1 - caller]).call_state().is_none(), "{name} of {who}");
            }
        }
    }
}
