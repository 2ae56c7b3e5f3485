//! Whatever comes in whatever order: it ends, and stays within bounds.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Invite {
        caller: usize,
        callee: usize,
    },
    /// Anybody sends a further request in some dialog or transaction of an earlier INVITE.
    Follow {
        who: usize,
        method: usize,
        of: usize,
    },
    /// A phone answers some request it got.
    Answer {
        of: usize,
        status: usize,
        tag: usize,
    },
    Wait(u64),
    Undelivered(usize),
    SiteEnded(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4_usize, 0..5_usize).prop_map(|(caller, callee)| Step::Invite { caller, callee }),
        3 => (0..4_usize, 0..8_usize, 0..9_usize).prop_map(|(who, method, of)| Step::Follow { who, method, of }),
        6 => (0..12_usize, 0..12_usize, 0..3_usize).prop_map(|(of, status, tag)| Step::Answer { of, status, tag }),
        2 => (0..200_000_u64).prop_map(Step::Wait),
        1 => (0..4_usize).prop_map(Step::Undelivered),
        1 => (0..2_u16).prop_map(Step::SiteEnded),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn everything_ends(steps in proptest::collection::vec(step(), 1..60)) {
        let phones = [
            hq("10.10.10.10:5060"),
            lab("10.10.10.10:5060"),
            out("198.51.100.7:5060"),
            inside(HQ, Transport::Tcp, "10.10.10.11:50001"),
        ];
        let mut world = World::new();
        world.register("alice", phones[0]);
        world.register("alice", phones[1]);
        world.register("bob", phones[2]);
        world.register_contact("carol", phones[3], "<sip:carol@10.10.10.11;transport=tcp>");
        let users = ["alice", "alice", "stranger", "carol"];
        let targets = ["alice@example.net", "bob@example.net", "carol@example.net", "x@192.0.2.9", "nobody@example.net"];
        let methods = ["ACK", "BYE", "CANCEL", "INVITE", "UPDATE", "INFO", "PRACK", "NOTIFY"];
        let statuses = [100, 180, 183, 200, 200, 302, 404, 407, 486, 487, 503, 603];
        let (mut invites, mut got): (Vec<Request>, Vec<Sent>) = (Vec::new(), Vec::new());
        let mut oks: Vec<Sent> = Vec::new();
        for step in steps {
            let sent = match step {
                Step::Invite { caller, callee } => {
                    let domain = if caller == 2 { "elsewhere.org" } else { "example.net" };
                    let from = format!("sip:{}@{domain}", users[caller]);
                    let invite = world.request("INVITE", &format!("sip:{}", targets[callee]), &from, phones[caller]);
                    invites.push(invite.clone());
                    world.say(phones[caller], &invite.text())
                }
                Step::Follow { who, method, of } => {
                    let Some(invite) = invites.get(of) else { continue };
                    let ok = oks.iter().find(|ok| ok.one("Call-ID") == invite.call_id);
                    let request = match (methods[method], ok) {
                        ("CANCEL", _) => invite.sibling("CANCEL", &invite.to),
                        (method, Some(ok)) => invite.next(method, ok),
                        (method, None) => invite.sibling(method, &format!("{};tag=x", invite.to)),
                    };
                    world.say(phones[who], &request.text())
                }
                Step::Answer { of, status, tag } => {
                    let Some(request) = got.iter().rev().nth(of).cloned() else { continue };
                    let tag = ["a", "b", "c"][tag];
                    let text = reply(&request, statuses[status], tag, &[&contact_line(request.to)], SDP);
                    world.say(request.to, &text)
                }
                Step::Wait(ms) => world.wait(Duration::from_millis(ms)),
                Step::Undelivered(who) => {
                    world.server.handle_undelivered(world.now, phones[who], &mut world.relay);
                    world.drain()
                }
                Step::SiteEnded(site) => {
                    world.server.site_ended(world.now, SiteId(site), &mut world.relay);
                    world.drain()
                }
            };
            oks.extend(sent.iter().filter(|s| s.status() == 200).cloned());
            got.extend(sent.into_iter().filter(|s| s.status() == 0));
            prop_assert!(world.server.transactions() <= limits::TRANSACTIONS_MAX);
            prop_assert!(world.server.dialogs() <= limits::DIALOGS_MAX);
        }
        // Timer C, then the CANCEL that it sends.
        world.wait(Duration::from_secs(185 + 33 + 33));
        prop_assert_eq!(world.server.transactions(), 0);
        world.wait(Duration::from_secs(13 * 3_600));
        prop_assert_eq!(world.server.dialogs(), 0);
        prop_assert!(world.server.bindings(world.now).is_empty());
        prop_assert!(world.server.poll_timeout().is_none());
        prop_assert!(world.server.by_server_key.is_empty() && world.server.by_client_key.is_empty());
        prop_assert!(world.server.by_hop.is_empty());
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), inside in any::<bool>()) {
        let mut world = World::new();
        let from = if inside { hq("10.10.10.10:5060") } else { out("198.51.100.7:5060") };
        world.server.handle_message(world.now, from, &bytes, &mut world.relay);
        world.wait(Duration::from_secs(300));
        prop_assert_eq!(world.server.transactions(), 0);
    }

    /// A call in which some bytes of some messages were changed on the way.
    #[test]
    fn damaged_messages_do_no_harm(damage in proptest::collection::vec((any::<u16>(), any::<u8>(), 0..6_usize), 1..8)) {
        let mut world = World::new();
        let (phone, caller) = (hq("10.10.10.10:5060"), out("198.51.100.7:5060"));
        world.register("alice", phone);
        let invite = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", caller);
        let damaged = |text: String, step: usize| {
            let mut bytes = text.into_bytes();
            for (at, byte, _) in damage.iter().filter(|(_, _, when)| *when == step) {
                let len = bytes.len();
                bytes[usize::from(*at) % len] = *byte;
            }
            bytes
        };
        let mut sent = Vec::new();
        for step in 0..6 {
            let received = |sent: &Vec<Sent>| sent.iter().find(|s| s.start().starts_with("INVITE")).cloned();
            let (from, text) = match (step, received(&sent)) {
                (0, _) => (caller, invite.text()),
                (1, _) => (caller, invite.sibling("CANCEL", &invite.to).text()),
                (2, Some(got)) => (phone, reply(&got, 183, "a", &[&contact_line(phone)], SDP)),
                (3, Some(got)) => (phone, reply(&got, 200, "a", &[&contact_line(phone)], SDP)),
                (4, Some(got)) => (phone, callee_request(&got, "INVITE", "a", phone).text()),
                (5, Some(got)) => (phone, callee_request(&got, "BYE", "a", phone).text()),
                _ => continue,
            };
            world.server.handle_message(world.now, from, &damaged(text, step), &mut world.relay);
            while let Some(output) = world.server.poll() {
                if let SipOutput::Send { to, message } = output {
                    sent.push(Sent { to, text: String::from_utf8_lossy(&message).into_owned() });
                }
            }
        }
        let end = world.now + Duration::from_secs(600);
        while let Some(deadline) = world.server.poll_timeout().filter(|deadline| deadline.at <= end) {
            world.server.handle_timeout(deadline.at, &mut world.relay);
            while world.server.poll().is_some() {}
        }
        prop_assert_eq!(world.server.transactions(), 0);
    }
}
