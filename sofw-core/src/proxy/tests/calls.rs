use super::*;

const UA1: &str = "10.10.10.10:5060";
const UA2: &str = "198.51.100.7:5060";

fn hang_up(world: &mut World, who: Hop, bye: &Request, other: Hop) {
    let sent = world.say(who, &bye.text());
    assert_eq!((sent.len(), sent[0].to), (1, other), "{sent:#?}");
    assert!(sent[0].all("Route").is_empty(), "our Routes are taken off: {}", sent[0].text);
    assert!(world.relay.ended.is_empty(), "not before the answer");
    let answer = world.say(other, &reply(&sent[0], 200, "", &[], ""));
    assert_eq!((answer[0].status(), answer[0].to), (200, who));
    assert_eq!(world.relay.ended, [(bye.call_id.clone(), "bye")]);
    assert_eq!(world.server.dialogs(), 0);
}

#[test]
fn p05_rfc3665_3_1_call_from_outside_to_inside() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].to, hq(UA1));
    assert_eq!(sent[0].start(), "INVITE sip:alice@10.10.10.10:5060 SIP/2.0");
    assert_eq!(sent[0].one("Max-Forwards"), "69");
    assert_eq!(
        sent[0].all("Record-Route"),
        ["<sip:10.10.10.2:5060;lr;site=hq>", "<sip:203.0.113.5:5060;lr>"],
        "the next hop's side on top (RFC 5658)"
    );
    let vias = sent[0].all("Via");
    assert!(vias[0].starts_with("SIP/2.0/UDP 10.10.10.2:5060;rport;branch=z9hG4bK"), "{vias:?}");
    assert!(vias[1].contains(";received=198.51.100.7") && vias[1].contains(";rport=5060"), "{vias:?}");
    assert_eq!((sent[1].to, sent[1].status()), (out(UA2), 100));

    let ringing = world.say(hq(UA1), &reply(&sent[0], 180, "callee", &[&contact_line(hq(UA1))], ""));
    assert_eq!((ringing[0].to, ringing[0].status(), ringing[0].all("Via").len()), (out(UA2), 180, 1));
    let ok = world.say(hq(UA1), &reply(&sent[0], 200, "callee", &[&contact_line(hq(UA1))], SDP));
    assert_eq!((ok[0].to, ok[0].status()), (out(UA2), 200));
    let ack = world.say(out(UA2), &invite.next("ACK", &ok[0]).text());
    assert_eq!((ack.len(), ack[0].to), (1, hq(UA1)));
    assert_eq!(ack[0].start(), "ACK sip:callee@10.10.10.10:5060 SIP/2.0");
    hang_up(&mut world, out(UA2), &invite.next("BYE", &ok[0]), hq(UA1));
}

#[test]
fn p06_call_from_inside_to_a_numeric_address_outside() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (invite, received, ok) =
        call(&mut world, hq(UA1), "sip:alice@example.net", "sip:ua2@198.51.100.7", out(UA2));
    assert_eq!(received.start(), "INVITE sip:ua2@198.51.100.7 SIP/2.0");
    assert!(received.all("Via")[0].starts_with("SIP/2.0/UDP 203.0.113.5:5060;"));
    assert_eq!(
        received.all("Record-Route"),
        ["<sip:203.0.113.5:5060;lr>", "<sip:10.10.10.2:5060;lr;site=hq>"]
    );
    assert_eq!(ok.to, hq(UA1));
    hang_up(&mut world, hq(UA1), &invite.next("BYE", &ok), out(UA2));
}

#[test]
fn the_callee_hangs_up() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (_, received, _) =
        call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    let bye = callee_request(&received, "BYE", "callee", hq(UA1));
    hang_up(&mut world, hq(UA1), &bye, out(UA2));
}

#[test]
fn the_outside_callee_hangs_up() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (_, received, _) =
        call(&mut world, hq(UA1), "sip:alice@example.net", "sip:ua2@198.51.100.7", out(UA2));
    let bye = callee_request(&received, "BYE", "callee", out(UA2));
    hang_up(&mut world, out(UA2), &bye, hq(UA1));
}

