//! The machine as a driver sees it: sockets, order, misuse. Calls are tested in the whole system (tests/paper).

use super::*;
use crate::config::{MediaConfig, SipListener, Site, SiteKey, limits};
use crate::io::{ConnId, IoError};

fn config() -> HrasConfig {
    let addr: SocketAddr = ([203, 0, 113, 5], 5060).into();
    HrasConfig {
        domain: "example.net".into(),
        sip: [Transport::Udp, Transport::Tcp].map(|transport| SipListener { transport, addr }).into(),
        media: MediaConfig { bind: addr.ip(), address: addr.ip(), ports: (20_000, 20_099) },
        tunnel: vec![([203, 0, 113, 5], 80).into()],
        sites: vec![Site { name: "hq".into(), key: SiteKey([7; 32]) }],
        users: Vec::new(),
        voice_age_max: limits::VOICE_AGE_MAX,
        media_silence_max: limits::MEDIA_SILENCE_MAX,
        outside_calls: false,
    }
}

fn started() -> (Hras, Vec<Output>) {
    let mut hras = Hras::new(config(), [1; 32], Instant::ZERO).expect("the configuration is right");
    let outputs = outputs(&mut hras);
    (hras, outputs)
}

fn outputs(hras: &mut Hras) -> Vec<Output> {
    core::iter::from_fn(|| hras.poll_output()).collect()
}

fn give(hras: &mut Hras, input: Input<'_>) -> Vec<Output> {
    hras.handle_input(Instant::ZERO, input).expect("the contract is kept");
    outputs(hras)
}

fn is_ready(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Event(Event::Ready)))
}

#[test]
fn asks_for_every_listener_and_is_ready_when_the_last_one_is_open() {
    let (mut hras, asked) = started();
    let listens = |id| asked.iter().any(|o| matches!(o, Output::Listen { listener, .. } if *listener == id));
    assert!(asked.iter().any(|o| matches!(o, Output::Bind { socket: SocketId::Sip(0), .. })));
    assert!(listens(ListenerId::Sip(1)) && listens(ListenerId::Tunnel(0)));
    assert!(!is_ready(&give(&mut hras, Input::Bound(SocketId::Sip(0)))));
    assert!(!is_ready(&give(&mut hras, Input::Listening(ListenerId::Tunnel(0)))));
    assert!(is_ready(&give(&mut hras, Input::Listening(ListenerId::Sip(1)))));
}

#[test]
fn a_listener_that_cannot_be_opened_is_named_and_keeps_it_from_being_ready() {
    let (mut hras, _) = started();
    let outputs = give(&mut hras, Input::ListenFailed(ListenerId::Tunnel(0), IoError::AddressInUse));
    let [Output::Event(Event::ListenerFailed(ListenerId::Tunnel(0), addr, IoError::AddressInUse))] =
        outputs.as_slice()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(addr.port(), 80);
    give(&mut hras, Input::Bound(SocketId::Sip(0)));
    assert!(!is_ready(&give(&mut hras, Input::Listening(ListenerId::Sip(1)))));
}

#[test]
fn the_first_relay_port_that_cannot_be_opened_is_named_once() {
    let (mut hras, _) = started();
    let failed = |port| Input::BindFailed(SocketId::Media(port), IoError::AddressNotLocal);
    let named = |outputs: Vec<Output>| {
        outputs.iter().filter(|o| matches!(o, Output::Event(Event::SocketFailed(..)))).count()
    };
    assert_eq!(named(give(&mut hras, failed(20_000))), 1);
    assert_eq!(named(give(&mut hras, failed(20_001))), 0);
    assert_eq!(named(give(&mut hras, failed(20_002))), 0);
}

#[test]
fn time_never_goes_back() {
    let (mut hras, _) = started();
    hras.handle_timeout(Instant::from_millis(10));
    let late = hras.handle_input(Instant::from_millis(9), Input::Bound(SocketId::Sip(0)));
    assert_eq!(late, Err(Misuse::TimeWentBack));
}

#[test]
fn media_without_a_flow_is_dropped_and_counted() {
    let (mut hras, _) = started();
    let from = ([203, 0, 113, 66], 4000).into();
    let outputs =
        give(&mut hras, Input::Datagram { socket: SocketId::Media(20_000), from, bytes: &[0x80; 172] });
    assert!(matches!(outputs.as_slice(), [Output::Event(Event::Dropped(DropReason::NoFlow, Some(_)))]));
    assert!(hras.status().drops.contains(&(DropReason::NoFlow, 1)));
}

#[test]
fn one_host_cannot_take_all_sip_connections() {
    let (mut hras, _) = started();
    let mut connect = |host: u8, port: u16| {
        let peer = SocketAddr::from(([198, 51, 100, host], port));
        let conn = ConnId::Accepted(1_000 * u64::from(host) + u64::from(port));
        let outputs = give(&mut hras, Input::Accepted { listener: ListenerId::Sip(1), conn, peer });
        !outputs.iter().any(|output| matches!(output, Output::Close(closed) if *closed == conn))
    };
    assert!((1..=512).all(|port| connect(7, port)));
    assert!(!connect(7, 513));
    assert!(connect(8, 513));
}

#[test]
fn keep_alives_of_phones_behind_a_nat_are_no_rubbish() {
    let (mut hras, _) = started();
    let from = ([198, 51, 100, 7], 5060).into();
    let mut say = |bytes| give(&mut hras, Input::Datagram { socket: SocketId::Sip(0), from, bytes });
    assert!(say(b"\r\n\r\n").is_empty() && say(b"\0\0\0\0").is_empty());
    let dropped = Event::Dropped(DropReason::MalformedSip, Some(from));
    assert!(matches!(say(b"hello").as_slice(), [Output::Event(event)] if *event == dropped));
}

#[test]
fn what_is_said_about_a_connection_that_is_gone_does_no_harm() {
    let (mut hras, _) = started();
    let conn = ConnId::Accepted(9);
    for input in [
        Input::Received { conn, bytes: b"GET / HTTP/1.1\r\n\r\n" },
        Input::Written(conn),
        Input::Closed(conn, None),
    ] {
        give(&mut hras, input);
    }
}

#[test]
fn sip_over_tcp_is_answered_on_its_connection() {
    let (mut hras, _) = started();
    let conn = ConnId::Accepted(1);
    let peer = ([203, 0, 113, 20], 40_000).into();
    give(&mut hras, Input::Accepted { listener: ListenerId::Sip(1), conn, peer });
    let request = "OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/TCP 203.0.113.20:40000;branch=z9hG4bK1\r\n\
                   From: <sip:a@203.0.113.20>;tag=1\r\nTo: <sip:example.net>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\
                   Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    let (head, tail) = request.as_bytes().split_at(50);
    assert!(give(&mut hras, Input::Received { conn, bytes: head }).is_empty());
    let outputs = give(&mut hras, Input::Received { conn, bytes: tail });
    let written = outputs.iter().find_map(|output| match output {
        Output::Write { conn: to, payload } if *to == conn => Some(payload),
        _ => None,
    });
    assert!(written.is_some_and(|answer| answer.starts_with(b"SIP/2.0 200 ")), "{outputs:?}");
}
