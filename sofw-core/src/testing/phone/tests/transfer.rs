//! Blind transfer and call forwarding.

use super::*;
use crate::testing::pair::{Pair, inside_phone, outside_phone};
use crate::testing::phone::Answer;

/// Three phones with one proxy: each of them sends all outside its dialogs to the one it calls.
fn three() -> Vec<PhoneConfig> {
    let mut configs = pair();
    configs.push(config("carol", 3, 880.0, "10.0.0.2:5060"));
    // Bob reaches Carol when he is transferred; nobody else calls by his server.
    configs[1].server = "10.0.0.3:5060".parse().unwrap();
    configs
}

fn transferred(answer: Answer) -> World {
    let mut configs = three();
    configs[2].answer = answer;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    world.sip();
    let now = world.now;
    world.phones[0].transfer(now, "carol");
    world
}

#[test]
fn the_transferee_reaches_the_target_and_the_transferor_leaves() {
    let mut world = transferred(Answer::After(Duration::from_millis(100)));
    let former = world.phones[0].call_id().unwrap().to_owned();
    world.run(2_000);
    assert_eq!(
        world.sip(),
        "REFER 202 NOTIFY INVITE 200 180 200 ACK NOTIFY 200 BYE 200",
        "as in RFC 5589 §6.1"
    );
    assert!(world.heard(0, &PhoneEvent::Transferred(200)));
    assert_eq!(world.events[0].last(), Some(&PhoneEvent::Ended(Ended::HungUp(200))));
    assert_eq!(world.phones[0].call_state(), None);
    assert_eq!(world.phones[0].last_call_id(), Some(former.as_str()));
    let call_id = world.phones[1].call_id().unwrap().to_owned();
    assert_ne!(call_id, former);
    assert_eq!(world.phones[2].call_id(), Some(call_id.as_str()));
    let of = |wanted: &str| -> Vec<_> {
        world.called[1]
            .iter()
            .filter(|(call_id, _)| call_id.as_deref() == Some(wanted))
            .map(|(_, event)| event)
            .filter(|event| !matches!(event, PhoneEvent::ToneHeard(_)))
            .collect()
    };
    assert_eq!(of(&call_id), [&PhoneEvent::Ringing { status: 180 }, &PhoneEvent::Established]);
    assert_eq!(of(&former).last(), Some(&&PhoneEvent::Ended(Ended::PeerHungUp)));
    // Bob and Carol hear each other, on ports that the former call did not have.
    let tone = |who: usize| world.phones[who].report().unwrap().tone().expect("a tone").hz;
    assert!((tone(1) - 880.0).abs() < 1.0 && (tone(2) - 660.0).abs() < 1.0);
    let (_, port, to, _) = world.media.last().unwrap();
    let mut ports = [*port, to.port()];
    ports.sort_unstable();
    assert_eq!(ports, [4_000, 4_020]);
    let now = world.now;
    world.phones[1].hang_up(now);
    world.run(40_000);
    assert!(world.phones.iter().all(|phone| phone.call_state().is_none() && phone.poll_timeout().is_none()));
}

#[test]
fn a_target_that_refuses_leaves_the_call_as_it_was() {
    let mut world = transferred(Answer::Refuse(486));
    world.run(1_000);
    assert_eq!(world.sip(), "REFER 202 NOTIFY INVITE 200 486 ACK NOTIFY 200");
    assert!(world.heard(0, &PhoneEvent::Transferred(486)));
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::Refused(486))));
    assert_eq!(world.phones[0].call_state(), Some(CallState::Established));
    assert_eq!(world.phones[0].call_id(), world.phones[1].call_id());
    let received = world.phones[0].report().unwrap().received;
    world.run(500);
    assert!(world.phones[0].report().unwrap().received >= received + 24, "they still talk");
}

#[test]
fn a_phone_between_two_calls_is_transferred_no_further() {
    let mut world = transferred(Answer::OnCommand);
    world.run(500);
    let now = world.now;
    world.phones[0].transfer(now, "dave");
    world.run(500);
    assert!(world.heard(0, &PhoneEvent::Transferred(603)));
    // Its user changes his mind: the new call is cancelled, the former stays.
    let now = world.now;
    world.phones[1].hang_up(now);
    world.run(500);
    assert!(world.heard(0, &PhoneEvent::Transferred(487)));
    assert_eq!(world.phones[1].call_id(), world.phones[0].call_id());
    assert_eq!(world.phones[2].call_state(), None);
}

#[test]
fn a_forwarded_call_is_followed_once() {
    let mut configs = three();
    // Alice's next hop is Bob, who sends her to Carol by address.
    configs[1].answer = Answer::Forward("sip:carol@10.0.0.3".into());
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_000);
    // All of Alice's requests outside a dialog go to Bob, so the second one is refused in the same way.
    assert_eq!(world.sip(), "INVITE 302 ACK INVITE 302 ACK");
    assert_eq!(world.events[0], [PhoneEvent::Ended(Ended::Refused(302))]);
}

/// Alice and Dave inside, Bob and Carol outside, all registered.
fn office() -> (Pair, [usize; 4]) {
    let mut pair = Pair::new(1, 7);
    let alice = pair.phone_with(1, inside_phone(10, "alice"));
    let bob = pair.phone_with(0, outside_phone(20, "bob"));
    let carol = pair.phone_with(0, outside_phone(30, "carol"));
    let dave = pair.phone_with(1, inside_phone(11, "dave"));
    let phones = [alice, bob, carol, dave];
    phones.into_iter().for_each(|phone| pair.register(phone));
    (pair, phones)
}

fn hears(pair: &Pair, ear: usize, mouth: usize) -> bool {
    let tone = pair.report(ear).tone().expect("a tone");
    (tone.hz - pair.phone(mouth).config().tone_hz).abs() < 5.0
}

#[test]
fn a_transfer_through_the_firewall() {
    let users = ["alice", "bob", "carol", "dave"];
    // The one inside is told to call out, the one outside to call in.
    for [transferor, transferee, target] in [[1, 0, 2], [0, 1, 3]] {
        let (mut pair, phones) = office();
        let [from, who, to] = [phones[transferor], phones[transferee], phones[target]];
        pair.talk(from, users[transferee], Duration::from_secs(1));
        pair.command(from, |phone, now| phone.transfer(now, users[target]));
        pair.run_for(Duration::from_secs(4));
        let told = pair.phone_events(from);
        assert!(told.contains(&PhoneEvent::Transferred(200)), "{told:?}");
        assert_eq!(pair.phone(from).call_state(), None);
        assert!(pair.is_up(who) && pair.is_up(to));
        assert_eq!(pair.phone(who).call_id(), pair.phone(to).call_id());
        assert!(hears(&pair, who, to) && hears(&pair, to, who));
        pair.command(who, Phone::hang_up);
        pair.run_for(Duration::from_secs(120));
        let status = pair.hras().status();
        assert!(status.records.is_empty() && status.dialogs == 0, "{} dialogs", status.dialogs);
        assert_eq!(pair.hrac(0).flows(), 0);
    }
}

#[test]
fn a_forwarded_call_through_the_firewall() {
    let (mut pair, [alice, bob, carol, _]) = office();
    pair.command(bob, |phone, _| phone.set_answer(Answer::Forward("carol".into())));
    pair.talk(alice, "bob", Duration::from_secs(3));
    assert!(pair.is_up(carol) && pair.phone(bob).call_state().is_none());
    assert!(hears(&pair, alice, carol) && hears(&pair, carol, alice));
}
