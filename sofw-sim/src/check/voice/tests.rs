use super::*;
use crate::check::stamp::stamped;
use crate::check::testing::{ALICE, BOB, CAROL, Town, ordinary_day};

const SECOND: Duration = Duration::from_secs(1);

/// Alice and bob talk; what the checker says when `who` then gets `packet` from `from`.
fn judged(who: usize, from: &str, packet: impl FnOnce(u64) -> Vec<u8>) -> Finding {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    town.call(ALICE, "bob");
    town.run(3 * SECOND, &mut [&mut voice]);
    let (at, node) = (town.pair.now(), town.node(who));
    let phone = town.pair.phone(town.node(ALICE));
    let call = call_hash(phone.call_id().expect("alice is in a call"));
    // Both say that they are in it.
    for mouth in [ALICE, BOB] {
        let own = stamped(mouth, call, at);
        voice.spoke(at, &town.map, town.node(mouth), from.parse().expect("an address"), &Media::read(&own));
    }
    let packet = packet(call);
    voice.heard(
        at,
        &town.map,
        node,
        town.pair.phone(node),
        from.parse().expect("an address"),
        &Media::read(&packet),
    );
    town.finish(&mut voice)
}

fn voice_of(speaker: usize, call: u64) -> Vec<u8> {
    stamped(speaker, call, Instant::ZERO)
}

#[test]
fn an_ordinary_day_is_clean() {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    ordinary_day(&mut town, &mut [&mut voice]);
    let finding = town.finish(&mut voice);
    assert!(finding.good && !finding.measured.starts_with("0 "), "{}", finding.measured);
}

#[test]
fn the_other_end_by_the_own_half_is_right() {
    for (ear, mouth, from) in [(ALICE, BOB, "10.10.10.2:20000"), (BOB, ALICE, "203.0.113.5:20000")] {
        let finding = judged(ear, from, |call| voice_of(mouth, call));
        assert!(finding.good, "{}", finding.measured);
    }
}

#[test]
fn foreign_voice_is_told() {
    let hrac = "10.10.10.2:20000";
    for (finding, says) in [
        (judged(ALICE, hrac, |call| voice_of(BOB, call ^ 1)), "another call"),
        (judged(ALICE, hrac, |call| voice_of(CAROL, call)), "who is not in this call"),
        (judged(ALICE, hrac, |call| voice_of(ALICE, call)), "own voice"),
        (judged(ALICE, hrac, |call| voice_of(77, call)), "unknown speaker"),
        (judged(ALICE, "203.0.113.5:20000", |call| voice_of(BOB, call)), "from a stranger"),
        (judged(BOB, "198.51.100.66:4000", |call| voice_of(ALICE, call)), "from a stranger"),
        (judged(CAROL, hrac, |call| voice_of(BOB, call)), "another call"),
    ] {
        assert!(!finding.good && finding.measured.contains(says), "{says}: {}", finding.measured);
    }
}

#[test]
fn a_packet_that_nobody_sent_is_foreign() {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    town.call(ALICE, "bob");
    town.run(3 * SECOND, &mut [&mut voice]);
    let node = town.node(ALICE);
    let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef];
    packet.resize(172, 0x55);
    let from = "10.10.10.2:20000".parse().expect("an address");
    voice.heard(town.pair.now(), &town.map, node, town.pair.phone(node), from, &Media::read(&packet));
    assert!(town.finish(&mut voice).measured.contains("foreign packet"));
}

#[test]
fn what_was_under_way_at_the_end_may_come_for_a_while() {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    town.call(ALICE, "bob");
    town.run(3 * SECOND, &mut [&mut voice]);
    let node = town.node(ALICE);
    let call = call_hash(town.pair.phone(node).call_id().expect("alice is in a call"));
    let from = "10.10.10.2:20000".parse().expect("an address");
    voice.spoke(town.pair.now(), &town.map, town.node(BOB), from, &Media::read(&voice_of(BOB, call)));
    town.hang_up(ALICE);
    let mut goods = Vec::new();
    for _ in 0..2 {
        town.run(3 * SECOND / 2, &mut [&mut voice]);
        let (at, said) = (town.pair.now(), stamped(BOB, call, town.pair.now()));
        voice.heard(at, &town.map, node, town.pair.phone(node), from, &Media::read(&said));
        goods.push(town.finish(&mut voice).good);
    }
    assert_eq!(goods, [true, false]);
}