#[test]
fn a_registered_outside_user_is_called_from_inside() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let home = out("198.51.100.7:40000");
    world.register_contact("bob", home, "<sip:bob@192.168.1.5:5060>");
    let (invite, received, ok) =
        call(&mut world, hq(UA1), "sip:alice@example.net", "sip:bob@example.net", home);
    assert_eq!(received.start(), "INVITE sip:bob@192.168.1.5:5060 SIP/2.0");
    // Its Contact means nothing to us; its NAT's address does.
    let mut bye = invite.next("BYE", &ok);
    bye.uri = "sip:bob@192.168.1.5:5060".to_owned();
    hang_up(&mut world, hq(UA1), &bye, home);
}

#[test]
fn two_sites_with_the_same_addresses_call_each_other() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.register("bob", lab(UA1));
    let (invite, received, ok) =
        call(&mut world, hq(UA1), "sip:alice@example.net", "sip:bob@example.net", lab(UA1));
    assert_eq!(
        received.all("Record-Route"),
        ["<sip:10.10.10.2:5060;lr;site=lab>", "<sip:10.10.10.2:5060;lr;site=hq>"]
    );
    hang_up(&mut world, hq(UA1), &invite.next("BYE", &ok), lab(UA1));
}

#[test]
fn p12_two_phones_of_one_site_need_one_record_route() {
    let mut world = World::new();
    let other = hq("10.10.10.11:5060");
    world.register("alice", hq(UA1));
    world.register("bob", other);
    let (invite, received, ok) =
        call(&mut world, hq(UA1), "sip:alice@example.net", "sip:bob@10.10.10.2", other);
    assert_eq!(received.all("Record-Route"), ["<sip:10.10.10.2:5060;lr;site=hq>"]);
    hang_up(&mut world, hq(UA1), &invite.next("BYE", &ok), other);
}

#[test]
fn rfc3665_3_8_busy() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let busy = world.say(hq(UA1), &reply(&sent[0], 486, "callee", &[], ""));
    assert_eq!(busy[0].to, hq(UA1));
    assert!(busy[0].start().starts_with("ACK "), "acknowledged hop by hop");
    assert_eq!(busy[0].one("Via"), sent[0].one("Via"));
    assert_eq!((busy[1].to, busy[1].status()), (out(UA2), 486));
    assert_eq!(world.relay.failed.len(), 1);
    let absorbed = world.say(out(UA2), &invite.sibling("ACK", busy[1].one("To")).text());
    assert!(absorbed.is_empty(), "the caller's ACK ends here");
    assert!(world.wait(Duration::from_secs(60)).is_empty());
    assert_eq!(world.server.transactions(), 0);
}

#[test]
fn rfc3665_3_9_no_answer_at_all_is_408() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    world.say(out(UA2), &invite.text());
    let sent = world.wait(Duration::from_secs(33));
    let retransmitted = sent.iter().filter(|s| s.start().starts_with("INVITE")).count();
    assert_eq!(retransmitted, 6);
    let last = sent.iter().find(|s| s.status() >= 200).expect("a final response");
    assert_eq!((last.status(), last.to), (408, out(UA2)));
    assert_eq!(world.relay.failed.len(), 1);
}

#[test]
fn rfc3665_3_10_ringing_for_ever_is_cancelled_by_timer_c() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    world.say(hq(UA1), &reply(&sent[0], 180, "callee", &[], ""));
    world.wait(Duration::from_secs(100));
    world.say(hq(UA1), &reply(&sent[0], 180, "callee", &[], ""));
    let quiet = world.wait(Duration::from_secs(184));
    assert!(quiet.is_empty(), "each 18x starts timer C again: {quiet:?}");
    let cancel = world.wait(Duration::from_secs(2));
    assert!(cancel[0].start().starts_with("CANCEL sip:alice@10.10.10.10:5060"));
    assert_eq!(cancel[0].one("Via"), sent[0].one("Via"));
    let sent = world.wait(Duration::from_secs(40));
    assert!(sent.iter().any(|s| s.status() == 408 && s.to == out(UA2)), "not even the CANCEL was answered");
}

