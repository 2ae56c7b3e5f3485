//! The tunnel comes up on the right rung and carries frames and voice, whatever stands between.

use super::middle::{Auth, Middle, Side};
use super::*;
use crate::config::limits::{EXCHANGE_BYTES_MAX, POST_BYTES_MIN, POST_CONNECTIONS_MAX};
use crate::tunnel::FlowId;

/// Up within 5 s on the expected rung; then frames and voice pass both ways.
fn carries(mut world: World, rung: Rung) -> World {
    let took = world.run_until_up(Duration::from_secs(5));
    assert!(took < Duration::from_secs(5));
    assert_eq!(world.rung(), Some(rung), "{:#?}", world.events);
    for number in 0..200 {
        world.send_up(number);
        world.send_down(number);
        world.client.send_voice(world.now, FlowId(2), false, &[number as u8; 172]);
        world.server.send_voice(world.now, SiteId(0), FlowId(2), false, &[number as u8; 172]);
        world.run_ms(20);
    }
    world.run_ms(1_000);
    let all: Vec<u16> = (0..200).collect();
    assert_eq!(world.at_server, all);
    assert_eq!(world.at_client, all);
    assert_eq!(world.voice_at_server.len(), 200);
    assert_eq!(world.voice_at_client.len(), 200);
    assert_eq!(world.sessions.iter().filter(|(_, _, what)| *what == "started").count(), 2);
    world
}

#[test]
fn p02_direct() {
    let world = carries(World::new(Middle::default(), vec![]), Rung::Stream);
    // One GET and one POST, on the hello's connection and one more.
    assert_eq!(world.connects, 2);
    let up = |event: &Event| matches!(event, Event::TunnelUp { rung: Rung::Stream, resumed: false, .. });
    assert_eq!((world.count(Side::Client, up), world.count(Side::Server, up)), (1, 1));
    assert!(world.client.status().unwrap().round_trip >= Duration::from_millis(40));
}

#[test]
fn p02_through_a_forward_proxy_that_cuts_chunks_anew() {
    for chunk in [1, 7, 100] {
        let middle = Middle { chunk: Some(chunk), ..Middle::proxy() };
        let world = carries(World::new(middle, vec![TunnelVia::Forward(proxy(None))]), Rung::Stream);
        assert!(world.middle.heads_seen.iter().all(|head| head.contains("User-Agent: SoFW/0.1")));
        assert!(world.middle.heads_seen.iter().all(|head| !head.contains("Expect")));
    }
}

#[test]
fn p02_through_a_proxy_that_holds_request_bodies_back() {
    let middle = Middle { buffers_requests: true, ..Middle::proxy() };
    let world = carries(World::new(middle, vec![TunnelVia::Forward(proxy(None))]), Rung::Post);
    assert_eq!(world.server.status(SiteId(0)).unwrap().rung, Rung::Post);
}

#[test]
fn a_proxy_that_refuses_long_posts_gets_shorter_ones() {
    // The last one takes nothing but the shortest.
    for (body_max, refused_max) in [(16 * 1024, 3), (POST_BYTES_MIN, 6)] {
        let middle = Middle { buffers_requests: true, body_max: Some(body_max), ..Middle::proxy() };
        let mut world = World::new(middle, vec![TunnelVia::Forward(proxy(None))]);
        world.run_until_up(Duration::from_secs(5));
        assert_eq!((world.rung(), world.middle.too_long_seen), (Some(Rung::Post), 0));
        let numbers: Vec<u16> = (0..12_000).collect();
        for _ in 0..4 {
            world.client.send(world.now, Frame::PortsReady(numbers.clone()));
        }
        world.run_ms(5_000);
        let seen = world.middle.too_long_seen;
        assert!((1..=refused_max * POST_CONNECTIONS_MAX).contains(&seen), "{seen} refused");
        assert_eq!(world.at_server, numbers.repeat(4), "nothing is lost, nothing comes twice");
        // It is remembered.
        world.client.send(world.now, Frame::PortsReady(numbers));
        world.run_ms(2_000);
        assert_eq!((world.middle.too_long_seen, world.at_server.len()), (seen, 5 * 12_000));
        assert_eq!(world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. })), 0);
    }
}

#[test]
fn a_stream_carries_nothing_but_its_probe_until_the_echo_is_back() {
    let mut world = World::new(Middle::default(), vec![]);
    let mut steps = Vec::new();
    for number in 0.. {
        if world.client.is_up() {
            break;
        }
        world.send_up(number);
        world.run_ms(1);
        steps.push(world.at_server.len());
    }
    steps.dedup();
    // A proof is asked for when the uplink opens, and again when the downlink does.
    assert!(steps.len() <= 3, "nothing, then what went with the proofs: {steps:?}");
}

