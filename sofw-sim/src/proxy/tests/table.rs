//! What was measured of real proxies, cell by cell.

use sofw_core::base::Duration;

use super::super::{PRESETS, find};
use super::bench::{Bench, ORIGIN, chunk, request, status};

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

/// Looks every 10 ms for `mark` in what `read` gives; after half a second the body is ended.
fn when(bench: &mut Bench, mark: &str, read: fn(&mut Bench) -> String, end: fn(&mut Bench)) -> When {
    let mut seen = read(bench);
    for waited in 0..50 {
        if seen.contains(mark) {
            return if waited == 0 { Now } else { After(waited * 10) };
        }
        bench.run_ms(10);
        seen += &read(bench);
    }
    end(bench);
    bench.run_ms(10);
    seen += &read(bench);
    assert!(seen.contains(mark), "it comes at the end at the latest: {seen}");
    AtEnd
}

const CLIENT: sofw_core::io::ConnId = sofw_core::io::ConnId::Accepted(1);

fn read_client(bench: &mut Bench) -> String {
    bench.read(CLIENT)
}

fn response_chunk(name: &str, fields: &str) -> When {
    let mut bench = Bench::preset(name);
    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, get);
    bench.run_ms(500);
    let origin = bench.origin();
    assert!(bench.read_origins().starts_with("GET /x HTTP/1."), "{name} asks the server in origin-form");
    bench.send(origin, format!("HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"));
    bench.run_ms(500);
    bench.read(conn);
    bench.send(origin, chunk("a-small-chunk"));
    when(&mut bench, "a-small-chunk", read_client, |bench| {
        let origin = bench.origin();
        bench.send(origin, "0\r\n\r\n");
    })
}

fn request_piece(name: &str, fields: &str, piece: &str, end: fn(&mut Bench)) -> When {
    let mut bench = Bench::preset(name);
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", fields);
    bench.send(conn, post);
    bench.run_ms(500);
    bench.send(conn, piece);
    when(&mut bench, "a-small-chunk", Bench::read_origins, end)
}

#[test]
fn chunks_of_responses_come_out_as_measured() {
    for row in ROWS {
        let octets = response_chunk(row.name, "Content-Type: application/octet-stream\r\n");
        assert_eq!(octets, row.octets, "{}: octets", row.name);
        for kind in ["text/html", "text/event-stream"] {
            let html = response_chunk(row.name, &format!("Content-Type: {kind}\r\n"));
            assert_eq!(html, row.html, "{}: {kind}", row.name);
        }
    }
}

#[test]
fn nginx_honours_the_field_that_asks_for_no_buffering() {
    assert_eq!(response_chunk("nginx", "X-Accel-Buffering: no\r\n"), Now);
    assert_eq!(response_chunk("haproxy", "X-Accel-Buffering: no\r\n"), After(200));
}

#[test]
fn what_scans_answers_holds_them_to_the_end() {
    assert_eq!(response_chunk("antivirus", "Content-Type: application/octet-stream\r\n"), AtEnd);
}

#[test]
fn pieces_of_requests_come_out_as_measured() {
    for row in ROWS {
        let chunked =
            request_piece(row.name, "Transfer-Encoding: chunked\r\n", &chunk("a-small-chunk"), |bench| {
                bench.send(CLIENT, "0\r\n\r\n");
            });
        assert_eq!(chunked, row.post_chunked, "{}: chunked", row.name);
        let length = request_piece(row.name, "Content-Length: 26\r\n", "a-small-chunk", |bench| {
            bench.send(CLIENT, "a-small-chunk");
        });
        assert_eq!(length, row.post_length, "{}: Content-Length", row.name);
    }
}

#[test]
fn what_is_held_whole_is_sent_on_with_its_length() {
    for name in ["privoxy", "nginx"] {
        let mut bench = Bench::preset(name);
        let conn = bench.client();
        let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
        bench.send(conn, post + &chunk("one") + &chunk("two"));
        bench.run_ms(500);
        assert!(bench.connects.is_empty(), "{name}: the server is not asked before the request is complete");
        bench.send(conn, "0\r\n\r\n");
        let sent = bench.read_origins();
        assert!(sent.ends_with("Content-Length: 6\r\n\r\nonetwo"), "{name}: {sent}");
        assert!(!sent.contains("chunked"), "{name}: {sent}");
    }
}

