//! What the boxes' tests share, and tests of the chain.

use core::net::SocketAddr;

use sofw_core::base::{Duration, Instant, Rng};

use super::*;
use crate::packet::Protocol;
use crate::tcp::{Flags, Head, Options};

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(super) fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

pub(super) fn secs(secs: u64) -> Instant {
    Instant::from_millis(secs * 1000)
}

pub(super) fn rng() -> Rng {
    Rng::new([3; 32])
}

pub(super) fn udp(from: &str, to: &str) -> Packet {
    Packet::udp(addr(from), addr(to), b"voice")
}

/// A segment with sequence number 1000 and, but for a lone SYN (`S`), acknowledgement 2000. `kind` holds `S`, `A`, `F`, `R`.
pub(super) fn tcp(from: &str, to: &str, kind: &str) -> Packet {
    let head = Head {
        src: addr(from),
        dst: addr(to),
        seq: 1000,
        ack: (kind != "S").then_some(2000),
        flags: Flags {
            syn: kind.contains('S'),
            fin: kind.contains('F'),
            rst: kind.contains('R'),
            psh: false,
        },
        window: 1000,
        options: Options::default(),
    };
    Packet::tcp(&head, b"")
}

/// What comes out when a packet arrives.
pub(super) fn give(
    one: &mut impl Middlebox,
    now: Instant,
    port: PortId,
    packet: Packet,
) -> Vec<(PortId, Packet)> {
    let mut out = Outbox::default();
    one.handle_packet(now, port, packet, &mut out);
    out.packets.into()
}

/// The one packet that passes to the other side; `None` if nothing comes out.
pub(super) fn pass(one: &mut impl Middlebox, now: Instant, port: PortId, packet: Packet) -> Option<Packet> {
    let mut out = give(one, now, port, packet);
    assert!(out.len() <= 1, "{out:?}");
    let (to, packet) = out.pop()?;
    assert_eq!(to, 1 - port, "not an answer");
    Some(packet)
}

fn nat_behind_firewall() -> Chain {
    let firewall = firewall::find("no-udp").expect("a preset").params(None);
    let nat = nat::find("port-restricted").expect("a preset").params([198, 51, 100, 1].into());
    Chain::new(vec![Box::new(Firewall::new(firewall)), Box::new(Nat::new(nat, rng()))])
}

#[test]
fn a_chain_passes_through_all_boxes_and_back() {
    let mut chain = nat_behind_firewall();
    let out = pass(&mut chain, at(0), INSIDE, tcp("10.0.0.1:4000", "192.0.2.1:80", "S")).expect("passes");
    assert_eq!(out.source(), addr("198.51.100.1:4000"));
    let back = pass(&mut chain, at(1), OUTSIDE, tcp("192.0.2.1:80", "198.51.100.1:4000", "SA"));
    assert_eq!(back.expect("passes").destination(), addr("10.0.0.1:4000"));
    assert_eq!(pass(&mut chain, at(2), INSIDE, udp("10.0.0.1:4000", "192.0.2.1:80")), None);
    assert_eq!(chain.remembered(at(2)), 2);
    assert_eq!(chain.boxes().count(), 2);
    let counts = chain.counts();
    assert!(
        counts.contains(&("firewall blocked out", 1)) && counts.contains(&("nat packets in", 1)),
        "{counts:?}"
    );
    chain.forget();
    assert_eq!(chain.remembered(at(2)), 0);
}

#[test]
fn an_answer_of_an_outer_box_crosses_the_inner_ones() {
    let inner = FirewallParams { strict: true, ..FirewallParams::default() };
    let outer = FirewallParams { default_out: firewall::Verdict::Reject, ..FirewallParams::default() };
    let mut chain = Chain::new(vec![Box::new(Firewall::new(inner)), Box::new(Firewall::new(outer))]);
    let out = give(&mut chain, at(0), INSIDE, tcp("10.0.0.1:4000", "192.0.2.1:80", "S"));
    assert_eq!(out.len(), 1);
    assert!(out[0].0 == INSIDE && out[0].1.tcp_flags().rst);
    // The inner firewall knows the flow that the RST ends.
    assert_eq!(chain.remembered(at(0) + Duration::from_secs(9)), 1);
    assert_eq!(chain.remembered(at(0) + Duration::from_secs(10)), 0);
}

#[test]
fn a_chain_without_boxes_is_a_wire() {
    let mut chain = Chain::default();
    let packet = udp("10.0.0.1:4000", "192.0.2.1:80");
    assert_eq!(pass(&mut chain, at(0), OUTSIDE, packet.clone()), Some(packet));
    assert_eq!(chain.poll_timeout(), None);
}

#[test]
fn an_error_names_the_flow_that_it_is_about() {
    let packet = udp("10.0.0.1:4000", "192.0.2.1:80");
    let error = packet.unreachable(addr("192.0.2.1:0").ip()).expect("an error");
    let flow = flow::Flow::new(Protocol::Udp, addr("10.0.0.1:4000"), addr("192.0.2.1:80"));
    assert_eq!(flow::Flow::of(INSIDE, &packet), flow);
    assert_eq!(flow::Flow::refused(OUTSIDE, &error), Some(flow));
    assert_ne!(flow::Flow::refused(INSIDE, &error), Some(flow));
    assert_eq!(flow::Flow::refused(OUTSIDE, &packet), None);
}
