//! A phone that is called speaks right behind its answer, before HRAS has named its address.

use super::world::*;
use crate::event::DropReason;
use crate::media::Forward;

const Y: &str = "10.10.10.10:5060";
const X: &str = "10.10.10.12:5060";

/// A message with Call-ID `call`: of HRAS, which names relay ports of HRAC, or of a phone, which names its own.
fn message(start: &str, call: &str, host: &str, ports: &[u16]) -> String {
    let mut body = format!("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n");
    for port in ports {
        body += &format!("m=audio {port} RTP/AVP 0\r\n");
    }
    format!(
        "{start}\r\nVia: SIP/2.0/UDP 10.10.10.2;branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:y@b>;tag=2\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn offer(call: &str, ports: &[u16]) -> String {
    message("INVITE sip:y@10.10.10.10 SIP/2.0", call, "10.10.10.2", ports)
}

fn answer(call: &str, host: &str, ports: &[u16]) -> String {
    message("SIP/2.0 200 OK", call, host, ports)
}

/// Both phones have spoken; Y is called in "c1" with the relay ports of two media lines.
fn called() -> World {
    let mut world = World::new();
    for phone in [X, Y] {
        let host = phone.split(':').next().unwrap();
        world.udp(phone, request("REGISTER", &format!("UDP {phone}"), host, "").as_bytes());
    }
    for (flow, port) in [(0, 30_000), (2, 30_002)] {
        world.open_flow(flow, port, None);
    }
    world.sip(udp(Y), &offer("c1", &[30_000, 30_002]));
    world
}

fn foreign(world: &mut World, port: u16, from: &str) -> bool {
    let before = world.dropped(DropReason::ForeignSource);
    world.media(port, from, b"voice");
    world.dropped(DropReason::ForeignSource) > before
}

#[test]
fn the_first_words_of_a_phone_that_answers_pass() {
    let mut world = called();
    assert!(foreign(&mut world, 30_000, "10.10.10.10:4000"), "not before it has said where it speaks from");
    world.udp(Y, answer("c1", "10.10.10.10", &[4_000, 0]).as_bytes());
    assert!(!foreign(&mut world, 30_000, "10.10.10.10:4000"));
    assert!(foreign(&mut world, 30_002, "10.10.10.10:4000"), "it wants no second line");
    assert!(foreign(&mut world, 30_000, "10.10.10.12:4000"));
    assert_eq!(world.voice(0, b"x"), Forward::Socket { port: 30_000, to: addr("10.10.10.10:4000") });
    // HRAS has the last word, within what was announced.
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    assert!(!foreign(&mut world, 30_000, "10.10.10.10:4000"));
    world.open_flow(0, 30_000, None);
    assert!(foreign(&mut world, 30_000, "10.10.10.10:4000"));
}

#[test]
fn nobody_answers_for_another_phone_or_another_call() {
    let mut world = called();
    world.udp(X, answer("c1", "10.10.10.12", &[4_000, 4_002]).as_bytes());
    world.udp(Y, answer("c2", "10.10.10.10", &[4_000, 4_002]).as_bytes());
    for from in ["10.10.10.12:4000", "10.10.10.10:4000"] {
        assert!(foreign(&mut world, 30_000, from), "{from}");
    }
    // Each m-line has its own port.
    world.udp(Y, answer("c1", "10.10.10.10", &[0, 4_002]).as_bytes());
    assert!(foreign(&mut world, 30_000, "10.10.10.10:4000"));
    assert!(!foreign(&mut world, 30_002, "10.10.10.10:4002"));
}

#[test]
fn what_was_told_of_a_port_ends_with_its_flow() {
    for end in [
        |world: &mut World| world.frame(crate::tunnel::Frame::CloseFlow(crate::tunnel::FlowId(0))),
        |world: &mut World| world.start_session(),
        |world: &mut World| world.open_flow(0, 30_000, Some("10.10.10.12:9000")),
    ] {
        let mut world = called();
        end(&mut world);
        world.udp(Y, answer("c1", "10.10.10.10", &[4_000, 0]).as_bytes());
        world.media(30_000, "10.10.10.10:4000", b"voice");
        assert!(world.dropped(DropReason::ForeignSource) + world.dropped(DropReason::NoFlow) > 0);
    }
}

#[test]
fn a_flow_whose_phone_is_known_is_not_told_away() {
    let mut world = called();
    world.udp(X, answer("c9", "10.10.10.12", &[9_000]).as_bytes());
    world.open_flow(0, 30_000, Some("10.10.10.12:9000"));
    world.sip(udp(Y), &offer("c1", &[30_000]));
    world.udp(Y, answer("c1", "10.10.10.10", &[4_000]).as_bytes());
    assert!(foreign(&mut world, 30_000, "10.10.10.10:4000"));
    assert_eq!(world.voice(0, b"x"), Forward::Socket { port: 30_000, to: addr("10.10.10.12:9000") });
}
