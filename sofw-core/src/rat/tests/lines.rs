//! Offers and answers in every message that may carry them, and every kind of media line.

use super::world::*;
use crate::base::Hop;
use crate::config::limits::{OUTSIDE_UNANSWERED_MAX, SDP_MEDIA_LINES_MAX};

fn hops() -> (Hop, Hop) {
    (inside(HQ, "10.10.10.10:5060"), outside("198.51.100.7:5060"))
}

fn back() -> (Hop, Hop) {
    (hops().1, hops().0)
}

fn alice(media: &[&str]) -> String {
    sdp("10.10.10.10", media)
}

fn bob(media: &[&str]) -> String {
    sdp("198.51.100.7", media)
}

fn connected(world: &mut World) {
    world.call("c1", hops(), &alice(&[&audio(4_000)]), &bob(&[&audio(5_000)]));
}

#[test]
fn p08_early_media_and_the_same_answer_again() {
    let mut world = World::new();
    let branch = world.branch();
    world.request(hops(), branch, &request("INVITE", "c1", "a", None, &alice(&[&audio(4_000)]))).unwrap();
    let early = response(183, "INVITE", "c1", "a", "b", &bob(&[&audio(5_000)]));
    let first = world.response(hops(), branch, &early).unwrap();
    assert_ne!(world.outside_sends("198.51.100.7:5000", 20_000, b"ring"), Heard::Nowhere);
    let ok = response(200, "INVITE", "c1", "a", "b", &bob(&[&audio(5_000)]));
    for _ in 0..3 {
        assert_eq!(
            world.response(hops(), branch, &ok).unwrap(),
            first,
            "the port stays, also when 200 is repeated"
        );
    }
    assert_eq!(world.agent.records().count(), 1);
}

#[test]
fn p08_sdp_in_a_multipart_is_rewritten_and_its_neighbours_stay() {
    let mut world = World::new();
    let part = |sdp: &str| {
        format!("--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b\r\n\r\n10.10.10.10\r\n--b--\r\n")
    };
    let body = part(&alice(&[&audio(4_000)]));
    let invite = request("INVITE", "c1", "a", None, &body)
        .replace("application/sdp\r\nContent-Length", "multipart/mixed;boundary=b\r\nContent-Length");
    let branch = world.branch();
    let told_bob = world.request(hops(), branch, &invite).unwrap().unwrap();
    assert_eq!(told(&told_bob), (ip("203.0.113.5"), vec![20_000]));
    let (_, behind) = told_bob.split_once("\r\n--b\r\n\r\n").unwrap();
    assert_eq!(behind, "10.10.10.10\r\n--b--\r\n");
}

