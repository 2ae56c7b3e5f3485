use super::*;

const UA1: &str = "10.10.10.10:5060";
const UA2: &str = "198.51.100.7:5060";

fn answered() -> (World, Request, Sent, Sent) {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (invite, received, ok) =
        call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    (world, invite, received, ok)
}

#[test]
fn outside_requests_need_a_known_dialog() {
    let (mut world, invite, _, ok) = answered();
    let mut bye = invite.next("BYE", &ok);
    bye.to = "<sip:alice@example.net>;tag=guess".to_owned();
    assert_eq!(world.say(out(UA2), &bye.text())[0].status(), 481);
    let mut ack = invite.next("ACK", &ok);
    ack.to = bye.to.clone();
    ack.via = format!("{}z", ack.via);
    assert!(world.say(out(UA2), &ack.text()).is_empty(), "an ACK is never answered");
    assert_eq!(world.server.dialogs(), 1);
}

#[test]
fn nobody_speaks_for_the_other_side() {
    let (mut world, _, received, _) = answered();
    // Outside somebody who knows all, but writes as the inside phone.
    let bye = callee_request(&received, "BYE", "callee", out(UA2));
    assert_eq!(world.say(out(UA2), &bye.text())[0].status(), 481);
    // The same address in another site.
    let bye = callee_request(&received, "BYE", "callee", lab(UA1));
    assert_eq!(world.say(lab(UA1), &bye.text())[0].status(), 481);
    assert_eq!(world.server.dialogs(), 1);
}

#[test]
fn an_outside_peer_cannot_aim_at_other_inside_addresses() {
    let (mut world, invite, _, ok) = answered();
    let mut info = invite.next("INFO", &ok);
    info.uri = "sip:secret@10.10.10.200:22".to_owned();
    let sent = world.say(out(UA2), &info.text());
    assert_eq!(sent[0].to, hq(UA1));
}

#[test]
fn early_dialogs_carry_prack_and_update() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let lines = [&*contact_line(hq(UA1)), "Require: 100rel", "RSeq: 1"];
    let progress = world.say(hq(UA1), &reply(&sent[0], 183, "callee", &lines, SDP));
    assert_eq!(world.server.dialogs(), 1);
    for method in ["PRACK", "UPDATE"] {
        let request = invite.next(method, &progress[0]);
        assert_eq!(world.say(out(UA2), &request.text())[0].to, hq(UA1), "{method}");
    }
    world.say(hq(UA1), &reply(&sent[0], 480, "callee", &[], ""));
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn early_dialogs_of_one_branch_are_bounded() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    for number in 0..50 {
        world.say(hq(UA1), &reply(&sent[0], 180, &format!("tag{number}"), &[], ""));
    }
    assert_eq!(world.server.dialogs(), limits::BRANCH_DIALOGS_MAX);
}

#[test]
fn a_2xx_that_comes_again_after_the_bye_makes_no_dialog() {
    let (mut world, invite, received, ok) = answered();
    let bye = invite.next("BYE", &ok);
    let sent = world.say(out(UA2), &bye.text());
    world.say(hq(UA1), &reply(&sent[0], 200, "", &[], ""));
    assert_eq!(world.server.dialogs(), 0);
    let again = reply(&received, 200, "callee", &[&contact_line(hq(UA1))], SDP);
    assert_eq!(world.say(hq(UA1), &again).len(), 1, "the caller may have lost the first");
    assert_eq!(world.server.dialogs(), 0, "but the call is over");
}

#[test]
fn a_2xx_that_comes_after_the_bye_makes_no_dialog() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let ringing = reply(&sent[0], 180, "callee", &[&contact_line(hq(UA1))], "");
    world.say(hq(UA1), &ringing);
    let bye = world.say(hq(UA1), &callee_request(&sent[0], "BYE", "callee", hq(UA1)).text());
    world.say(out(UA2), &reply(&bye[0], 200, "", &[], ""));
    world.say(hq(UA1), &reply(&sent[0], 200, "callee", &[&contact_line(hq(UA1))], SDP));
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn dialogs_of_one_branch_are_bounded() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    for number in 0..50 {
        world.say(hq(UA1), &reply(&sent[0], 200, &format!("tag{number}"), &[&contact_line(hq(UA1))], SDP));
    }
    assert_eq!(world.server.dialogs(), limits::BRANCH_DIALOGS_MAX);
}

#[test]
fn a_challenged_bye_does_not_end_the_call() {
    let (mut world, invite, _, ok) = answered();
    let bye = invite.next("BYE", &ok);
    let sent = world.say(out(UA2), &bye.text());
    world.say(hq(UA1), &reply(&sent[0], 401, "", &["WWW-Authenticate: Digest realm=\"x\""], ""));
    assert!(world.relay.ended.is_empty());
    assert_eq!(world.server.dialogs(), 1);
}

