//! Calls between phones.

use super::*;

#[test]
fn a_call_with_tones_both_ways() {
    let mut world = World::new(pair());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(3_600);
    let now = world.now;
    world.phones[0].hang_up(now);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 200 ACK BYE 200");
    assert_eq!(world.events[0][..2], [PhoneEvent::Ringing { status: 180 }, PhoneEvent::Established]);
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::HungUp(200))));
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::PeerHungUp)));
    let (alice, bob) = (world.phones[0].report().unwrap(), world.phones[1].report().unwrap());
    assert!(
        alice.sent > 140 && bob.received == alice.sent && bob.lost == 0,
        "{} {}",
        alice.sent,
        bob.received
    );
    for (report, hz) in [(alice, 660.0), (bob, 440.0)] {
        let tone = report.tone().expect("a tone");
        assert!((tone.hz - hz).abs() <= 1.0 && (tone.dbfs + 12.0).abs() < 0.5, "{tone:?}");
        assert!(report.jitter < Duration::from_millis(1));
    }
    let delays = alice.delays_to(bob);
    assert_eq!(delays.len() as u64, bob.received);
    assert!(delays.iter().all(|&d| d == DELAY), "{delays:?}");
    let heard_tone = |e: &PhoneEvent| matches!(e, PhoneEvent::ToneHeard(_));
    assert!(world.events.iter().all(|events| events.iter().filter(|e| heard_tone(e)).count() == 1));
}

#[test]
fn lost_media_is_counted_and_silent() {
    let mut world = World::new(pair());
    world.lose_media = Some(10);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(4_500);
    let bob = world.phones[1].report().unwrap();
    let share = bob.lost as f64 / (bob.lost + bob.received) as f64;
    assert!((0.05..0.25).contains(&share), "{share}");
}

#[test]
fn lost_signalling_is_repeated() {
    // Every single message of the call is lost once.
    for lost in 0..8 {
        let mut world = World::new(pair());
        world.lose = (0..8).map(|n| n == lost).collect();
        let now = world.now;
        world.phones[0].call(now, "bob");
        world.run(5_000);
        assert!(world.heard(0, &PhoneEvent::Established), "message {lost} lost: {}", world.sip());
        assert!(world.heard(1, &PhoneEvent::Established), "message {lost} lost: {}", world.sip());
        let now = world.now;
        world.lose = [lost == 6, lost == 7].into();
        world.phones[1].hang_up(now);
        world.run(5_000);
        assert!(
            world.heard(1, &PhoneEvent::Ended(Ended::HungUp(200))),
            "message {lost} lost: {}",
            world.sip()
        );
        assert!(world.heard(0, &PhoneEvent::Ended(Ended::PeerHungUp)));
        world.run(40_000);
        assert!(world.phones.iter().all(|p| p.clients.is_empty() && p.servers.is_empty()), "message {lost}");
        assert!(world.phones.iter().all(|p| p.poll_timeout().is_none()));
    }
}

#[test]
fn delayed_offer_and_early_media() {
    let mut configs = pair();
    configs[0].delayed_offer = true;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_600);
    assert!(world.phones.iter().all(|p| p.report().unwrap().received > 90));

    let mut configs = pair();
    configs[1].early_media = true;
    configs[1].answer = Answer::OnCommand;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    assert!(world.heard(0, &PhoneEvent::Ringing { status: 183 }));
    assert!(world.phones[0].report().unwrap().received > 40);
    let now = world.now;
    world.phones[1].answer(now);
    world.run(1_000);
    assert!(world.heard(0, &PhoneEvent::Established) && world.heard(1, &PhoneEvent::Established));
}

#[test]
fn busy_decline_and_cancel() {
    let mut configs = pair();
    configs[1].answer = Answer::Refuse(486);
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 486 ACK");
    assert_eq!(world.events[0], [PhoneEvent::Ended(Ended::Refused(486))]);

    world.phones[1].set_answer(Answer::OnCommand);
    let now = world.now;
    world.phones[0].call(now, "sip:bob@10.0.0.2");
    world.run(1_000);
    let now = world.now;
    world.phones[1].decline(now, 603);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 603 ACK");
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::Declined(603))));

    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    let now = world.now;
    world.phones[0].hang_up(now);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 CANCEL 200 487 ACK");
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::Cancelled)));
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::PeerCancelled)));
}

#[test]
fn a_second_call_is_busy() {
    let mut configs = pair();
    configs.push(config("carol", 3, 500.0, "10.0.0.2:5060"));
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    let now = world.now;
    world.phones[2].call(now, "bob");
    world.run(1_000);
    assert_eq!(world.events[2], [PhoneEvent::Ended(Ended::Refused(486))]);
    assert_eq!(world.phones[0].call_state(), Some(CallState::Established));
}

#[test]
fn hold_update_info_keys_and_options() {
    let mut world = World::new(pair());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    world.sip();
    let now = world.now;
    world.phones[0].hold(now, true);
    world.run(500);
    assert_eq!(world.sip(), "INVITE 200 ACK");
    assert!(world.heard(0, &PhoneEvent::Held(true)) && world.heard(1, &PhoneEvent::HeldByPeer(true)));
    let sent = world.phones[1].report().unwrap().sent;
    world.run(500);
    assert_eq!(world.phones[1].report().unwrap().sent, sent, "nothing is sent to who holds");
    let now = world.now;
    world.phones[0].hold(now, false);
    world.run(500);
    assert!(world.phones[1].report().unwrap().sent > sent);
    world.sip();
    let now = world.now;
    world.phones[1].update(now);
    world.phones[0].info(now, "application/dtmf-relay", b"Signal=1");
    world.phones[0].request(now, "OPTIONS", "bob", None);
    world.phones[0].dial("1#x9");
    world.run(1_000);
    for method in ["UPDATE", "INFO", "OPTIONS"] {
        let answered = PhoneEvent::Answered { method: method.into(), status: 200 };
        assert!(world.events.iter().any(|e| e.contains(&answered)), "{method}");
    }
    let keys: String = world.events[1]
        .iter()
        .filter_map(|e| if let PhoneEvent::Dtmf(k) = e { Some(*k) } else { None })
        .collect();
    assert_eq!(keys, "1#9");
}

#[test]
fn a_call_over_tcp() {
    let mut configs = pair();
    configs.iter_mut().for_each(|c| c.transport = Transport::Tcp);
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_000);
    let now = world.now;
    world.phones[1].hang_up(now);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 200 ACK BYE 200");
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::PeerHungUp)));
}

#[test]
fn strange_bytes_change_nothing() {
    let mut world = World::new(pair());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    let mut rng = Rng::new([9; 32]);
    let from = "10.0.0.2:5060".parse().unwrap();
    let seed = b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\
        Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a>\r\n\r\nv=0\r\nm=audio 1 RTP/AVP 0\r\n";
    for _ in 0..5_000 {
        let mut bytes = seed.to_vec();
        for _ in 0..rng.below(6) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.u32() as u8;
        }
        let socket = if rng.below(2) == 0 { SocketId::Sip(0) } else { SocketId::Media(4000) };
        world.phones[1].handle_input(world.now, Input::Datagram { socket, from, bytes: &bytes });
        while world.phones[1].poll_output().is_some() {}
    }
    assert_eq!(world.phones[1].call_state(), Some(CallState::Established));
}
