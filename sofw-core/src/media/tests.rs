use core::net::{IpAddr, SocketAddr};

use super::*;
use crate::base::{Duration, Instant, SiteId};
use crate::config::limits::{LATCH_WINDOW, MEDIA_DATAGRAM_MAX};
use crate::event::DropReason;
use crate::tunnel::{FlowId, Urgent};

const SITE: SiteId = SiteId(3);
const FLOW: FlowId = FlowId(8);
const NOW: Instant = Instant::from_millis(1_000);

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn remote(text: &str) -> Remote {
    let rtp = addr(text);
    Remote { rtp, rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1) }
}

fn outside(port: u16, at: &str) -> Leg {
    let accept = Accept::Outside { signalling: ip("198.51.100.7") };
    Leg::Socket { port, remote: Some(remote(at)), accept }
}

fn inside(port: u16, at: &str) -> Leg {
    Leg::Socket { port, remote: Some(remote(at)), accept: Accept::Inside }
}

fn tunnel(flow: FlowId) -> Leg {
    Leg::Tunnel { site: SITE, flow }
}

fn hras() -> (Relay, LinkId) {
    let mut relay = Relay::new(Some(Duration::from_secs(300)));
    let link = relay.open(NOW, [tunnel(FLOW), outside(20_000, "198.51.100.7:5000")], Urgent::None).unwrap();
    (relay, link)
}

fn to_tunnel(flow: FlowId) -> Forward {
    Forward::Tunnel { site: SITE, flow, urgent: false }
}

fn dropped(reason: DropReason) -> Forward {
    Forward::Drop(reason)
}

fn rtp(payload_type: u8, sequence: u16, timestamp: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&timestamp.to_be_bytes());
    packet.extend_from_slice(&7_u32.to_be_bytes());
    packet.resize(172, 0);
    packet
}

#[test]
fn rtp_and_rtcp_go_through_and_are_counted() {
    let (mut relay, link) = hras();
    assert_eq!(relay.from_socket(NOW, 20_000, addr("198.51.100.7:5000"), b"voice"), to_tunnel(FLOW));
    assert_eq!(relay.from_socket(NOW, 20_001, addr("198.51.100.7:5001"), b"report"), to_tunnel(FLOW.rtcp()));
    let out = Forward::Socket { port: 20_000, to: addr("198.51.100.7:5000") };
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW, b"voice"), out);
    let out = Forward::Socket { port: 20_001, to: addr("198.51.100.7:5001") };
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW.rtcp(), b"report"), out);
    let stats = relay.stats(link).unwrap();
    assert_eq!(stats.from.map(|from| (from.packets, from.bytes, from.drops)), [(2, 11, 0), (2, 11, 0)]);
}

#[test]
fn unknown_ports_flows_generations_and_sites_are_dropped() {
    let (mut relay, _) = hras();
    let from = addr("198.51.100.7:5000");
    assert_eq!(relay.from_socket(NOW, 20_002, from, b"x"), dropped(DropReason::NoFlow));
    assert_eq!(relay.from_socket(NOW, 65_535, from, b"x"), dropped(DropReason::NoFlow));
    let next_generation = FlowId(FLOW.0 | 1 << 14);
    for (site, flow) in [(SITE, next_generation), (SITE, FlowId(10)), (SiteId(4), FLOW), (SiteId(2), FLOW)] {
        assert_eq!(relay.from_tunnel(NOW, site, flow, b"x"), dropped(DropReason::NoFlow));
    }
    assert_eq!(relay.dropped(DropReason::NoFlow), 6);
}

#[test]
fn a_closed_link_is_gone_and_its_port_may_be_used_again() {
    let (mut relay, link) = hras();
    assert!(relay.close(link).is_some());
    assert!(relay.close(link).is_none());
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW, b"x"), dropped(DropReason::NoFlow));
    let again = FlowId(FLOW.0 | 1 << 14);
    assert!(relay.open(NOW, [tunnel(again), outside(20_000, "198.51.100.8:5000")], Urgent::None).is_some());
    assert_eq!(
        relay.from_tunnel(NOW, SITE, FLOW, b"late"),
        dropped(DropReason::NoFlow),
        "late voice of the former call"
    );
}

