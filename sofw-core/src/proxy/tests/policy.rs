use super::*;
use crate::event::DropReason;

const UA1: &str = "10.10.10.10:5060";
const UA2: &str = "198.51.100.7:5060";

fn status(world: &mut World, hop: Hop, request: &Request) -> u16 {
    let sent = world.say(hop, &request.text());
    sent.iter().map(Sent::status).find(|status| *status >= 200).unwrap_or(0)
}

fn invite(world: &mut World, hop: Hop, from: &str, uri: &str) -> u16 {
    let request = world.request("INVITE", uri, from, hop);
    status(world, hop, &request)
}

#[test]
fn strangers_reach_registered_users_and_nobody_else() {
    let mut world = World::new();
    let stranger = "sip:x@elsewhere.org";
    world.register("alice", hq(UA1));
    world.register("bob", out("192.0.2.50:5060"));
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:alice@example.net"), 0);
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:alice@203.0.113.5"), 0);
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:nobody@example.net"), 404);
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:carol@example.net"), 480, "not registered");
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:bob@example.net"), 403, "outside to outside");
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:y@192.0.2.1"), 403, "no open relay");
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:y@other.org"), 403);
    assert_eq!(invite(&mut world, out(UA2), stranger, "sip:x@10.10.10.10"), 403, "an inside address");
    assert_eq!(
        invite(&mut world, out(UA2), stranger, "sip:alice@10.10.10.2"),
        403,
        "HRAC's address is not ours here"
    );
}

#[test]
fn a_route_of_ours_lets_no_stranger_in() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    for route in ["<sip:10.10.10.2:5060;lr;site=hq>", "<sip:203.0.113.5;lr>, <sip:10.10.10.2;lr;site=hq>"] {
        let mut request = world.request("INVITE", "sip:x@10.10.10.77:5060", "sip:x@elsewhere.org", out(UA2));
        request.lines.push(format!("Route: {route}"));
        assert_eq!(status(&mut world, out(UA2), &request), 403);
        request.via = format!("{}b", request.via);
        request.to = "<sip:x@10.10.10.77>;tag=guess".to_owned();
        assert_eq!(status(&mut world, out(UA2), &request), 481);
    }
    // Nor does one that only looks like ours.
    for route in ["<sip:192.0.2.1;lr>", "<sip:192.0.2.1;lr;site=hq>"] {
        let mut request = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", out(UA2));
        request.lines.push(format!("Route: {route}"));
        assert_eq!(status(&mut world, out(UA2), &request), 403, "{route}");
    }
}

#[test]
fn who_claims_to_be_our_user_is_challenged_outside() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let request = world.request("INVITE", "sip:alice@example.net", "sip:bob@example.net", out(UA2));
    let challenged = world.say(out(UA2), &request.text()).remove(0);
    assert_eq!(challenged.status(), 407);
    assert_eq!(challenged.all("Proxy-Authenticate").len(), 1);
    for spelling in
        ["EXAMPLE.net", "example.net.", "example.net:5999", "203.0.113.5", "10.10.10.2", "10.10.10.2:5060"]
    {
        let from = format!("sip:bob@{spelling}");
        assert_eq!(invite(&mut world, out(UA2), &from, "sip:alice@example.net"), 407, "{from}");
    }
    assert_eq!(invite(&mut world, out(UA2), "sips:bob@example.net", "sip:alice@example.net"), 407);
    let again = world.answer_challenge(&request, &challenged, "bob", "secret");
    let sent = world.say(out(UA2), &again.text());
    assert_eq!(sent[0].to, hq(UA1));
    assert!(sent[0].all("Proxy-Authorization").is_empty(), "credentials for us go no further");
    let other = world.request("INVITE", "sip:alice@example.net", "sip:bob@example.net", out(UA2));
    assert_eq!(
        world.authenticated(out(UA2), other, "alice", "secret").status(),
        403,
        "another user's password"
    );
    let unknown = world.request("INVITE", "sip:alice@example.net", "sip:nobody@example.net", out(UA2));
    assert_eq!(world.authenticated(out(UA2), unknown, "nobody", "secret").status(), 407);
    let registered = out("192.0.2.50:5060");
    world.register("bob", registered);
    assert_eq!(
        invite(&mut world, registered, "sip:bob@example.net", "sip:alice@example.net"),
        407,
        "a source can be forged"
    );
}