#[test]
fn p02_through_a_proxy_that_closes_after_one_request() {
    let middle = Middle { one_request: true, buffers_requests: true, ..Middle::proxy() };
    carries(World::new(middle, vec![TunnelVia::Forward(proxy(None))]), Rung::Post);
    let middle = Middle { one_request: true, ..Middle::proxy() };
    carries(World::new(middle, vec![TunnelVia::Forward(proxy(None))]), Rung::Stream);
}

#[test]
fn p02_by_connect() {
    let world = carries(World::new(Middle::proxy(), vec![TunnelVia::Connect(proxy(None))]), Rung::Stream);
    assert_eq!(world.middle.connects_seen, 2);
    let head = world.middle.heads_seen.first().unwrap();
    assert!(head.starts_with("CONNECT relay.example.net:80\n") && head.contains("ALPN: sofw\n"), "{head}");
}

#[test]
fn p02_with_credentials_for_the_proxy() {
    for auth in [Auth::Basic, Auth::Digest] {
        for connect in [false, true] {
            for buffers_requests in [false, true] {
                let middle = Middle { auth: Some(auth), buffers_requests, ..Middle::proxy() };
                let proxy = proxy(Some(("user", "secret")));
                let via = if connect { TunnelVia::Connect(proxy) } else { TunnelVia::Forward(proxy) };
                let rung = if buffers_requests && !connect { Rung::Post } else { Rung::Stream };
                let world = carries(World::new(middle, vec![via]), rung);
                let refused =
                    world.count(Side::Client, |event| matches!(event, Event::ProxyAuthRequired { .. }));
                assert_eq!(refused, 0);
            }
        }
    }
}

#[test]
fn schemes_that_do_not_fit_are_reported_and_the_next_way_is_taken() {
    let middle = Middle { auth: Some(Auth::Ntlm), ..Middle::proxy() };
    let mut world = World::new(middle, vec![TunnelVia::Forward(proxy(Some(("user", "secret"))))]);
    world.run(Duration::from_secs(60));
    let wanted = Event::ProxyAuthRequired { schemes: vec!["Negotiate".into(), "NTLM".into()] };
    assert_eq!(world.count(Side::Client, |event| *event == wanted), 1, "reported once: {:#?}", world.events);
    assert!(world.connects < 15, "{} attempts in a minute", world.connects);
}

#[test]
fn a_refused_password_is_not_tried_again_and_again() {
    for auth in [Auth::Basic, Auth::Digest] {
        let middle = Middle { auth: Some(auth), ..Middle::proxy() };
        let mut world = World::new(middle, vec![TunnelVia::Forward(proxy(Some(("user", "wrong"))))]);
        world.run(Duration::from_secs(55));
        let sent = world.middle.heads_seen.iter().filter(|head| head.contains("Proxy-Authorization")).count();
        assert!((1..=2).contains(&sent), "{sent} times");
        assert_eq!(world.count(Side::Client, |event| matches!(event, Event::ProxyAuthRequired { .. })), 1);
    }
}

#[test]
fn ways_are_tried_in_order() {
    let ways = vec![TunnelVia::Connect(proxy(None)), TunnelVia::Forward(proxy(None))];
    let middle = Middle { refuses_connect: true, ..Middle::proxy() };
    let world = carries(World::new(middle, ways), Rung::Stream);
    let named = |event: &Event| matches!(event, Event::TunnelRefused { status: 403, advice } if advice.contains("CONNECT to relay.example.net:80"));
    assert_eq!(world.count(Side::Client, named), 1);

    let ways = vec![TunnelVia::Forward(proxy(None)), TunnelVia::Direct];
    carries(World::new(Middle { is_away: true, ..Middle::default() }, ways), Rung::Stream);
}

#[test]
fn a_portal_is_no_tunnel() {
    for (portal, status) in [
        ("HTTP/1.1 302 Found\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n", 302),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nlogin", 200),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        ("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n", 503),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404),
    ] {
        let middle = Middle { portal: Some(portal), ..Middle::proxy() };
        let mut world = World::new(middle, vec![TunnelVia::Forward(proxy(None))]);
        world.run(Duration::from_secs(30));
        assert!(!world.client.is_up());
        let told =
            |event: &Event| matches!(event, Event::TunnelRefused { status: told, .. } if *told == status);
        assert_eq!(world.count(Side::Client, told), 1, "{:#?}", world.events);
    }
}

