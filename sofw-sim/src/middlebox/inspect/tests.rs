use super::*;
use crate::middlebox::tests::{addr, at, give, pass, secs};
use crate::tcp::{Flags, Head, Options};

const CLIENT: &str = "10.0.0.1:4000";
const SERVER: &str = "192.0.2.1:80";
const HELLO: &[u8] = &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0];

/// A connection by hand.
struct Line {
    inspector: Inspector,
    server: &'static str,
}

/// What became of a segment.
#[derive(PartialEq, Eq, Debug)]
enum Got {
    Passed,
    Dropped,
    /// RST to both sides: the one that comes back and the one that goes on.
    Cut(Box<[Head; 2]>),
}

impl Line {
    fn new(params: InspectParams, server: &'static str) -> Line {
        let mut line = Line { inspector: Inspector::new(params), server };
        line.open(1000);
        line
    }

    fn preset(name: &str, server: &'static str) -> Line {
        Line::new(find(name).expect("a preset").params(), server)
    }

    fn open(&mut self, seq: u32) {
        let syn = Flags { syn: true, ..Flags::default() };
        assert_eq!(self.segment(INSIDE, seq, None, syn, b""), Got::Passed);
        assert_eq!(self.segment(OUTSIDE, 5000, Some(seq.wrapping_add(1)), syn, b""), Got::Passed);
    }

    fn segment(&mut self, port: PortId, seq: u32, ack: Option<u32>, flags: Flags, bytes: &[u8]) -> Got {
        let (src, dst) = (addr(CLIENT), addr(self.server));
        let (src, dst) = if port == INSIDE { (src, dst) } else { (dst, src) };
        let head = Head { src, dst, seq, ack, flags, window: 1000, options: Options::default() };
        let packet = Packet::tcp(&head, bytes);
        let got = give(&mut self.inspector, at(0), port, packet.clone());
        match &got[..] {
            [] => Got::Dropped,
            [(to, passed)] => {
                assert_eq!((*to, passed), (1 - port, &packet));
                Got::Passed
            }
            [(back, reset), (on, other)] => {
                assert_eq!((*back, *on), (port, 1 - port));
                let [reset, other] = [reset, other].map(|packet| packet.tcp_head().expect("a segment"));
                assert!(reset.flags.rst && other.flags.rst);
                Got::Cut(Box::new([reset, other]))
            }
            _ => panic!("{got:?}"),
        }
    }

    /// The client sends from its first byte on, counted from 0.
    fn client(&mut self, offset: u32, bytes: &[u8]) -> Got {
        self.segment(INSIDE, 1001 + offset, Some(5001), Flags::default(), bytes)
    }

    fn server(&mut self, offset: u32, bytes: &[u8]) -> Got {
        self.segment(OUTSIDE, 5001 + offset, Some(1001), Flags::default(), bytes)
    }
}

#[test]
fn http_passes_in_whatever_pieces() {
    let request = b"GET /index.html HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\n\r\n";
    for size in [1, 3, 7, 1000] {
        let mut line = Line::preset("http", SERVER);
        for (index, piece) in request.chunks(size).enumerate() {
            assert_eq!(line.client((index * size) as u32, piece), Got::Passed);
        }
        for (index, piece) in response.chunks(size).enumerate() {
            assert_eq!(line.server((index * size) as u32, piece), Got::Passed);
        }
        // Afterwards anything may follow, as in a tunnel of long bodies.
        assert_eq!(line.client(request.len() as u32, b"\x00\x01\xff"), Got::Passed);
        let counters = line.inspector.counters();
        assert_eq!((counters.connections, counters.good, counters.cut_requests), (1, 1, 0));
    }
}

#[test]
fn anything_else_is_cut_on_both_sides() {
    let long = [b"GET /", [b'x'; 9000].as_slice()].concat();
    let skype: [&[u8]; 10] = [
        b"\x02\x8a\x17\x00binary",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"REGISTER sip:example.com SIP/2.0\r\n",
        b"GET / HTTP/2.0\r\n",
        b"GET  HTTP/1.1\r\n",
        b" / HTTP/1.1\r\n",
        b"GET /\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"AVERYLONGMETHODTHATNOBODYHAS / HTTP/1.1\r\n",
        &long,
    ];
    for bytes in skype {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        let mut line = Line::preset("http", SERVER);
        let Got::Cut(resets) = line.client(0, bytes) else { panic!("{text:?} passed") };
        let [back, on] = *resets;
        // Each is what its receiver expects next: RFC 9293 §3.10.7.4.
        assert_eq!((back.src, back.dst, back.seq), (addr(SERVER), addr(CLIENT), 5001));
        assert_eq!((on.src, on.dst, on.seq, on.ack), (addr(CLIENT), addr(SERVER), 1001, Some(5001)));
        assert_eq!(line.inspector.counters().cut_requests, 1);
        assert!(matches!(line.client(0, bytes), Got::Cut(..)), "nor later");
        assert!(matches!(line.server(0, b"HTTP/1.1 200 OK\r\n"), Got::Cut(..)));
        assert_eq!(line.inspector.counters().cut_requests, 1, "counted once");
        line.open(7777);
        let flags = Flags::default();
        assert_eq!(
            line.segment(INSIDE, 7778, Some(5001), flags, b"GET / HTTP/1.1\r\n"),
            Got::Passed,
            "the next connection"
        );
    }
}

