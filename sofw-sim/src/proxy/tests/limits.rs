//! Limits: of connections, rates, lengths, lives; and back-pressure.

use sofw_core::base::Duration;

use super::super::{Buffering, ProxyConfig};
use super::bench::{Bench, End, chunk, request, status};

fn get(bench: &mut Bench) -> String {
    request(bench.proxy.config(), "GET", "")
}

#[test]
fn connections_beyond_the_limits_are_closed_as_they_come() {
    let config = ProxyConfig {
        connections_max: Some(3),
        connections_per_client_max: Some(2),
        ..ProxyConfig::default()
    };
    let mut bench = Bench::new(config);
    let first = bench.client();
    bench.client();
    let third = bench.client();
    assert_eq!(bench.ended.get(&third), Some(&End::Closed), "the same client's third");
    bench.client_from([10, 0, 0, 8]);
    let fifth = bench.client_from([10, 0, 0, 9]);
    assert_eq!(bench.ended.get(&fifth), Some(&End::Closed), "the fourth in all");
    assert_eq!(bench.counter("refused"), 2);
    bench.close(first);
    let sixth = bench.client();
    assert!(!bench.ended.contains_key(&sixth), "there is room again");
}

#[test]
fn requests_wait_for_their_turn() {
    let mut bench = Bench::new(ProxyConfig {
        requests_per_second: Some(10),
        origin_keep_alive: None,
        ..ProxyConfig::default()
    });
    for _ in 0..5 {
        let conn = bench.client();
        let text = get(&mut bench);
        bench.send(conn, text);
    }
    assert_eq!(bench.connects.len(), 1);
    bench.run_ms(250);
    assert_eq!(bench.connects.len(), 3);
    bench.run_ms(250);
    assert_eq!(bench.connects.len(), 5);
}

#[test]
fn bytes_are_paced() {
    let mut bench = Bench::new(ProxyConfig { bytes_per_second: Some(10_000), ..ProxyConfig::default() });
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    bench.run_ms(100);
    let origin = bench.origin();
    bench.send(conn, [b'x'; 20_000]);
    bench.run_ms(1_000);
    let first = bench.read(origin).len();
    assert!((9_000..=10_500).contains(&first), "{first}");
    bench.run_ms(1_100);
    assert_eq!(first + bench.read(origin).len(), 20_000);
}

#[test]
fn pieces_are_late_and_in_order() {
    let latency = Duration::from_millis(30);
    let mut bench = Bench::new(ProxyConfig { piece_latency: latency, ..ProxyConfig::default() });
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    let origin = bench.origin();
    bench.send(conn, "one");
    bench.run_ms(10);
    bench.send(conn, "two");
    bench.run_ms(19);
    assert_eq!(bench.read(origin), "");
    bench.run_ms(1);
    assert_eq!(bench.read(origin), "one");
    bench.run_ms(10);
    assert_eq!(bench.read(origin), "two");
}

#[test]
fn long_bodies_are_refused() {
    for (fields, body) in [
        ("Content-Length: 101\r\n", String::new()),
        ("Transfer-Encoding: chunked\r\n", chunk(&"x".repeat(101))),
    ] {
        let mut bench = Bench::new(ProxyConfig { request_body_max: Some(100), ..ProxyConfig::default() });
        let conn = bench.client();
        let post = request(bench.proxy.config(), "POST", fields);
        bench.send(conn, post + &body);
        assert_eq!(status(&bench.read(conn)), 413, "{fields}");
    }
    let mut bench = Bench::new(ProxyConfig { response_body_max: Some(100), ..ProxyConfig::default() });
    let conn = bench.client();
    let text = get(&mut bench);
    bench.send(conn, &text);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n");
    assert_eq!(status(&bench.read(conn)), 502);
    bench.send(conn, &text);
    let origin = bench.origin();
    bench.send(
        origin,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned() + &chunk(&"x".repeat(101)),
    );
    assert!(bench.ended.contains_key(&conn), "cut off");
    assert!(!bench.read(conn).ends_with("0\r\n\r\n"));
}

#[test]
fn strict_wants_a_length() {
    let mut bench = Bench::preset("strict");
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post);
    assert_eq!(status(&bench.read(conn)), 411);
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    assert_eq!(status(&bench.read(conn)), 403);
}

