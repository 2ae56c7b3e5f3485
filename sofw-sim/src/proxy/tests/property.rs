//! Any bytes, in any order, from both sides.

use proptest::prelude::*;
use sofw_core::io::{ConnId, Input};

use super::super::{AuthScheme, PRESETS, ProxyAuth, ProxyConfig};
use super::bench::{Bench, chunk, config_of, request};
use crate::host::Application;

/// The longest piece that arrives at once.
const PIECE: usize = 30_000;

#[derive(Clone, Debug)]
enum Step {
    Client,
    FromClient(usize, Vec<u8>),
    FromOrigin(usize, Vec<u8>),
    CloseClient(usize),
    CloseOrigin(usize),
    Stick(usize),
    Take(usize),
    Run(u64),
    Reachable(Option<bool>),
    Forget,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "GET http://203.0.113.5/x HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "POST http://203.0.113.5/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        "POST http://203.0.113.5/x HTTP/1.0\r\nContent-Length: 10\r\n\r\n",
        "CONNECT 203.0.113.5:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (prop::sample::select(known.to_vec()), any::<prop::sample::Index>(), any::<u8>()).prop_map(
            |(text, at, byte)| {
                let mut bytes = text.as_bytes().to_vec();
                let at = at.index(bytes.len());
                bytes[at] = byte;
                bytes
            }
        ),
        1 => Just(vec![b'x'; PIECE]),
        1 => Just(format!("6d60\r\n{}\r\n", "x".repeat(0x6d60)).into_bytes()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Client),
        8 => (0..4_usize, bytes()).prop_map(|(at, bytes)| Step::FromClient(at, bytes)),
        8 => (0..4_usize, bytes()).prop_map(|(at, bytes)| Step::FromOrigin(at, bytes)),
        1 => (0..4_usize).prop_map(Step::CloseClient),
        1 => (0..4_usize).prop_map(Step::CloseOrigin),
        1 => (0..4_usize).prop_map(Step::Stick),
        1 => (0..4_usize).prop_map(Step::Take),
        2 => (0..100_000_u64).prop_map(Step::Run),
        1 => prop_oneof![Just(Some(true)), Just(Some(false)), Just(None)].prop_map(Step::Reachable),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_do_any_harm(which in 0..PRESETS.len(), guarded in any::<bool>(), steps in prop::collection::vec(step(), 1..60)) {
        let mut config = config_of(PRESETS[which].name);
        config.window = 10_000;
        config.buffer_max = 20_000;
        if guarded && which % 3 == 0 {
            config.auth = Some(ProxyAuth { schemes: vec![AuthScheme::DigestSha256], ..ProxyAuth::default() });
        }
        let mut bench = Bench::new(config);
        let mut clients: Vec<ConnId> = vec![bench.client()];
        let mut gone: Vec<ConnId> = Vec::new();
        for step in steps {
            let origins: Vec<ConnId> = bench.connects.iter().rev().map(|(conn, _)| *conn).collect();
            let open = |conn: &&ConnId| !gone.contains(conn);
            let client = |at: usize| clients.iter().rev().filter(open).nth(at).copied();
            let origin = |at: usize| origins.iter().filter(open).nth(at).copied();
            match step {
                Step::Client => clients.push(bench.client()),
                Step::FromClient(at, bytes) => {
                    if let Some(conn) = client(at).filter(|conn| !bench.paused.contains(conn)) {
                        bench.send(conn, bytes);
                    }
                }
                Step::FromOrigin(at, bytes) => {
                    if let Some(conn) = origin(at).filter(|conn| !bench.paused.contains(conn)) {
                        bench.send(conn, bytes);
                    }
                }
                Step::CloseClient(at) => {
                    if let Some(conn) = client(at) {
                        bench.paused.remove(&conn);
                        bench.close(conn);
                        gone.push(conn);
                    }
                }
                Step::CloseOrigin(at) => {
                    if let Some(conn) = origin(at) {
                        bench.paused.remove(&conn);
                        bench.close(conn);
                        gone.push(conn);
                    }
                }
                Step::Stick(at) => {
                    bench.stuck.extend(client(at));
                    bench.stuck.extend(origin(at));
                }
                Step::Take(at) => {
                    for conn in [client(at), origin(at)].into_iter().flatten() {
                        if bench.stuck.remove(&conn) {
                            bench.input(Input::Written(conn));
                        }
                    }
                }
                Step::Run(millis) => bench.run_ms(millis),
                Step::Reachable(reachable) => bench.reachable = reachable,
                Step::Forget => {
                    bench.proxy.forget();
                    bench.run_ms(0);
                    bench.client();
                }
            }
            // The window, a body that was held, and the pieces by which both were exceeded.
            prop_assert!(bench.most_waiting() <= 10_000 + 20_000 + 2 * (PIECE + 1_000));
        }
    }

    #[test]
    fn senders_are_slowed_down_for_readers_that_take_little(
        kind in 0..3_usize,
        steps in prop::collection::vec((any::<bool>(), 1..5_000_usize, 0..10_u8), 1..100),
    ) {
        let mut bench = Bench::new(ProxyConfig { window: 10_000, ..ProxyConfig::default() });
        let conn = bench.client();
        let start = match kind {
            0 => "CONNECT 203.0.113.5:443 HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
            1 => request(bench.proxy.config(), "GET", ""),
            _ => request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n"),
        };
        bench.send(conn, start);
        let origin = bench.origin();
        if kind > 0 {
            bench.send(origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        }
        bench.stuck.extend([conn, origin]);
        for (up, len, take) in steps {
            let (from, to) = if up && kind != 1 { (conn, origin) } else { (origin, conn) };
            if !bench.paused.contains(&from) {
                let data = "x".repeat(len);
                bench.send(from, if kind == 0 { data } else { chunk(&data) });
            }
            if take == 0 {
                bench.take(to);
                bench.stuck.insert(to);
            }
            // Beyond the window by one piece.
            prop_assert!(bench.most_waiting() <= 10_000 + 5_010);
        }
    }

    #[test]
    fn a_body_arrives_whole_however_it_is_cut(
        which in 0..PRESETS.len(),
        pieces in prop::collection::vec("[a-z]{1,200}", 1..30),
        cuts in prop::collection::vec(1..300_usize, 1..50),
        with_length in any::<bool>(),
    ) {
        let mut bench = Bench::preset(PRESETS[which].name);
        let conn = bench.client();
        let body = pieces.concat();
        let strict = PRESETS[which].name == "strict";
        let sent = if with_length || strict {
            request(bench.proxy.config(), "POST", &format!("Content-Length: {}\r\n", body.len())) + &body
        } else {
            let chunks: String = pieces.iter().map(|piece| chunk(piece)).collect();
            request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n") + &chunks + "0\r\n\r\n"
        };
        let mut rest = sent.as_bytes();
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            if now.is_empty() {
                break;
            }
            bench.send(conn, now);
            bench.run_ms(7);
            rest = later;
        }
        bench.run_ms(1_000);
        let arrived = bench.read_origins();
        let (head, arrived) = arrived.split_once("\r\n\r\n").expect("a head");
        let arrived = if head.contains("chunked") { unchunk(arrived) } else { arrived.to_owned() };
        prop_assert_eq!(arrived, body);
    }
}

fn unchunk(mut text: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            assert_eq!(rest, "\r\n", "nothing follows the last chunk");
            break;
        }
        body += &rest[..size];
        text = &rest[size + 2..];
    }
    body
}