#[test]
fn apache_passes_a_request_on_in_blocks() {
    let mut bench = Bench::preset("apache");
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post);
    bench.run_ms(100);
    let block = "x".repeat(1024);
    for _ in 0..15 {
        bench.send(conn, chunk(&block));
    }
    assert_eq!(bench.read_origins(), "");
    bench.send(conn, chunk(&block));
    assert!(bench.read_origins().len() > 16 * 1024);
}

#[test]
fn answers_to_unfinished_requests_come_as_measured() {
    for row in ROWS {
        let mut bench = Bench::preset(row.name);
        let conn = bench.client();
        let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
        bench.send(conn, post + &chunk(&"x".repeat(20_000)));
        bench.run_ms(500);
        let passes = !bench.connects.is_empty();
        let mut seen = String::new();
        if passes {
            let origin = bench.origin();
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            bench.send(origin, head.to_owned() + &chunk("early-word"));
            bench.run_ms(500);
            seen = bench.read(conn);
        }
        assert_eq!(seen.contains("early-word"), row.duplex, "{}: {seen}", row.name);
        bench.send(conn, "0\r\n\r\n");
        bench.run_ms(500);
        if !row.duplex && passes {
            assert!(bench.read(conn).contains("early-word"), "{}: after the request's end", row.name);
        }
    }
}

#[test]
fn small_posts_in_sequence_have_the_measured_rate() {
    for row in ROWS {
        let mut bench = Bench::preset(row.name);
        let post = request(bench.proxy.config(), "POST", "Content-Length: 5\r\n") + "hello";
        let mut conn = bench.client();
        let start = bench.now;
        let count = 100;
        for _ in 0..count {
            if bench.ended.contains_key(&conn) {
                bench.close(conn);
                conn = bench.client();
            }
            bench.send(conn, &post);
            while !bench.read_origins().contains("hello") {
                bench.run(Duration::from_micros(10));
            }
            let origin = bench.origin();
            bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(status(&bench.read(conn)), 200, "{}", row.name);
        }
        let rate = count * 1_000_000 / (bench.now.since(start).as_micros() as u64).max(1);
        assert!(rate.abs_diff(row.posts) * 10 <= row.posts, "{}: {rate}/s", row.name);
    }
}

