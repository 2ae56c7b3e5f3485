use core::net::Ipv4Addr;

use super::*;
use crate::middlebox::OUTSIDE;
use crate::middlebox::nat::{self, NatParams};
use crate::middlebox::tests::{addr, at, pass, rng, secs, udp};

const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const PHONE: &str = "192.168.1.10:5060";
const SERVER: &str = "198.51.100.5:5060";

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;rport\r\n\
    v: SIP/2.0/UDP 192.168.1.10:5099;branch=z9hG4bK0\r\n\
    From: <sip:alice@192.168.1.10>;tag=1\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: 1@192.168.1.10\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:alice@192.168.1.10;ob>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 175\r\n\
    \r\n\
    v=0\r\n\
    o=- 1 1 IN IP4 192.168.1.10\r\n\
    s=-\r\n\
    c=IN IP4 192.168.1.10\r\n\
    t=0 0\r\n\
    m=audio 4000 RTP/AVP 0\r\n\
    a=sendrecv\r\n\
    m=video 0 RTP/AVP 96\r\n\
    m=audio 4100 RTP/AVP 0\r\n\
    c=IN IP4 192.168.1.100\r\n";

/// What a right gateway makes of it whose translator gives ports from 7000 on.
const INVITE_OUT: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 203.0.113.9:7000;branch=z9hG4bK1;rport\r\n\
    v: SIP/2.0/UDP 192.168.1.10:5099;branch=z9hG4bK0\r\n\
    From: <sip:alice@192.168.1.10>;tag=1\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: 1@192.168.1.10\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:alice@203.0.113.9:7000;ob>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 173\r\n\
    \r\n\
    v=0\r\n\
    o=- 1 1 IN IP4 203.0.113.9\r\n\
    s=-\r\n\
    c=IN IP4 203.0.113.9\r\n\
    t=0 0\r\n\
    m=audio 7002 RTP/AVP 0\r\n\
    a=sendrecv\r\n\
    m=video 0 RTP/AVP 96\r\n\
    m=audio 4100 RTP/AVP 0\r\n\
    c=IN IP4 192.168.1.100\r\n";

fn alg(params: AlgParams) -> SipAlg {
    let port_restricted = nat::find("port-restricted").expect("a preset").params(PUBLIC);
    SipAlg::new(params, Nat::new(NatParams { ports: (7000, 7999), ..port_restricted }, rng()))
}

fn named(name: &str) -> SipAlg {
    alg(find(name).expect("a preset").params())
}

fn sip(from: &str, to: &str, text: &str) -> Packet {
    Packet::udp(addr(from), addr(to), text.as_bytes())
}

fn text(packet: &Packet) -> &str {
    core::str::from_utf8(packet.payload()).expect("text")
}

fn body_length(text: &str) -> usize {
    text.split_once("\r\n\r\n").expect("a body").1.len()
}

fn out(alg: &mut SipAlg, message: &str) -> Packet {
    pass(alg, at(0), INSIDE, sip(PHONE, SERVER, message)).expect("passes")
}

#[test]
fn the_messages_of_these_tests_are_right() {
    for message in [INVITE, INVITE_OUT] {
        let length = format!("Content-Length: {}\r\n", body_length(message));
        assert!(message.contains(&length), "{length}");
    }
}

#[test]
fn a_request_goes_out_with_public_addresses() {
    let mut alg = named("right");
    let packet = out(&mut alg, INVITE);
    assert_eq!(text(&packet), INVITE_OUT);
    assert_eq!((packet.source(), packet.destination()), (addr("203.0.113.9:7000"), addr(SERVER)));
    assert_eq!((alg.counters().out, alg.counters().pinholes), (1, 2));
}

#[test]
fn media_ports_are_open_for_whoever_sends_and_with_their_rtcp() {
    let mut alg = named("right");
    // Another phone of the same kind has its own.
    let other = sip("192.168.1.11:5060", SERVER, &INVITE.replace("192.168.1.10", "192.168.1.11"));
    pass(&mut alg, at(0), INSIDE, other);
    let packet = out(&mut alg, INVITE);
    let line = text(&packet).lines().find(|line| line.starts_with("m=audio")).expect("a line");
    let port: u16 = line.split(' ').nth(1).and_then(|port| port.parse().ok()).expect("a port");
    assert_eq!(port, 7006, "after the other's, and even");
    for (public, inside) in [(port, "192.168.1.10:4000"), (port + 1, "192.168.1.10:4001")] {
        let voice = udp("198.51.100.77:9000", &format!("{PUBLIC}:{public}"));
        let voice = pass(&mut alg, secs(179), OUTSIDE, voice).expect("passes");
        assert_eq!(voice.destination(), addr(inside));
    }
}

