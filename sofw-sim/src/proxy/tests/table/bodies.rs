//! What is held back, and for how long.

use super::*;

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
fn haproxy_holds_each_way_of_a_conversation() {
    let mut bench = Bench::preset("haproxy");
    let conn = bench.client();
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post);
    bench.run_ms(500);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    bench.run_ms(500);
    bench.read_origins();
    bench.read(conn);
    bench.send(conn, chunk("ask"));
    bench.run_ms(199);
    assert_eq!(bench.read(origin), "");
    bench.run_ms(1);
    assert_eq!(bench.read(origin), chunk("ask"));
    bench.send(origin, chunk("answer"));
    bench.run_ms(199);
    assert_eq!(bench.read(conn), "");
    bench.run_ms(1);
    assert_eq!(bench.read(conn), chunk("answer"), "400 ms in all");
    bench.send(origin, chunk(&"x".repeat(1448)));
    assert!(bench.read(conn).len() > 1448, "a full segment does not wait");
}
