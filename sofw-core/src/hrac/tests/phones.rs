//! Phones: SIP both ways, over UDP and TCP, with and without a tunnel.

use super::world::*;
use crate::base::{Duration, Payload};
use crate::config::limits::{SIP_CONNECTION_QUEUE_MAX, TUNNEL_GRACE};
use crate::event::{DropReason, Event};
use crate::io::{Endpoint, Input, IoError, SocketId};
use crate::tunnel::Frame;

const OK: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.10.10.10;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=a\r\n\
    To: <sip:c@d>;tag=b\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";

fn sip(frames: &[Frame]) -> Vec<(crate::tunnel::RaHeader, Payload)> {
    frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Sip { phone, message } => Some((*phone, message.clone())),
            _ => None,
        })
        .collect()
}

#[test]
fn p03_p05_a_message_passes_unchanged_with_the_phones_address() {
    let mut world = World::new();
    let invite = invite("10.10.10.10", 4_000);
    world.udp("10.10.10.10:5060", invite.as_bytes());
    let said = sip(&world.said());
    assert_eq!(said, [(udp("10.10.10.10:5060"), Payload::from(invite.into_bytes()))]);
    world.sip(udp("10.10.10.10:5060"), OK);
    let (socket, to, bytes) = world.sent.pop().unwrap();
    assert_eq!((socket, to), (SocketId::Sip(UDP), addr("10.10.10.10:5060")));
    assert_eq!(bytes, OK.as_bytes());
    let lines: Vec<&str> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Sip(passage) => Some(passage.start_line.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, ["INVITE sip:bob@10.10.10.2 SIP/2.0", "SIP/2.0 200 OK"]);
}

#[test]
fn keep_alives_and_garbage_go_nowhere() {
    let mut world = World::new();
    world.said();
    for bytes in [b"\r\n\r\n".as_slice(), b"\0\0\0\0", b"", b"hello", &[0xff; 200]] {
        world.udp("10.10.10.10:5060", bytes);
    }
    assert!(world.said().is_empty() && world.sent.is_empty());
    assert_eq!(world.dropped(DropReason::MalformedSip), 2);
    assert_eq!(world.hrac.phones(), 0, "garbage makes no phone");
}

#[test]
fn a_malformed_request_is_answered_here() {
    let mut world = World::new();
    let bad = invite("10.10.10.10", 4_000).replace("CSeq: 1 INVITE", "CSeq: 1 BYE");
    world.udp("10.10.10.10:5060", bad.as_bytes());
    assert!(world.sent.pop().unwrap().2.starts_with(b"SIP/2.0 400 "));
}

#[test]
fn without_a_tunnel_requests_get_503_with_retry_after() {
    let mut world = World::without_session();
    let invite = invite("10.10.10.10", 4_000);
    world.udp("10.10.10.10:5060", invite.as_bytes());
    let (_, to, first) = world.sent.pop().unwrap();
    let text = String::from_utf8(first.clone()).unwrap();
    assert_eq!(to, addr("10.10.10.10:5060"));
    assert!(text.starts_with("SIP/2.0 503 ") && text.contains("\r\nRetry-After: 10\r\n"), "{text}");
    world.udp("10.10.10.10:5060", invite.as_bytes());
    assert_eq!(world.sent.pop().unwrap().2, first, "a repeated request gets the same tag");
    world.udp("10.10.10.10:5060", invite.replace("INVITE", "ACK").as_bytes());
    world.udp("10.10.10.10:5060", OK.as_bytes());
    assert!(world.sent.is_empty(), "ACK and responses are never answered");
    assert!(world.said().is_empty());
    assert_eq!(world.dropped(DropReason::TunnelDown), 4);
    for _ in 0..2 {
        world.udp("10.10.10.10:5060", invite.replace("INVITE", "BYE").as_bytes());
    }
    assert!(world.sent.is_empty(), "the end of a call is not refused");
    world.start_session();
    assert_eq!(sip(&world.said()).len(), 1, "but kept for the next session");
}

#[test]
fn a_503_goes_where_the_via_says() {
    let mut world = World::without_session();
    let options = request("OPTIONS", "UDP 10.10.10.10:5099", "10.10.10.10", "");
    world.udp("10.10.10.10:40000", options.as_bytes());
    assert_eq!(world.sent.pop().unwrap().1, addr("10.10.10.10:5099"));
    let options = request("OPTIONS", "UDP 10.10.10.10:5099;rport", "10.10.10.10", "");
    world.udp("10.10.10.10:40000", options.as_bytes());
    let (_, to, bytes) = world.sent.pop().unwrap();
    assert_eq!(to, addr("10.10.10.10:40000"));
    assert!(String::from_utf8(bytes).unwrap().contains(";rport=40000"));
}

