use super::*;

const UA1: &str = "10.10.10.10:5060";
const UA2: &str = "198.51.100.7:5060";

fn incoming(world: &mut World) -> (Request, Sent) {
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text()).remove(0);
    (invite, sent)
}

fn final_of(sent: &[Sent]) -> Option<(u16, Hop)> {
    sent.iter().find(|s| s.status() >= 200).map(|s| (s.status(), s.to))
}

#[test]
fn an_undelivered_request_fails_at_once() {
    let mut world = World::new();
    let phone = inside(HQ, Transport::Tcp, "10.10.10.10:50001");
    world.register_contact("alice", phone, "<sip:alice@10.10.10.10;transport=tcp>");
    incoming(&mut world);
    world.server.handle_undelivered(world.now, phone, &mut world.relay);
    let sent = world.drain();
    assert_eq!(final_of(&sent), Some((500, out(UA2))), "a lone 503 becomes 500 (RFC 3261 §16.7)");
    assert_eq!(world.relay.failed.len(), 1);
}

#[test]
fn an_undelivered_branch_does_not_disturb_the_others() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.register("alice", hq("10.10.10.11:5060"));
    let (_, sent) = incoming(&mut world);
    world.server.handle_undelivered(world.now, hq("10.10.10.11:5060"), &mut world.relay);
    assert!(world.drain().is_empty());
    let ok = world.say(hq(UA1), &reply(&sent, 200, "callee", &[&contact_line(hq(UA1))], SDP));
    assert_eq!(final_of(&ok), Some((200, out(UA2))));
}

#[test]
fn a_site_that_has_announced_nothing_is_unavailable() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.server.site_up(world.now, HQ, &[]);
    let (_, answer) = incoming(&mut world);
    assert_eq!((answer.status(), answer.one("Retry-After")), (503, "10"));
}

#[test]
fn the_relay_module_refuses_a_request() {
    for status in [488, 503, 400] {
        let mut world = World::new();
        world.register("alice", hq(UA1));
        world.relay.refuse_request = Some(status);
        let (_, answer) = incoming(&mut world);
        assert_eq!(answer.status(), status);
        assert_eq!(answer.all("Retry-After").len(), usize::from(status == 503));
        assert!(world.relay.failed.is_empty(), "there was no branch");
    }
}

#[test]
fn the_relay_module_refuses_an_answer() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (_, sent) = incoming(&mut world);
    world.relay.refuse_response = Some(503);
    let after = world.say(hq(UA1), &reply(&sent, 200, "callee", &[&contact_line(hq(UA1))], SDP));
    let starts: Vec<&str> = after.iter().map(Sent::start).collect();
    assert_eq!(
        starts,
        [
            "ACK sip:callee@10.10.10.10:5060 SIP/2.0",
            "BYE sip:callee@10.10.10.10:5060 SIP/2.0",
            "SIP/2.0 503 Service Unavailable"
        ]
    );
    assert_eq!(after[1].to, hq(UA1));
    assert_eq!(after[1].one("To"), "<sip:alice@example.net>;tag=callee");
    assert_eq!(world.relay.failed.len(), 1);
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn a_refused_provisional_answer_is_dropped() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (_, sent) = incoming(&mut world);
    world.relay.refuse_response = Some(503);
    assert!(world.say(hq(UA1), &reply(&sent, 183, "callee", &[], SDP)).is_empty());
    world.relay.refuse_response = None;
    let ok = world.say(hq(UA1), &reply(&sent, 200, "callee", &[&contact_line(hq(UA1))], SDP));
    assert_eq!(final_of(&ok), Some((200, out(UA2))));
}

#[test]
fn a_lost_site_ends_its_calls_and_tells_the_other_side() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.register("bob", lab(UA1));
    let (first, ..) = call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    let (other, ..) = call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:bob@example.net", lab(UA1));
    world.server.site_ended(world.now, HQ, &mut world.relay);
    let sent = world.drain();
    assert_eq!(world.relay.ended, [(first.call_id.clone(), "tunnel lost")]);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].start(), sent[0].to), ("BYE sip:phone@198.51.100.7:5060 SIP/2.0", out(UA2)));
    assert_eq!(sent[0].one("Call-ID"), first.call_id);
    assert_eq!(sent[0].one("To"), first.from, "as if from the lost phone");
    assert!(world.say(out(UA2), &reply(&sent[0], 200, "", &[], "")).is_empty());
    assert_eq!(world.server.dialogs(), 1, "the other site's call goes on: {}", other.call_id);
    assert_eq!(world.server.bindings(world.now).len(), 2, "bindings stay until they expire");
}

#[test]
fn a_lost_site_fails_what_is_under_way() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.register("bob", hq("10.10.10.11:5060"));
    let (_, incoming) = incoming(&mut world);
    world.say(hq(UA1), &reply(&incoming, 180, "callee", &[], ""));
    let outgoing =
        world.request("INVITE", "sip:ua2@198.51.100.7", "sip:bob@example.net", hq("10.10.10.11:5060"));
    let outgoing = world.say(hq("10.10.10.11:5060"), &outgoing.text()).remove(0);
    world.say(out(UA2), &reply(&outgoing, 180, "callee", &[], ""));
    world.server.site_ended(world.now, HQ, &mut world.relay);
    let sent = world.drain();
    assert!(sent.iter().any(|s| s.status() == 500 && s.to == out(UA2)));
    assert!(sent.iter().any(|s| s.start().starts_with("CANCEL") && s.to == out(UA2)));
    world.say(out(UA2), &reply(&outgoing, 487, "callee", &[], ""));
    assert_eq!(world.relay.failed.len(), 2);
    world.wait(Duration::from_secs(300));
    assert_eq!((world.server.transactions(), world.server.dialogs()), (0, 0));
}