#[test]
fn rfc3665_3_9_cancel() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let early = world.say(out(UA2), &invite.sibling("CANCEL", &invite.to).text());
    assert_eq!((early.len(), early[0].status()), (1, 200), "no CANCEL before a provisional response");
    let ringing = world.say(hq(UA1), &reply(&sent[0], 180, "callee", &[], ""));
    let cancel = ringing.iter().find(|s| s.start().starts_with("CANCEL")).expect("CANCEL");
    assert_eq!((cancel.to, cancel.one("Via")), (hq(UA1), sent[0].one("Via")));
    assert!(world.say(hq(UA1), &reply(cancel, 200, "callee", &[], "")).is_empty());
    let gone = world.say(hq(UA1), &reply(&sent[0], 487, "callee", &[], ""));
    assert!(gone[0].start().starts_with("ACK"));
    assert_eq!((gone[1].to, gone[1].status()), (out(UA2), 487));
    assert_eq!(world.relay.failed.len(), 1);
    assert!(world.relay.log.last().is_some_and(|line| line.ends_with(" cancel")), "{:?}", world.relay.log);
    assert_eq!(world.server.dialogs(), 0, "the early dialog is gone");
}

#[test]
fn a_cancelled_call_to_a_dead_phone_ends_with_487() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    world.say(out(UA2), &invite.text());
    world.say(out(UA2), &invite.sibling("CANCEL", &invite.to).text());
    let sent = world.wait(Duration::from_secs(33));
    assert_eq!(sent.iter().find(|s| s.status() >= 200).map(Sent::status), Some(487));
}

#[test]
fn a_cancel_for_nothing_is_481_and_a_late_one_changes_nothing() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let cancel = invite.sibling("CANCEL", &invite.to);
    let none = world.say(out(UA2), &cancel.text());
    assert_eq!(none[0].status(), 481);
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let sent = world.say(out(UA2), &invite.text());
    world.say(hq(UA1), &reply(&sent[0], 200, "callee", &[&contact_line(hq(UA1))], SDP));
    let late = world.say(out(UA2), &cancel.text());
    assert_eq!((late.len(), late[0].status()), (1, 200));
}

#[test]
fn a_200_that_crosses_the_cancel_is_passed_on() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    world.say(hq(UA1), &reply(&sent[0], 180, "callee", &[&contact_line(hq(UA1))], ""));
    let cancelled = world.say(out(UA2), &invite.sibling("CANCEL", &invite.to).text());
    assert!(cancelled.iter().any(|s| s.to == hq(UA1) && s.start().starts_with("CANCEL ")));
    let ok = world.say(hq(UA1), &reply(&sent[0], 200, "callee", &[&contact_line(hq(UA1))], SDP)).remove(0);
    assert_eq!((ok.to, ok.status()), (out(UA2), 200));
    assert!(world.relay.failed.is_empty(), "it is a call until its BYE");
    // RFC 3261 §9.1: the caller acknowledges it and hangs up.
    assert_eq!(world.say(out(UA2), &invite.next("ACK", &ok).text())[0].to, hq(UA1));
    assert_eq!(world.say(out(UA2), &invite.next("BYE", &ok).text())[0].to, hq(UA1));
}

#[test]
fn a_stranger_outside_cannot_cancel_an_inside_callers_invite() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
    world.say(hq(UA1), &invite.text());
    let stolen = world.say(out("192.0.2.66:5060"), &invite.sibling("CANCEL", &invite.to).text());
    assert_eq!(stolen[0].status(), 481);
}

#[test]
fn retransmitted_requests_are_absorbed() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    let again = world.say(out(UA2), &invite.text());
    assert_eq!((again.len(), again[0].status()), (1, 100));
    world.say(hq(UA1), &reply(&sent[0], 180, "callee", &[], ""));
    assert_eq!(world.say(out(UA2), &invite.text())[0].status(), 180);
    assert_eq!(world.relay.requests.len(), 1, "one copy only");
}

#[test]
fn retransmissions_carry_the_same_bytes() {
    let mut world = World::new();
    world.relay.new_body = Some("v=0\r\n");
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    let sent = world.say(out(UA2), &invite.text());
    assert_eq!((sent[0].body(), sent[0].one("Content-Length")), ("v=0\r\n", "5"));
    let again = world.wait(Duration::from_millis(600));
    assert_eq!(again[0].text, sent[0].text);
}

#[test]
fn every_2xx_is_passed_on_and_every_ack() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (invite, received, ok) =
        call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    let again = world.say(hq(UA1), &reply(&received, 200, "callee", &[&contact_line(hq(UA1))], SDP));
    assert_eq!((again.len(), again[0].status(), again[0].to), (1, 200, out(UA2)));
    let ack = invite.next("ACK", &ok);
    assert_eq!(world.say(out(UA2), &ack.text()).len(), 1);
    let acks: Vec<_> = world.relay.log.iter().filter(|line| line.starts_with("request ACK")).collect();
    assert_eq!(acks.len(), 2);
    assert_ne!(acks[0], acks[1], "each with its own branch id");
    assert!(world.say(out(UA2), &invite.text()).is_empty(), "a late INVITE is absorbed");
}

