//! The paper's requirements, each seen in the whole system in memory: HRAS, HRACs and built-in phones in virtual time.

mod document;

use std::time::Duration;

use sofw_core::Event;
use sofw_core::event::DropReason;
use sofw_core::testing::pair::{HRAS, Pair};
use sofw_core::testing::phone::{Ended, PhoneEvent};
use sofw_core::testing::world::NodeId;

const SECOND: Duration = Duration::from_secs(1);

/// Alice inside site 0, bob outside, both registered.
fn alice_and_bob(seed: u8) -> (Pair, NodeId, NodeId) {
    let mut pair = Pair::new(1, seed);
    let alice = pair.inside_phone(0, 10, "alice");
    let bob = pair.outside_phone(20, "bob");
    pair.register(alice);
    pair.register(bob);
    (pair, alice, bob)
}

fn hears(pair: &Pair, ear: NodeId, mouth: NodeId) {
    let expected = pair.phone(mouth).config().tone_hz;
    let report = pair.report(ear);
    let tone = report.tone().unwrap_or_else(|| panic!("a tone is heard: {} packets", report.received));
    assert!((tone.hz - expected).abs() < 5.0, "heard {} Hz instead of {expected}", tone.hz);
    assert_eq!(report.lost, 0, "nothing is lost");
}

fn both_hear(pair: &Pair, a: NodeId, b: NodeId) {
    hears(pair, a, b);
    hears(pair, b, a);
}

fn hang_up(pair: &mut Pair, who: NodeId, other: NodeId) {
    pair.phone_events(other);
    pair.command(who, |phone, now| phone.hang_up(now));
    pair.run_for(SECOND);
    assert!(pair.phone_events(who).contains(&PhoneEvent::Ended(Ended::HungUp(200))), "BYE is answered 200");
    assert!(pair.phone_events(other).contains(&PhoneEvent::Ended(Ended::PeerHungUp)), "BYE arrives");
}

fn all_is_back_to_zero(pair: &mut Pair) {
    pair.run_for(Duration::from_secs(64));
    let status = pair.hras().status();
    assert!(status.records.is_empty(), "the RAT is empty: {:?}", status.records);
    assert_eq!((status.dialogs, status.transactions), (0, 0), "no dialog and no transaction is left");
}

#[test]
fn p01_p02_one_tunnel_carries_all_phones() {
    let (mut pair, alice, bob) = alice_and_bob(1);
    let carol = pair.inside_phone(0, 11, "carol");
    let dave = pair.outside_phone(21, "dave");
    pair.register(carol);
    pair.register(dave);
    pair.talk(alice, "bob", SECOND);
    pair.talk(carol, "dave", SECOND);
    both_hear(&pair, alice, bob);
    both_hear(&pair, carol, dave);
    assert!(pair.crossed > 0, "all of it crossed in the tunnel");
    assert_eq!(pair.count(pair.site_node(0), |e| matches!(e, Event::TunnelUp { .. })), 1, "one tunnel");
}

#[test]
fn p04_p05_p06_calls_in_both_directions() {
    let (mut pair, alice, bob) = alice_and_bob(2);
    pair.talk(alice, "bob", 2 * SECOND);
    both_hear(&pair, alice, bob);
    hang_up(&mut pair, alice, bob);
    pair.talk(bob, "alice", 2 * SECOND);
    both_hear(&pair, alice, bob);
    hang_up(&mut pair, alice, bob);
    all_is_back_to_zero(&mut pair);
}

#[test]
fn p06_a_numeric_address_outside_is_called_without_registration() {
    let (mut pair, alice, _) = alice_and_bob(3);
    let stranger = pair.outside_phone(77, "stranger");
    pair.command(alice, |phone, now| phone.call(now, "sip:anyone@203.0.113.77"));
    assert!(pair.wait(5 * SECOND, |pair| pair.is_up(alice)), "{:?}", pair.phone_events(alice));
    pair.run_for(SECOND);
    both_hear(&pair, alice, stranger);
    hang_up(&mut pair, stranger, alice);
    all_is_back_to_zero(&mut pair);
}

#[test]
fn p07_p08_the_rat_holds_both_ends_and_each_phone_sees_its_relay() {
    let (mut pair, alice, bob) = alice_and_bob(4);
    pair.record = true;
    pair.talk(alice, "bob", SECOND);
    let status = pair.hras().status();
    let [record] = status.records.as_slice() else { panic!("one record, not {:?}", status.records) };
    let [inside, outside] = record.ends;
    assert_eq!(inside.terminal, Some(pair.phone(alice).config().rtp_addr()), "IIP:IPort");
    assert_eq!(outside.terminal, Some(pair.phone(bob).config().rtp_addr()), "OIP:OPort");
    let rtp = |network| {
        let port = pair.phone(alice).config().rtp_port;
        pair.sent.iter().filter(move |sent| sent.network == network && sent.from.port() == port)
    };
    assert!(rtp(1).count() > 40 && rtp(1).all(|sent| sent.to.ip() == pair.phone(alice).config().server.ip()));
    assert!(rtp(0).count() > 40 && rtp(0).all(|sent| sent.to.ip() == HRAS));
    hang_up(&mut pair, bob, alice);
    all_is_back_to_zero(&mut pair);
}