#[test]
fn no_port_or_flow_is_in_two_links() {
    let (mut relay, _) = hras();
    for legs in [
        [tunnel(FLOW), outside(20_002, "198.51.100.7:5000")],
        [tunnel(FlowId(FLOW.0 | 1 << 14)), outside(20_002, "198.51.100.7:5000")],
        [tunnel(FlowId(10)), outside(20_000, "198.51.100.7:5000")],
        [tunnel(FlowId(10)), outside(20_003, "198.51.100.7:5000")],
        [tunnel(FlowId(11)), outside(20_002, "198.51.100.7:5000")],
        [tunnel(FlowId(10)), tunnel(FlowId(10))],
    ] {
        assert_eq!(relay.open(NOW, legs, Urgent::None), None, "{legs:?}");
    }
    assert_eq!(relay.len(), 1);
}

#[test]
fn oversize_is_dropped() {
    let (mut relay, _) = hras();
    let from = addr("198.51.100.7:5000");
    assert_eq!(relay.from_socket(NOW, 20_000, from, &[0; MEDIA_DATAGRAM_MAX]), to_tunnel(FLOW));
    let long = [0; MEDIA_DATAGRAM_MAX + 1];
    assert_eq!(relay.from_socket(NOW, 20_000, from, &long), dropped(DropReason::Oversize));
}

#[test]
fn inside_only_the_announced_host_may_speak_from_any_port_and_is_sent_to_where_it_said() {
    let mut relay = Relay::new(None);
    let link = relay.open(NOW, [inside(30_000, "10.10.10.10:4000"), tunnel(FLOW)], Urgent::None).unwrap();
    assert_eq!(relay.from_socket(NOW, 30_000, addr("10.10.10.10:61234"), b"x"), to_tunnel(FLOW));
    assert_eq!(
        relay.from_socket(NOW, 30_000, addr("10.10.10.66:4000"), b"x"),
        dropped(DropReason::ForeignSource)
    );
    let out = Forward::Socket { port: 30_000, to: addr("10.10.10.10:4000") };
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW, b"x"), out, "nothing is learned inside");
    relay.set_remote(link, 0, None, Accept::Inside);
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW, b"x"), dropped(DropReason::NoFlow));
    assert_eq!(
        relay.from_socket(NOW, 30_000, addr("10.10.10.10:4000"), b"x"),
        dropped(DropReason::ForeignSource)
    );
}

#[test]
fn latch_learns_once_from_the_signalling_host_then_locks() {
    let mut relay = Relay::new(None);
    relay.open(NOW, [tunnel(FLOW), outside(20_000, "192.168.1.20:5000")], Urgent::None).unwrap();
    let foreign = dropped(DropReason::ForeignSource);
    assert_eq!(relay.from_socket(NOW, 20_000, addr("203.0.113.66:5000"), b"x"), foreign, "a stranger first");
    assert_eq!(relay.from_socket(NOW, 20_000, addr("198.51.100.7:40000"), b"x"), to_tunnel(FLOW));
    for other in ["198.51.100.7:40001", "192.168.1.20:5000"] {
        assert_eq!(relay.from_socket(NOW, 20_000, addr(other), b"x"), foreign, "{other}");
    }
    let out = Forward::Socket { port: 20_000, to: addr("198.51.100.7:40000") };
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW, b"x"), out);
    let private = dropped(DropReason::PrivateAddress);
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW.rtcp(), b"x"), private, "RTCP learns for itself");
    assert_eq!(relay.from_socket(NOW, 20_001, addr("198.51.100.7:40009"), b"x"), to_tunnel(FLOW.rtcp()));
    let out = Forward::Socket { port: 20_001, to: addr("198.51.100.7:40009") };
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW.rtcp(), b"x"), out);
}

