//! The five methods.

use super::world::*;
use crate::base::{Duration, Instant};
use crate::config::limits::{ORPHAN_PORT_LIFE, RELAY_PORT_RESERVE};
use crate::error::Misuse;
use crate::event::Event;
use crate::hrac::Hrac;
use crate::io::{ConnId, Input, IoError, ListenerId, SocketId};
use crate::tunnel::{FlowId, Frame};

#[test]
fn asks_for_its_sockets_and_is_ready_when_they_are_open() {
    let world = World::without_session();
    assert_eq!(world.events.iter().filter(|event| **event == Event::Ready).count(), 1);
}

#[test]
fn says_which_socket_could_not_be_opened() {
    let mut hrac = Hrac::new(config(), [1; 32], Instant::ZERO).unwrap();
    let busy = IoError::AddressInUse;
    hrac.handle_input(Instant::ZERO, Input::BindFailed(SocketId::Sip(UDP), busy.clone())).unwrap();
    hrac.handle_input(Instant::ZERO, Input::ListenFailed(ListenerId::Sip(TCP), busy.clone())).unwrap();
    hrac.handle_input(Instant::ZERO, Input::BindFailed(SocketId::Media(30_000), busy.clone())).unwrap();
    hrac.handle_input(Instant::ZERO, Input::BindFailed(SocketId::Media(30_002), busy.clone())).unwrap();
    let mut events = Vec::new();
    while let Some(output) = hrac.poll_output() {
        if let crate::io::Output::Event(event) = output {
            events.push(event);
        }
    }
    let sip = addr("10.10.10.2:5060");
    assert_eq!(
        events,
        [
            Event::SocketFailed(SocketId::Sip(UDP), sip, busy.clone()),
            Event::ListenerFailed(ListenerId::Sip(TCP), sip, busy.clone()),
            Event::SocketFailed(SocketId::Media(30_000), addr("10.10.10.2:30000"), busy),
        ],
        "relay ports once only: the next pair is taken"
    );
}

#[test]
fn misuse_is_an_error_and_late_inputs_are_not() {
    let mut world = World::new();
    let early = Instant::ZERO;
    assert_eq!(
        world.hrac.handle_input(early, Input::Written(ConnId::Accepted(1))),
        Err(Misuse::TimeWentBack)
    );
    for input in [
        Input::Bound(SocketId::Sip(TCP)),
        Input::Bound(SocketId::Sip(9)),
        Input::Listening(ListenerId::Tunnel(0)),
        Input::Datagram { socket: SocketId::Sip(9), from: addr("10.10.10.10:5060"), bytes: b"x" },
    ] {
        assert_eq!(world.hrac.handle_input(world.now, input), Err(Misuse::UnknownHandle));
    }
    for input in [
        Input::Written(ConnId::Accepted(7)),
        Input::Closed(ConnId::Accepted(7), None),
        Input::Received { conn: ConnId::Accepted(7), bytes: b"x" },
        Input::ConnectFailed(ConnId::Opened(99), IoError::Refused),
        Input::Bound(SocketId::Media(1)),
        Input::Datagram { socket: SocketId::Media(1), from: addr("10.10.10.10:5060"), bytes: b"x" },
    ] {
        world.input(input);
    }
    assert!(matches!(
        Hrac::new(crate::config::HracConfig { sip: vec![], ..config() }, [0; 32], early),
        Err(Misuse::Config(_))
    ));
}

#[test]
fn a_session_begins_with_who_we_are_and_the_ports_that_are_open() {
    let mut world = World::new();
    let said = world.said();
    let [Frame::Announce { sip, media }, Frame::PortsReady(ports)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!(sip.as_slice(), [udp("10.10.10.2:5060"), tcp("10.10.10.2:5060")]);
    assert_eq!(*media, addr("10.10.10.2:0").ip());
    assert_eq!(ports.len(), RELAY_PORT_RESERVE);
}

#[test]
fn a_new_session_keeps_the_ports_of_calls_that_hras_opens_again() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    world.udp("10.10.10.11:5060", invite("10.10.10.11", 4_000).as_bytes());
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    world.open_flow(2, 30_002, Some("10.10.10.11:4000"));
    world.said();
    world.start_session();
    assert_eq!(world.hrac.flows(), 0);
    let said = world.said();
    let Some(Frame::PortsReady(ports)) = said.get(1) else { panic!("{said:?}") };
    assert!(!ports.contains(&30_000) && !ports.contains(&30_002));
    world.open_flow(0, 30_000, Some("10.10.10.10:4000"));
    assert!(world.unbound.is_empty(), "no gap");
    world.now = world.now + ORPHAN_PORT_LIFE + Duration::from_millis(1);
    world.timeout();
    assert_eq!(world.unbound, [30_002, 30_003]);
    assert_eq!(world.hrac.flows(), 1);
}

#[test]
fn a_closed_flow_gives_its_port_back_and_another_is_announced() {
    let mut world = World::new();
    world.open_flow(0, 30_000, None);
    world.said();
    world.frame(Frame::CloseFlow(FlowId(0)));
    world.frame(Frame::CloseFlow(FlowId(0)));
    assert_eq!(world.unbound, [30_000, 30_001]);
    assert_eq!(world.hrac.flows(), 0);
}

#[test]
fn after_a_drain_the_next_deadline_is_later() {
    let mut world = World::new();
    world.udp("10.10.10.10:5060", invite("10.10.10.10", 4_000).as_bytes());
    for _ in 0..50 {
        let Some(deadline) = world.hrac.poll_timeout() else { return };
        assert!(deadline.at > world.now, "{deadline:?} at {:?}", world.now);
        world.now = deadline.at;
        world.timeout();
    }
}