#[test]
fn a_short_outage_is_waited_out_and_a_long_one_is_not() {
    let mut world = World::new();
    world.said();
    let invite = invite("10.10.10.10", 4_000);
    world.hrac.waiting.set_down_since(world.now);
    world.now += TUNNEL_GRACE;
    world.udp("10.10.10.10:5060", invite.as_bytes());
    assert_eq!(sip(&world.said()).len(), 1, "the session brings it over");
    world.now += Duration::from_millis(1);
    world.udp("10.10.10.10:5060", invite.as_bytes());
    assert!(
        world.sent.is_empty() && world.said().is_empty(),
        "what waits already is not refused, and goes once"
    );
    let other = invite.replace("CSeq: 1", "CSeq: 2");
    world.udp("10.10.10.10:5060", other.as_bytes());
    assert!(world.sent.pop().unwrap().2.starts_with(b"SIP/2.0 503 "));
    world.udp("10.10.10.10:5060", OK.as_bytes());
    assert_eq!(sip(&world.said()).len(), 1, "a response waits for the tunnel");
    for _ in 0..2 {
        world.udp("10.10.10.10:5060", other.replace("INVITE", "BYE").as_bytes());
    }
    assert_eq!((sip(&world.said()).len(), world.sent.len()), (1, 0), "so does the end of a call");
}

#[test]
fn what_was_passed_on_before_the_outage_was_noticed_is_not_refused_when_it_comes_again() {
    let mut world = World::new();
    world.said();
    let invite = invite("10.10.10.10", 4_000);
    let answered = invite.replace("CSeq: 1", "CSeq: 2");
    for passed in [&invite, &answered] {
        world.udp("10.10.10.10:5060", passed.as_bytes());
    }
    world.sip(udp("10.10.10.10:5060"), &final_answer(&answered));
    assert_eq!(sip(&world.said()).len(), 2);
    world.sent.clear();
    world.hrac.waiting.set_down_since(world.now);
    world.now += Duration::from_secs(10);
    world.udp("10.10.10.10:5060", invite.as_bytes());
    assert!(world.sent.is_empty() && world.said().is_empty(), "it waits in the session");
    world.udp("10.10.10.10:5060", answered.as_bytes());
    assert!(world.sent.pop().unwrap().2.starts_with(b"SIP/2.0 503 "), "this one does not");
}

#[test]
fn an_invite_that_waits_longer_than_its_caller_is_cancelled_in_the_queue() {
    let mut world = World::new();
    let passed =
        ["CSeq: 1", "CSeq: 2", "CSeq: 3"].map(|cseq| invite("10.10.10.10", 4_000).replace("CSeq: 1", cseq));
    world.udp("10.10.10.10:5060", passed[0].as_bytes());
    world.udp("10.10.10.10:5060", passed[1].as_bytes());
    world.sip(udp("10.10.10.10:5060"), &final_answer(&passed[1]).replace("200 OK", "100 Trying"));
    world.hrac.waiting.set_down_since(world.now);
    world.now += Duration::from_secs(2);
    world.udp("10.10.10.10:5060", passed[2].as_bytes());
    world.said();
    let cancels = |world: &mut World| {
        let said = sip(&world.said()).into_iter();
        let texts = said.map(|(phone, message)| (phone, String::from_utf8(message.to_vec()).unwrap()));
        texts.filter(|(_, text)| text.starts_with("CANCEL ")).collect::<Vec<_>>()
    };
    for (seconds, cseq) in [(30, 1), (2, 3)] {
        world.now += Duration::from_secs(seconds) - Duration::from_millis(1);
        world.timeout();
        assert!(cancels(&mut world).is_empty(), "the caller of {cseq} may still wait");
        assert!(
            world
                .hrac
                .poll_timeout()
                .is_some_and(|deadline| deadline.at <= world.now + Duration::from_millis(1))
        );
        world.now += Duration::from_millis(1);
        world.timeout();
        let said = cancels(&mut world);
        assert_eq!(said.len(), 1, "not what HRAS has heard of: {said:?}");
        assert_eq!(said[0].0, udp("10.10.10.10:5060"));
        assert!(said[0].1.contains(&format!("\r\nCSeq: {cseq} CANCEL\r\n")), "{}", said[0].1);
    }
    world.now += Duration::from_secs(40);
    world.timeout();
    world.tunnel_is_back();
    assert!(cancels(&mut world).is_empty(), "once is enough");
}

#[test]
fn requests_are_not_remembered_for_ever() {
    let mut world = World::new();
    for number in 1..=200 {
        world.now += Duration::from_secs(1);
        world.tunnel_is_back();
        let options = request("OPTIONS", "UDP 10.10.10.10", "10.10.10.10", "");
        world.udp("10.10.10.10:5060", options.replace("CSeq: 1", &format!("CSeq: {number}")).as_bytes());
        let waiting = world.hrac.waiting.fills()[0].now;
        assert!((1..=64).contains(&waiting), "{waiting}: two spans of 32 seconds");
    }
}