#[test]
fn what_comes_back_finds_the_private_addresses_again() {
    let mut alg = named("right");
    let sent = out(&mut alg, INVITE);
    let response = "SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 203.0.113.9:7000;branch=z9hG4bK1;received=203.0.113.9;rport=7000\r\n\
        Contact: <sip:bob@198.51.100.77:5060>\r\n\
        Content-Length: 37\r\n\
        \r\n\
        v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\n";
    let public = sent.source().to_string();
    let got = pass(&mut alg, at(1), OUTSIDE, sip(SERVER, &public, response)).expect("passes");
    assert_eq!(got.destination(), addr(PHONE));
    let via = "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;received=203.0.113.9;rport=7000";
    assert_eq!(
        text(&got),
        response.replacen(
            "Via: SIP/2.0/UDP 203.0.113.9:7000;branch=z9hG4bK1;received=203.0.113.9;rport=7000",
            via,
            1
        )
    );
    let request = "BYE sip:alice@203.0.113.9:7000;ob SIP/2.0\r\n\
        Via: SIP/2.0/UDP 198.51.100.5:5060;branch=z9hG4bK2\r\n\
        Content-Length: 0\r\n\
        \r\n";
    let got = pass(&mut alg, at(2), OUTSIDE, sip(SERVER, &public, request)).expect("passes");
    assert_eq!(text(&got), request.replace("203.0.113.9:7000", "192.168.1.10:5060"));
    assert_eq!(alg.counters().inward, 2);
}

#[test]
fn each_habit_can_be_switched_off() {
    let has = |name: &str| {
        let mut alg = named(name);
        let packet = out(&mut alg, INVITE);
        let text = text(&packet);
        ["Via: SIP/2.0/UDP 203.0.113.9:7000", "alice@203.0.113.9:7000", "c=IN IP4 203.0.113.9"]
            .map(|part| text.contains(part))
    };
    assert_eq!(has("right"), [true, true, true]);
    assert_eq!(has("headers-only"), [true, true, false]);
    assert_eq!(has("sdp-only"), [false, false, true]);
    let mut none = alg(AlgParams {
        rewrites_via: false,
        rewrites_contact: false,
        rewrites_sdp: false,
        ..AlgParams::default()
    });
    assert_eq!(text(&out(&mut none, INVITE)), INVITE);
    assert_eq!((none.counters().out, none.counters().pinholes), (0, 0));
}

#[test]
fn a_broken_one_leaves_the_length_as_it_was() {
    let packet = out(&mut named("broken-length"), INVITE);
    assert!(text(&packet).contains("Content-Length: 175\r\n"));
    assert_eq!(body_length(text(&packet)), 173);
}

#[test]
fn other_ports_and_other_protocols_are_left_alone() {
    let elsewhere = sip("192.168.1.10:4444", "198.51.100.5:5070", &INVITE.replace(":5060", ":4444"));
    for (name, changed) in [("right", false), ("broken-length", true)] {
        let packet = pass(&mut named(name), at(0), INSIDE, elsewhere.clone()).expect("passes");
        assert_eq!(packet.payload() != elsewhere.payload(), changed, "{name}");
    }
    for payload in [
        &b""[..],
        b"\x80\x00192.168.1.10",
        b"GET / HTTP/1.1\r\nVia: 192.168.1.10\r\n\r\n",
        b"\r\n\r\n",
        b"A \xff SIP/2.0\r\n\r\n",
        b"BYE sip:192.168.1.10 SIP/2.0\r\n\r\n",
    ] {
        let packet = Packet::udp(addr(PHONE), addr(SERVER), payload);
        assert_eq!(pass(&mut named("right"), at(0), INSIDE, packet).expect("passes").payload(), payload);
    }
}

#[test]
fn longer_words_are_not_mistaken_for_the_address() {
    let message = "OPTIONS sip:x SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.168.1.10\r\n\
        Contact: <sip:a@192.168.1.100:5060>, <sip:a@1192.168.1.10>, <sip:a@192.168.1.10.example>, <sip:a@192.168.1.10:99999>\r\n\
        \r\n";
    let packet = out(&mut named("right"), message);
    let expected = message
        .replace("UDP 192.168.1.10", "UDP 203.0.113.9:7000")
        .replace("<sip:a@192.168.1.10:99999>", "<sip:a@203.0.113.9:7000:99999>");
    assert_eq!(text(&packet), expected, "a careless one, but not that careless");
}

#[test]
fn forgetting_closes_what_was_open() {
    let mut alg = named("right");
    out(&mut alg, INVITE);
    assert_eq!(alg.remembered(at(0)), 3, "signalling, RTP, RTCP");
    alg.forget();
    assert_eq!(alg.remembered(at(0)), 0);
    assert_eq!(pass(&mut alg, at(1), OUTSIDE, udp(SERVER, "203.0.113.9:7002")), None);
}
