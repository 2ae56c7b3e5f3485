//! Bad input on the wire, while a call is up: the right answer or a counted drop, and the call goes on unharmed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sofw_core::event::DropReason;
use sofw_core::testing::pair::{Actor, HRAC, HRAS, Pair, hrac_config};
use sofw_core::testing::phone::{Ended, PhoneEvent};
use sofw_core::testing::world::NodeId;
use sofw_core::{Event, Hrac};

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    /// It is answered so.
    Answer(u16),
    /// It is dropped and counted.
    Drop(DropReason),
    /// Nothing is to be said of it.
    Silence,
}
use Fate::{Answer, Drop, Silence};

/// A call between alice (inside) and bob (outside).
struct Call {
    pair: Pair,
    alice: NodeId,
    bob: NodeId,
}

impl Call {
    fn new(seed: u8) -> Self {
        let mut pair = Pair::new(1, seed);
        let alice = pair.inside_phone(0, 10, "alice");
        let bob = pair.outside_phone(20, "bob");
        pair.register(alice);
        pair.register(bob);
        pair.talk(alice, "bob", SECOND);
        Call { pair, alice, bob }
    }

    /// Both halves as those on their networks see them, each with a stranger beside it.
    fn halves(&mut self) -> [(NodeId, SocketAddr); 2] {
        let near_hras = self.pair.stranger(0, SocketAddr::from(([203, 0, 113, 66], 5060)));
        let near_hrac = self.pair.stranger(1, SocketAddr::from(([10, 10, 10, 66], 5060)));
        [(near_hras, (IpAddr::from(HRAS), 5060).into()), (near_hrac, (IpAddr::from(HRAC), 5060).into())]
    }

    fn drops(&self, half: SocketAddr, reason: DropReason) -> u64 {
        if half.ip() == IpAddr::from(HRAC) {
            return self.pair.hrac(0).dropped(reason);
        }
        let drops = self.pair.hras().status().drops;
        drops.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
    }

    fn received(&self) -> [u64; 2] {
        [self.alice, self.bob].map(|phone| self.pair.report(phone).received)
    }

    /// Voice flows both ways without a gap for a second.
    fn goes_on(&mut self, after: &str) {
        let (before, lost) =
            (self.received(), [self.alice, self.bob].map(|phone| self.pair.report(phone).lost));
        self.pair.run_for(SECOND);
        for (before, now) in before.into_iter().zip(self.received()) {
            assert!(
                (49..=51).contains(&(now - before)),
                "voice flows after {after}: {} packets",
                now - before
            );
        }
        assert_eq!(lost, [self.alice, self.bob].map(|phone| self.pair.report(phone).lost), "after {after}");
    }

    /// The call ends as it should, and nothing is left.
    fn ends_well(mut self) {
        self.pair.phone_events(self.bob);
        self.pair.command(self.bob, |phone, now| phone.hang_up(now));
        self.pair.run_for(SECOND);
        assert!(self.pair.phone_events(self.bob).contains(&PhoneEvent::Ended(Ended::HungUp(200))));
        self.pair.run_for(Duration::from_secs(70));
        let status = self.pair.hras().status();
        assert!(status.records.is_empty());
        assert_eq!((status.dialogs, status.transactions, self.pair.hrac(0).flows()), (0, 0, 0));
    }
}

/// An OPTIONS request to the half itself, with one thing changed.
fn options(from: &str, to: &str) -> String {
    let good = "OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1\r\n\
        Max-Forwards: 70\r\nFrom: <sip:x@example.org>;tag=1\r\nTo: <sip:example.net>\r\nCall-ID: bad\r\n\
        CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    assert!(good.contains(from), "{from}");
    good.replace(from, to)
}

