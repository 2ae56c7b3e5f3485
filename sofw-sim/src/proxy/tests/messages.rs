//! Messages on their way through: what is taken out, put in, kept and refused.

use sofw_core::base::Duration;
use sofw_core::io::{Endpoint, Input};

use super::super::ProxyConfig;
use super::bench::{Bench, End, chunk, config_of, request, status};

#[test]
fn fields_of_one_hop_go_no_further() {
    let mut bench = Bench::new(ProxyConfig { via: Some("here".to_owned()), ..ProxyConfig::default() });
    let conn = bench.client();
    bench.send(
        conn,
        "GET http://a.example:8080/p?q HTTP/1.1\r\nHost: wrong.example\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\
         X-End: 2\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\n\r\n",
    );
    let asked = bench.read_origins();
    assert_eq!(asked, "GET /p?q HTTP/1.1\r\nHost: a.example:8080\r\nX-End: 2\r\nVia: 1.1 here\r\n\r\n");
    assert_eq!(bench.connects[0].1, Endpoint::Name("a.example".to_owned(), 8080));
    let origin = bench.origin();
    bench.send(
        origin,
        "HTTP/1.1 200 Fine\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert_eq!(
        bench.read(conn),
        "HTTP/1.1 200 Fine\r\nX-End: 2\r\nVia: 1.1 here\r\nContent-Length: 2\r\n\r\nhi"
    );
}

#[test]
fn a_reverse_proxy_asks_its_server_whatever_the_name() {
    let mut bench = Bench::preset("haproxy-no-delay");
    let conn = bench.client();
    bench.send(conn, "GET /path HTTP/1.1\r\nHost: public.example\r\n\r\n");
    bench.run_ms(10);
    assert_eq!(bench.connects[0].1, Endpoint::Addr(([203, 0, 113, 5], 80).into()));
    assert!(bench.read_origins().starts_with("GET /path HTTP/1.1\r\nHost: public.example\r\n"));
}

#[test]
fn only_what_intercepts_goes_by_the_host_field() {
    let get = "GET /path HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let mut bench = Bench::preset("squid");
    let conn = bench.client();
    bench.send(conn, get);
    bench.run_ms(10);
    assert_eq!(status(&bench.read(conn)), 400);
    let mut bench = Bench::preset("transparent");
    let conn = bench.client();
    bench.send(conn, get);
    bench.run_ms(10);
    assert_eq!(bench.connects[0].1, Endpoint::Name("a.example".to_owned(), 80));
}

#[test]
fn connections_to_servers_are_used_again() {
    let mut bench = Bench::new(ProxyConfig::default());
    let get = request(bench.proxy.config(), "GET", "");
    let conn = bench.client();
    for _ in 0..3 {
        bench.send(conn, &get);
        let origin = bench.origin();
        bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        assert!(bench.read(conn).ends_with("hi"));
    }
    assert_eq!(bench.connects.len(), 1);
    let origin = bench.origin();
    // The server closes it while the next request is under way: that is sent again.
    bench.send(conn, &get);
    bench.close(origin);
    assert_eq!(bench.connects.len(), 2);
    let origin = bench.origin();
    assert!(bench.read(origin).starts_with("GET "));
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert!(bench.read(conn).ends_with("hi"));
    bench.run(Duration::from_secs(61));
    assert_eq!(bench.ended.get(&origin), Some(&End::Closed), "the pool keeps nothing for ever");
}

#[test]
fn a_server_that_dies_is_answered_for_or_cut() {
    let mut bench = Bench::new(ProxyConfig::default());
    let get = request(bench.proxy.config(), "GET", "");
    let conn = bench.client();
    bench.send(conn, &get);
    let origin = bench.origin();
    bench.reset(origin);
    assert_eq!(status(&bench.read(conn)), 502);
    bench.send(conn, &get);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned() + &chunk("half"));
    bench.reset(origin);
    assert!(bench.read(conn).ends_with("half\r\n"), "no last chunk hides the loss");
    assert_eq!(bench.ended.get(&conn), Some(&End::Shut));
    bench.close(conn);
    assert_eq!(bench.proxy.connections(), (0, 0));
}

#[test]
fn a_client_that_goes_takes_its_server_along() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post + &chunk("x"));
    bench.close(conn);
    assert_eq!(bench.ended.get(&bench.origin()), Some(&End::Closed));
    assert_eq!(bench.proxy.connections(), (0, 0));
}

#[test]
fn the_last_words_of_a_tunnel_arrive() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    let origin = bench.origin();
    bench.stuck.insert(origin);
    bench.send(conn, "first");
    bench.send(conn, "last");
    bench.close(conn);
    assert_eq!(bench.read(origin), "first");
    let next = bench.client();
    bench.send(next, "GET http://a.example:443/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(bench.connects.len(), 2, "what is ending is not used again");
    bench.take(origin);
    assert_eq!(bench.read(origin), "last");
    bench.input(Input::Written(origin));
    assert_eq!(bench.ended.get(&origin), Some(&End::Closed));
}

