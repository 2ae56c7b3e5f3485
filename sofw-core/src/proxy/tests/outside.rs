//! Calls between two phones outside, where `outside_calls` lets them.

use super::*;

const ALICE: &str = "198.51.100.7:5060";
const BOB: &str = "192.0.2.50:5060";
/// Alice's and Bob's addresses-of-record.
const A: &str = "sip:alice@example.net";
const B: &str = "sip:bob@example.net";

fn world(outside_calls: bool) -> World {
    let mut world = World::of(&HrasConfig { outside_calls, ..config() });
    world.register("alice", out(ALICE));
    world.register("bob", out(BOB));
    world
}

/// Alice's INVITE that proves her password, and what the server sent then.
fn invite(world: &mut World) -> (Request, Vec<Sent>) {
    let first = world.request("INVITE", B, A, out(ALICE));
    let challenged = world.say(out(ALICE), &first.text()).remove(0);
    assert_eq!(challenged.status(), 407);
    let again = world.answer_challenge(&first, &challenged, "alice", "secret");
    let sent = world.say(out(ALICE), &again.text());
    (again, sent)
}

fn answered(world: &mut World) -> (Request, Sent, Sent) {
    let (invite, sent) = invite(world);
    let answer = reply(&sent[0], 200, "callee", &[&contact_line(out(BOB))], SDP);
    let ok = world.say(out(BOB), &answer).remove(0);
    let ack = world.say(out(ALICE), &invite.next("ACK", &ok).text());
    assert_eq!((ack.len(), ack[0].to), (1, out(BOB)));
    (invite, sent[0].clone(), ok)
}

#[test]
fn a_user_outside_calls_a_user_outside() {
    let mut world = world(true);
    let (invite, received, ok) = answered(&mut world);
    assert_eq!(received.start(), "INVITE sip:bob@192.0.2.50:5060 SIP/2.0");
    assert_eq!(received.all("Record-Route"), ["<sip:203.0.113.5:5060;lr>"], "both sides are the same");
    assert_eq!((received.body(), ok.body()), (SDP, SDP));
    assert!(received.all("Proxy-Authorization").is_empty());
    assert_eq!((ok.to, ok.status()), (out(ALICE), 200));

    let mut reinvite = invite.next("INVITE", &ok);
    reinvite.body = SDP.to_owned();
    let passed = world.say(out(ALICE), &reinvite.text());
    assert_eq!((passed[0].to, passed[0].body()), (out(BOB), SDP));
    world.say(out(BOB), &reply(&passed[0], 200, "", &[&contact_line(out(BOB))], SDP));

    let bye = callee_request(&received, "BYE", "callee", out(BOB));
    let passed = world.say(out(BOB), &bye.text());
    assert_eq!((passed.len(), passed[0].to), (1, out(ALICE)));
    let over = world.say(out(ALICE), &reply(&passed[0], 200, "", &[], ""));
    assert_eq!((over[0].to, over[0].status()), (out(BOB), 200));
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn the_caller_may_give_up() {
    let mut world = world(true);
    let (invite, sent) = invite(&mut world);
    world.say(out(BOB), &reply(&sent[0], 180, "callee", &[&contact_line(out(BOB))], ""));
    let mut cancel = invite.sibling("CANCEL", &invite.to);
    cancel.lines.clear();
    let passed = world.say(out(ALICE), &cancel.text());
    let cancelled = passed.iter().find(|sent| sent.start().starts_with("CANCEL")).expect("it goes on");
    assert_eq!(cancelled.to, out(BOB));
    let ended = world.say(out(BOB), &reply(&sent[0], 487, "callee", &[], ""));
    assert!(ended.iter().any(|sent| (sent.to, sent.status()) == (out(ALICE), 487)), "{ended:#?}");
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn one_who_is_registered_on_both_sides_rings_on_both() {
    let mut world = world(true);
    let inside = hq("10.10.10.10:5060");
    world.register("bob", inside);
    let (_, sent) = invite(&mut world);
    let invited: Vec<Hop> = sent.iter().filter(|s| s.status() == 0).map(|s| s.to).collect();
    assert_eq!(invited.len(), 2);
    assert!(invited.contains(&inside) && invited.contains(&out(BOB)));
}

#[test]
fn a_stranger_reaches_the_inside_only() {
    let mut world = world(true);
    let mut dial = |from: &str, uri: &str| {
        let request = world.request("INVITE", uri, from, out("203.0.113.99:5060"));
        world.say(out("203.0.113.99:5060"), &request.text())[0].status()
    };
    assert_eq!(dial("sip:x@elsewhere.org", B), 403);
    assert_eq!(dial(A, B), 407, "a user's name is not his password");
}

#[test]
fn a_password_opens_the_domain_only() {
    let mut world = world(true);
    for uri in ["sip:y@192.0.2.1", "sip:y@other.org"] {
        let request = world.request("INVITE", uri, A, out(ALICE));
        assert_eq!(world.authenticated(out(ALICE), request, "alice", "secret").status(), 403, "{uri}");
    }
}

#[test]
fn without_the_setting_users_outside_do_not_call_each_other() {
    let mut world = world(false);
    let (_, sent) = invite(&mut world);
    assert_eq!((sent.len(), sent[0].status()), (1, 403));
}
