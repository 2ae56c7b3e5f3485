use super::*;

const UA2: &str = "198.51.100.7:5060";

/// Alice at two desks and at home.
fn world() -> (World, [Hop; 3]) {
    let mut world = World::new();
    let phones = [hq("10.10.10.10:5060"), lab("10.10.10.10:5060"), out("192.0.2.50:5060")];
    for phone in phones {
        world.register("alice", phone);
    }
    world.register("bob", hq("10.10.10.99:5060"));
    (world, phones)
}

fn invite_from_inside(world: &mut World) -> (Request, Vec<Sent>) {
    let bob = hq("10.10.10.99:5060");
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:bob@example.net", bob);
    let sent = world.say(bob, &invite.text());
    (invite, sent.into_iter().filter(|s| s.start().starts_with("INVITE")).collect())
}

#[test]
fn all_bindings_ring_inside_and_outside() {
    let (mut world, phones) = world();
    let (_, sent) = invite_from_inside(&mut world);
    assert_eq!(sent.iter().map(|s| s.to).collect::<Vec<_>>(), phones);
    let branches: BTreeSet<&str> = sent.iter().map(|s| s.one("Via")).collect();
    assert_eq!(branches.len(), 3);
    assert_eq!(world.relay.requests.len(), 3, "the relay module sees each copy");
}

#[test]
fn a_stranger_outside_reaches_only_the_inside_ones() {
    let (mut world, phones) = world();
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let to: Vec<Hop> = sent.iter().filter(|s| s.start().starts_with("INVITE")).map(|s| s.to).collect();
    assert_eq!(to, phones[..2]);
}

#[test]
fn the_first_2xx_wins_and_the_others_are_cancelled() {
    let (mut world, phones) = world();
    let (_, sent) = invite_from_inside(&mut world);
    world.say(phones[0], &reply(&sent[0], 180, "a", &[], ""));
    let after = world.say(phones[1], &reply(&sent[1], 200, "b", &[&contact_line(phones[1])], SDP));
    assert_eq!(after[0].status(), 200);
    let cancelled: Vec<Hop> =
        after.iter().filter(|s| s.start().starts_with("CANCEL")).map(|s| s.to).collect();
    assert_eq!(cancelled, [phones[0]], "the third has not said anything yet");
    let late = world.say(phones[2], &reply(&sent[2], 180, "c", &[], ""));
    assert!(late.iter().any(|s| s.start().starts_with("CANCEL")));
    assert!(!late.iter().any(|s| s.status() == 180), "nobody wants to hear that any more");
    for (phone, request) in [(phones[0], &sent[0]), (phones[2], &sent[2])] {
        let sent = world.say(phone, &reply(request, 487, "x", &[], ""));
        assert_eq!(sent.len(), 1, "only our ACK: {sent:#?}");
    }
    assert_eq!(world.relay.failed.len(), 2);
    assert_eq!(world.server.dialogs(), 1);
}

#[test]
fn a_second_2xx_is_passed_on_too() {
    let (mut world, phones) = world();
    let (_, sent) = invite_from_inside(&mut world);
    world.say(phones[0], &reply(&sent[0], 200, "a", &[&contact_line(phones[0])], SDP));
    let second = world.say(phones[1], &reply(&sent[1], 200, "b", &[&contact_line(phones[1])], SDP));
    assert_eq!((second[0].status(), second[0].to_tag()), (200, "b".to_owned()));
    assert_eq!(world.server.dialogs(), 2);
}

#[test]
fn failures_wait_for_each_other_and_the_best_is_sent() {
    for (statuses, best) in [
        ([486, 404, 480], 486),
        ([500, 486, 503], 486),
        ([486, 484, 404], 484),
        ([302, 486, 480], 302),
        ([603, 302, 480], 603),
        ([503, 503, 503], 500),
    ] {
        let (mut world, phones) = world();
        let (_, sent) = invite_from_inside(&mut world);
        let mut answers = Vec::new();
        for index in 0..3 {
            let said = world.say(phones[index], &reply(&sent[index], statuses[index], "x", &[], ""));
            let finals: Vec<u16> = said.iter().map(Sent::status).filter(|status| *status >= 200).collect();
            assert!(index == 2 || finals.is_empty(), "not before all have answered");
            answers.extend(finals);
        }
        assert_eq!(answers, [best], "{statuses:?}");
    }
}

#[test]
fn a_6xx_cancels_the_others() {
    let (mut world, phones) = world();
    let (_, sent) = invite_from_inside(&mut world);
    world.say(phones[0], &reply(&sent[0], 180, "a", &[], ""));
    let after = world.say(phones[1], &reply(&sent[1], 603, "b", &[], ""));
    assert!(after.iter().any(|s| s.start().starts_with("CANCEL") && s.to == phones[0]));
    assert!(!after.iter().any(|s| s.status() >= 200));
}

#[test]
fn challenges_are_aggregated() {
    let (mut world, phones) = world();
    let (_, sent) = invite_from_inside(&mut world);
    let challenge = |realm: &str| format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"1\"");
    world.say(phones[0], &reply(&sent[0], 407, "a", &[&challenge("a")], ""));
    world.say(phones[1], &reply(&sent[1], 486, "b", &[], ""));
    let last = world.say(phones[2], &reply(&sent[2], 407, "c", &[&challenge("c")], ""));
    let answer = last.iter().find(|s| s.status() == 407).expect("407");
    assert_eq!(answer.all("Proxy-Authenticate").len(), 2, "{}", answer.text);
}

#[test]
fn cancel_reaches_every_ringing_branch() {
    let (mut world, phones) = world();
    let (invite, sent) = invite_from_inside(&mut world);
    for (phone, request) in phones.iter().zip(&sent) {
        world.say(*phone, &reply(request, 180, "x", &[], ""));
    }
    let after = world.say(hq("10.10.10.99:5060"), &invite.sibling("CANCEL", &invite.to).text());
    assert_eq!(after.iter().filter(|s| s.start().starts_with("CANCEL")).count(), 3);
    for (phone, request) in phones.iter().zip(&sent) {
        world.say(*phone, &reply(request, 487, "x", &[], ""));
    }
    assert_eq!(world.relay.failed.len(), 3);
    world.wait(Duration::from_secs(300));
    assert_eq!(world.server.transactions(), 0);
}

#[test]
fn a_message_is_forked_and_answered_once() {
    let (mut world, phones) = world();
    let bob = hq("10.10.10.99:5060");
    let request = world.request("MESSAGE", "sip:alice@example.net", "sip:bob@example.net", bob);
    let sent = world.say(bob, &request.text());
    assert_eq!(sent.len(), 3, "no 100 for other methods");
    assert!(sent[0].all("Record-Route").is_empty());
    let first = world.say(phones[0], &reply(&sent[0], 200, "a", &[], ""));
    assert_eq!(first.len(), 1);
    assert!(world.say(phones[1], &reply(&sent[1], 200, "b", &[], "")).is_empty());
}