#[test]
fn a_body_that_ends_with_the_connection_is_framed_anew() {
    for (minor, expected) in [(1, "2\r\nhi\r\n0\r\n\r\n"), (0, "\r\n\r\nhi")] {
        let mut bench = Bench::new(ProxyConfig::default());
        let conn = bench.client();
        bench.send(conn, format!("GET http://a.example/ HTTP/1.{minor}\r\nHost: a.example\r\n\r\n"));
        let origin = bench.origin();
        bench.send(origin, "HTTP/1.0 200 OK\r\n\r\nhi");
        bench.close(origin);
        assert!(bench.read(conn).ends_with(expected), "to HTTP/1.{minor}");
        assert_eq!(bench.ended.contains_key(&conn), minor == 0);
    }
}

#[test]
fn an_early_answer_ends_the_request() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post + &chunk("x"));
    let origin = bench.origin();
    bench.read(origin);
    bench.send(origin, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(status(&bench.read(conn)), 404);
    assert_eq!(bench.ended.get(&conn), Some(&End::Shut));
    assert_eq!(bench.ended.get(&origin), Some(&End::Closed));
    bench.send(conn, chunk("y"));
    assert_eq!((bench.read(origin), bench.read(conn)), (String::new(), String::new()));
}

#[test]
fn an_answer_kept_for_the_requests_end_comes_when_the_server_is_gone() {
    let mut bench = Bench::preset("tinyproxy");
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post + &chunk("x"));
    bench.run_ms(100);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(bench.read(conn), "");
    bench.close(origin);
    assert_eq!(status(&bench.read(conn)), 404);
}

#[test]
fn requests_sent_ahead_wait_for_their_answers() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, get.repeat(2));
    let origin = bench.origin();
    assert_eq!(bench.read(origin).matches("GET ").count(), 1);
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(bench.read(origin).matches("GET ").count(), 1);
    bench.send(origin, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(bench.read(conn).matches("HTTP/1.1 20").count(), 2);
}

#[test]
fn what_is_no_http_is_answered_and_closed() {
    for (bytes, expected) in [
        ("\u{16}\u{3}\u{1}", 400),
        ("GET http://a.example/\r\n\r\n", 400),
        ("GET http://a.example/ HTTP/3.0\r\n\r\n", 505),
        ("GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        ("GET http://a.example:99999/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        ("POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", 400),
        ("CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
    ] {
        let mut bench = Bench::new(ProxyConfig::default());
        let conn = bench.client();
        bench.send(conn, bytes);
        assert_eq!(status(&bench.read(conn)), expected, "{bytes}");
        assert_eq!(bench.counter("refused"), 1, "{bytes}");
    }
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    bench.send(conn, format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(70_000)));
    assert_eq!(status(&bench.read(conn)), 431);
}

#[test]
fn servers_that_speak_something_else() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, get);
    let origin = bench.origin();
    bench.send(origin, "220 mail.example ESMTP\r\n\r\n");
    assert_eq!(status(&bench.read(conn)), 502);
    assert_eq!(bench.ended.get(&origin), Some(&End::Closed));
}

#[test]
fn head_has_no_body() {
    let mut bench = Bench::new(ProxyConfig::default());
    let conn = bench.client();
    let head = request(bench.proxy.config(), "HEAD", "");
    bench.send(conn, &head);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    assert!(bench.read(conn).ends_with("Content-Length: 500\r\n\r\n"));
    bench.send(conn, head);
    assert_eq!(bench.read(origin).matches("HEAD ").count(), 2, "the next exchange has begun");
}

#[test]
fn tls_inspection_wants_a_client_hello() {
    let connect = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    let mut bench = Bench::preset("tls-inspecting");
    let conn = bench.client();
    bench.send(conn, connect);
    assert_eq!(status(&bench.read(conn)), 200);
    bench.send(conn, "POST /sofw HTTP/1.1\r\n");
    assert_eq!(bench.ended.get(&conn), Some(&End::Reset));
    assert_eq!(bench.ended.get(&bench.origin()), Some(&End::Reset));
    assert_eq!(bench.read_origins(), "");

    let conn = bench.client();
    bench.send(conn, connect);
    let hello = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    bench.send(conn, hello);
    assert_eq!(bench.read_origins().as_bytes(), hello);
    bench.send(conn, "CONNECT");
    assert_eq!(bench.read_origins(), "CONNECT");
}

#[test]
fn same_seed_and_inputs_give_the_same_run() {
    let run = || {
        let mut config = config_of("squid");
        config.auth = Some(super::super::ProxyAuth::default());
        config.auth.as_mut().expect("set").schemes = vec![super::super::AuthScheme::DigestMd5];
        let mut bench = Bench::new(config);
        let conn = bench.client();
        let get = request(bench.proxy.config(), "GET", "");
        bench.send(conn, get);
        bench.run_ms(100);
        bench.read(conn)
    };
    assert!(run().contains("nonce=") && run() == run());
}
