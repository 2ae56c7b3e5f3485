//! A proxy that loses its state while its connections stay.

use sofw_core::base::Duration;

use super::super::ProxyConfig;
use super::bench::{Bench, request};
use crate::host::Application;

#[test]
fn known_connections_become_black_holes_and_new_ones_work() {
    let mut bench = Bench::preset("squid");
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    bench.run_ms(100);
    let origin = bench.origin();
    bench.read(conn);
    bench.proxy.forget();
    bench.send(conn, "up");
    bench.send(origin, "down");
    bench.run(Duration::from_secs(3_600));
    assert_eq!((bench.read(conn), bench.read(origin)), (String::new(), String::new()));
    assert!(bench.ended.is_empty(), "nobody is told");
    assert_eq!(bench.counter("black_holes"), 2);
    bench.close(conn);
    bench.reset(origin);
    assert_eq!(bench.counter("black_holes"), 0);

    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, get);
    bench.run_ms(100);
    let origin = bench.origin();
    bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert!(bench.read(conn).ends_with("hi"));
}

#[test]
fn what_was_paused_is_read_again_and_swallowed() {
    let mut bench = Bench::new(ProxyConfig { window: 1_000, ..ProxyConfig::default() });
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    let origin = bench.origin();
    bench.stuck.insert(origin);
    for _ in 0..3 {
        bench.send(conn, [b'x'; 1_000]);
    }
    assert!(bench.paused.contains(&conn));
    bench.proxy.forget();
    bench.run_ms(1);
    bench.send(conn, "more");
    assert!(bench.paused.is_empty());
}

#[test]
fn a_server_that_is_connected_after_the_loss_is_not_spoken_to() {
    let mut bench = Bench::preset("squid");
    bench.reachable = None;
    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, get);
    bench.run_ms(100);
    let origin = bench.origin();
    bench.proxy.forget();
    let local = core::net::SocketAddr::from(([10, 0, 0, 1], 1));
    bench.input(sofw_core::Input::Connected { conn: origin, local });
    assert_eq!(bench.read(origin), "");
    bench.input(sofw_core::Input::ConnectFailed(origin, sofw_core::io::IoError::TimedOut));
    assert_eq!(bench.counter("black_holes"), 1, "the client's is left");
}