#[test]
fn bodies_of_answers_acks_and_reinvites_pass_the_relay_module() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut invite = world.request("INVITE", "sip:alice@example.net", "sip:ua2@elsewhere.org", out(UA2));
    invite.body = String::new(); // Delayed offer.
    world.relay.new_body = Some("v=0\r\ns=ours\r\n");
    let sent = world.say(out(UA2), &invite.text());
    assert_eq!(sent[0].body(), "");
    let ok = world.say(hq(UA1), &reply(&sent[0], 200, "callee", &[&contact_line(hq(UA1))], SDP));
    assert_eq!(ok[0].body(), "v=0\r\ns=ours\r\n");
    let mut ack = invite.next("ACK", &ok[0]);
    ack.body = SDP.to_owned();
    assert_eq!(world.say(out(UA2), &ack.text())[0].body(), "v=0\r\ns=ours\r\n");
    for method in ["INVITE", "UPDATE", "PRACK"] {
        let mut next = invite.next(method, &ok[0]);
        next.body = SDP.to_owned();
        let sent = world.say(out(UA2), &next.text());
        assert_eq!(sent[0].body(), "v=0\r\ns=ours\r\n", "{method}");
        assert_eq!(world.relay.requests.last().map(|r| r.3), Some(false), "not dialog-forming");
    }
}

#[test]
fn responses_go_where_rfc_3581_and_3261_say() {
    let mut world = World::new();
    let from = out("198.51.100.7:40000");
    let mut options = world.request("OPTIONS", "sip:example.net", "sip:x@elsewhere.org", from);
    let mut ask = |via: &str| {
        options.via = via.to_owned();
        let sent = world.say(from, &options.text()).remove(0);
        assert_eq!(sent.status(), 200);
        (sent.to, sent.one("Via").to_owned())
    };
    let (to, via) = ask("SIP/2.0/UDP 192.168.1.5;rport;branch=z9hG4bKa");
    assert_eq!(to, from);
    assert!(via.contains(";received=198.51.100.7") && via.contains(";rport=40000"), "{via}");
    let (to, via) = ask("SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKb");
    assert_eq!(to, out("198.51.100.7:5070"), "no rport: the port in sent-by");
    assert!(!via.contains("received"), "{via}");
    let (to, via) = ask("SIP/2.0/UDP 192.168.1.5:5060;branch=z9hG4bKc");
    assert_eq!(to, from, "behind a NAT without knowing");
    assert!(via.contains(";received=198.51.100.7"), "{via}");
    let (to, _) = ask("SIP/2.0/UDP 192.168.1.5;maddr=192.0.2.1;branch=z9hG4bKd");
    assert_eq!(to, from, "maddr aims us at nobody");
}

#[test]
fn an_invite_that_waits_somewhere_after_its_time_is_cancelled() {
    for (callee, cancels) in [(hq(UA1), 1), (out("198.51.100.9:5060"), 0)] {
        let mut world = World::new();
        let caller = hq("10.10.10.11:5060");
        world.register("alice", callee);
        world.register("bob", caller);
        let invite = world.request("INVITE", "sip:alice@example.net", "sip:bob@example.net", caller);
        let sent = world.say(caller, &invite.text());
        let invite = sent.iter().find(|s| s.to == callee).expect("INVITE").clone();
        let sent = world.wait(Duration::from_millis(32_100));
        let given_up = sent.iter().position(|s| s.status() == 408).expect("a final response");
        let after: Vec<_> = sent[given_up + 1..].iter().filter(|s| s.start().starts_with("CANCEL")).collect();
        assert_eq!(after.len(), cancels, "only where it cannot overtake the INVITE");
        for cancel in after {
            assert_eq!((cancel.to, cancel.one("Via")), (callee, invite.one("Via")));
        }
        // The phone answers both at last.
        let late = world.say(callee, &reply(&invite, 487, "callee", &[], ""));
        assert!(late.is_empty());
        world.wait(Duration::from_secs(40));
        assert_eq!(world.server.transactions(), 0);
    }
}