#[test]
fn web_sockets_fare_as_measured() {
    for row in ROWS {
        let mut bench = Bench::preset(row.name);
        let conn = bench.client();
        let get = request(bench.proxy.config(), "GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
        bench.send(conn, get);
        bench.run_ms(500);
        let asked = bench.read_origins();
        let seen = match (asked.is_empty(), asked.contains("Upgrade: websocket\r\n")) {
            (true, _) => WebSocket::NoAnswer,
            (false, false) => WebSocket::Stripped,
            (false, true) => WebSocket::Passed,
        };
        assert_eq!(seen, row.web_socket, "{}: {asked}", row.name);
        if seen == WebSocket::Passed {
            let origin = bench.origin();
            let head =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
            bench.send(origin, head.to_owned() + "\u{1}down");
            let answer = bench.read(conn);
            assert!(answer.contains("\r\nUpgrade: websocket\r\n") && answer.ends_with("\r\n\r\n\u{1}down"));
            bench.send(conn, "up");
            assert_eq!(bench.read(origin), "up");
            assert_idle(&mut bench, row.idle[2], row.name);
        }
    }
}

#[test]
fn connect_leads_where_it_was_seen_to_lead() {
    for row in ROWS {
        for (port, expected) in [443, 80, 8443].into_iter().zip(row.connect) {
            let mut bench = Bench::preset(row.name);
            let conn = bench.client();
            bench.send(conn, format!("CONNECT {ORIGIN}:{port} HTTP/1.1\r\nHost: {ORIGIN}:{port}\r\n\r\n"));
            bench.run_ms(500);
            let answer = bench.read(conn);
            assert_eq!(status(&answer), expected, "{} to {port}: {answer}", row.name);
            if expected == 200 {
                let origin = bench.origin();
                bench.send(conn, "no TLS at all");
                assert_eq!(bench.read(origin), "no TLS at all", "{}", row.name);
                bench.send(origin, "and back");
                assert_eq!(bench.read(conn), "and back", "{}", row.name);
                assert_idle(&mut bench, row.idle[2], row.name);
            }
        }
    }
}

#[test]
fn a_wait_for_100_ends_as_measured() {
    for row in ROWS {
        let mut bench = Bench::preset(row.name);
        let conn = bench.client();
        let fields = "Expect: 100-continue\r\nContent-Length: 20000\r\n";
        let post = request(bench.proxy.config(), "POST", fields);
        bench.send(conn, post);
        bench.run_ms(500);
        let own = status(&bench.read(conn)) == 100;
        let body = "x".repeat(19_999);
        if own {
            bench.send(conn, &body);
            bench.run_ms(500);
        }
        let seen = match (own, bench.connects.is_empty()) {
            (true, true) => Hundred::Own,
            (true, false) => {
                let asked = bench.read_origins();
                if asked.contains(&body[..16_000]) { Hundred::Own } else { Hundred::OwnThenHangs }
            }
            (false, _) => {
                let origin = bench.origin();
                assert!(bench.read(origin).contains("Expect: 100-continue\r\n"), "{}", row.name);
                bench.send(origin, "HTTP/1.1 100 Continue\r\n\r\n");
                bench.run_ms(500);
                if status(&bench.read(conn)) == 100 { Hundred::Works } else { Hundred::Never }
            }
        };
        assert_eq!(seen, row.hundred, "{}", row.name);
    }
}

#[test]
fn apache_goes_on_when_the_server_says_100() {
    let mut bench = Bench::preset("apache");
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n");
    bench.send(conn, post + "body");
    bench.run(Duration::from_secs(30));
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(bench.read(origin).ends_with("\r\n\r\nbody"));
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let answer = bench.read(conn);
    assert_eq!(answer.matches("100 Continue").count(), 1, "only its own: {answer}");
    assert!(answer.contains("HTTP/1.1 200 OK"));
}

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

#[test]
fn silence_ends_exchanges_as_measured() {
    for row in ROWS {
        let mut bench = Bench::preset(row.name);
        let conn = bench.client();
        let get = request(bench.proxy.config(), "GET", "");
        bench.send(conn, get);
        bench.run_ms(500);
        let origin = bench.origin();
        bench.send(origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_idle(&mut bench, row.idle[0], row.name);

        let mut bench = Bench::preset(row.name);
        let conn = bench.client();
        let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
        bench.send(conn, post);
        bench.run_ms(500);
        bench.send(conn, chunk("x"));
        assert_idle(&mut bench, row.idle[1], row.name);
        if row.name == "apache" {
            assert_eq!(status(&bench.read(conn)), 408);
        }
    }
}

#[test]
fn a_heartbeat_keeps_an_exchange_alive() {
    let mut bench = Bench::preset("apache");
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post);
    for _ in 0..20 {
        bench.run(Duration::from_secs(9));
        bench.send(conn, chunk("x"));
    }
    assert!(!bench.ended.contains_key(&conn));
}

#[test]
fn tinyproxy_closes_without_a_word_after_one_answer() {
    let mut bench = Bench::preset("tinyproxy");
    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, &get);
    bench.run_ms(500);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
    let answer = bench.read(conn);
    assert!(answer.ends_with("hi") && !answer.contains("onnection"), "{answer}");
    assert_eq!(bench.ended.get(&conn), Some(&super::bench::End::Shut));
    bench.send(conn, get);
    assert_eq!(bench.read(conn), "", "a second request is not answered");
}
