//! The paper's requirements P7 to P10.

use super::world::*;
use crate::base::{Duration, Hop};
use crate::config::limits::{LATCH_WINDOW, MEDIA_SILENCE_MAX};
use crate::event::Event;
use crate::rat::Space;

const ALICE: &str = "10.10.10.10:5060";
const BOB: &str = "198.51.100.7:5060";

fn out_call() -> (Hop, Hop) {
    (inside(HQ, ALICE), outside(BOB))
}

fn in_call() -> (Hop, Hop) {
    (outside(BOB), inside(HQ, ALICE))
}

fn alice(port: u16) -> String {
    sdp("10.10.10.10", &[&audio(port)])
}

fn bob(port: u16) -> String {
    sdp("198.51.100.7", &[&audio(port)])
}

#[test]
fn p07_record_has_dialog_id_and_both_media_addresses() {
    let mut world = World::new();
    let branch = world.branch();
    world.request(out_call(), branch, &request("INVITE", "c1", "a", None, &alice(4_000))).unwrap();
    {
        let record = world.agent.records().next().unwrap();
        assert_eq!((record.call_id, record.from_tag, record.to_tag), ("c1", "a", None));
        assert_eq!(
            record.ends[0].terminal,
            Some(addr("10.10.10.10:4000")),
            "IIP:IPort from the first message"
        );
        assert_eq!(record.ends[1].terminal, None);
    }
    world.response(out_call(), branch, &response(200, "INVITE", "c1", "a", "b", &bob(5_000))).unwrap();
    let record = world.agent.records().next().unwrap();
    assert_eq!(record.to_tag, Some("b"));
    assert_eq!(record.ends[0].space, Space::Site(HQ));
    assert_eq!(record.ends[1].space, Space::Outside);
    assert_eq!(record.ends[1].terminal, Some(addr("198.51.100.7:5000")), "OIP:OPort from the answer");
    assert_eq!(world.agent.records().count(), 1);
    assert_eq!(world.events, [Event::MediaOpen { call_id: "c1".into(), media_line: 0 }]);
}

#[test]
fn p08_each_side_believes_its_half_to_be_its_peer() {
    for (hops, offer, answer) in
        [(out_call(), alice(4_000), bob(5_000)), (in_call(), bob(5_000), alice(4_000))]
    {
        let mut world = World::new();
        let (to_callee, to_caller) = world.call("c1", hops, &offer, &answer);
        let (at_alice, at_bob) =
            if hops == out_call() { (&to_caller, &to_callee) } else { (&to_callee, &to_caller) };
        assert_eq!(told(at_alice), (ip("10.10.10.2"), vec![30_000]), "HRAC, for the phone inside");
        assert_eq!(told(at_bob), (ip("203.0.113.5"), vec![20_000]), "HRAS, for the phone outside");
        // The o-line is not an address to send to, and is left alone.
        let lines_kept = |body: &str| body.lines().filter(|line| !line.starts_with(['c', 'm'])).count();
        assert_eq!(lines_kept(&to_callee), lines_kept(&offer));
    }
}

#[test]
fn p08_phones_of_one_site_keep_their_sdp() {
    let mut world = World::new();
    let hops = (inside(HQ, ALICE), inside(HQ, "10.10.10.11:5060"));
    let branch = world.branch();
    let invite = request("INVITE", "c1", "a", None, &alice(4_000));
    assert_eq!(world.request(hops, branch, &invite), Ok(None));
    assert_eq!(world.agent.in_use(), 0);
}

#[test]
fn p09_voice_crosses_in_both_directions_and_rtcp_beside_it() {
    let mut world = World::new();
    world.call("c1", out_call(), &alice(4_000), &bob(5_000));
    assert_eq!(world.phone_sends(HQ, 30_000, b"voice"), Heard::Outside(addr("198.51.100.7:5000"), 20_000));
    assert_eq!(world.phone_sends(HQ, 30_001, b"report"), Heard::Outside(addr("198.51.100.7:5001"), 20_001));
    let at_alice = Heard::Inside(HQ, addr("10.10.10.10:4000"), 30_000);
    assert_eq!(world.outside_sends("198.51.100.7:5000", 20_000, b"voice"), at_alice);
    let at_alice = Heard::Inside(HQ, addr("10.10.10.10:4001"), 30_001);
    assert_eq!(world.outside_sends("198.51.100.7:5001", 20_001, b"report"), at_alice);
    assert_eq!(world.outside_sends("192.0.2.66:5000", 20_000, b"bleed"), Heard::Nowhere);
    let record = world.agent.records().next().unwrap();
    assert_eq!(record.ends.map(|end| end.received.packets), [2, 2]);
}