#[test]
fn nothing_is_sent_to_a_private_address_behind_somebodys_nat() {
    for at in ["192.168.1.20", "10.0.0.1", "100.64.0.1", "169.254.1.1", "127.0.0.1", "[fd00::1]", "[fe80::1]"]
    {
        let mut relay = Relay::new(None);
        let link = relay.open(NOW, [tunnel(FLOW), outside(20_000, &format!("{at}:5000"))], Urgent::None);
        for flow in [FLOW, FLOW.rtcp()] {
            assert_eq!(relay.from_tunnel(NOW, SITE, flow, b"x"), dropped(DropReason::PrivateAddress), "{at}");
        }
        assert_eq!(relay.stats(link.unwrap()).unwrap().from[0].drops, 2);
        assert_eq!(relay.dropped(DropReason::PrivateAddress), 2);
    }
}

#[test]
fn a_private_address_is_sent_to_where_it_is_the_signallings_or_has_spoken() {
    let mut relay = Relay::new(None);
    let own = Accept::Outside { signalling: ip("192.168.1.20") };
    let leg = Leg::Socket { port: 20_000, remote: Some(remote("192.168.1.20:5000")), accept: own };
    relay.open(NOW, [tunnel(FLOW), leg], Urgent::None).unwrap();
    for (flow, port, to) in [(FLOW, 20_000, "192.168.1.20:5000"), (FLOW.rtcp(), 20_001, "192.168.1.20:5001")]
    {
        assert_eq!(relay.from_tunnel(NOW, SITE, flow, b"x"), Forward::Socket { port, to: addr(to) });
    }
    // Signalling through a server of the same network: the terminal itself shows that it can be reached.
    let other = FlowId(10);
    relay.open(NOW, [tunnel(other), outside(20_002, "192.168.1.20:5000")], Urgent::None).unwrap();
    assert_eq!(relay.from_tunnel(NOW, SITE, other, b"x"), dropped(DropReason::PrivateAddress));
    assert_eq!(relay.from_socket(NOW, 20_002, addr("192.168.1.20:5000"), b"x"), to_tunnel(other));
    let out = Forward::Socket { port: 20_002, to: addr("192.168.1.20:5000") };
    assert_eq!(relay.from_tunnel(NOW, SITE, other, b"x"), out);
}

#[test]
fn multiplexed_rtcp_goes_where_rtp_was_learned() {
    let mut relay = Relay::new(None);
    let muxed = addr("192.168.1.20:5000");
    let accept = Accept::Outside { signalling: ip("198.51.100.7") };
    let leg = Leg::Socket { port: 20_000, remote: Some(Remote { rtp: muxed, rtcp: muxed }), accept };
    relay.open(NOW, [tunnel(FLOW), leg], Urgent::None).unwrap();
    assert_eq!(relay.from_socket(NOW, 20_000, addr("198.51.100.7:40000"), b"x"), to_tunnel(FLOW));
    let out = Forward::Socket { port: 20_001, to: addr("198.51.100.7:40000") };
    assert_eq!(relay.from_tunnel(NOW, SITE, FLOW.rtcp(), b"report"), out);
}

#[test]
fn latch_window_opens_with_the_first_packet_not_with_the_offer() {
    let (mut relay, link) = hras();
    let long_ringing = NOW + LATCH_WINDOW + LATCH_WINDOW;
    assert_eq!(relay.from_socket(long_ringing, 20_000, addr("198.51.100.7:5000"), b"x"), to_tunnel(FLOW));
    let late = long_ringing + LATCH_WINDOW + Duration::from_nanos(1);
    assert_eq!(
        relay.from_socket(late, 20_000, addr("198.51.100.7:5555"), b"x"),
        dropped(DropReason::ForeignSource)
    );
    let accept = Accept::Outside { signalling: ip("198.51.100.7") };
    relay.set_remote(link, 1, Some(remote("198.51.100.7:5000")), accept);
    assert_eq!(
        relay.from_socket(late, 20_000, addr("198.51.100.7:5555"), b"x"),
        dropped(DropReason::ForeignSource),
        "the same SDP again changes nothing"
    );
    relay.set_remote(link, 1, Some(remote("198.51.100.7:6000")), accept);
    assert_eq!(relay.from_socket(late, 20_000, addr("198.51.100.7:5555"), b"x"), to_tunnel(FLOW));
    assert_eq!(relay.stats(link).unwrap().from[1].learned, Some(addr("198.51.100.7:5555")));
}

