//! What was measured of real proxies, cell by cell.

mod bodies;
mod connections;

use sofw_core::base::Duration;
use sofw_core::io::ConnId;

use super::bench::{Bench, ORIGIN, chunk, request, status};
use crate::proxy::{PRESETS, find};

/// When a piece of a body leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Now,
    After(u64),
    AtEnd,
}
use When::{After, AtEnd, Now};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WebSocket {
    Stripped,
    Passed,
    NoAnswer,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hundred {
    /// The server's comes back.
    Works,
    Never,
    /// The proxy's own.
    Own,
    /// The proxy's own, and the body waits for the server's.
    OwnThenHangs,
}

struct Row {
    name: &'static str,
    octets: When,
    html: When,
    post_chunked: When,
    post_length: When,
    duplex: bool,
    /// Small POSTs in sequence, per second.
    posts: u64,
    web_socket: WebSocket,
    /// To ports 443, 80 and 8443.
    connect: [u16; 3],
    hundred: Hundred,
    /// GET, POST, CONNECT or WebSocket, seconds.
    idle: [Option<u64>; 3],
}

const ROWS: &[Row] = &[
    Row {
        name: "squid",
        octets: Now,
        html: Now,
        post_chunked: Now,
        post_length: Now,
        duplex: true,
        posts: 545,
        web_socket: WebSocket::Stripped,
        connect: [200, 403, 403],
        hundred: Hundred::Works,
        idle: [Some(900), None, Some(900)],
    },
    Row {
        name: "tinyproxy",
        octets: Now,
        html: Now,
        post_chunked: Now,
        post_length: Now,
        duplex: false,
        posts: 48,
        web_socket: WebSocket::Stripped,
        connect: [200, 200, 200],
        hundred: Hundred::Never,
        idle: [Some(600), Some(600), Some(600)],
    },
    Row {
        name: "privoxy",
        octets: Now,
        html: AtEnd,
        post_chunked: AtEnd,
        post_length: Now,
        duplex: false,
        posts: 1000,
        web_socket: WebSocket::NoAnswer,
        connect: [200, 200, 200],
        hundred: Hundred::Never,
        idle: [Some(300), Some(300), Some(300)],
    },
    Row {
        name: "nginx",
        octets: AtEnd,
        html: AtEnd,
        post_chunked: AtEnd,
        post_length: AtEnd,
        duplex: false,
        posts: 1100,
        web_socket: WebSocket::Stripped,
        connect: [405, 405, 405],
        hundred: Hundred::Own,
        idle: [Some(60), Some(60), None],
    },
    Row {
        name: "nginx-tuned",
        octets: Now,
        html: Now,
        post_chunked: Now,
        post_length: Now,
        duplex: true,
        posts: 270,
        web_socket: WebSocket::Passed,
        connect: [405, 405, 405],
        hundred: Hundred::Own,
        idle: [None, None, None],
    },
    Row {
        name: "haproxy",
        octets: After(200),
        html: After(200),
        post_chunked: After(200),
        post_length: After(200),
        duplex: true,
        posts: 9000,
        web_socket: WebSocket::Passed,
        connect: [405, 405, 405],
        hundred: Hundred::Works,
        idle: [Some(50), Some(50), Some(50)],
    },
    Row {
        name: "haproxy-no-delay",
        octets: Now,
        html: Now,
        post_chunked: Now,
        post_length: Now,
        duplex: true,
        posts: 9000,
        web_socket: WebSocket::Passed,
        connect: [405, 405, 405],
        hundred: Hundred::Works,
        idle: [Some(50), Some(50), Some(50)],
    },
    Row {
        name: "apache",
        octets: Now,
        html: Now,
        post_chunked: AtEnd,
        post_length: AtEnd,
        duplex: false,
        posts: 3300,
        web_socket: WebSocket::Stripped,
        connect: [405, 405, 405],
        hundred: Hundred::OwnThenHangs,
        idle: [Some(300), Some(10), None],
    },
];

#[test]
fn every_preset_is_found_by_its_name() {
    for preset in PRESETS {
        assert_eq!(find(preset.name).map(|found| found.about), Some(preset.about));
        assert!(preset.about.contains("easured"), "{}: the source is said", preset.name);
    }
    assert!(find("no-such-proxy").is_none());
}

/// A bench's first client.
const CLIENT: ConnId = ConnId::Accepted(1);

/// Nothing ends shortly before the limit, and the client's connection is ended shortly behind it.
fn assert_idle(bench: &mut Bench, limit: Option<u64>, name: &str) {
    match limit {
        Some(limit) => {
            bench.run(Duration::from_secs(limit) - Duration::from_millis(1));
            assert!(!bench.ended.contains_key(&CLIENT), "{name}: not yet");
            bench.run_ms(2);
            assert!(bench.ended.contains_key(&CLIENT), "{name}: ended after {limit} s");
        }
        None => {
            bench.run(Duration::from_secs(910));
            assert!(!bench.ended.contains_key(&CLIENT), "{name}: kept");
        }
    }
}