#[test]
fn p09_sites_with_the_same_addresses_never_meet() {
    let mut world = World::new();
    world.call("c1", (inside(HQ, ALICE), outside(BOB)), &alice(4_000), &bob(5_000));
    world.call("c2", (inside(BRANCH_OFFICE, ALICE), outside(BOB)), &alice(4_000), &bob(6_000));
    let from_bob = world.outside_sends("198.51.100.7:5000", 20_000, b"x");
    assert_eq!(from_bob, Heard::Inside(HQ, addr("10.10.10.10:4000"), 30_000));
    let from_bob = world.outside_sends("198.51.100.7:6000", 20_002, b"x");
    assert_eq!(from_bob, Heard::Inside(BRANCH_OFFICE, addr("10.10.10.10:4000"), 30_000));
    assert_eq!(
        world.phone_sends(BRANCH_OFFICE, 30_000, b"x"),
        Heard::Outside(addr("198.51.100.7:6000"), 20_002)
    );
}

#[test]
fn p09_two_sites_call_each_other_over_one_hop() {
    let mut world = World::new();
    let hops = (inside(HQ, ALICE), inside(BRANCH_OFFICE, ALICE));
    let (to_callee, to_caller) = world.call("c1", hops, &alice(4_000), &alice(4_000));
    assert_eq!(told(&to_callee), (ip("10.10.10.2"), vec![30_000]));
    assert_eq!(told(&to_caller), (ip("10.10.10.2"), vec![30_000]));
    let there = Heard::Inside(BRANCH_OFFICE, addr("10.10.10.10:4000"), 30_000);
    assert_eq!(world.phone_sends(HQ, 30_000, b"x"), there);
    let back = Heard::Inside(HQ, addr("10.10.10.10:4000"), 30_000);
    assert_eq!(world.phone_sends(BRANCH_OFFICE, 30_000, b"x"), back);
}

#[test]
fn p09_a_phone_behind_its_own_nat_is_learned_once() {
    let mut world = World::new();
    let behind_nat = sdp("192.168.1.20", &[&audio(5_000)]);
    world.call("c1", out_call(), &alice(4_000), &behind_nat);
    assert_eq!(world.phone_sends(HQ, 30_000, b"x"), Heard::Nowhere, "a private address is nobody's out here");
    assert_ne!(world.outside_sends("198.51.100.7:41000", 20_000, b"x"), Heard::Nowhere);
    assert_eq!(world.phone_sends(HQ, 30_000, b"x"), Heard::Outside(addr("198.51.100.7:41000"), 20_000));
    // Locked: not even the same host with another port.
    assert_eq!(world.outside_sends("198.51.100.7:41002", 20_000, b"x"), Heard::Nowhere);
    // Signalling that says the same again does not unlock; a changed SDP does.
    let again = world.branch();
    let re_invite = request("INVITE", "c1", "b", Some("a"), &behind_nat);
    let reverse = (outside(BOB), inside(HQ, ALICE));
    world.request(reverse, again, &re_invite).unwrap();
    assert_eq!(world.outside_sends("198.51.100.7:41002", 20_000, b"x"), Heard::Nowhere);
    let moved = world.branch();
    let re_invite = request("INVITE", "c1", "b", Some("a"), &sdp("192.168.1.20", &[&audio(5_002)]));
    world.request(reverse, moved, &re_invite).unwrap();
    assert_ne!(world.outside_sends("198.51.100.7:41002", 20_000, b"x"), Heard::Nowhere);
}

#[test]
fn p09_latching_ends_with_its_window() {
    let mut world = World::new();
    world.call("c1", out_call(), &alice(4_000), &bob(5_000));
    assert_ne!(world.outside_sends("198.51.100.7:5000", 20_000, b"x"), Heard::Nowhere);
    world.now = world.now + LATCH_WINDOW + Duration::from_millis(1);
    assert_eq!(world.outside_sends("198.51.100.7:5002", 20_000, b"x"), Heard::Nowhere);
    assert_ne!(world.outside_sends("198.51.100.7:5000", 20_000, b"x"), Heard::Nowhere);
}