#[test]
fn a_proxy_that_holds_answers_back_is_named() {
    let middle = Middle { buffers_responses: true, ..Middle::proxy() };
    let mut world = World::new(middle, vec![TunnelVia::Forward(proxy(None))]);
    world.run(Duration::from_secs(30));
    assert!(!world.client.is_up());
    let told = |event: &Event| matches!(event, Event::TunnelDown { reason, .. } if reason.contains("holds the answer back"));
    assert!(world.count(Side::Client, told) > 0, "{:#?}", world.events);
}

#[test]
fn climbs_back_to_the_streaming_rung() {
    let middle = Middle { buffers_requests: true, ..Middle::proxy() };
    let mut world = World::new(middle, vec![TunnelVia::Forward(proxy(None))]);
    world.run_until_up(Duration::from_secs(5));
    assert_eq!(world.rung(), Some(Rung::Post));
    // The first trial fails, and nothing is lost by it.
    for number in 0..700 {
        world.send_up(number);
        world.run_ms(1_000);
    }
    assert_eq!(world.rung(), Some(Rung::Post));
    assert_eq!(world.at_server, (0..700).collect::<Vec<u16>>());
    assert_eq!(
        world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. })),
        0,
        "{:#?}",
        world.events
    );
    world.middle.buffers_requests = false;
    world.run(Duration::from_secs(1_300));
    assert_eq!(world.rung(), Some(Rung::Stream), "{:#?}", world.events);
    assert_eq!(
        world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. })),
        0,
        "{:#?}",
        world.events
    );
}

#[test]
fn streaming_exchanges_are_replaced_before_they_grow_old() {
    let mut world = World::new(Middle::proxy(), vec![TunnelVia::Forward(proxy(None))]);
    world.run_until_up(Duration::from_secs(5));
    for number in 0..2_000 {
        world.send_up(number);
        world.send_down(number);
        world.run_ms(1_000);
    }
    assert_eq!(world.at_server, (0..2_000).collect::<Vec<u16>>());
    assert_eq!(world.at_client, (0..2_000).collect::<Vec<u16>>());
    assert_eq!(world.connects, 2 + 6, "three renewals each way");
    assert_eq!(
        world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. })),
        0,
        "{:#?}",
        world.events
    );
    assert_eq!(
        world.count(Side::Server, |event| matches!(event, Event::TunnelDown { .. })),
        0,
        "{:#?}",
        world.events
    );
    assert!(world.live.len() <= 3, "the former ones are closed: {:?}", world.live);
}

#[test]
fn streaming_exchanges_are_replaced_before_they_grow_long() {
    let mut world = World::new(Middle::default(), vec![]);
    world.run_until_up(Duration::from_secs(5));
    let datagram = [0; 2_000];
    let rounds = usize::try_from(EXCHANGE_BYTES_MAX).unwrap() / datagram.len() / 500 + 3;
    for _ in 0..rounds {
        for _ in 0..500 {
            world.client.send_voice(world.now, FlowId(2), false, &datagram);
            world.server.send_voice(world.now, SiteId(0), FlowId(2), false, &datagram);
        }
        world.run_ms(200);
    }
    world.run_ms(500);
    assert_eq!(
        (world.connects, world.voice_at_server.len(), world.voice_at_client.len()),
        (4, rounds * 500, rounds * 500)
    );
    assert_eq!(
        world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. })),
        0,
        "{:#?}",
        world.events
    );
}

/// The head of a message as docs/WIRE.md has it in the block called `name`.
fn documented(name: &str) -> String {
    let text = include_str!("../../../../docs/WIRE.md");
    let block = text.split(&format!("```{name}\n")).nth(1).expect("the block is there");
    block.split("```").next().unwrap().to_owned()
}

fn head(bytes: &[u8]) -> String {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    String::from_utf8(bytes[..end + 2].to_vec()).unwrap().replace("\r\n", "\n")
}

#[test]
fn heads_are_as_documented() {
    let mut world = World::new(Middle { one_request: true, ..Middle::default() }, vec![]);
    world.run_until_up(Duration::from_secs(5));
    let written = |conn, server| head(&world.first_writes[&(conn, server)]);
    assert_eq!(written(0, false), documented("http-hello"));
    assert_eq!(written(0, true), documented("http-hello-answer"));
    let get = written(2, false);
    let target = get.split(' ').nth(1).unwrap();
    let session = target.split('/').nth(3).unwrap();
    let token = target.split('/').nth(4).unwrap();
    assert_eq!(get, documented("http-down").replace("SESSION", session).replace("TOKEN", token));
    assert_eq!(written(2, true), documented("http-down-answer"));
    // Renewed, the POST has a connection of its own.
    world.run(Duration::from_secs(700));
    let posts: Vec<String> =
        [4, 6].into_iter().map(|conn| head(&world.first_writes[&(conn, false)])).collect();
    assert!(posts.contains(&documented("http-stream").replace("SESSION", session)), "{posts:?}");
}