#[test]
fn p10_an_unanswered_bye_ends_the_call_at_its_timeout() {
    let (mut world, invite, _, ok) = answered();
    let bye = invite.next("BYE", &ok);
    world.say(out(UA2), &bye.text());
    world.wait(Duration::from_secs(31));
    assert!(world.relay.ended.is_empty());
    let sent = world.wait(Duration::from_secs(2));
    assert_eq!(world.relay.ended, [(bye.call_id, "bye")]);
    assert!(!sent.iter().any(|s| s.status() == 408), "no 408 for non-INVITE (RFC 4320)");
    world.wait(Duration::from_secs(60));
    assert_eq!(world.server.transactions(), 0);
}

#[test]
fn a_phone_behind_nat_gets_requests_of_its_dialog_at_its_source() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (home, private) = (out("198.51.100.7:40000"), "sip:bob@192.168.1.5:5060");
    let mut invite = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", home);
    invite.contact = format!("<{private}>");
    let received = world.say(home, &invite.text()).remove(0);
    let ok = reply(&received, 200, "callee", &[&contact_line(hq(UA1))], SDP);
    let ok = world.say(hq(UA1), &ok).remove(0);
    let mut request = callee_request(&received, "INFO", "callee", hq(UA1));
    let sent = world.say(hq(UA1), &request.text()).remove(0);
    assert_eq!((sent.to, sent.start()), (home, format!("INFO {private} SIP/2.0").as_str()));
    // Its router gives it another port; it says so by its re-INVITE.
    let moved = out("198.51.100.7:41000");
    let again = world.say(moved, &invite.next("INVITE", &ok).text()).remove(0);
    world.say(hq(UA1), &reply(&again, 200, "", &[&contact_line(hq(UA1))], SDP));
    request.method = "BYE".to_owned();
    request.via += "b";
    request.cseq += 1;
    assert_eq!(world.say(hq(UA1), &request.text())[0].to, moved);
}

#[test]
fn a_callee_behind_nat_gets_ack_and_bye_at_its_source() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let home = out("198.51.100.7:40000");
    world.register_contact("bob", home, "<sip:bob@192.168.1.5:5060>");
    let invite = world.request("INVITE", "sip:bob@example.net", "sip:alice@example.net", hq(UA1));
    let received = world.say(hq(UA1), &invite.text()).remove(0);
    let ok = reply(&received, 200, "callee", &["Contact: <sip:bob@192.168.1.5:5060>"], SDP);
    let ok = world.say(home, &ok).remove(0);
    for method in ["ACK", "INVITE", "BYE"] {
        assert_eq!(world.say(hq(UA1), &invite.next(method, &ok).text())[0].to, home, "{method}");
    }
}

#[test]
fn a_reinvite_moves_the_remote_target() {
    let (mut world, invite, _, ok) = answered();
    let moved = out("198.51.100.9:5070");
    let mut again = invite.next("INVITE", &ok);
    again.contact = format!("<sip:phone@{}>", moved.addr());
    let sent = world.say(out(UA2), &again.text());
    assert!(sent[0].all("Record-Route").is_empty(), "the route set is fixed");
    world.say(hq(UA1), &reply(&sent[0], 200, "", &[&contact_line(hq(UA1))], SDP));
    let mut bye = callee_request(&sent[0], "BYE", "callee", hq(UA1));
    bye.from = sent[0].one("To").to_owned();
    bye.uri = "sip:phone@198.51.100.9:5070".to_owned();
    assert_eq!(world.say(hq(UA1), &bye.text())[0].to, moved);
}

#[test]
fn a_refused_reinvite_leaves_the_call() {
    let (mut world, invite, _, ok) = answered();
    let again = invite.next("INVITE", &ok);
    let sent = world.say(out(UA2), &again.text());
    let refused = world.say(hq(UA1), &reply(&sent[0], 488, "", &[], ""));
    assert!(refused.iter().any(|s| s.status() == 488));
    assert_eq!(world.relay.failed.len(), 1, "the former media state returns");
    assert!(world.relay.ended.is_empty());
    assert_eq!(world.server.dialogs(), 1);
}

#[test]
fn a_session_timer_ends_a_forgotten_call_and_refreshes_keep_it() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let lines = [&*contact_line(hq(UA1)), "Session-Expires: 1800;refresher=uac"];
    let ok = world.say(hq(UA1), &reply(&sent[0], 200, "callee", &lines, SDP)).remove(0);
    world.wait(Duration::from_secs(1_000));
    let update = invite.next("UPDATE", &ok);
    let sent = world.say(out(UA2), &update.text());
    world.say(hq(UA1), &reply(&sent[0], 200, "", &["Session-Expires: 1800;refresher=uac"], ""));
    world.wait(Duration::from_secs(1_500));
    assert_eq!(world.server.dialogs(), 1);
    world.wait(Duration::from_secs(400));
    assert_eq!(world.relay.ended, [(invite.call_id, "session timer")]);
}

#[test]
fn a_call_without_session_timer_lives_for_hours() {
    let (mut world, invite, _, ok) = answered();
    world.wait(Duration::from_secs(10 * 3_600));
    let mut info = invite.next("INFO", &ok);
    info.via = format!("{}i", info.via);
    assert_eq!(world.say(out(UA2), &info.text())[0].to, hq(UA1));
    world.wait(Duration::from_secs(10 * 3_600));
    assert_eq!(world.server.dialogs(), 1);
    world.wait(Duration::from_secs(3 * 3_600));
    assert_eq!(world.relay.ended, [(invite.call_id, "idle")]);
}

