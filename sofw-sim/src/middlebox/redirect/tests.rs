use super::*;
use crate::middlebox::tests::{addr, secs, tcp, udp};

/// A router 10.0.0.1 before a proxy 10.0.0.3.
fn redirect() -> Redirect {
    Redirect::new(addr("10.0.0.1:0").ip(), addr("10.0.0.3:80"))
}

/// Where a packet that arrives at `port` leaves, from whom and to whom it then goes.
fn passed(
    redirect: &mut Redirect,
    now: Instant,
    port: PortId,
    packet: Packet,
) -> Option<(PortId, String, String)> {
    let mut out = Outbox::default();
    redirect.handle_packet(now, port, packet, &mut out);
    let (port, packet) = out.packets.pop_front()?;
    Some((port, packet.source().to_string(), packet.destination().to_string()))
}

fn told(port: PortId, from: &str, to: &str) -> Option<(PortId, String, String)> {
    Some((port, from.to_owned(), to.to_owned()))
}

#[test]
fn what_goes_to_a_web_server_comes_to_the_proxy_and_the_answer_from_the_server() {
    let mut redirect = redirect();
    let mut pass = |from, to, kind| passed(&mut redirect, secs(1), INSIDE, tcp(from, to, kind));
    let there = told(INSIDE, "10.0.0.1:1024", "10.0.0.3:80");
    assert_eq!(pass("10.0.0.2:4000", "203.0.113.5:80", "S"), there);
    assert_eq!(pass("10.0.0.3:80", "10.0.0.1:1024", "SA"), told(INSIDE, "203.0.113.5:80", "10.0.0.2:4000"));
    assert_eq!(pass("10.0.0.2:4000", "203.0.113.5:80", "A"), there, "one conversation, one port");
    let other = told(INSIDE, "10.0.0.1:1025", "10.0.0.3:80");
    assert_eq!(pass("10.0.0.2:4001", "203.0.113.5:80", "S"), other);
    assert_eq!(pass("10.0.0.3:80", "10.0.0.1:9", "A"), None, "an answer to nobody");
}

#[test]
fn everything_else_passes_as_it_is() {
    let mut redirect = redirect();
    for (port, packet) in [
        (INSIDE, tcp("10.0.0.2:4000", "203.0.113.5:443", "S")),
        (INSIDE, tcp("10.0.0.3:4000", "203.0.113.5:80", "S")),
        (INSIDE, udp("10.0.0.2:4000", "203.0.113.5:80")),
        (OUTSIDE, tcp("203.0.113.5:80", "10.0.0.3:4000", "SA")),
    ] {
        let (from, to) = (packet.source().to_string(), packet.destination().to_string());
        let leaves = INSIDE + OUTSIDE - port;
        assert_eq!(passed(&mut redirect, secs(1), port, packet), Some((leaves, from, to)));
    }
}

#[test]
fn silent_conversations_lose_their_ports_and_forgotten_ones_are_unknown() {
    let mut redirect = redirect();
    let syn = |n: u16| tcp(&format!("10.0.0.2:{n}"), "203.0.113.5:80", "S");
    assert!(passed(&mut redirect, secs(1), INSIDE, syn(1)).is_some());
    redirect.next = FIRST_PORT;
    let second = passed(&mut redirect, secs(2), INSIDE, syn(2));
    assert_eq!(second, told(INSIDE, "10.0.0.1:1025", "10.0.0.3:80"));
    redirect.next = FIRST_PORT;
    let later = passed(&mut redirect, secs(7_200), INSIDE, syn(3));
    assert_eq!(later, told(INSIDE, "10.0.0.1:1024", "10.0.0.3:80"));
    redirect.forget();
    let answer = tcp("10.0.0.3:80", "10.0.0.1:1024", "A");
    assert_eq!(passed(&mut redirect, secs(7_200), INSIDE, answer), None);
}