#[test]
fn p10_bye_deletes_the_record_and_late_voice_is_dropped() {
    for tags in [("a", "b"), ("b", "a")] {
        let mut world = World::new();
        world.call("c1", out_call(), &alice(4_000), &bob(5_000));
        world.phone_sends(HQ, 30_000, b"x");
        world.bye("c1", tags);
        assert_eq!(world.agent.in_use(), 0);
        assert_eq!(world.outside_sends("198.51.100.7:5000", 20_000, b"x"), Heard::Nowhere);
        assert!(world.hracs.is_empty());
        let closed =
            Event::MediaClosed { call_id: "c1".into(), media_line: 0, reason: "bye", packets: [1, 0] };
        assert_eq!(world.events.last(), Some(&closed));
    }
}

#[test]
fn p10_cancel_and_final_error_release_what_ringing_held() {
    let mut world = World::new();
    let branch = world.branch();
    world.request(in_call(), branch, &request("INVITE", "c1", "a", None, &bob(5_000))).unwrap();
    world.response(in_call(), branch, &response(183, "INVITE", "c1", "a", "b", &alice(4_000))).unwrap();
    assert_eq!(world.agent.records().count(), 1);
    world.fail(branch);
    assert_eq!(world.agent.in_use(), 0);
    assert!(world.hracs.is_empty());
}

#[test]
fn p10_silence_ends_a_record_but_not_on_hold() {
    let mut world = World::new();
    world.call("c1", out_call(), &alice(4_000), &bob(5_000));
    let held = sdp("198.51.100.7", &[&(audio(6_000) + "\r\na=sendonly")]);
    world.call("c2", out_call(), &alice(4_002), &held);
    for _ in 0..3 {
        world.now += MEDIA_SILENCE_MAX - Duration::from_secs(1);
        world.phone_sends(HQ, 30_000, b"x");
        world.agent.handle_timeout(world.now);
        assert_eq!(world.agent.records().count(), 2);
    }
    world.now += MEDIA_SILENCE_MAX;
    world.agent.handle_timeout(world.now);
    world.drain();
    assert_eq!(world.agent.records().map(|record| record.call_id).collect::<Vec<_>>(), ["c2"]);
    assert!(world.agent.poll_timeout().is_some_and(|deadline| deadline.at > world.now));
}

#[test]
fn p10_a_held_line_keeps_the_silent_ones_of_its_call() {
    let mut world = World::new();
    let offer = sdp("10.10.10.10", &[&audio(4_000), "video 4002 RTP/AVP 96"]);
    let held = audio(5_000) + "\r\na=inactive";
    world.call("c1", out_call(), &offer, &sdp("198.51.100.7", &[&held, "video 5002 RTP/AVP 96"]));
    for _ in 0..3 {
        world.now += MEDIA_SILENCE_MAX;
        world.agent.handle_timeout(world.now);
        world.drain();
    }
    assert_eq!(world.agent.records().count(), 2);
}

#[test]
fn p10_a_lost_tunnel_ends_the_calls_through_it_only() {
    let mut world = World::new();
    world.call("c1", out_call(), &alice(4_000), &bob(5_000));
    world.call("c2", (inside(BRANCH_OFFICE, ALICE), outside(BOB)), &alice(4_000), &bob(6_000));
    world.agent.site_ended(world.now, HQ);
    world.drain();
    assert_eq!(world.agent.records().map(|record| record.call_id).collect::<Vec<_>>(), ["c2"]);
    let branch = world.branch();
    let invite = request("INVITE", "c3", "a", None, &bob(5_000));
    assert_eq!(world.request(in_call(), branch, &invite), Err(503), "no session, no ports");
    assert_eq!(world.agent.records().count(), 1);
}

#[test]
fn a_new_session_of_the_site_gets_its_flows_again() {
    let mut world = World::new();
    world.call("c1", out_call(), &alice(4_000), &bob(5_000));
    let before = core::mem::take(&mut world.hracs);
    world.agent.site_up(world.now, HQ, ip("10.10.10.2"));
    // HRAC announces the port in use as well: it cannot know better.
    world.agent.ports_ready(HQ, &[30_000, 30_002]);
    world.drain();
    assert_eq!(world.hracs, before);
    world.call("c2", out_call(), &alice(4_002), &bob(5_002));
    assert_eq!(
        world.agent.records().filter_map(|record| record.ends[0].relay_port).collect::<Vec<_>>(),
        [30_000, 30_002]
    );
}
