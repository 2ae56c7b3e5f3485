//! A hostile HRAS cannot make HRAC talk to anything that the inside did not announce.

use core::net::SocketAddr;

use super::world::*;
use crate::base::{Duration, Instant};
use crate::config::limits::{ANNOUNCED_MEDIA_MAX, PHONE_LIFE, PHONES_MAX, SIP_MESSAGE_MAX};
use crate::event::{DropReason, Event};
use crate::hrac::phones::Phones;
use crate::media::{Forward, Remote};
use crate::sip::Message;
use crate::tunnel::{FlowId, Frame, Urgent};

const MESSAGE: &str = "OPTIONS sip:x@10.10.10.99 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.10.2;branch=z9hG4bK2\r\n\
    Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: h\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

#[test]
fn sip_goes_only_to_addresses_that_spoke_sip() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    world.said();
    for phone in [
        udp("10.10.10.99:5060"),
        udp("10.10.10.10:22"),
        tcp("10.10.10.10:5060"),
        tcp("10.10.10.1:80"),
        udp("[::1]:5060"),
    ] {
        world.sip(phone, MESSAGE);
        assert_eq!(world.said(), [Frame::Undelivered { phone }]);
        let dropped = Event::Dropped(DropReason::UnannouncedInside, Some(phone.addr));
        assert_eq!(world.events.pop(), Some(dropped));
    }
    assert!(world.sent.is_empty() && world.connecting.is_empty());
    assert_eq!(world.dropped(DropReason::UnannouncedInside), 5);
    world.sip(udp("10.10.10.10:5060"), MESSAGE);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_phone_announces_other_ports_of_its_own_host_only() {
    let mut world = World::new();
    let register = request("REGISTER", "UDP 10.10.10.10:5070", "10.10.10.10:5080;transport=tcp", "");
    world.udp("10.10.10.10:5060", register.as_bytes());
    let foreign = request("REGISTER", "UDP 10.10.10.1:80", "10.10.10.66:5060", "");
    world.udp("10.10.10.12:5060", foreign.as_bytes());
    world.said();
    world.sip(udp("10.10.10.10:5060"), MESSAGE);
    world.sip(udp("10.10.10.10:5070"), MESSAGE);
    world.sip(tcp("10.10.10.10:5080"), MESSAGE);
    assert!(world.said().is_empty());
    assert_eq!((world.sent.len(), world.connecting.len()), (2, 1));
    world.sip(udp("10.10.10.1:80"), MESSAGE);
    world.sip(udp("10.10.10.66:5060"), MESSAGE);
    assert_eq!(world.said().len(), 2);
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn a_forgotten_phone_is_spoken_to_no_more() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    world.now = world.now + PHONE_LIFE + Duration::from_millis(1);
    world.timeout();
    world.sip(udp("10.10.10.10:5060"), MESSAGE);
    assert!(world.sent.is_empty());
    assert_eq!(world.hrac.phones(), 0);
}

#[test]
fn phones_that_never_end_fill_no_more_than_their_table() {
    let mut phones = Phones::new();
    let now = Instant::from_millis(5);
    let text = request("OPTIONS", "UDP 192.0.2.1", "192.0.2.1", "");
    let message = Message::parse(text.as_bytes()).unwrap();
    let phone = |number: usize| {
        let [_, a, b, c] = (number as u32).to_be_bytes();
        udp(&format!("10.{a}.{b}.{c}:5060"))
    };
    for number in 0..PHONES_MAX {
        assert!(phones.learn(now, phone(number), UDP, &message));
    }
    assert!(!phones.learn(now, phone(PHONES_MAX), UDP, &message));
    assert!(phones.learn(now, phone(7), UDP, &message), "known ones go on");
    assert_eq!((phones.len(), phones.listener(phone(PHONES_MAX))), (PHONES_MAX, None));
}