#[test]
fn p09_the_first_words_of_a_called_phone_arrive_over_a_long_line() {
    let (mut pair, alice, bob) = alice_and_bob(11);
    pair.delay = Duration::from_millis(40);
    pair.talk(bob, "alice", SECOND);
    let (said, heard) = (pair.report(alice), pair.report(bob));
    let first = heard.received_log.1.first().map(|(number, _)| *number);
    assert_eq!((first, heard.lost), (Some(said.sent_log.1), 0), "the first packet said is the first heard");
    for reason in [DropReason::ForeignSource, DropReason::NoFlow] {
        assert_eq!(pair.hrac(0).dropped(reason), 0, "{reason:?}");
    }
}

#[test]
fn p09_two_sites_with_the_same_addresses_call_each_other() {
    let mut pair = Pair::new(2, 5);
    let alice = pair.inside_phone(0, 10, "alice");
    let carol = pair.inside_phone(1, 10, "carol");
    pair.register(alice);
    pair.register(carol);
    pair.talk(alice, "carol", 2 * SECOND);
    hears(&pair, carol, alice);
    hears(&pair, alice, carol);
    hang_up(&mut pair, carol, alice);
    all_is_back_to_zero(&mut pair);
}

#[test]
fn p12_two_phones_of_one_site_talk_directly() {
    let mut pair = Pair::new(1, 6);
    pair.record = true;
    let alice = pair.inside_phone(0, 10, "alice");
    let carol = pair.inside_phone(0, 11, "carol");
    pair.register(alice);
    pair.register(carol);
    let before = pair.crossed;
    pair.talk(alice, "carol", 2 * SECOND);
    both_hear(&pair, alice, carol);
    assert!(pair.hras().status().records.is_empty(), "their media needs no record");
    let crossed = pair.crossed - before;
    assert!(crossed < 20_000, "{crossed} bytes crossed: signalling only, no voice");
    hang_up(&mut pair, alice, carol);
    all_is_back_to_zero(&mut pair);
}

#[test]
fn p10_cancel_refusal_and_silence_leave_nothing() {
    use sofw_core::testing::phone::Answer;
    let (mut pair, alice, bob) = alice_and_bob(7);
    for (answer, status) in [(Answer::Refuse(486), 486), (Answer::Refuse(603), 603)] {
        pair.command(bob, |phone, _| phone.set_answer(answer));
        pair.phone_events(alice);
        pair.command(alice, |phone, now| phone.call(now, "sip:bob@example.net"));
        pair.run_for(2 * SECOND);
        assert!(pair.phone_events(alice).contains(&PhoneEvent::Ended(Ended::Refused(status))));
    }
    pair.command(bob, |phone, _| phone.set_answer(Answer::OnCommand));
    pair.command(alice, |phone, now| phone.call(now, "sip:bob@example.net"));
    pair.run_for(SECOND);
    assert!(!pair.hras().status().records.is_empty(), "ringing holds a record");
    pair.command(alice, |phone, now| phone.hang_up(now));
    pair.run_for(2 * SECOND);
    assert!(pair.phone_events(alice).contains(&PhoneEvent::Ended(Ended::Cancelled)));
    assert!(pair.phone_events(bob).contains(&PhoneEvent::Ended(Ended::PeerCancelled)));
    all_is_back_to_zero(&mut pair);
}

#[test]
fn a_call_survives_cut_connections_and_an_hrac_restart() {
    let (mut pair, alice, bob) = alice_and_bob(8);
    pair.talk(alice, "bob", SECOND);
    for _ in 0..3 {
        let hrac = pair.site_node(0);
        pair.cut(hrac);
        pair.run_for(2 * SECOND);
    }
    let before = [alice, bob].map(|phone| pair.report(phone).received);
    pair.run_for(2 * SECOND);
    let after = [alice, bob].map(|phone| pair.report(phone).received);
    assert!(
        after[0] - before[0] >= 95 && after[1] - before[1] >= 95,
        "voice flows again: {before:?} {after:?}"
    );

    pair.restart_hrac(0);
    pair.run_for(5 * SECOND);
    let before = [alice, bob].map(|phone| pair.report(phone).received);
    pair.run_for(2 * SECOND);
    let after = [alice, bob].map(|phone| pair.report(phone).received);
    assert!(
        after[0] - before[0] >= 95 && after[1] - before[1] >= 95,
        "after a restart: {before:?} {after:?}"
    );
    // HRAC knows this phone's SIP address again once it speaks.
    hang_up(&mut pair, alice, bob);
    all_is_back_to_zero(&mut pair);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let (mut pair, alice, bob) = alice_and_bob(seed);
        pair.record = true;
        pair.talk(alice, "bob", SECOND);
        hang_up(&mut pair, alice, bob);
        let bytes: Vec<_> = pair.sent.iter().map(|s| (s.at, s.from, s.to, s.payload.to_vec())).collect();
        (bytes, pair.crossed, pair.events(pair.hras_node()).to_vec())
    };
    assert!(run(9) == run(9));
    assert!(run(9).0 != run(10).0, "the seed matters");
}
