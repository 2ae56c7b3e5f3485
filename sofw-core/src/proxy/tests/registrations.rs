use super::*;

#[test]
fn p04_rfc3665_2_1_registration_with_challenge() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    let challenged = world.say(phone, &request.text());
    assert_eq!(challenged.len(), 1);
    assert_eq!((challenged[0].status(), challenged[0].to), (401, phone));
    let again = world.answer_challenge(&request, &challenged[0], "alice", "secret");
    let done = world.say(phone, &again.text());
    assert_eq!(done[0].status(), 200);
    assert_eq!(done[0].all("Contact"), ["<sip:alice@10.10.10.10:5060>;expires=3600"]);
    assert!(world.events.contains(&Event::Registered { user: "alice".into(), hop: phone, expires_s: 3_600 }));
    let list = world.server.bindings(world.now);
    assert_eq!((list.len(), list[0].user.as_str(), list[0].hop), (1, "alice", phone));
}

#[test]
fn one_challenge_of_an_algorithm_that_the_user_has_a_hash_for() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let mut algorithms = |user: &str| {
        let request = world.registration(user, phone);
        let sent = world.say(phone, &request.text());
        sent[0].all("WWW-Authenticate").iter().map(|c| param(c, "algorithm").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        algorithms("alice"),
        ["MD5"],
        "phones in use fail on a second challenge that they do not know"
    );
    assert_eq!(algorithms("carol"), ["MD5"]);
    assert_eq!(algorithms("dave"), ["SHA-256"]);
    // Names that are no users look like one of the users, always like the same.
    let mut kinds = BTreeSet::new();
    for number in 0..40 {
        let name = format!("nobody{number}");
        let first = algorithms(&name);
        assert_eq!(first, algorithms(&name));
        assert_eq!(first.len(), 1);
        kinds.insert(first);
    }
    assert_eq!(kinds.len(), 2, "as varied as the users");
}

#[test]
fn a_phone_may_answer_with_sha_256_what_was_asked_in_md5() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    let challenged = world.say(phone, &request.text());
    let challenge = challenged[0].one("WWW-Authenticate").replace("algorithm=MD5", "algorithm=SHA-256");
    let mut again = request.clone();
    again.via = format!("{}x", again.via);
    again.lines.push(format!("Authorization: {}", digest(&challenge, &request, "alice", "secret", 1)));
    assert_eq!(world.say(phone, &again.text())[0].status(), 200);
}

#[test]
fn every_kind_of_user_can_register() {
    for user in ["alice", "carol", "dave"] {
        let mut world = World::new();
        world.register(user, hq("10.10.10.10:5060"));
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let mut world = World::new();
    let phone = out("198.51.100.7:5060");
    for user in ["alice", "nobody"] {
        let request = world.registration(user, phone);
        let sent = world.authenticated(phone, request, user, "guess");
        assert_eq!(sent.status(), 401);
        assert!(!sent.one("WWW-Authenticate").contains("stale"));
        assert!(world.events.contains(&Event::AuthFailed { user: user.into(), hop: phone }));
    }
    assert!(world.server.bindings(world.now).is_empty());
}

#[test]
fn a_first_challenge_is_no_failure() {
    let mut world = World::new();
    world.register("alice", hq("10.10.10.10:5060"));
    assert!(!world.events.iter().any(|event| matches!(event, Event::AuthFailed { .. })));
}

#[test]
fn nobody_registers_for_somebody_else() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    assert_eq!(world.authenticated(phone, request, "bob", "secret").status(), 403);
    assert!(world.server.bindings(world.now).is_empty());
}

#[test]
fn an_old_nonce_is_stale_and_the_password_is_not_asked_again() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    let challenged = world.say(phone, &request.text());
    let again = world.answer_challenge(&request, &challenged[0], "alice", "secret");
    world.wait(Duration::from_secs(301));
    let sent = world.say(phone, &again.text());
    assert_eq!(sent[0].status(), 401);
    assert!(sent[0].one("WWW-Authenticate").contains("stale=true"));
    assert!(!world.events.iter().any(|event| matches!(event, Event::AuthFailed { .. })));
    let last = world.answer_challenge(&again, &sent[0], "alice", "secret");
    assert_eq!(world.say(phone, &last.text())[0].status(), 200);
}

