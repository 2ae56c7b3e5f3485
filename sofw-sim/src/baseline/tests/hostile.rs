use core::net::SocketAddr;

use proptest::prelude::*;
use sofw_core::base::{Instant, Rng};
use sofw_core::io::{ConnId, Endpoint, Input, ListenerId, Output};

use super::world::count;
use crate::baseline::carrier::tls;
use crate::baseline::message::{self, Decoder, Message};
use crate::baseline::{KINDS, Kind, TunnelClient, TunnelClientConfig, TunnelServer, TunnelServerConfig};
use crate::host::{Act, Application};

fn server(kind: &'static Kind) -> TunnelServer {
    let config = TunnelServerConfig::new(kind, [203, 0, 113, 9].into());
    TunnelServer::new(config, Rng::new([1; 32]))
}

fn accept(server: &mut TunnelServer, number: u64) -> ConnId {
    let (listener, conn) = (ListenerId::Tunnel(0), ConnId::Accepted(number));
    let peer = SocketAddr::from(([198, 51, 100, 7], 40_000));
    server.handle_input(Instant::ZERO, Input::Accepted { listener, conn, peer });
    conn
}

/// Does what the program asks for as a host would, so far as writes go.
fn drain(program: &mut impl Application, now: Instant) -> (Vec<u8>, bool) {
    let (mut written, mut closed) = (Vec::new(), false);
    while let Some(act) = program.poll_act() {
        match act {
            Act::Do(Output::Write { conn, payload }) => {
                written.extend_from_slice(&payload);
                program.handle_input(now, Input::Written(conn));
            }
            Act::Do(Output::Close(_)) => closed = true,
            _ => {}
        }
    }
    (written, closed)
}

#[test]
fn strangers_get_an_answer_and_the_door() {
    let mut server = server(&KINDS[0]);
    let conn = accept(&mut server, 1);
    let bytes = b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n";
    server.handle_input(Instant::ZERO, Input::Received { conn, bytes });
    let (written, closed) = drain(&mut server, Instant::ZERO);
    assert!(written.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&written));
    assert!(closed);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    for kind in &KINDS {
        let mut server = server(kind);
        accept(&mut server, 1);
        drain(&mut server, Instant::ZERO);
        let at = server.poll_timeout().expect("a deadline").at;
        assert_eq!(at, Instant::ZERO + kind.silence_max);
        server.handle_timeout(at);
        assert!(drain(&mut server, at).1);
        assert_eq!(server.poll_timeout(), None);
    }
}

#[test]
fn http_is_no_stranger_to_no_other_carrier() {
    for kind in &KINDS[1..] {
        let mut server = server(kind);
        let conn = accept(&mut server, 1);
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        server.handle_input(Instant::ZERO, Input::Received { conn, bytes });
        assert!(drain(&mut server, Instant::ZERO).1, "{}", kind.name);
        assert_eq!(count(&server, "broken"), 1);
    }
}

#[test]
fn an_announcement_that_is_too_long_is_refused() {
    let addrs = vec![[192, 0, 2, 1].into(); message::ADDRESSES_MAX + 10];
    let kind = &KINDS[2];
    let mut fits = Vec::new();
    message::encode(kind, message::ANNOUNCE, &message::announcement(&addrs), &mut fits);
    let mut decoder = Decoder::new(kind);
    decoder.push(&fits);
    assert!(
        matches!(decoder.next(), Ok(Some(Message::Announce(addrs))) if addrs.len() == message::ADDRESSES_MAX)
    );
    let body: Vec<u8> = [4, 192, 0, 2, 1].repeat(message::ADDRESSES_MAX + 1);
    let mut long = Vec::new();
    message::encode(kind, message::ANNOUNCE, &body, &mut long);
    decoder.push(&long);
    assert_eq!(decoder.next(), Err(message::Broken));
}

