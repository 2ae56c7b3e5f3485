//! Handshake, refusal, lost SYNs.

use sofw_core::base::Instant;

use super::net::{CLIENT, DELAY, Net, SERVER, Side, ms};
use crate::tcp::{TcpConfig, TcpEvent, TcpState};

#[test]
fn three_segments_open_a_connection() {
    let (net, near, far) = Net::open(TcpConfig::default());
    assert_eq!(net.when(Side::Near, TcpEvent::Connected(near)), Some(Instant::ZERO + 2 * DELAY));
    let [syn, answer, ack] = net.log.as_slice() else { panic!("{:#?}", net.log) };
    assert!(syn.head.flags.syn && syn.head.ack.is_none());
    assert_eq!(syn.head.options.mss, Some(1460));
    assert!(syn.head.options.sack_permitted && syn.head.options.window_scale.is_some());
    assert!(answer.head.flags.syn);
    assert_eq!(answer.head.ack, Some(syn.head.seq.wrapping_add(1)));
    assert_eq!(ack.head.ack, Some(answer.head.seq.wrapping_add(1)));
    assert!(!ack.head.flags.syn);
    let status = net.status(near);
    assert_eq!((status.state, status.window, status.srtt), (TcpState::Established, 10, Some(2 * DELAY)));
    assert_eq!(net.far.addresses(far).map(|(local, _)| local), Some(SERVER));
}

#[test]
fn a_port_without_listener_refuses() {
    let mut net = Net::new(TcpConfig::default());
    net.far.unlisten(SERVER);
    let id = net.near.connect(net.now, CLIENT, SERVER);
    net.run(ms(200));
    assert_eq!(net.when(Side::Near, TcpEvent::Refused(id)), Some(Instant::ZERO + 2 * DELAY));
    assert!(net.near.is_empty() && net.far.is_empty());
    assert!(net.near.status(id).is_none());
}

#[test]
fn a_lost_syn_is_repeated_with_doubling_waits() {
    let mut net = Net::new(TcpConfig::default());
    let mut syns = 0;
    net.fate = Box::new(move |wire| {
        syns += usize::from(wire.from == Side::Near && wire.head.flags.syn);
        if syns <= 2 { vec![] } else { vec![DELAY] }
    });
    let id = net.near.connect(net.now, CLIENT, SERVER);
    net.run(ms(10_000));
    let syns: Vec<u64> =
        net.log.iter().filter(|wire| wire.head.flags.syn).map(|wire| wire.at.as_millis()).collect();
    assert_eq!(syns, [0, 1000, 3000, 3040]);
    assert!(net.has(Side::Near, TcpEvent::Connected(id)));
    assert_eq!(net.status(id).window, 1, "a SYN lost twice leaves one segment");
}

#[test]
fn a_lost_answer_is_repeated_and_both_ends_open_once() {
    let mut net = Net::new(TcpConfig::default());
    let mut answers = 0;
    net.fate = Box::new(move |wire| {
        answers += usize::from(wire.from == Side::Far);
        if wire.from == Side::Far && answers == 1 { vec![] } else { vec![DELAY] }
    });
    net.near.connect(net.now, CLIENT, SERVER);
    net.run(ms(5_000));
    let accepted = net.events.iter().filter(|entry| matches!(entry.2, TcpEvent::Accepted { .. })).count();
    let connected = net.events.iter().filter(|entry| matches!(entry.2, TcpEvent::Connected(_))).count();
    assert_eq!((accepted, connected), (1, 1));
}

#[test]
fn an_attempt_nobody_answers_times_out() {
    let config = TcpConfig { syn_retries: 2, ..TcpConfig::default() };
    let mut net = Net::new(config);
    net.fate = Box::new(|_| vec![]);
    let id = net.near.connect(net.now, CLIENT, SERVER);
    net.run(ms(20_000));
    assert_eq!(net.when(Side::Near, TcpEvent::TimedOut(id)), Some(Instant::from_millis(1000 + 2000 + 4000)));
    assert!(net.near.is_empty());
}

#[test]
fn data_written_before_the_answer_follows_it() {
    let mut net = Net::new(TcpConfig::default());
    let id = net.near.connect(net.now, CLIENT, SERVER);
    assert_eq!(net.write(id, b"early"), 5);
    net.run(ms(200));
    assert_eq!(net.received(Side::Far, net.accepted()), b"early");
}

#[test]
fn a_listener_on_the_unspecified_address_takes_any() {
    let mut net = Net::new(TcpConfig::default());
    net.far.unlisten(SERVER);
    let any = "0.0.0.0:443".parse().expect("an address");
    net.far.listen(any);
    net.near.connect(net.now, CLIENT, SERVER);
    net.run(ms(200));
    assert!(
        net.events
            .iter()
            .any(|entry| matches!(entry.2, TcpEvent::Accepted { listener, .. } if listener == any))
    );
}
