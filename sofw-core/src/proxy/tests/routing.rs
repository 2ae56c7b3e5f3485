use super::*;

const UA1: &str = "10.10.10.10:5060";
const UA2: &str = "198.51.100.7:5060";

#[test]
fn a_configured_outbound_proxy_is_recognised() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    for route in ["<sip:10.10.10.2;lr>", "<sip:10.10.10.2:5060;lr;site=hq>", "<sip:example.net;lr>"] {
        let mut invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
        invite.lines.push(format!("Route: {route}"));
        let sent = world.say(hq(UA1), &invite.text());
        assert_eq!(sent[0].to, out(UA2), "{route}");
        assert!(sent[0].all("Route").is_empty());
    }
}

#[test]
fn a_strict_router_before_us_is_understood() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let (invite, _, ok) =
        call(&mut world, out(UA2), "sip:ua2@elsewhere.org", "sip:alice@example.net", hq(UA1));
    let mut bye = invite.next("BYE", &ok);
    bye.uri = "sip:203.0.113.5:5060;lr".to_owned();
    bye.lines = vec!["Route: <sip:10.10.10.2:5060;lr;site=hq>, <sip:callee@10.10.10.10:5060>".to_owned()];
    let sent = world.say(out(UA2), &bye.text());
    assert_eq!(sent[0].start(), "BYE sip:callee@10.10.10.10:5060 SIP/2.0");
    assert!(sent[0].all("Route").is_empty());
    assert_eq!(sent[0].to, hq(UA1));
}

#[test]
fn a_strict_router_behind_us_is_served() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
    invite.lines.push("Route: <sip:10.10.10.2;lr>, <sip:192.0.2.1>, <sip:192.0.2.2;lr>".to_owned());
    let sent = world.say(hq(UA1), &invite.text());
    assert_eq!(sent[0].to, out("192.0.2.1:5060"));
    assert_eq!(sent[0].start(), "INVITE sip:192.0.2.1 SIP/2.0");
    assert_eq!(sent[0].one("Route"), "<sip:192.0.2.2;lr>, <sip:ua2@198.51.100.7>");
}

#[test]
fn proxies_beyond_us_are_kept_in_the_route() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let proxy = out("192.0.2.1:5060");
    let invite = world.request("INVITE", "sip:ua2@192.0.2.1", "sip:alice@example.net", hq(UA1));
    let sent = world.say(hq(UA1), &invite.text()).remove(0);
    let mut answer = reply(&sent, 200, "callee", &[&contact_line(out(UA2))], SDP);
    answer = answer.replacen("Record-Route:", "Record-Route: <sip:192.0.2.1;lr>\r\nRecord-Route:", 1);
    let ok = world.say(proxy, &answer).remove(0);
    let ack = world.say(hq(UA1), &invite.next("ACK", &ok).text());
    assert_eq!(ack[0].to, proxy);
    assert_eq!(ack[0].one("Route"), "<sip:192.0.2.1;lr>");
    assert!(ack[0].start().starts_with("ACK sip:callee@198.51.100.7"));
}

#[test]
fn a_callee_that_answers_through_a_proxy_without_record_route_is_reached_directly() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:ua2@192.0.2.1", "sip:alice@example.net", hq(UA1));
    let sent = world.say(hq(UA1), &invite.text()).remove(0);
    let answer = reply(&sent, 200, "callee", &[&contact_line(out(UA2))], SDP);
    let ok = world.say(out("192.0.2.1:5060"), &answer).remove(0);
    assert_eq!(world.say(hq(UA1), &invite.next("ACK", &ok).text())[0].to, out(UA2));
    assert_eq!(world.say(hq(UA1), &invite.next("BYE", &ok).text())[0].to, out(UA2));
}

