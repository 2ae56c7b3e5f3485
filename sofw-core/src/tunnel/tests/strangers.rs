//! Who has no key learns nothing, and disturbs nobody.

use super::middle::{Middle, Side};
use super::*;
use crate::config::limits::{SITE_PENDING_SESSIONS_MAX, STRANGER_CONNECTIONS_MAX, STRANGER_TIMEOUT};
use crate::tunnel::http::to_path_segment;
use crate::tunnel::seal::hello;

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// What a stranger gets back for these bytes, and whether the connection was closed.
fn answer(bytes: &[u8]) -> (String, bool) {
    let mut world = World::new(Middle::default(), vec![]);
    world.network_is_down = true;
    world.stranger(900, bytes);
    world.run_ms(100);
    (String::from_utf8(world.answers[&900].clone()).unwrap(), world.closed.contains(&900))
}

fn hello_bytes(site: &str, key: u8) -> Vec<u8> {
    hello(site, &SiteKey([key; 32]), &[1], &mut Rng::new([3; 32])).unwrap().1
}

#[test]
fn a_wrong_key_looks_like_an_unknown_path() {
    let unknown = answer(&post("/no/such/page", &[0; 120]));
    assert!(unknown.0.starts_with("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"), "{}", unknown.0);
    assert!(!unknown.1, "the connection goes on, as on any web server");
    let id = to_path_segment(&[1; 16]);
    for bytes in [
        post("/sofw/1/hello", &hello_bytes("hq", 9)),
        post("/sofw/1/hello", &hello_bytes("nobody", 7)),
        post("/sofw/1/hello", b"nonsense"),
        post("/sofw/1/hello", b""),
        post(&format!("/sofw/1/{id}"), &[0; 64]),
        post("/sofw/1/short", &[0; 64]),
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        b"GET /sofw/1/hello HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        format!("GET /sofw/1/{id}/{} HTTP/1.1\r\nHost: h\r\n\r\n", to_path_segment(&[2; 40])).into_bytes(),
        b"POST /sofw/1/hello HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            .to_vec(),
    ] {
        assert_eq!(answer(&bytes), unknown, "{}", String::from_utf8_lossy(&bytes));
    }
    // Bodies that nobody waits for, too.
    let long = answer(&post("/no/such/page", &[0; 9_000]));
    assert_eq!(answer(&post("/sofw/1/hello", &[0; 9_000])), long);
    assert!(long.1 && long.0.contains("Connection: close"));
}

#[test]
fn bytes_that_are_not_http_get_what_a_web_server_says() {
    for (bytes, start) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400 "),
        (b"GET / HTTP/3.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 "),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 "),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 "),
        (b"DELETE / HTTP/1.0\r\nHost: h\r\n\r\n", "HTTP/1.1 405 "),
        (b"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 404 "),
    ] {
        let (text, closed) = answer(bytes);
        assert!(text.starts_with(start) && closed, "{text}");
        assert!(text.contains("Connection: close\r\n"), "{text}");
    }
}

#[test]
fn a_connection_is_kept_alive_as_on_any_web_server() {
    let one = answer(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").0;
    let three = answer(&b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3));
    assert_eq!(three, (one.repeat(3), false));
    let (head, _) = answer(b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(one.starts_with(&head) && head.ends_with("\r\n\r\n"));
    let (_, closed) = answer(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(closed);
    let (text, _) =
        answer(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(text, "HTTP/1.1 100 Continue\r\n\r\n");
    let (text, _) = answer(b"PUT /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(text.contains("Allow: GET, HEAD, POST"));
}

#[test]
fn refusals_are_reported_once_a_minute() {
    let mut world = World::new(Middle::default(), vec![]);
    world.network_is_down = true;
    let refused = |event: &Event| matches!(event, Event::HelloRefused { reason: "wrong key", .. });
    for conn in 900..990 {
        world.stranger(conn, &post("/sofw/1/hello", &hello_bytes("hq", 9)));
        world.run(Duration::from_secs(1));
    }
    assert_eq!(world.count(Side::Server, refused), 2);
}

#[test]
fn a_replayed_hello_displaces_nobody() {
    let mut world = World::new(Middle::default(), vec![]);
    world.run_until_up(Duration::from_secs(5));
    for conn in 900..960 {
        world.stranger(conn, &post("/sofw/1/hello", &hello_bytes("hq", 7)));
        assert!(world.answers[&conn].starts_with(b"HTTP/1.1 200 "));
        assert!(world.server.sessions() <= 1 + SITE_PENDING_SESSIONS_MAX, "the oldest replay made room");
    }
    world.run(Duration::from_secs(30));
    assert_eq!((world.sessions.len(), world.server.sessions()), (2, 1), "their time is up");
    assert_eq!(world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. })), 0);
    world.send_down(1);
    world.run_ms(100);
    assert_eq!(world.at_client, [1]);
}

#[test]
fn a_replayed_exchange_opens_nothing() {
    let mut world = World::new(Middle::proxy(), vec![TunnelVia::Forward(proxy(None))]);
    world.run_until_up(Duration::from_secs(5));
    let seen: Vec<String> =
        world.middle.heads_seen.iter().filter(|head| head.starts_with("GET")).cloned().collect();
    let target = seen[0].split(' ').nth(1).unwrap().split('\n').next().unwrap();
    world.stranger(900, format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
    world.run(Duration::from_secs(5));
    assert!(world.answers[&900].starts_with(b"HTTP/1.1 404 "));
    assert!(world.client.is_up());
}

#[test]
fn strangers_are_bounded_in_number_and_time() {
    let mut world = World::new(Middle::default(), vec![]);
    world.run_until_up(Duration::from_secs(5));
    for conn in 0..STRANGER_CONNECTIONS_MAX as u64 + 50 {
        world.stranger(10_000 + conn, b"GET / HT");
    }
    assert_eq!(world.closed.len(), 50, "the oldest made room");
    // A site comes in all the same.
    for conn in world.live.clone().into_iter().filter(|conn| *conn < 10_000) {
        world.kill(conn);
    }
    world.run_ms(30);
    world.run_until_up(Duration::from_secs(1));
    world.run(STRANGER_TIMEOUT);
    assert!(world.closed.len() > STRANGER_CONNECTIONS_MAX, "their time is up");
    assert!(world.client.is_up());
}

#[test]
fn who_asks_without_reading_is_cut_off() {
    let mut world = World::new(Middle::default(), vec![]);
    world.network_is_down = true;
    // Nothing is written in between: one batch of requests, as read in one wake-up.
    world.stranger(900, &b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2_000));
    assert!(world.closed.contains(&900));
}

#[test]
fn wrong_records_end_the_connection_and_not_the_session() {
    let mut world = World::new(Middle::default(), vec![]);
    world.run_until_up(Duration::from_secs(5));
    for conn in world.live.clone() {
        world.server.handle_received(world.now, ConnId::Accepted(conn), b"5\r\nabcde\r\nzz");
        world.client.handle_received(world.now, ConnId::Opened(conn), b"zz\r\n");
        world.run_ms(10);
    }
    world.run(Duration::from_secs(2));
    assert!(world.client.is_up());
    world.send_up(1);
    world.run_ms(100);
    assert_eq!((world.at_server, world.sessions.len()), (vec![1], 2));
}