#[test]
fn a_nonce_count_is_accepted_once_and_may_grow() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    let challenged = world.say(phone, &request.text());
    let mut cseq = 1;
    let mut with_count = |world: &mut World, count| {
        cseq += 1;
        let mut again = request.clone();
        again.cseq = cseq;
        again.via = format!("{}n{cseq}", again.via);
        let credentials = digest(challenged[0].one("WWW-Authenticate"), &request, "alice", "secret", count);
        again.lines.push(format!("Authorization: {credentials}"));
        world.say(phone, &again.text()).remove(0)
    };
    assert_eq!(with_count(&mut world, 1).status(), 200);
    let replayed = with_count(&mut world, 1);
    assert_eq!(replayed.status(), 401);
    assert!(replayed.one("WWW-Authenticate").contains("stale=true"));
    assert_eq!(with_count(&mut world, 2).status(), 200);
}

#[test]
fn credentials_without_qop_are_refused() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("carol", phone);
    let challenged = world.say(phone, &request.text());
    let challenge = challenged[0].one("WWW-Authenticate");
    let (realm, nonce) = (param(challenge, "realm"), param(challenge, "nonce"));
    let ha1 = Algorithm::Md5.hash(&["carol", realm, "secret"]);
    let ha2 = Algorithm::Md5.hash(&["REGISTER", &request.uri]);
    let response = Algorithm::Md5.hash(&[&ha1, nonce, &ha2]);
    let mut again = request.clone();
    again.via = format!("{}x", again.via);
    again.lines.push(format!(
        "Authorization: Digest username=\"carol\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{}\", response=\"{response}\"",
        request.uri
    ));
    assert_eq!(world.say(phone, &again.text())[0].status(), 401);
}

#[test]
fn a_made_up_nonce_is_not_accepted() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    let challenge = format!("Digest realm=\"example.net\", nonce=\"{}\", algorithm=SHA-256", "0".repeat(64));
    let mut again = request.clone();
    again.lines.push(format!("Authorization: {}", digest(&challenge, &request, "alice", "secret", 1)));
    assert_eq!(world.say(phone, &again.text())[0].status(), 401);
}

#[test]
fn a_register_retransmission_is_answered_alike() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let request = world.registration("alice", phone);
    let first = world.say(phone, &request.text());
    let second = world.say(phone, &request.text());
    assert_eq!(first[0].text, second[0].text, "absorbed by the transaction");
}

#[test]
fn all_bindings_are_listed_and_a_query_changes_nothing() {
    let mut world = World::new();
    world.register("alice", hq("10.10.10.10:5060"));
    world.register("alice", out("198.51.100.7:5060"));
    world.wait(Duration::from_secs(100));
    let query = world.register_contact("alice", hq("10.10.10.10:5060"), "");
    assert_eq!(
        query.all("Contact"),
        ["<sip:alice@10.10.10.10:5060>;expires=3500", "<sip:alice@198.51.100.7:5060>;expires=3500"]
    );
}

#[test]
fn contact_parameters_come_back() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let contact = "<sip:alice@10.10.10.10:5060>;q=0.5;expires=120;+sip.instance=\"<urn:uuid:1>\"";
    let sent = world.register_contact("alice", phone, contact);
    assert_eq!(
        sent.one("Contact"),
        "<sip:alice@10.10.10.10:5060>;q=0.5;+sip.instance=\"<urn:uuid:1>\";expires=120"
    );
}

#[test]
fn rfc3665_2_4_and_2_5_deregistration() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    world.register("alice", phone);
    let one = world.register_contact("alice", phone, "<sip:alice@10.10.10.10:5060>;expires=0");
    assert_eq!((one.status(), one.all("Contact").len()), (200, 0));
    assert!(world.events.contains(&Event::Registered { user: "alice".into(), hop: phone, expires_s: 0 }));

    world.register("alice", phone);
    world.register("alice", out("198.51.100.7:5060"));
    let mut all = world.registration("alice", phone);
    all.contact = "*".to_owned();
    all.lines.push("Expires: 0".to_owned());
    let sent = world.authenticated(phone, all, "alice", "secret");
    assert_eq!((sent.status(), sent.all("Contact").len()), (200, 0));
    assert!(world.server.bindings(world.now).is_empty());
}