#[test]
fn announced_media_addresses_fill_no_more_than_their_table() {
    const LINES: usize = 512;
    let mut phones = Phones::new();
    let now = Instant::from_millis(5);
    let source = udp("10.10.10.10:5060");
    let rtp = |number: usize| {
        SocketAddr::from(([10, 20, (number / 16_384) as u8, 1], (number % 16_384 * 2) as u16 + 2))
    };
    let remote = |number: usize| Remote {
        rtp: rtp(number),
        rtcp: SocketAddr::new(rtp(number).ip(), rtp(number).port() + 1),
    };
    let most = ANNOUNCED_MEDIA_MAX / 2;
    for first in (0..=most).step_by(LINES) {
        let mut body = "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nt=0 0\r\n".to_owned();
        for rtp in (first..first + LINES).map(rtp) {
            body.push_str(&format!("m=audio {} RTP/AVP 0\r\nc=IN IP4 {}\r\n", rtp.port(), rtp.ip()));
        }
        let invite = request("INVITE", "UDP 10.10.10.10:5060", "10.10.10.10:5060", &body);
        phones.learn(now, source, UDP, &Message::parse(invite.as_bytes()).unwrap());
    }
    assert!(phones.announced(now, remote(0)) && phones.announced(now, remote(most - 1)));
    assert!(!phones.announced(now, remote(most)));
}

#[test]
fn what_is_no_sip_is_not_sent_to_phones() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    world.sip(udp("10.10.10.10:5060"), "GET / HTTP/1.1\r\n\r\n");
    assert!(world.sent.is_empty());
    assert_eq!(world.dropped(DropReason::MalformedSip), 1);
}

#[test]
fn what_no_frame_could_carry_is_dropped_by_its_size() {
    let mut world = World::new();
    world.said();
    let long = request("OPTIONS", "UDP 10.10.10.10", "10.10.10.10", &"x".repeat(SIP_MESSAGE_MAX));
    world.udp("10.10.10.10:5060", long.as_bytes());
    assert_eq!(world.dropped(DropReason::Oversize), 1);
    assert!(world.said().is_empty());
}

#[test]
fn media_goes_only_to_addresses_that_a_phone_announced() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    for (flow, port, phone) in [(0, 30_000, "10.10.10.10:4002"), (2, 30_002, "10.10.10.99:4000")] {
        world.open_flow(flow, port, Some(phone));
        assert_eq!(
            world.events.pop(),
            Some(Event::Dropped(DropReason::UnannouncedInside, Some(addr(phone))))
        );
        assert_eq!(world.voice(flow, b"x"), Forward::Drop(DropReason::NoFlow));
    }
    world.open_flow(4, 30_004, Some("10.10.10.10:4000"));
    assert_eq!(world.voice(4, b"x"), Forward::Socket { port: 30_004, to: addr("10.10.10.10:4000") });
    // Nor RTCP elsewhere.
    let rtcp = Some(addr("10.10.10.1:80"));
    let phone = Some(addr("10.10.10.10:4000"));
    world.frame(Frame::OpenFlow {
        flow: FlowId(4),
        port: 30_004,
        phone,
        phone_rtcp: rtcp,
        urgent: Urgent::None,
    });
    assert_eq!(world.voice(5, b"x"), Forward::Drop(DropReason::NoFlow));
    assert_eq!(world.voice(4, b"x"), Forward::Drop(DropReason::NoFlow));
}

#[test]
fn media_addresses_in_a_multipart_are_announced_too() {
    let mut world = World::new();
    let body = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 10.10.10.10\r\nm=audio 4000 RTP/AVP 0\r\n--b--\r\n";
    let invite = request("INVITE", "UDP 10.10.10.10:5060", "10.10.10.10:5060", body);
    world.udp(
        "10.10.10.10:5060",
        invite.replace("application/sdp\r\nContent-L", "multipart/mixed;boundary=b\r\nContent-L").as_bytes(),
    );
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    assert_eq!(world.voice(0, b"x"), Forward::Socket { port: 30_000, to: addr("10.10.10.10:4000") });
}