#[test]
fn tcp_is_cut_into_messages_and_pings_are_answered() {
    let mut world = World::new();
    let conn = world.accept(1, "10.10.10.10:50000");
    let invite = request("INVITE", "TCP 10.10.10.10", "10.10.10.10:50000;transport=tcp", "");
    let stream = format!("\r\n\r\n{invite}{}", invite.replace("CSeq: 1", "CSeq: 2"));
    for bytes in stream.as_bytes().chunks(7) {
        world.input(Input::Received { conn, bytes });
    }
    assert_eq!(world.written, [(conn, b"\r\n".to_vec())]);
    let said = sip(&world.said());
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].0, tcp("10.10.10.10:50000"));
    // One write at a time, in order.
    world.sip(tcp("10.10.10.10:50000"), OK);
    assert_eq!(world.written.len(), 1);
    world.input(Input::Written(conn));
    assert_eq!(world.written[1], (conn, OK.as_bytes().to_vec()));
    assert!(world.connecting.is_empty(), "the phone's connection is used again");
}

#[test]
fn a_broken_stream_is_answered_and_closed() {
    let mut world = World::new();
    let conn = world.accept(1, "10.10.10.10:50000");
    let invite = request("INVITE", "TCP 10.10.10.10", "10.10.10.10", "").replace("Content-Length: 0\r\n", "");
    world.input(Input::Received { conn, bytes: invite.as_bytes() });
    assert!(world.written[0].1.starts_with(b"SIP/2.0 400 "));
    assert_eq!(world.closed, [conn]);
}

#[test]
fn a_connection_is_opened_to_an_announced_phone() {
    let mut world = World::new();
    let register = request("REGISTER", "UDP 10.10.10.10", "10.10.10.10:5060;transport=tcp", "");
    world.udp("10.10.10.10:5060", register.as_bytes());
    world.said();
    let phone = tcp("10.10.10.10:5060");
    world.sip(phone, OK);
    world.sip(phone, OK);
    let (conn, to) = world.connecting.pop().unwrap();
    assert_eq!(to, Endpoint::Addr(phone.addr));
    assert!(world.connecting.is_empty() && world.written.is_empty());
    world.input(Input::Connected { conn, local: addr("10.10.10.2:41000") });
    world.input(Input::Written(conn));
    assert_eq!(world.written.len(), 2);
    world.input(Input::Written(conn));
    world.input(Input::Closed(conn, None));
    assert!(world.said().is_empty(), "nothing was lost");
    world.sip(phone, OK);
    let (again, _) = world.connecting.pop().unwrap();
    assert_ne!(again, conn);
    world.input(Input::ConnectFailed(again, IoError::Refused));
    assert_eq!(world.said(), [Frame::Undelivered { phone }]);
}

#[test]
fn a_phone_that_reads_nothing_loses_its_connection() {
    let mut world = World::new();
    let conn = world.accept(1, "10.10.10.10:50000");
    let options = request("OPTIONS", "TCP 10.10.10.10", "10.10.10.10", "");
    world.input(Input::Received { conn, bytes: options.as_bytes() });
    world.said();
    let phone = tcp("10.10.10.10:50000");
    for _ in 0..=SIP_CONNECTION_QUEUE_MAX / OK.len() + 1 {
        world.sip(phone, OK);
    }
    assert_eq!(world.closed, [conn]);
    assert_eq!(world.said(), [Frame::Undelivered { phone }]);
    assert_eq!(world.written.len(), 1);
}

#[test]
fn p09_voice_of_a_phone_goes_into_its_flow() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    let socket = SocketId::Media(30_000);
    world.input(Input::Datagram { socket, from: addr("10.10.10.10:4000"), bytes: b"voice" });
    assert_eq!(DropReason::ALL.iter().map(|&reason| world.dropped(reason)).sum::<u64>(), 0);
    world.input(Input::Datagram { socket, from: addr("10.10.10.66:4000"), bytes: b"voice" });
    assert_eq!(world.dropped(DropReason::ForeignSource), 1);
    world.input(Input::Datagram {
        socket: SocketId::Media(30_002),
        from: addr("10.10.10.10:4000"),
        bytes: b"x",
    });
    assert_eq!(world.dropped(DropReason::NoFlow), 1);
}

/// The answer to a request, as HRAS passes it on.
fn final_answer(request: &str) -> String {
    let (_, rest) = request.split_once("\r\n").unwrap();
    let (head, _) = rest.split_once("\r\n\r\n").unwrap();
    let head = head.lines().filter(|line| !line.starts_with("Content")).collect::<Vec<_>>().join("\r\n");
    format!("SIP/2.0 200 OK\r\n{head}\r\nContent-Length: 0\r\n\r\n")
}