#[test]
fn inside_a_binding_proves_its_user() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    world.register("bob", lab(UA1));
    let call = |world: &mut World, hop, from: &str| invite(world, hop, from, "sip:ua2@198.51.100.7");
    assert_eq!(call(&mut world, hq(UA1), "sip:alice@example.net"), 0);
    assert_eq!(call(&mut world, hq(UA1), "sip:alice@10.10.10.2"), 0);
    assert_eq!(
        call(&mut world, hq(UA1), "sip:bob@example.net"),
        407,
        "bob has the same address in another site"
    );
    assert_eq!(call(&mut world, hq("10.10.10.11:5060"), "sip:alice@example.net"), 407);
    assert_eq!(call(&mut world, hq("10.10.10.11:5060"), "sip:anonymous@anonymous.invalid"), 0);
}

#[test]
fn identities_asserted_outside_do_not_come_in() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let asserted = "<sip:boss@example.net>";
    let mut invite = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", out(UA2));
    for name in ["P-Asserted-Identity", "remote-party-id"] {
        invite.lines.push(format!("{name}: {asserted}"));
    }
    let sent = world.say(out(UA2), &invite.text()).remove(0);
    assert_eq!(sent.to, hq(UA1));
    assert!(!sent.text.contains("boss"), "{}", sent.text);
    let mut invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
    invite.lines.push(format!("P-Asserted-Identity: {asserted}"));
    let sent = world.say(hq(UA1), &invite.text()).remove(0);
    assert_eq!(sent.one("P-Asserted-Identity"), asserted, "what a site says of itself stays");
}

#[test]
fn strangers_do_not_notify() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let notify = |world: &mut World, hop: Hop| {
        let mut notify = world.request("NOTIFY", "sip:alice@example.net", "sip:x@elsewhere.org", hop);
        notify.lines.push("Event: check-sync".to_owned());
        status(world, hop, &notify)
    };
    assert_eq!(notify(&mut world, out(UA2)), 481);
    assert_eq!(notify(&mut world, hq("10.10.10.20:5060")), 0, "a server of the site may");
}

#[test]
fn numeric_targets_outside_must_be_usable_and_not_ourselves() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut dial = |uri: &str| invite(&mut world, hq(UA1), "sip:alice@example.net", uri);
    for (uri, expected) in [
        ("sip:x@192.0.2.9", 0),
        ("sip:x@192.0.2.9:5080", 0),
        ("sip:x@[2001:db8::9]", 0),
        ("sip:x@203.0.113.5", 404),
        ("sip:nobody@203.0.113.5:5060", 404),
        ("sip:x@[::ffff:203.0.113.5]:5060", 404),
        ("sip:x@127.0.0.1:9060;transport=tcp", 404),
        ("sip:x@[::1]", 404),
        ("sip:x@0.0.0.0", 404),
        ("sip:x@224.0.1.75", 404),
        ("sip:x@255.255.255.255", 404),
        ("sip:x@192.0.2.9:0", 404),
        ("sip:x@192.0.2.9;transport=sctp", 404),
        ("sip:x@phone.example.org", 404),
        ("sips:x@192.0.2.9", 416),
        ("tel:+15551234", 416),
    ] {
        assert_eq!(dial(uri), expected, "{uri}");
    }
}

#[test]
fn a_registered_phone_of_the_same_site_may_be_dialled_by_address() {
    let mut world = World::new();
    let other = hq("10.10.10.11:5060");
    world.register("alice", hq(UA1));
    world.register("bob", other);
    world.register("carol", lab("10.10.10.12:5060"));
    let request = world.request("INVITE", "sip:bob@10.10.10.11", "sip:alice@example.net", hq(UA1));
    assert_eq!(world.say(hq(UA1), &request.text())[0].to, other);
    let request = world.request("INVITE", "sip:carol@10.10.10.12", "sip:alice@example.net", hq(UA1));
    let to = world.say(hq(UA1), &request.text())[0].to;
    assert_eq!(to, out("10.10.10.12:5060"), "the other site's addresses mean nothing here");
}

#[test]
fn too_many_hops() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut request = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", out(UA2));
    request.lines.push("Max-Forwards: 0".to_owned());
    assert_eq!(status(&mut world, out(UA2), &request), 483);
    let mut options = world.request("OPTIONS", "sip:example.net", "sip:x@elsewhere.org", out(UA2));
    options.lines.push("Max-Forwards: 0".to_owned());
    assert_eq!(status(&mut world, out(UA2), &options), 200, "it has arrived");
}