#[test]
fn p03_compact_header_names_are_understood() {
    let mut world = World::new();
    let mut invite = request("INVITE", "c1", "a", None, &alice(&[&audio(4_000)]));
    for (long, compact) in [("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("Contact", "m")]
        .into_iter()
        .chain([("Content-Type", "c"), ("Content-Length", "L")])
    {
        invite = invite.replace(&format!("\r\n{long}:"), &format!("\r\n{compact} :"));
    }
    let branch = world.branch();
    let told_bob = world.request(hops(), branch, &invite).unwrap().unwrap();
    assert_eq!(told(&told_bob), (ip("203.0.113.5"), vec![20_000]));
}

#[test]
fn p08_delayed_offer() {
    let mut world = World::new();
    let branch = world.branch();
    assert_eq!(world.request(hops(), branch, &request("INVITE", "c1", "a", None, "")), Ok(None));
    let ok = response(200, "INVITE", "c1", "a", "b", &bob(&[&audio(5_000)]));
    let offer = world.response(hops(), branch, &ok).unwrap().unwrap();
    assert_eq!(told(&offer), (ip("10.10.10.2"), vec![30_000]));
    let ack = request("ACK", "c1", "a", Some("b"), &alice(&[&audio(4_000)]));
    let branch = world.branch();
    let answer = world.request(hops(), branch, &ack).unwrap().unwrap();
    assert_eq!(told(&answer), (ip("203.0.113.5"), vec![20_000]));
    assert_ne!(world.phone_sends(HQ, 30_000, b"x"), Heard::Nowhere);
    world.bye("c1", ("a", "b"));
    assert_eq!(world.agent.in_use(), 0);
    // The callee had no ACK before the BYE: its 2xx comes again, and so does the ACK.
    let branch = world.branch();
    let again = world.request(hops(), branch, &ack).unwrap().unwrap();
    assert_eq!(told(&again).1, [9], "no inside address goes out");
    assert_eq!(world.agent.in_use(), 0);
}

#[test]
fn p08_prack_and_update() {
    let mut world = World::new();
    let invite = world.branch();
    world.request(hops(), invite, &request("INVITE", "c1", "a", None, "")).unwrap();
    let offer = response(183, "INVITE", "c1", "a", "b", &bob(&[&audio(5_000)]));
    world.response(hops(), invite, &offer).unwrap();
    let prack = world.branch();
    let answer = request("PRACK", "c1", "a", Some("b"), &alice(&[&audio(4_000)]));
    let body = world.request(hops(), prack, &answer).unwrap().unwrap();
    assert_eq!(told(&body).1, [20_000]);
    world.response(hops(), prack, &response(200, "PRACK", "c1", "a", "b", "")).unwrap();
    let update = world.branch();
    let moved = request("UPDATE", "c1", "b", Some("a"), &bob(&[&audio(5_100)]));
    let body = world.request(back(), update, &moved).unwrap().unwrap();
    assert_eq!(told(&body).1, [30_000]);
    let ok = response(200, "UPDATE", "c1", "b", "a", &alice(&[&audio(4_000)]));
    let body = world.response(back(), update, &ok).unwrap().unwrap();
    assert_eq!(told(&body).1, [20_000]);
    assert_eq!(world.phone_sends(HQ, 30_000, b"x"), Heard::Outside(addr("198.51.100.7:5100"), 20_000));
    world.fail(invite);
    assert_eq!(world.agent.in_use(), 0, "the call was never answered");
}

#[test]
fn p08_re_invite_moves_addresses_and_a_failed_one_moves_nothing() {
    let mut world = World::new();
    connected(&mut world);
    let there = |world: &mut World| world.phone_sends(HQ, 30_000, b"x");
    let failing = world.branch();
    let offer = bob(&[&audio(5_200), "video 5300 RTP/AVP 31"]);
    let body =
        world.request(back(), failing, &request("INVITE", "c1", "b", Some("a"), &offer)).unwrap().unwrap();
    assert_eq!(told(&body).1, [30_000, 30_002]);
    assert_eq!(there(&mut world), Heard::Outside(addr("198.51.100.7:5200"), 20_000));
    world.fail(failing);
    assert_eq!(there(&mut world), Heard::Outside(addr("198.51.100.7:5000"), 20_000));
    assert_eq!(world.agent.records().count(), 1, "the video line went with its offer");
    assert_eq!(world.hracs.len(), 1);
    let good = world.branch();
    let body =
        world.request(back(), good, &request("INVITE", "c1", "b", Some("a"), &offer)).unwrap().unwrap();
    assert_eq!(told(&body).1[0], 30_000);
    let answer = alice(&[&audio(4_000), "video 4300 RTP/AVP 31"]);
    let ok = response(200, "INVITE", "c1", "b", "a", &answer);
    let body = world.response(back(), good, &ok).unwrap().unwrap();
    assert_eq!(told(&body).1[0], 20_000);
    assert_eq!(world.response(back(), good, &ok).unwrap(), Some(body), "200 repeated");
    assert_eq!(world.agent.records().count(), 2);
    world.bye("c1", ("a", "b"));
    assert_eq!(world.agent.in_use(), 0);
}

#[test]
fn p08_hold_by_attribute_and_by_the_old_address() {
    let mut world = World::new();
    connected(&mut world);
    let held = |world: &World| world.agent.records().next().unwrap().held;
    assert!(!held(&world));
    for body in [
        bob(&[&(audio(5_000) + "\r\na=sendonly")]),
        bob(&[&(audio(5_000) + "\r\na=inactive")]),
        sdp("0.0.0.0", &[&audio(5_000)]),
    ] {
        let branch = world.branch();
        let hold = request("INVITE", "c1", "b", Some("a"), &body);
        let told_alice = world.request(back(), branch, &hold).unwrap().unwrap();
        let ok = response(200, "INVITE", "c1", "b", "a", &alice(&[&audio(4_000)]));
        world.response(back(), branch, &ok).unwrap();
        assert!(held(&world), "{body}");
        if body.contains("0.0.0.0") {
            assert!(told_alice.contains("c=IN IP4 0.0.0.0"), "{told_alice}");
        }
        assert_eq!(world.phone_sends(HQ, 30_000, b"x"), Heard::Outside(addr("198.51.100.7:5000"), 20_000));
        let branch = world.branch();
        let resume = request("INVITE", "c1", "b", Some("a"), &bob(&[&audio(5_000)]));
        world.request(back(), branch, &resume).unwrap();
        world.response(back(), branch, &ok).unwrap();
        assert!(!held(&world));
    }
}

#[test]
fn p08_a_refused_line_stays_refused() {
    let mut world = World::new();
    let offer = alice(&[&audio(4_000), "video 4002 RTP/AVP 31"]);
    let answer = bob(&[&audio(5_000), "video 0 RTP/AVP 31"]);
    let (_, to_caller) = world.call("c1", hops(), &offer, &answer);
    assert_eq!(told(&to_caller).1, [30_000, 0]);
    assert_eq!(world.outside_sends("198.51.100.7:5002", 20_002, b"x"), Heard::Nowhere);
}

#[test]
fn p14_video_fax_and_ipv6_outside() {
    let mut world = World::new();
    let offer = alice(&[&audio(4_000), "image 4002 udptl t38"]);
    let answer = sdp("2001:db8::7", &[&audio(5_000), "image 5002 udptl t38"]);
    let hops = (inside(HQ, "10.10.10.10:5060"), outside("[2001:db8::7]:5060"));
    let (_, to_caller) = world.call("c1", hops, &offer, &answer);
    assert_eq!(told(&to_caller), (ip("10.10.10.2"), vec![30_000, 30_002]));
    assert!(to_caller.contains("c=IN IP4 10.10.10.2"), "{to_caller}");
    assert_eq!(world.phone_sends(HQ, 30_002, b"t38"), Heard::Outside(addr("[2001:db8::7]:5002"), 20_002));
}

#[test]
fn rtcp_by_attribute_and_multiplexed() {
    let mut world = World::new();
    let answer = bob(&[&(audio(5_000) + "\r\na=rtcp:5999")]);
    world.call("c1", hops(), &alice(&[&audio(4_000)]), &answer);
    assert_eq!(world.phone_sends(HQ, 30_001, b"x"), Heard::Outside(addr("198.51.100.7:5999"), 20_001));
    let answer = bob(&[&(audio(6_000) + "\r\na=rtcp-mux")]);
    world.call("c2", hops(), &alice(&[&audio(4_010)]), &answer);
    assert_eq!(world.phone_sends(HQ, 30_003, b"x"), Heard::Outside(addr("198.51.100.7:6000"), 20_003));
}

#[test]
fn unanswered_calls_from_outside_leave_ports_for_others() {
    let mut world = World::with_ports((20_000, 20_003), 3_000);
    let ring = |world: &mut World, hops: (Hop, Hop), number: usize| {
        let branch = world.branch();
        let invite = request("INVITE", &format!("c{number}"), "a", None, &bob(&[&audio(5_000)]));
        (branch, world.request(hops, branch, &invite).map(drop))
    };
    let first = ring(&mut world, back(), 0).0;
    assert!((1..OUTSIDE_UNANSWERED_MAX).all(|number| ring(&mut world, back(), number).1.is_ok()));
    assert_eq!(ring(&mut world, back(), 9_999).1, Err(503));
    assert_eq!(ring(&mut world, hops(), 9_998).1, Ok(()));
    world.fail(first);
    assert_eq!(ring(&mut world, back(), 9_997).1, Ok(()));
}

#[test]
fn refuses_what_it_cannot_carry_and_holds_nothing_for_it() {
    let mut world = World::with_ports((20_000, 20_003), 100);
    let ask = |world: &mut World, call: &str, body: &str| {
        let branch = world.branch();
        world.request(hops(), branch, &request("INVITE", call, "a", None, body))
    };
    let lines = vec!["audio 4000 RTP/AVP 0"; SDP_MEDIA_LINES_MAX + 1];
    assert_eq!(ask(&mut world, "c1", &alice(&lines)), Err(488));
    assert_eq!(ask(&mut world, "c2", &alice(&lines[..3])), Err(503));
    assert_eq!(ask(&mut world, "c3", "this is no SDP"), Err(400));
    assert_eq!(world.agent.in_use(), 0);
    assert!(ask(&mut world, "c4", &alice(&lines[..2])).is_ok(), "the ports came back");
}

#[test]
fn other_bodies_and_other_methods_pass_untouched() {
    let mut world = World::new();
    let branch = world.branch();
    assert_eq!(world.request(hops(), branch, &request("SUBSCRIBE", "c1", "a", None, "")), Ok(None));
    assert_eq!(world.response(hops(), branch, &response(200, "SUBSCRIBE", "c1", "a", "b", "")), Ok(None));
    assert_eq!(world.agent.in_use(), 0);
}

#[test]
fn p08_a_body_that_opens_no_media_tells_no_address_either() {
    let mut world = World::new();
    let capabilities = alice(&[&audio(4_000), "video 0 RTP/AVP 31"]);
    let branch = world.branch();
    assert_eq!(world.request(back(), branch, &request("OPTIONS", "c0", "a", None, "")), Ok(None));
    let ok = response(200, "OPTIONS", "c0", "a", "b", &capabilities);
    let body = world.response(back(), branch, &ok).unwrap().unwrap();
    assert_eq!(told(&body), (ip("203.0.113.5"), vec![9, 0]));
    let body =
        world.request(hops(), branch, &request("OPTIONS", "c0", "a", None, &capabilities)).unwrap().unwrap();
    assert_eq!(told(&body), (ip("203.0.113.5"), vec![9, 0]));
    let branch = world.branch();
    world.request(back(), branch, &request("INVITE", "c1", "a", None, &bob(&[&audio(5_000)]))).unwrap();
    let refused = response(488, "INVITE", "c1", "a", "b", &capabilities);
    let body = world.response(back(), branch, &refused).unwrap().unwrap();
    assert_eq!(told(&body), (ip("203.0.113.5"), vec![9, 0]));
    world.fail(branch);
    assert_eq!(world.agent.in_use(), 0);
}

#[test]
fn a_dialog_cannot_be_taken_to_another_space() {
    let mut world = World::new();
    connected(&mut world);
    let branch = world.branch();
    let stolen = request("INVITE", "c1", "b", Some("a"), &bob(&[&audio(5_000)]));
    let from_other_site = (inside(BRANCH_OFFICE, "10.10.10.10:5060"), hops().0);
    assert_eq!(world.request(from_other_site, branch, &stolen), Err(481));
}