/// Bytes that begin as a peer of this kind would, so that they reach the deeper parsers.
fn opening(kind: &Kind, client: bool) -> Vec<u8> {
    match (kind.name, client) {
        ("hcap", true) => {
            b"POST /hcap/abc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()
        }
        ("hcap", false) => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        ("softether", true) => tls::client_hello("x", &mut Rng::new([3; 32])),
        ("softether", false) => tls::server_hello(&mut Rng::new([3; 32])),
        _ => Vec::new(),
    }
}

/// Bytes in the carrier, so that they reach the messages.
fn wrapped(kind: &Kind, bytes: &[u8]) -> Vec<u8> {
    crate::baseline::carrier::wrap(kind.carrier, bytes.to_vec())
}

proptest! {
    #[test]
    fn no_bytes_upset_a_server(
        kind in 0..KINDS.len(), opens: bool, wraps: bool,
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 0..8),
    ) {
        let kind = &KINDS[kind];
        let mut server = server(kind);
        let conn = accept(&mut server, 1);
        let first = if opens { opening(kind, true) } else { Vec::new() };
        let pieces = pieces.iter().map(|piece| if wraps { wrapped(kind, piece) } else { piece.clone() });
        for bytes in [first].into_iter().chain(pieces) {
            server.handle_input(Instant::ZERO, Input::Received { conn, bytes: &bytes });
            drain(&mut server, Instant::ZERO);
        }
        server.handle_input(Instant::ZERO, Input::Closed(conn, None));
        drain(&mut server, Instant::ZERO);
        prop_assert_eq!(server.poll_timeout(), None, "nothing is left of it");
    }

    #[test]
    fn no_bytes_upset_a_client(
        kind in 0..KINDS.len(), opens: bool, wraps: bool, proxy: bool,
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 0..8),
    ) {
        let kind = &KINDS[kind];
        let server = Endpoint::Name("server".into(), kind.port);
        let mut config = TunnelClientConfig::new(kind, server, vec![[192, 0, 2, 1].into()]);
        config.proxy = proxy.then(|| crate::baseline::Proxy {
            endpoint: Endpoint::Name("proxy".into(), 3128),
            credentials: None,
        });
        let mut client = TunnelClient::new(config, Rng::new([2; 32]));
        client.handle_timeout(Instant::ZERO);
        let mut conns = Vec::new();
        while let Some(act) = client.poll_act() {
            if let Act::Do(Output::Connect { conn, .. }) = act {
                conns.push(conn);
            }
        }
        let local = SocketAddr::from(([10, 0, 0, 1], 1));
        for conn in conns.iter().copied() {
            client.handle_input(Instant::ZERO, Input::Connected { conn, local });
        }
        let first = if opens { opening(kind, false) } else { Vec::new() };
        let pieces = pieces.iter().map(|piece| if wraps { wrapped(kind, piece) } else { piece.clone() });
        for bytes in [first].into_iter().chain(pieces) {
            client.handle_input(Instant::ZERO, Input::Received { conn: conns[0], bytes: &bytes });
            drain(&mut client, Instant::ZERO);
        }
        prop_assert!(client.poll_timeout().is_some(), "it lives, or it tries again");
    }

    #[test]
    fn messages_come_out_as_they_went_in_wherever_they_are_cut(
        kind in 0..KINDS.len(),
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
        cut in 1_usize..50,
    ) {
        let kind = &KINDS[kind];
        let mut queue = crate::baseline::queue::Queue::new(usize::MAX);
        for body in &bodies {
            let mut message = Vec::new();
            message::encode(kind, message::FRAME, body, &mut message);
            queue.push(message);
        }
        let mut decoder = Decoder::new(kind);
        let mut out = Vec::new();
        while let Some(batch) = queue.take(kind) {
            for piece in batch.chunks(cut) {
                decoder.push(piece);
                while let Some(message) = decoder.next().expect("ours") {
                    out.push(message);
                }
            }
        }
        prop_assert_eq!(out, bodies.into_iter().map(Message::Frame).collect::<Vec<_>>());
    }
}