#[test]
fn a_star_needs_expires_0_and_stands_alone() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    world.register("alice", phone);
    for (contact, expires) in [("*", "Expires: 60"), ("*", "X: y"), ("*, <sip:a@b>", "Expires: 0")] {
        let mut request = world.registration("alice", phone);
        request.contact = contact.to_owned();
        request.lines.push(expires.to_owned());
        assert_eq!(
            world.authenticated(phone, request, "alice", "secret").status(),
            400,
            "{contact} {expires}"
        );
    }
    assert_eq!(world.server.bindings(world.now).len(), 1);
}

#[test]
fn too_brief_is_423_with_min_expires_and_too_long_is_shortened() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let brief = world.register_contact("alice", phone, "<sip:alice@10.10.10.10:5060>;expires=30");
    assert_eq!((brief.status(), brief.one("Min-Expires")), (423, "60"));
    let long = world.register_contact("alice", phone, "<sip:alice@10.10.10.10:5060>;expires=86400");
    assert!(long.one("Contact").ends_with(";expires=3600"));
}

#[test]
fn long_and_many_contacts_are_refused() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let long = format!("<sip:alice@10.10.10.10:5060{}>", ";a".repeat(limits::CONTACT_MAX / 2));
    assert_eq!(world.register_contact("alice", phone, &long).status(), 400);
    let many: Vec<_> =
        (0..=limits::REGISTER_CONTACTS_MAX).map(|n| format!("<sip:alice{n}@10.10.10.10>")).collect();
    assert_eq!(world.register_contact("alice", phone, &many.join(", ")).status(), 400);
    assert!(world.server.bindings(world.now).is_empty());
    world.register_contact("alice", phone, &many[1..].join(", "));
    assert_eq!(world.server.bindings(world.now).len(), limits::USER_BINDINGS_MAX);
}

#[test]
fn an_older_request_of_the_same_call_id_changes_nothing() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let mut request = world.registration("alice", phone);
    request.cseq = 10;
    assert_eq!(world.authenticated(phone, request.clone(), "alice", "secret").status(), 200);
    request.cseq = 5;
    request.via = format!("{}old", request.via);
    request.contact = "<sip:alice@10.10.10.10:5060>;expires=0, <sip:alice@10.10.10.10:5070>".to_owned();
    assert_eq!(world.authenticated(phone, request.clone(), "alice", "secret").status(), 500);
    assert_eq!(world.server.bindings(world.now).len(), 1, "all or nothing");
    request.call_id = "restarted".to_owned();
    request.via = format!("{}new", request.via);
    assert_eq!(world.authenticated(phone, request, "alice", "secret").status(), 200);
}

#[test]
fn bindings_expire() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    world.register_contact("alice", phone, "<sip:alice@10.10.10.10:5060>;expires=60");
    world.wait(Duration::from_secs(61));
    assert!(world.server.bindings(world.now).is_empty());
    assert!(world.events.contains(&Event::Registered { user: "alice".into(), hop: phone, expires_s: 0 }));
}

#[test]
fn a_user_has_at_most_ten_bindings_and_the_oldest_goes() {
    let mut world = World::new();
    for port in 5_061..5_075 {
        world.register("alice", hq(&format!("10.10.10.10:{port}")));
        world.wait(Duration::from_secs(1));
    }
    let list = world.server.bindings(world.now);
    assert_eq!(list.len(), 10);
    assert!(!list.iter().any(|binding| binding.hop == hq("10.10.10.10:5061")));
}

#[test]
fn a_phone_behind_nat_is_reached_at_its_source() {
    let mut world = World::new();
    let phone = out("198.51.100.7:40000");
    world.register_contact("alice", phone, "<sip:alice@192.168.1.5:5060>");
    let binding = world.server.bindings(world.now).remove(0);
    assert_eq!(binding.hop, phone);
    assert_eq!(binding.remaining_s, 90, "it comes back before its router forgets it");
    world.register_contact("bob", phone, "<sip:bob@198.51.100.7:40000>");
    assert_eq!(world.server.bindings(world.now)[1].remaining_s, 3_600);
}