#[test]
fn a_server_that_does_not_answer_in_http_is_cut() {
    let mut line = Line::preset("http", SERVER);
    assert_eq!(line.client(0, b"GET / HTTP/1.0\r\n\r\n"), Got::Passed);
    assert_eq!(line.server(0, b"HTT"), Got::Passed);
    assert!(matches!(line.server(3, b"x"), Got::Cut(..)));
    assert_eq!(line.inspector.counters().cut_responses, 1);
}

#[test]
fn repetitions_are_not_read_twice_and_gaps_must_be_filled() {
    let mut line = Line::preset("http", SERVER);
    assert_eq!(line.client(0, b"GET "), Got::Passed);
    assert_eq!(line.client(6, b"HTTP/1.1\r\n"), Got::Dropped, "beyond a gap");
    assert_eq!(line.client(0, b"GET "), Got::Passed, "sent again");
    assert_eq!(line.client(2, b"T / "), Got::Passed, "partly new");
    assert_eq!(line.client(6, b"HTTP/1.1\r\n"), Got::Passed);
    assert_eq!(line.inspector.counters().out_of_order, 1);
    assert!(line.inspector.counters().cut_requests == 0);
    assert_eq!(line.client(100, b"\xff"), Got::Passed, "it is trusted now");
}

#[test]
fn sequence_numbers_may_wrap() {
    let mut line = Line { inspector: Inspector::new(InspectParams::default()), server: SERVER };
    line.open(u32::MAX - 3);
    let flags = Flags::default();
    assert_eq!(line.segment(INSIDE, u32::MAX - 2, Some(5001), flags, b"GET /"), Got::Passed);
    assert_eq!(line.segment(INSIDE, 2, Some(5001), flags, b" HTTP/1.1"), Got::Passed);
    assert!(line.inspector.counters().out_of_order == 0);
}

#[test]
fn a_repeated_syn_is_the_same_connection() {
    let mut line = Line::preset("http", SERVER);
    line.client(0, b"GET /");
    line.open(1000);
    assert_eq!(line.client(5, b" HTTP/1.1\r\n"), Got::Passed);
    assert_eq!(line.inspector.counters().connections, 1);
}

#[test]
fn connect_may_be_denied() {
    for (deny_connect, request, passes) in [
        (false, "CONNECT example.com:443 HTTP/1.1\r\n", true),
        (true, "CONNECT example.com:443 HTTP/1.1\r\n", false),
        (true, "CONNECTION / HTTP/1.1\r\n", true),
        (true, "CONN / HTTP/1.1\r\n", true),
    ] {
        let mut line = Line::new(InspectParams { deny_connect, ..InspectParams::default() }, SERVER);
        assert_eq!(line.client(0, request.as_bytes()) == Got::Passed, passes, "{request} {deny_connect}");
    }
}

#[test]
fn the_other_port_must_begin_with_tls_if_asked() {
    const TLS: &str = "192.0.2.1:443";
    let mut line = Line::preset("web", TLS);
    for (index, byte) in HELLO.iter().enumerate() {
        assert_eq!(line.client(index as u32, &[*byte]), Got::Passed);
    }
    assert_eq!(line.server(0, &[22, 3, 3]), Got::Passed);
    assert_eq!(line.inspector.counters().good, 1);
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        &[22, 3, 1, 0, 5, 2],
        &[22, 2],
        &[22, 3, 9],
        &[22, 3, 1, 0xff],
        &[23, 3, 3],
    ] {
        assert!(matches!(Line::preset("web", TLS).client(0, bytes), Got::Cut(..)), "{bytes:?}");
        assert_eq!(Line::preset("http", TLS).client(0, bytes), Got::Passed, "not looked at");
    }
    let mut line = Line::preset("web", TLS);
    line.client(0, HELLO);
    assert!(matches!(line.server(0, b"HTTP"), Got::Cut(..)));
}

#[test]
fn what_it_forgot_passes_unseen_or_is_cut() {
    for (name, passes) in [("web", true), ("web-strict", false)] {
        let mut line = Line::preset(name, SERVER);
        assert_eq!(line.client(0, b"GET / HTTP/1.1\r\n"), Got::Passed);
        assert_eq!(line.inspector.remembered(secs(3599)), 1);
        assert_eq!(line.inspector.remembered(secs(3600)), 0);
        line.inspector.forget();
        assert_eq!(line.server(0, b"\xff") == Got::Passed, passes, "{name}");
        assert_eq!(line.inspector.counters().cut_unknown, u64::from(!passes));
    }
    let mut other = Line::preset("web-strict", "192.0.2.1:22");
    assert_eq!(other.client(0, b"SSH-2.0"), Got::Passed, "not a port of the web");
}

#[test]
fn its_memory_has_an_end() {
    let mut line = Line::new(InspectParams { connections_max: 1, ..InspectParams::default() }, SERVER);
    line.server = "192.0.2.2:80";
    let syn = Flags { syn: true, ..Flags::default() };
    assert!(matches!(line.segment(INSIDE, 1, None, syn, b""), Got::Cut(..)));
    assert_eq!(line.inspector.counters().cut_unknown, 1);
}

#[test]
fn udp_is_not_looked_at() {
    let packet = crate::middlebox::tests::udp(CLIENT, SERVER);
    assert_eq!(
        pass(&mut Inspector::new(InspectParams::default()), at(0), INSIDE, packet.clone()),
        Some(packet)
    );
}