fn messages() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let malformed = Drop(DropReason::MalformedSip);
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("binary", (0..=255).collect(), malformed),
        ("only a start line", text("INVITE sip:bob@example.net SIP/2.0\r\n\r\n"), malformed),
        (
            "no Via",
            text(&options("Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1\r\n", "")),
            malformed,
        ),
        ("no Call-ID", text(&options("Call-ID: bad\r\n", "")), Answer(400)),
        ("another method in CSeq", text(&options("CSeq: 1 OPTIONS", "CSeq: 1 INVITE")), Answer(400)),
        ("CSeq beyond 32 bits", text(&options("CSeq: 1 ", "CSeq: 99999999999 ")), Answer(400)),
        ("body cut short", text(&options("Content-Length: 0", "Content-Length: 5")), Answer(400)),
        ("negative length", text(&options("Content-Length: 0", "Content-Length: -1")), Answer(400)),
        ("SIP/3.0", text(&options("example.net SIP/2.0", "example.net SIP/3.0")), Answer(505)),
        ("quote without end", text(&options("From: <", "From: \"x <")), Answer(400)),
        (
            "unknown scheme",
            text(&options("OPTIONS sip:example.net", "OPTIONS nope:example.net")),
            Answer(416),
        ),
        (
            "no hops left",
            text(
                &options("Max-Forwards: 70", "Max-Forwards: 0")
                    .replace("OPTIONS", "MESSAGE")
                    .replace("sip:example.net", "sip:bob@example.net"),
            ),
            Answer(483),
        ),
        ("extension wanted", text(&options("Content-", "Proxy-Require: magic\r\nContent-")), Answer(420)),
        (
            "BYE of no dialog",
            text(&options("To: <sip:example.net>", "To: <sip:example.net>;tag=2").replace("OPTIONS", "BYE")),
            Answer(481),
        ),
        ("response with nonsense", text("SIP/2.0 4294967301 x\r\nVia: SIP/2.0/UDP h\r\n\r\n"), malformed),
        ("keep-alive", text("\r\n\r\n"), Silence),
    ]
}

fn status_line(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.strip_prefix(b"SIP/2.0 ")?.get(..3)?).ok()?.parse().ok()
}

#[test]
fn malformed_sip_over_udp_is_answered_or_counted() {
    let mut call = Call::new(1);
    for (stranger, half) in call.halves() {
        for (number, (name, bytes, fate)) in messages().into_iter().enumerate() {
            let name = format!("{name} to {half}");
            // Each is a transaction of its own.
            let text = String::from_utf8_lossy(&bytes).replace("z9hG4bK1", &format!("z9hG4bK{number}"));
            let bytes = if bytes.is_ascii() { text.into_bytes() } else { bytes };
            let reason = if let Drop(reason) = fate { reason } else { DropReason::MalformedSip };
            let before = call.drops(half, reason);
            call.pair.let_stranger(stranger, |stranger| {
                stranger.heard.clear();
                stranger.send(half, &bytes);
            });
            call.pair.run_for(Duration::from_millis(200));
            let heard = call.pair.let_stranger(stranger, |stranger| std::mem::take(&mut stranger.heard));
            let answers: Vec<_> = heard.iter().map(|(_, bytes)| status_line(bytes)).collect();
            match fate {
                Answer(status) => assert_eq!(answers, [Some(status)], "{name}"),
                Drop(_) => {
                    assert_eq!(answers, [], "{name}");
                    assert_eq!(call.drops(half, reason), before + 1, "{name}");
                }
                Silence => {
                    assert_eq!(answers, [], "{name}");
                    assert_eq!(call.drops(half, reason), before, "{name}");
                }
            }
        }
        call.goes_on("malformed datagrams");
    }
    call.ends_well();
}

#[test]
fn malformed_sip_over_tcp_ends_that_connection_only() {
    let long_head = [b"OPTIONS sip:example.net SIP/2.0\r\nX: ".as_slice(), &[b'x'; 70_000]].concat();
    let mut call = Call::new(2);
    for (stranger, half) in call.halves() {
        for (name, bytes, answer) in [
            ("binary", [(0..=255).collect(), b"\r\n\r\n".to_vec()].concat(), None),
            ("no Content-Length", options("Content-Length: 0\r\n", "").into_bytes(), Some(400)),
            (
                "two lengths",
                options("Content-Length: 0", "Content-Length: 0\r\nl: 4").into_bytes(),
                Some(400),
            ),
            ("a length beyond the bound", options("Length: 0", "Length: 70000").into_bytes(), Some(513)),
            ("a head without end", long_head.clone(), None),
        ] {
            let conn = call.pair.let_stranger(stranger, |stranger| stranger.connect(half, &bytes));
            call.pair.run_for(Duration::from_millis(300));
            let connection = call.pair.let_stranger(stranger, |stranger| stranger.connection(conn).clone());
            let text = String::from_utf8_lossy(&connection.received);
            assert!(connection.closed, "{name} to {half} ends the connection; answered {text:?}");
            if answer.is_some() {
                assert_eq!(status_line(&connection.received), answer, "{name} to {half}: {text:?}");
            }
        }
        // A request that can be framed is answered, and the connection goes on.
        let bad = options("CSeq: 1 OPTIONS", "CSeq: 1 INVITE");
        let conn = call.pair.let_stranger(stranger, |stranger| stranger.connect(half, bad.as_bytes()));
        call.pair.run_for(Duration::from_millis(300));
        let connection = call.pair.let_stranger(stranger, |stranger| stranger.connection(conn).clone());
        assert_eq!((status_line(&connection.received), connection.closed), (Some(400), false), "{half}");
        call.goes_on("malformed streams");
    }
    call.ends_well();
}