#[test]
fn a_phone_that_moved_leaves_no_binding_behind() {
    let mut world = World::new();
    let instance = |id: &str| format!(";+sip.instance=\"<urn:uuid:{id}>\"");
    let contact = |hop: Hop, more: &str| format!("<sip:alice@{}>{more}", hop.addr());
    let (desk, cafe, home) = (hq("10.10.10.10:5060"), out("198.51.100.7:40000"), out("192.0.2.50:5060"));
    world.register_contact("alice", desk, &contact(desk, &instance("1")));
    world.register_contact("alice", home, &contact(home, &instance("2")));
    world.register_contact("alice", cafe, &contact(cafe, &instance("1")));
    let hops: Vec<Hop> = world.server.bindings(world.now).iter().map(|binding| binding.hop).collect();
    assert_eq!(hops, [home, cafe]);
    let gone = contact(desk, &(instance("1") + ";expires=0"));
    world.register_contact("alice", cafe, &gone);
    assert_eq!(world.server.bindings(world.now).len(), 2, "it takes leave of its old address only");
    // RFC 5626 §6: several ways to one phone are numbered.
    world.register_contact("alice", desk, &contact(desk, &(instance("1") + ";reg-id=1")));
    world.register_contact("alice", cafe, &contact(cafe, &(instance("1") + ";reg-id=2")));
    assert_eq!(world.server.bindings(world.now).len(), 3);
}

#[test]
fn a_phone_that_listens_on_another_port_is_reached_there() {
    let mut world = World::new();
    world.register_contact("alice", hq("10.10.10.10:40000"), "<sip:alice@10.10.10.10:5070>");
    assert_eq!(world.server.bindings(world.now)[0].hop, hq("10.10.10.10:5070"));
    world.register_contact("alice", hq("10.10.10.10:41000"), "<sip:alice@10.10.10.10:5070>");
    let list = world.server.bindings(world.now);
    assert_eq!(list.len(), 1, "the same contact, from another port");
}

#[test]
fn a_phone_that_registers_over_tcp_is_reached_over_that_connection() {
    let mut world = World::new();
    let phone = inside(HQ, Transport::Tcp, "10.10.10.10:49152");
    world.register_contact("alice", phone, "<sip:alice@10.10.10.10:5060;transport=tcp>");
    assert_eq!(world.server.bindings(world.now)[0].hop, phone);
    let caller = out("198.51.100.7:5060");
    let invite = world.request("INVITE", "sip:alice@example.net", "sip:stranger@elsewhere.org", caller);
    let sent = world.say(caller, &invite.text());
    assert_eq!(sent[0].to, phone);
    assert!(sent[0].one("Via").starts_with("SIP/2.0/TCP 10.10.10.2:5060;"));
    assert!(sent[0].all("Record-Route")[0].contains(";transport=tcp"));
    let later = world.wait(Duration::from_secs(5));
    assert!(later.is_empty(), "nothing is retransmitted over TCP: {later:?}");
}

#[test]
fn p03_the_domain_may_be_hracs_address() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let mut request = world.registration("alice", phone);
    request.uri = "sip:10.10.10.2".to_owned();
    request.to = "<sip:alice@10.10.10.2>".to_owned();
    request.from = "<sip:alice@10.10.10.2>;tag=1".to_owned();
    let sent = world.authenticated(phone, request, "alice", "secret");
    assert_eq!(sent.status(), 200);
    assert_eq!(world.server.bindings(world.now).len(), 1);
}

#[test]
fn an_unknown_requirement_is_refused() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let mut request = world.registration("alice", phone);
    request.lines.push("Require: teleport".to_owned());
    let sent = world.say(phone, &request.text());
    assert_eq!((sent[0].status(), sent[0].one("Unsupported")), (420, "teleport"));
}

#[test]
fn other_registrars_are_not_reached_through_us() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let mut request = world.registration("alice", phone);
    request.uri = "sip:192.0.2.99".to_owned();
    assert_eq!(world.say(phone, &request.text())[0].status(), 403);
}

#[test]
fn an_escaped_user_is_the_same_user() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    let mut request = world.registration("alice", phone);
    request.to = "<sip:%61lice@EXAMPLE.net>".to_owned();
    assert_eq!(world.authenticated(phone, request, "alice", "secret").status(), 200);
    assert_eq!(world.server.bindings(world.now)[0].user, "alice");
}

#[test]
fn addresses_of_record_may_leave_out_our_port() {
    let mut world = World::new();
    let lan = RaHeader { transport: Transport::Udp, addr: "10.10.10.2:5070".parse().expect("address") };
    world.server.site_up(world.now, HQ, &[lan]);
    let phone = hq("10.10.10.10:5060");
    let mut request = world.registration("alice", phone);
    request.uri = "sip:10.10.10.2:5070".to_owned();
    request.to = "<sip:alice@10.10.10.2>".to_owned();
    assert_eq!(world.authenticated(phone, request, "alice", "secret").status(), 200);
}