#[test]
fn urgent_by_payload_type_or_altogether() {
    let (mut relay, link) = hras();
    let urgent = |relay: &mut Relay, bytes: &[u8]| {
        relay.from_socket(NOW, 20_000, addr("198.51.100.7:5000"), bytes)
            == Forward::Tunnel { site: SITE, flow: FLOW, urgent: true }
    };
    relay.set_urgent(link, Urgent::PayloadType(101));
    assert!(urgent(&mut relay, &rtp(101, 1, 1)));
    assert!(
        urgent(&mut relay, &rtp(101 | 0x80, 1, 1)),
        "with the marker bit, as the first event packet has it"
    );
    assert!(!urgent(&mut relay, &rtp(0, 1, 1)));
    assert!(!urgent(&mut relay, b"\x80"));
    relay.set_urgent(link, Urgent::All);
    assert!(urgent(&mut relay, b""));
}

#[test]
fn silence_is_found_without_touching_timers_per_packet() {
    let (mut relay, link) = hras();
    let max = Duration::from_secs(300);
    relay.from_tunnel(NOW + Duration::from_secs(200), SITE, FLOW, b"x");
    assert_eq!(relay.pop_silent(NOW + max), None);
    let due = NOW + Duration::from_secs(500);
    assert_eq!(relay.poll_timeout().unwrap().at, due);
    relay.set_held(due, link, true);
    assert_eq!(relay.pop_silent(due), None);
    relay.set_held(due, link, false);
    assert_eq!(relay.pop_silent(due + max), Some(link));
    assert_eq!(relay.pop_silent(due + max), None, "reported once per such time");
}

#[test]
fn quality_counts_loss_reordering_wrap_and_new_sources() {
    let mut quality = Quality::default();
    for sequence in [65_534, 65_535, 1, 0, 4] {
        quality.observe(NOW, &rtp(0, sequence, 0));
    }
    assert_eq!((quality.expected(), quality.lost()), (7, 2), "2 and 3 are missing");
    let mut other = rtp(0, 1_000, 0);
    other[8] = 1;
    quality.observe(NOW, &other);
    assert_eq!((quality.expected(), quality.lost()), (8, 2));
    quality.observe(NOW, &[0; 20]);
    quality.observe(NOW, b"\x80");
    quality.observe(NOW, &rtp(72, 9, 9));
    assert_eq!(quality.expected(), 8, "not RTP, or RTCP on the same port");
}

#[test]
fn jitter_is_that_of_rfc_3550() {
    let mut quality = Quality::default();
    for index in 0..200_u64 {
        quality.observe(NOW + Duration::from_millis(20 * index), &rtp(0, index as u16, 160 * index as u32));
    }
    assert_eq!(quality.jitter_now(), Some(Duration::ZERO));
    for index in 200..400_u64 {
        let late = if index % 2 == 0 { 8 } else { 0 };
        quality.observe(
            NOW + Duration::from_millis(20 * index + late),
            &rtp(0, index as u16, 160 * index as u32),
        );
    }
    let jitter = quality.jitter_now().unwrap();
    assert!(jitter > Duration::from_millis(7) && jitter <= Duration::from_millis(8), "{jitter:?}");
    let mut dynamic = Quality::default();
    dynamic.observe(NOW, &rtp(96, 1, 1));
    assert_eq!(dynamic.jitter_now(), None, "the clock of a dynamic payload type is not known");
}