#[test]
fn what_was_said_in_the_call_belongs_to_it_however_late_it_comes() {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    town.call(ALICE, "bob");
    town.run(3 * SECOND, &mut [&mut voice]);
    let node = town.node(ALICE);
    let call = call_hash(town.pair.phone(node).call_id().expect("alice is in a call"));
    let said = stamped(BOB, call, town.pair.now());
    town.hang_up(ALICE);
    town.run(5 * SECOND, &mut [&mut voice]);
    let from = "10.10.10.2:20000".parse().expect("an address");
    voice.heard(town.pair.now(), &town.map, node, town.pair.phone(node), from, &Media::read(&said));
    assert!(town.finish(&mut voice).good);
}

#[test]
fn who_lost_a_call_by_being_switched_off_may_still_hear_it() {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    town.call(ALICE, "bob");
    town.run(3 * SECOND, &mut [&mut voice]);
    town.off = vec![ALICE];
    town.look(&mut [&mut voice]);
    let node = town.node(ALICE);
    let call = call_hash(town.pair.phone(node).call_id().expect("alice is in a call"));
    town.hang_up(ALICE);
    town.run(5 * SECOND, &mut [&mut voice]);
    town.off.clear();
    let from = "10.10.10.2:20000".parse().expect("an address");
    for (call, good) in [(call, true), (call ^ 1, false)] {
        let (at, said) = (town.pair.now(), stamped(BOB, call, town.pair.now()));
        voice.heard(at, &town.map, node, town.pair.phone(node), from, &Media::read(&said));
        assert_eq!(town.finish(&mut voice).good, good);
    }
}

/// Alice talks to `callee` and hangs up; then `trouble` befalls her tunnel. Whether she may hear that call's (or another one's) voice from
/// `from` so many seconds after its begin.
fn may_hear_yet(
    (callee, other): (&str, usize),
    trouble: impl FnOnce(&mut Town, &mut Voice),
    seconds: u32,
    from: &str,
    change: u64,
) -> bool {
    let (mut town, mut voice) = (Town::new(), Voice::new());
    town.call(ALICE, callee);
    town.run(3 * SECOND, &mut [&mut voice]);
    let node = town.node(ALICE);
    let call = call_hash(town.pair.phone(node).call_id().expect("alice is in a call"));
    town.hang_up(ALICE);
    town.run(5 * SECOND, &mut [&mut voice]);
    trouble(&mut town, &mut voice);
    town.run(seconds * SECOND, &mut [&mut voice]);
    let (at, from) = (town.pair.now(), from.parse().expect("an address"));
    let said = stamped(other, call ^ change, at);
    voice.heard(at, &town.map, node, town.pair.phone(node), from, &Media::read(&said));
    town.finish(&mut voice).good
}

#[test]
fn while_the_tunnel_is_away_one_beside_may_not_know_that_the_call_is_over() {
    let away = |town: &mut Town, _: &mut Voice| town.excused_until = town.pair.now() + 5 * SECOND;
    let (carol, hrac) = ("10.10.10.11:4000", "10.10.10.2:20000");
    for (seconds, from, change, good) in
        [(3, carol, 0, true), (6, carol, 0, false), (3, carol, 1, false), (3, hrac, 0, false)]
    {
        let heard = may_hear_yet(("carol", CAROL), away, seconds, from, change);
        assert_eq!(heard, good, "after {seconds} s from {from}, {change}");
    }
}

#[test]
fn when_the_tunnel_is_back_a_call_given_up_meanwhile_may_speak_until_it_is_told() {
    let back = |town: &mut Town, voice: &mut Voice| {
        let round_trip = Duration::from_millis(20);
        let up =
            Event::TunnelUp { site: None, rung: sofw_core::event::Rung::Stream, round_trip, resumed: true };
        voice.event(town.pair.now(), &town.map, town.pair.site_node(0), &up);
    };
    for (seconds, change, good) in [(1, 0, true), (3, 0, false), (1, 1, false)] {
        let heard = may_hear_yet(("bob", BOB), back, seconds, "10.10.10.2:20000", change);
        assert_eq!(heard, good, "after {seconds} s, {change}");
    }
}