#[test]
fn responses_from_another_space_are_not_believed() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (_, sent) = incoming(&mut world);
    let forged = reply(&sent, 200, "callee", &[&contact_line(lab(UA1))], SDP);
    assert!(world.say(lab(UA1), &forged).is_empty());
    assert!(world.say(out("192.0.2.66:5060"), &forged).is_empty());
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn a_response_without_a_via_for_somebody_else_is_dropped() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (_, sent) = incoming(&mut world);
    let text = reply(&sent, 200, "callee", &[&contact_line(hq(UA1))], SDP);
    let second = sent.all("Via")[1];
    let cut = text.replacen(&format!("Via: {second}\r\n"), "", 1);
    assert!(world.say(hq(UA1), &cut).is_empty());
    assert_eq!(final_of(&world.say(hq(UA1), &text)), Some((200, out(UA2))), "the transaction still waits");
}

#[test]
fn every_forwarded_message_is_an_event() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.events.clear();
    call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    let passed: Vec<(String, Hop, Hop)> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Sip(passage) => {
                let word = passage.start_line.split(' ').next().unwrap_or("");
                Some((word.to_owned(), passage.from, passage.to))
            }
            _ => None,
        })
        .collect();
    let (a, b) = (out(UA2), hq(UA1));
    let expected = [("INVITE", a, b), ("SIP/2.0", b, a), ("ACK", a, b)];
    assert_eq!(passed, expected.map(|(word, from, to)| (word.to_owned(), from, to)));
}

#[test]
fn a_flood_is_answered_503_without_state_and_leaves_room_for_inside() {
    let mut world = World::new();
    let (all, outside) = (100, 60);
    (world.server.transactions_max, world.server.outside_transactions_max) = (all, outside);
    let flood = |world: &mut World, hop: Hop, number: usize| {
        let text = format!(
            "OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKf{number}\r\nFrom: <sip:x@y>;tag=1\r\n\
             To: <sip:example.net>\r\nCall-ID: f\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            hop.addr()
        );
        world.server.handle_message(world.now, hop, text.as_bytes(), &mut world.relay);
        let mut last = None;
        while let Some(output) = world.server.poll() {
            last = Some(output);
        }
        match last {
            Some(SipOutput::Send { message, .. }) => String::from_utf8(message.to_vec()).expect("text"),
            _ => String::new(),
        }
    };
    for number in 0..outside {
        flood(&mut world, out(UA2), number);
    }
    assert!(world.server.transactions() <= outside);
    let refused = flood(&mut world, out(UA2), usize::MAX);
    assert!(refused.starts_with("SIP/2.0 503 ") && refused.contains("Retry-After: 10"), "{refused}");
    for number in 0..all - outside {
        assert!(flood(&mut world, hq(UA1), number).starts_with("SIP/2.0 200 "));
    }
    assert!(flood(&mut world, hq(UA1), usize::MAX).starts_with("SIP/2.0 503 "));
    assert!(world.server.transactions() <= all);
    world.wait(Duration::from_secs(33));
    assert_eq!(world.server.transactions(), 0);
}

#[test]
fn a_flood_of_long_requests_is_bounded_by_its_bytes() {
    let mut world = World::new();
    let options = |world: &mut World, hop: Hop, len: usize| {
        let mut request = world.request("OPTIONS", "sip:example.net", "sip:x@elsewhere.org", hop);
        request.body = "x".repeat(len);
        world.say(hop, &request.text())[0].status()
    };
    world.server.transaction_bytes_max = (1_000_000, 600_000);
    let fitting = (0..100).take_while(|_| options(&mut world, out(UA2), 60_000) == 200).count();
    assert_eq!(fitting, 8, "with room for the copy of the last");
    assert_eq!(options(&mut world, out(UA2), 60_000), 503);
    assert_eq!(options(&mut world, hq(UA1), 60_000), 200, "room is left for the phones inside");
    world.wait(Duration::from_secs(33));
    assert_eq!((world.server.transactions(), world.server.kept_bytes), (0, 0));
}

#[test]
fn nobody_outside_makes_us_remember_long_heads() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut say = |hop: Hop| {
        let mut request = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", hop);
        request.call_id = "c".repeat(9_000);
        world.say(hop, &request.text())[0].status()
    };
    assert_eq!(say(out(UA2)), 513);
    assert_eq!(say(hq("10.10.10.20:5060")), 0, "a site's own phones may");
}

#[test]
fn no_call_begins_when_the_dialog_table_is_full() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (.., ok) = call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    let id = world.server.dialogs.find(ok.one("Call-ID"), ("from3", "callee")).expect("the dialog");
    let pattern = world.server.dialogs.get(id).expect("the dialog").clone();
    let fill = |world: &mut World, count: usize| {
        for number in world.server.dialogs()..count {
            let copy = crate::proxy::dialogs::Dialog { call_id: format!("copy{number}"), ..pattern.clone() };
            assert!(world.server.dialogs.add(world.now, copy).is_some());
        }
    };
    fill(&mut world, limits::OUTSIDE_DIALOGS_MAX);
    let (_, answer) = incoming(&mut world);
    assert_eq!((answer.status(), answer.one("Retry-After")), (503, "10"));
    let outward = |world: &mut World| {
        let invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
        world.say(hq(UA1), &invite.text()).remove(0)
    };
    assert_eq!(outward(&mut world).to, out(UA2), "room is left for the phones inside");
    fill(&mut world, limits::DIALOGS_MAX);
    assert_eq!(outward(&mut world).status(), 503);
}