#[test]
fn a_tcp_peer_that_reconnects_is_followed() {
    let mut world = World::new();
    let old = inside(HQ, Transport::Tcp, "10.10.10.10:50001");
    let new = inside(HQ, Transport::Tcp, "10.10.10.10:50002");
    world.register_contact("alice", old, "<sip:alice@10.10.10.10:5060;transport=tcp>");
    let (invite, received, ok) =
        call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", old);
    let info = callee_request(&received, "INFO", "callee", new);
    world.say(new, &info.text());
    assert_eq!(world.say(out(UA2), &invite.next("BYE", &ok).text())[0].to, new);
}

#[test]
fn a_subscription_is_a_dialog_and_its_notify_may_come_first() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut subscribe = world.request("SUBSCRIBE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
    subscribe.lines.push("Event: dialog".to_owned());
    let sent = world.say(hq(UA1), &subscribe.text());
    assert_eq!(sent[0].all("Record-Route").len(), 2);
    let mut notify = callee_request(&sent[0], "NOTIFY", "notifier", out(UA2));
    notify.lines.push("Subscription-State: active;expires=600".to_owned());
    assert_eq!(world.say(out(UA2), &notify.text())[0].to, hq(UA1));
    let ok = reply(&sent[0], 200, "notifier", &[&contact_line(out(UA2)), "Expires: 600"], "");
    let ok = world.say(out(UA2), &ok).remove(0);
    world.wait(Duration::from_secs(300));
    notify.cseq += 1;
    notify.via = format!("{}2", notify.via);
    assert_eq!(world.say(out(UA2), &notify.text())[0].to, hq(UA1));
    let refresh = subscribe.next("SUBSCRIBE", &ok);
    assert_eq!(world.say(hq(UA1), &refresh.text())[0].to, out(UA2));
    world.wait(Duration::from_secs(700));
    assert_eq!(world.server.dialogs(), 0);
    assert!(world.relay.ended.is_empty(), "no call was here");
}

#[test]
fn a_notify_that_nobody_asked_for_is_refused() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut notify = world.request("NOTIFY", "sip:alice@10.10.10.10", "sip:x@elsewhere.org", out(UA2));
    notify.to = "<sip:alice@example.net>;tag=guess".to_owned();
    assert_eq!(world.say(out(UA2), &notify.text())[0].status(), 481);
}

#[test]
fn inside_dialogs_older_than_the_server_follow_their_route() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut bye = world.request("BYE", "sip:ua2@198.51.100.7:5060", "sip:alice@example.net", hq(UA1));
    bye.to = "<sip:ua2@198.51.100.7>;tag=old".to_owned();
    bye.lines.push("Route: <sip:10.10.10.2:5060;lr;site=hq>, <sip:203.0.113.5:5060;lr>".to_owned());
    let sent = world.say(hq(UA1), &bye.text());
    assert_eq!(sent[0].to, out(UA2));
    let claimed = Request {
        from: "<sip:bob@example.net>;tag=x".to_owned(),
        via: format!("{}c", bye.via),
        ..bye.clone()
    };
    assert_eq!(world.say(hq(UA1), &claimed.text())[0].status(), 407, "as whom they please");
    bye.via = format!("{}b", bye.via);
    bye.lines = vec!["Route: <sip:10.10.10.2:5060;lr;site=hq>, <sip:10.10.10.2:5060;lr;site=lab>".to_owned()];
    bye.uri = "sip:x@10.10.10.77".to_owned();
    assert_eq!(world.say(hq(UA1), &bye.text())[0].status(), 481, "never into another site unasked");
}

#[test]
fn a_call_older_than_the_server_is_known_again_once_its_inside_phone_renews_it() {
    for method in ["INVITE", "UPDATE"] {
        let mut world = World::new();
        world.register("alice", hq(UA1));
        let mut again = world.request(method, "sip:ua2@198.51.100.7:5060", "sip:alice@example.net", hq(UA1));
        again.to = "<sip:ua2@198.51.100.7>;tag=old".to_owned();
        again.lines.push("Route: <sip:10.10.10.2:5060;lr;site=hq>, <sip:203.0.113.5:5060;lr>".to_owned());
        let sent = world.say(hq(UA1), &again.text()).into_iter().find(|s| s.to == out(UA2)).expect("sent on");
        let mut bye = callee_request(&sent, "BYE", "", out(UA2));
        bye.from = sent.one("To").to_owned();
        assert_eq!(world.say(out(UA2), &bye.text())[0].status(), 481, "not before the other end agrees");
        assert_eq!(world.server.dialogs(), 0);
        world.say(out(UA2), &reply(&sent, 200, "", &["Contact: <sip:ua2@198.51.100.7:5060>"], SDP));
        assert_eq!(world.server.dialogs(), 1);
        bye.via = format!("{}b", bye.via);
        assert_eq!(world.say(out(UA2), &bye.text())[0].to, hq(UA1));
    }
}