#[test]
fn tcp_outside_is_chosen_by_the_uri() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let uri = "sip:ua2@198.51.100.7;transport=tcp";
    let invite = world.request("INVITE", uri, "sip:alice@example.net", hq(UA1));
    let sent = world.say(hq(UA1), &invite.text()).remove(0);
    assert_eq!(sent.to, out_tcp(UA2));
    assert!(sent.one("Via").starts_with("SIP/2.0/TCP 203.0.113.5:5060;"));
    assert_eq!(sent.one("Record-Route"), "<sip:203.0.113.5:5060;lr;transport=tcp>");
}

#[test]
fn ipv6_is_bracketed_where_it_must_be_and_nowhere_else() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let v6 = Hop::Outside(OutsideAddr {
        listener: 2,
        transport: Transport::Udp,
        addr: "[2001:db8::9]:5060".parse().expect("address"),
    });
    let mut invite = world.request("INVITE", "sip:alice@example.net", "sip:x@elsewhere.org", v6);
    invite.via = "SIP/2.0/UDP [2001:db8::9];rport;branch=z9hG4bK6".to_owned();
    let sent = world.say(v6, &invite.text()).remove(0);
    assert_eq!(sent.all("Record-Route")[1], "<sip:[2001:db8::5]:5060;lr>");
    assert!(sent.all("Via")[1].contains(";received=2001:db8::9"), "{}", sent.text);
    let outward = world.request("INVITE", "sip:x@[2001:db8::9]:5070", "sip:alice@example.net", hq(UA1));
    let sent = world.say(hq(UA1), &outward.text()).remove(0);
    assert_eq!(sent.to.addr().to_string(), "[2001:db8::9]:5070");
    assert!(sent.one("Via").starts_with("SIP/2.0/UDP [2001:db8::5]:5060;"));
}

#[test]
fn unknown_headers_and_bodies_survive_byte_for_byte() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let mut invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
    invite.lines.push("X-Odd:   a ,b;  c=\"d\"".to_owned());
    invite.lines.push("s:short form".to_owned());
    let sent = world.say(hq(UA1), &invite.text()).remove(0);
    assert!(sent.text.contains("\r\nX-Odd:   a ,b;  c=\"d\"\r\ns:short form\r\n"));
    assert_eq!(sent.body(), SDP);
}

#[test]
fn what_came_without_a_length_gets_one_on_a_stream() {
    let mut world = World::new();
    let phone = inside(HQ, Transport::Tcp, "10.10.10.10:49152");
    world.register("alice", phone);
    let caller = out(UA2);
    // Read as two messages, the second would be one that nobody has checked.
    let hidden = "NOTIFY sip:alice@10.10.10.10 SIP/2.0\r\n\r\n";
    let message = world.request("MESSAGE", "sip:alice@example.net", "sip:x@elsewhere.org", caller);
    let text = message.text().replace("Content-Length: 0\r\n", "") + hidden;
    let sent = world.say(caller, &text).remove(0);
    assert_eq!((sent.to, sent.one("Content-Length")), (phone, hidden.len().to_string().as_str()));
    assert_eq!(sent.body(), hidden);
    let ok = reply(&sent, 200, "callee", &[], "");
    assert!(!world.say(phone, &ok.replace("Content-Length: 0\r\n", ""))[0].text.contains("Content-Length"));
    let outward = world.request("MESSAGE", "sip:ua2@198.51.100.7", "sip:alice@example.net", phone);
    let sent = world.say(phone, &outward.text()).remove(0);
    let ok = reply(&sent, 200, "callee", &[], "").replace("Content-Length: 0\r\n", "") + hidden;
    let answer = world.say(out(UA2), &ok).remove(0);
    assert_eq!((answer.to, answer.one("Content-Length")), (phone, hidden.len().to_string().as_str()));
}

#[test]
fn a_request_without_max_forwards_gets_70() {
    let mut world = World::new();
    world.register("alice", hq(UA1));
    let invite = world.request("INVITE", "sip:ua2@198.51.100.7", "sip:alice@example.net", hq(UA1));
    let text = invite.text().replace("Max-Forwards: 70\r\n", "");
    assert_eq!(world.say(hq(UA1), &text)[0].one("Max-Forwards"), "70");
}