#[test]
fn a_loop_is_detected_and_a_spiral_is_not_a_loop() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mirror = out("192.0.2.1:5060");
    let request = world.request("INVITE", "sip:echo@192.0.2.1", "sip:alice@example.net", hq(UA1));
    let sent = world.say(hq(UA1), &request.text()).remove(0);
    assert_eq!(sent.to, mirror);
    // It comes back with another Request-URI: a spiral.
    let back = |uri: &str, branch: &str| {
        let via =
            format!("\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK{branch}\r\nVia: SIP/2.0/UDP 203");
        let text =
            sent.text.replacen("sip:echo@192.0.2.1", uri, 1).replacen("\r\nVia: SIP/2.0/UDP 203", &via, 1);
        text.replacen("sip:alice@example.net>", "sip:echo@192.0.2.1>", 1)
    };
    let spiral = world.say(mirror, &back("sip:alice@example.net", "m1"));
    let spiral = spiral.into_iter().find(|s| s.to == hq(UA1)).expect("the spiral goes on");
    // From alice back to the mirror with everything alike but Vias: a loop.
    let again = spiral.text.replacen("INVITE sip:alice@10.10.10.10:5060", "INVITE sip:alice@example.net", 1);
    let again = again.replacen("Via:", "Via: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKm2\r\nVia:", 1);
    let looped = world.say(mirror, &again);
    assert_eq!(looped.iter().find(|s| s.status() >= 200).map(Sent::status), Some(482), "{looped:#?}");
}

#[test]
fn unknown_proxy_requirements_are_refused_but_require_is_the_callees_matter() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut request = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", out(UA2));
    request.lines.push("Require: 100rel".to_owned());
    assert_eq!(status(&mut world, out(UA2), &request), 0);
    request.via = format!("{}b", request.via);
    request.lines.push("Proxy-Require: foo, bar".to_owned());
    let sent = world.say(out(UA2), &request.text());
    assert_eq!((sent[0].status(), sent[0].one("Unsupported")), (420, "foo, bar"));
}

#[test]
fn options_to_us_is_answered() {
    let mut world = World::new();
    for (hop, uri) in
        [(out(UA2), "sip:203.0.113.5"), (hq(UA1), "sip:10.10.10.2:5060"), (hq(UA1), "sip:example.net")]
    {
        let mut request = world.request("OPTIONS", uri, "sip:x@elsewhere.org", hop);
        let sent = world.say(hop, &request.text()).remove(0);
        assert_eq!(sent.status(), 200);
        assert!(sent.one("Allow").contains("INVITE"));
        request.via = format!("{}b", request.via);
        request.lines.push("Require: foo".to_owned());
        assert_eq!(status(&mut world, hop, &request), 420);
    }
}

#[test]
fn presence_is_not_served() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let request = world.request("PUBLISH", "sip:alice@example.net", "sip:alice@example.net", hq(UA1));
    let sent = world.say(hq(UA1), &request.text()).remove(0);
    assert_eq!(sent.status(), 405);
    assert!(!sent.one("Allow").contains("PUBLISH"));
}

#[test]
fn malformed_requests_are_answered_and_other_rubbish_is_counted() {
    let mut world = World::new();
    let text = "INVITE sip:alice@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;rport;branch=z9hG4bKm\r\n\
                From: <sip:x@y>;tag=1\r\nTo: <sip:alice@example.net>\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
    let sent = world.say(out(UA2), text);
    assert_eq!((sent[0].status(), sent[0].to), (400, out(UA2)));
    for rubbish in ["hello", "\r\n\r\n\r\n\u{0}", "SIP/2.0 200 OK\r\n\r\n", "ACK x SIP/2.0\r\n\r\n"] {
        world.events.clear();
        assert!(world.say(out(UA2), rubbish).is_empty());
        assert!(
            matches!(world.events[..], [Event::Dropped(DropReason::MalformedSip, Some(_))]),
            "{rubbish:?}"
        );
    }
    let stray = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKno\r\nVia: SIP/2.0/UDP 1.2.3.4\r\n\
                 From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
    world.events.clear();
    assert!(world.say(out(UA2), stray).is_empty());
    assert!(matches!(world.events[..], [Event::Dropped(DropReason::StraySipResponse, Some(_))]));
}