#[test]
fn damaged_tunnel_bytes_end_the_connection_and_the_session_resumes() {
    for (name, bytes) in [
        ("not a chunk", &b"zz\r\n"[..]),
        ("a chunk that is no record", b"5\r\nabcde\r\n"),
        ("a chunk of zeroes", &[b"40\r\n", &[0; 64][..], b"\r\n"].concat()),
        ("a second response", b"0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        ("binary", &[0xff; 300]),
    ] {
        let mut call = Call::new(3);
        for node in [call.pair.hras_node(), call.pair.site_node(0)] {
            call.pair.inject(node, bytes);
            call.pair.run_for(5 * SECOND);
            call.goes_on(name);
        }
        // One session from first to last: what was reliable was neither lost nor doubled.
        let new = |event: &Event| matches!(event, Event::TunnelUp { resumed: false, .. });
        assert_eq!(call.pair.count(call.pair.hras_node(), new), 1, "{name}");
        call.ends_well();
    }
}

#[test]
fn bytes_at_the_tunnel_port_get_what_a_web_server_says() {
    let mut call = Call::new(4);
    let [(stranger, half), _] = call.halves();
    let door = SocketAddr::new(half.ip(), 80);
    for (bytes, start) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "HTTP/1.1 400 "),
        (b"GET /sofw/1/AAAAAAAAAAAAAAAAAAAAAA/AAAA HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 "),
        (b"POST /sofw/1/hello HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd", "HTTP/1.1 404 "),
        (b"GET /status HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 "),
        (b"REGISTER sip:example.net SIP/2.0\r\n\r\n", "HTTP/1.1 "),
    ] {
        let conn = call.pair.let_stranger(stranger, |stranger| stranger.connect(door, bytes));
        call.pair.run_for(Duration::from_millis(100));
        let connection = call.pair.let_stranger(stranger, |stranger| stranger.connection(conn).clone());
        let text = String::from_utf8_lossy(&connection.received);
        assert!(text.starts_with(start), "{}: {text:?}", String::from_utf8_lossy(bytes));
        assert!(!text.to_lowercase().contains("sofw"), "nothing tells who answers: {text:?}");
    }
    call.goes_on("strangers at the tunnel port");
    call.ends_well();
}

#[test]
fn a_wrong_key_and_an_unknown_site_are_refused_and_reported_once_a_minute() {
    let mut call = Call::new(5);
    let mut wrong_key = hrac_config(0);
    wrong_key.key.0[0] ^= 1;
    let mut unknown_site = hrac_config(0);
    unknown_site.site = "elsewhere".into();
    let mut places = Vec::new();
    for (network, config) in [(8, wrong_key), (9, unknown_site)] {
        let hrac =
            Hrac::new(config, [network as u8; 32], call.pair.now()).expect("the configuration is right");
        places.push(call.pair.add(network, Actor::Hrac(Box::new(hrac))));
    }
    call.pair.run_for(Duration::from_secs(179));
    call.goes_on("refused hellos");
    let told: Vec<_> = places
        .iter()
        .map(|&node| {
            let refused = |event: &Event| matches!(event, Event::TunnelRefused { status: 404, .. });
            call.pair.count(node, refused)
        })
        .collect();
    assert!(told.iter().all(|&count| count > 0), "the operator inside learns of it: {told:?}");
    let events = call.pair.events(call.pair.hras_node());
    for (network, expected) in [(8_u8, "wrong key"), (9, "unknown site")] {
        let address = IpAddr::from([198, 51, 100, network]);
        let told: Vec<_> = events
            .iter()
            .filter_map(|(at, event)| match event {
                Event::HelloRefused { peer, reason } if peer.ip() == address => Some((at.as_secs(), *reason)),
                _ => None,
            })
            .collect();
        assert!((2..=3).contains(&told.len()), "{told:?}");
        assert!(told.iter().all(|(_, reason)| *reason == expected), "{told:?}");
        assert!(told.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 60), "{told:?}");
    }
    assert!(places.iter().all(|&node| call.pair.count(node, |e| matches!(e, Event::TunnelUp { .. })) == 0));
    call.ends_well();
}