#[test]
fn what_is_forbidden_gets_a_page() {
    let deny = vec!["forbidden.example".to_owned(), "/secret".to_owned()];
    let mut bench = Bench::new(ProxyConfig { deny, ..ProxyConfig::default() });
    let conn = bench.client();
    for target in ["http://www.forbidden.example/", "http://a.example/secret/1"] {
        bench.send(conn, format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n"));
        let answer = bench.read(conn);
        assert!(
            status(&answer) == 403 && answer.contains("text/html") && answer.contains("<html>"),
            "{answer}"
        );
    }
    assert_eq!(bench.counter("denied"), 2);
    bench.send(conn, "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(bench.connects.len(), 1);
}

#[test]
fn a_life_has_an_end() {
    let mut bench =
        Bench::new(ProxyConfig { lifetime_max: Some(Duration::from_secs(60)), ..ProxyConfig::default() });
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    for _ in 0..59 {
        bench.send(conn, "x");
        bench.run(Duration::from_secs(1));
    }
    assert!(bench.ended.is_empty());
    bench.run(Duration::from_secs(1));
    assert!(bench.ended.contains_key(&conn) && bench.ended.contains_key(&bench.origin()));
}

#[test]
fn a_silent_connection_between_requests_is_closed() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    bench.run(Duration::from_secs(61));
    assert_eq!(bench.ended.get(&conn), Some(&End::Shut));
    bench.run(Duration::from_secs(6));
    assert_eq!(bench.ended.get(&conn), Some(&End::Closed), "its client did not close");
    assert_eq!(bench.proxy.connections(), (0, 0));
}

#[test]
fn servers_that_cannot_be_reached() {
    for (silent, expected) in [(false, 502), (true, 0)] {
        let mut bench = Bench::new(ProxyConfig { silent_failures: silent, ..ProxyConfig::default() });
        bench.reachable = Some(false);
        let conn = bench.client();
        let text = get(&mut bench);
        bench.send(conn, text);
        assert_eq!(status(&bench.read(conn)), expected);
        assert_eq!(bench.ended.contains_key(&conn), silent);
    }
    let mut bench = Bench::new(ProxyConfig::default());
    bench.reachable = None;
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    bench.run(Duration::from_secs(59));
    assert_eq!(bench.read(conn), "");
    bench.run(Duration::from_secs(2));
    assert_eq!(status(&bench.read(conn)), 504);
    assert_eq!(bench.ended.get(&bench.origin()), Some(&End::Closed));
}

#[test]
fn a_slow_reader_slows_its_sender_down() {
    let mut bench = Bench::new(ProxyConfig { window: 10_000, ..ProxyConfig::default() });
    let conn = bench.client();
    let text = get(&mut bench);
    bench.send(conn, text);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    bench.stuck.insert(conn);
    let piece = chunk(&"x".repeat(2_000));
    for _ in 0..5 {
        bench.send(origin, &piece);
    }
    assert!(bench.paused.is_empty());
    bench.send(origin, &piece);
    assert!(bench.paused.contains(&origin), "six pieces wait, of which one is under way");
    bench.take(conn);
    assert!(bench.paused.is_empty());
}

#[test]
fn a_body_that_is_held_is_bounded() {
    let config = ProxyConfig {
        buffer_max: 1_000,
        response_buffering: Buffering::UntilEnd,
        request_buffering: Buffering::UntilEnd,
        ..ProxyConfig::default()
    };
    let mut bench = Bench::new(config);
    let conn = bench.client();
    let text = get(&mut bench);
    bench.send(conn, &text);
    let origin = bench.origin();
    bench.send(
        origin,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned() + &chunk(&"x".repeat(900)),
    );
    assert_eq!(bench.read(conn), "");
    bench.send(origin, chunk(&"y".repeat(101)));
    let answer = bench.read(conn);
    assert!(
        answer.contains("Transfer-Encoding: chunked\r\n\r\n3e9\r\nxxx"),
        "a response passes from there: {answer}"
    );
    bench.send(origin, "0\r\n\r\n");
    assert_eq!(bench.read(conn), "0\r\n\r\n");
    let post = request(bench.proxy.config(), "POST", "Content-Length: 5000\r\n");
    bench.send(conn, post + &"x".repeat(1_001));
    assert_eq!(status(&bench.read(conn)), 413, "a request is refused");
}

#[test]
fn chunks_are_cut_to_size() {
    let mut bench = Bench::new(ProxyConfig { chunk_max: Some(4), ..ProxyConfig::default() });
    let conn = bench.client();
    let text = get(&mut bench);
    bench.send(conn, text);
    let origin = bench.origin();
    bench.send(
        origin,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned() + &chunk("abcdefghij"),
    );
    assert!(bench.read(conn).ends_with("\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n2\r\nij\r\n"));
}

#[test]
fn a_server_that_was_slowed_down_and_ended_is_not_told_to_go_on() {
    let mut bench = Bench::new(ProxyConfig { window: 10_000, ..super::bench::config_of("tinyproxy") });
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post);
    bench.run_ms(21);
    let origin = bench.origin();
    bench.send(origin, "x".repeat(30_000));
    assert!(bench.paused.remove(&origin), "what it says is no answer, and more than the window");
    // The bench objects to acts about a connection that is gone.
    bench.close(origin);
}
