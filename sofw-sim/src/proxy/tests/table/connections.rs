//! What becomes of connections: rates, upgrades, CONNECT, waits and silence.

use super::*;

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
    assert_eq!(bench.ended.get(&conn), Some(&super::super::bench::End::Shut));
    bench.send(conn, get);
    assert_eq!(bench.read(conn), "", "a second request is not answered");
}

#[test]
fn a_server_that_says_nothing_is_told_of_or_not() {
    for (name, limit, expected) in
        [("nginx", 60, 504), ("haproxy", 50, 504), ("squid", 900, 504), ("tinyproxy", 600, 0)]
    {
        let mut bench = Bench::preset(name);
        let conn = bench.client();
        let get = request(bench.proxy.config(), "GET", "");
        bench.send(conn, get);
        bench.run(Duration::from_secs(limit + 1));
        assert_eq!(status(&bench.read(conn)), expected, "{name}");
        assert!(bench.ended.contains_key(&conn), "{name}");
    }
}