#[test]
fn a_flow_to_an_address_that_nobody_announced_waits_until_that_very_address_speaks() {
    let mut world = World::new();
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    for (from, port) in
        [("10.10.10.10:4002", 30_000), ("10.10.10.66:4000", 30_000), ("10.10.10.10:4000", 30_001)]
    {
        world.media(port, from, b"x");
        assert_eq!(world.voice(0, b"x"), Forward::Drop(DropReason::NoFlow), "{from} on {port}");
    }
    world.media(30_000, "10.10.10.10:4000", b"x");
    assert_eq!(world.voice(0, b"x"), Forward::Socket { port: 30_000, to: addr("10.10.10.10:4000") });
}

#[test]
fn who_speaks_vouches_for_his_own_pair_of_ports_only() {
    let mut world = World::new();
    let mut open = |flow: u32, rtp: &str, rtcp: &str| {
        let (phone, phone_rtcp) = (Some(addr(rtp)), Some(addr(rtcp)));
        let port = 30_000 + flow as u16;
        let flow = FlowId(flow);
        world.frame(Frame::OpenFlow { flow, port, phone, phone_rtcp, urgent: Urgent::None });
    };
    open(0, "10.10.10.10:4000", "10.10.10.1:53");
    open(2, "10.10.10.10:4000", "10.10.10.10:4001");
    open(4, "10.10.10.1:53", "10.10.10.10:4001");
    for (port, from) in
        [(30_000, "10.10.10.10:4000"), (30_002, "10.10.10.10:4000"), (30_005, "10.10.10.10:4001")]
    {
        world.media(port, from, b"x");
    }
    let to = |port, phone| Forward::Socket { port, to: addr(phone) };
    assert_eq!(world.voice(0, b"x"), to(30_000, "10.10.10.10:4000"));
    assert_eq!(world.voice(1, b"x"), to(30_001, "10.10.10.10:4000"));
    assert_eq!(world.voice(3, b"x"), to(30_003, "10.10.10.10:4001"));
    assert_eq!(world.voice(4, b"x"), Forward::Drop(DropReason::NoFlow));
}

#[test]
fn a_long_call_keeps_its_address_when_the_session_begins_anew() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    world.now = world.now + PHONE_LIFE + Duration::from_millis(1);
    world.timeout();
    world.start_session();
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    assert_eq!(world.voice(0, b"x"), Forward::Socket { port: 30_000, to: addr("10.10.10.10:4000") });
    // It vouches for itself only.
    world.open_flow(2, 30_002, Some("10.10.10.10:4000"));
    assert_eq!(world.voice(2, b"x"), Forward::Drop(DropReason::NoFlow));
}

#[test]
fn flows_open_only_on_relay_ports_of_the_configuration() {
    let mut world = World::new();
    for (flow, port) in
        [(0, 22), (0, 5_060), (0, 30_001), (0, 30_200), (1, 30_000), (FlowId::MAX + 1, 30_000)]
    {
        world.open_flow(flow, port, None);
        assert_eq!(world.hrac.flows(), 0, "flow {flow} port {port}");
    }
    world.open_flow(0, 30_000, None);
    world.open_flow(2, 30_000, None);
    world.open_flow(1 << 14, 30_002, None);
    assert_eq!(world.hrac.flows(), 1, "a port and an index are in one flow only");
    world.open_flow(0, 30_004, None);
    assert_eq!(world.hrac.flows(), 1);
    assert!(world.unbound.contains(&30_000), "a flow that moves leaves its port");
}

#[test]
fn frames_that_only_hrac_says_change_nothing() {
    let mut world = World::new();
    world.said();
    world.frame(Frame::Announce { sip: vec![], media: addr("10.10.10.1:0").ip() });
    world.frame(Frame::PortsReady(vec![4]));
    world.frame(Frame::Undelivered { phone: udp("10.10.10.1:80") });
    assert!(world.said().is_empty() && world.sent.is_empty());
}
