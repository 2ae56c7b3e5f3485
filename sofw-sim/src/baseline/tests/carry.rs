use core::time::Duration;

use super::world::{World, count, voice};
use crate::baseline::{Carrier, KINDS, Per, find};
use crate::host::Application as _;
use crate::packet::Packet;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn packets_cross_both_ways_as_they_are() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let site = world.client(kind, &["192.0.2.10", "192.0.2.11"]);
        world.run(SECOND);
        assert!(world.clients[site].is_up(), "{}", kind.name);
        assert_eq!(world.server.tunnels(), 1);
        let out = voice("192.0.2.10:4000", "198.51.100.1:5000", 1);
        let back = voice("198.51.100.1:5000", "192.0.2.11:4000", 2);
        world.speak(site, out.clone());
        world.arrive(back.clone());
        assert_eq!(world.public, [out], "{}", kind.name);
        assert_eq!(world.phones[site], [back], "{}", kind.name);
    }
}

#[test]
fn phones_of_two_clients_reach_each_other_without_the_public_network() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let first = world.client(kind, &["192.0.2.10"]);
        let second = world.client(kind, &["192.0.2.20"]);
        world.run(SECOND);
        let packet = voice("192.0.2.10:4000", "192.0.2.20:4000", 1);
        world.speak(first, packet.clone());
        assert_eq!(world.phones[second], [packet], "{}", kind.name);
        assert!(world.public.is_empty(), "{}", kind.name);
    }
}

#[test]
fn the_server_learns_addresses_from_packets() {
    let kind = find("softether").expect("a kind");
    let mut world = World::new(kind);
    let site = world.client(kind, &[]);
    world.run(SECOND);
    let back = voice("198.51.100.1:5000", "192.0.2.11:4000", 2);
    world.arrive(back.clone());
    assert!(world.phones[site].is_empty());
    assert_eq!(count(&world.server, "unroutable"), 1);
    world.speak(site, voice("192.0.2.11:4000", "198.51.100.1:5000", 1));
    world.arrive(back.clone());
    assert_eq!(world.phones[site], [back]);
}

#[test]
fn ipv6_crosses_too() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let site = world.client(kind, &["2001:db8::10"]);
        world.run(SECOND);
        let back = voice("[2001:db8:1::1]:5000", "[2001:db8::10]:4000", 2);
        world.arrive(back.clone());
        assert_eq!(world.phones[site], [back], "{}", kind.name);
    }
}

#[test]
fn it_does_not_matter_where_the_stream_is_cut() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        world.piece = 1;
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(SECOND);
        for number in 0..20 {
            world.speak(site, voice("192.0.2.10:4000", "198.51.100.1:5000", number));
            world.arrive(voice("198.51.100.1:5000", "192.0.2.10:4000", number));
        }
        assert_eq!(world.public.len(), 20, "{}", kind.name);
        let heard: Vec<u8> = world.phones[site].iter().map(|packet| packet.payload()[0]).collect();
        assert_eq!(heard, (0..20).collect::<Vec<u8>>(), "{}", kind.name);
    }
}

#[test]
fn a_proxy_passes_http_and_connect() {
    // user:secret
    let basic = "Basic dXNlcjpzZWNyZXQ=";
    for kind in KINDS.iter().filter(|kind| kind.carrier != Carrier::Raw) {
        for piece in [1, 5, usize::MAX] {
            let mut world = World::new(kind).through_proxy(Some(basic));
            world.piece = piece;
            let site = world.client(kind, &["192.0.2.10"]);
            world.run(SECOND);
            let out = voice("192.0.2.10:4000", "198.51.100.1:5000", 1);
            let back = voice("198.51.100.1:5000", "192.0.2.10:4000", 2);
            world.speak(site, out.clone());
            world.arrive(back.clone());
            assert_eq!(world.public, [out], "{} by {piece}", kind.name);
            assert_eq!(world.phones[site], [back], "{} by {piece}", kind.name);
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_asked_ever_less_often() {
    for kind in KINDS.iter().filter(|kind| kind.carrier != Carrier::Raw) {
        let mut world = World::new(kind).through_proxy(Some("Basic c29tZWJvZHk6ZWxzZQ=="));
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(60 * SECOND);
        assert!(!world.clients[site].is_up());
        // At 0, 1, 3, 7, 15, 31 s; then every 30 s.
        assert_eq!(count(&world.clients[site], "refused"), 6, "{}", kind.name);
        assert_eq!(count(&world.clients[site], "attempts"), 6, "{}", kind.name);
    }
}

#[test]
fn a_client_comes_back_after_a_reset_and_is_reachable_again() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(SECOND);
        world.reset();
        assert!(!world.clients[site].is_up());
        assert_eq!(world.server.tunnels(), 0);
        world.speak(site, voice("192.0.2.10:4000", "198.51.100.1:5000", 1));
        assert_eq!(count(&world.clients[site], "dropped_while_down"), 1);
        world.run(SECOND);
        assert!(world.clients[site].is_up(), "{}", kind.name);
        // Without a packet from inside: the announcement was made again.
        let back = voice("198.51.100.1:5000", "192.0.2.10:4000", 2);
        world.arrive(back.clone());
        assert_eq!(world.phones[site], [back], "{}", kind.name);
        assert_eq!(count(&world.clients[site], "tunnel_losses"), 1);
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_until_it_can() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        world.closed = true;
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(40 * SECOND);
        world.closed = false;
        assert_eq!(count(&world.clients[site], "attempts"), 6, "{}", kind.name);
        world.run(30 * SECOND);
        assert!(world.clients[site].is_up(), "{}", kind.name);
    }
}

#[test]
fn connections_are_as_many_as_the_paper_says() {
    for (name, connections) in [("hcap", 20), ("softether", 1), ("skype", 10)] {
        let kind = find(name).expect("a kind");
        let mut world = World::new(kind);
        let phones: Vec<String> = (0..10).map(|n| format!("192.0.2.{n}")).collect();
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        match kind.per {
            Per::Site => {
                world.client(kind, &phones);
            }
            Per::Terminal => {
                for phone in &phones {
                    world.client(kind, &[phone]);
                }
            }
        }
        world.run(SECOND);
        assert_eq!(world.connections(), connections, "{name}");
    }
}

#[test]
fn an_idle_tunnel_stays_up_by_keep_alives() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(600 * SECOND);
        assert_eq!(count(&world.clients[site], "attempts"), 1, "{}", kind.name);
        assert_eq!(world.server.tunnels(), 1);
        let sent = count(&world.clients[site], "keepalives");
        let (shortest, longest) = (kind.keepalive.0.as_secs(), kind.keepalive.1.as_secs());
        assert!((600 / longest - 2..=600 / shortest).contains(&sent), "{}: {sent}", kind.name);
    }
}

#[test]
fn a_peer_that_falls_silent_is_given_up_and_found_again() {
    for kind in &KINDS {
        for client_forgets in [false, true] {
            let mut world = World::new(kind);
            let site = world.client(kind, &["192.0.2.10"]);
            world.run(SECOND);
            if client_forgets {
                world.clients[site].forget();
            } else {
                world.server.forget();
                assert_eq!(world.server.tunnels(), 0);
            }
            world.run(kind.silence_max + 5 * SECOND);
            let losses = count(&world.clients[site], "tunnel_losses");
            assert_eq!(losses, u64::from(!client_forgets), "{}", kind.name);
            assert_eq!(world.server.tunnels(), 1, "{}: no tunnel of before is left", kind.name);
            let back = voice("198.51.100.1:5000", "192.0.2.10:4000", 2);
            world.arrive(back.clone());
            assert_eq!(world.phones[site], [back], "{}", kind.name);
        }
    }
}

#[test]
fn what_waits_is_bounded_and_goes_in_one_write() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let site = world.client_with(kind, &["192.0.2.10"], |config| config.queue_bytes_max = 2_500);
        world.run(SECOND);
        world.stuck = true;
        world.speak(site, voice("192.0.2.10:4000", "198.51.100.1:5000", 0));
        let before = world.writes.len();
        for number in 1..100 {
            world.speak(site, voice("192.0.2.10:4000", "198.51.100.1:5000", number));
        }
        assert_eq!(world.writes.len(), before, "one write at a time");
        world.release();
        assert_eq!(world.writes.len(), before + 1, "all that waited goes at once");
        let message = kind.message_header + kind.frame_header + 200;
        let kept = 2_500 / message;
        let heard: Vec<u8> = world.public.iter().map(|packet| packet.payload()[0]).collect();
        assert_eq!(heard, (0..=kept as u8).collect::<Vec<u8>>(), "the oldest are kept, however stale");
        assert_eq!(count(&world.clients[site], "dropped_by_queue"), 99 - kept as u64);
        assert!(count(&world.clients[site], "queue_bytes_peak") <= 2_500);
    }
}

#[test]
fn packets_of_any_length_cross() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(SECOND);
        for length in [0, 1, 1_372, 16_384, 60_000] {
            let (from, to) =
                ("192.0.2.10:4000".parse().expect("one"), "198.51.100.1:5000".parse().expect("one"));
            let packet = Packet::udp(from, to, &vec![7; length]);
            world.speak(site, packet.clone());
            assert_eq!(world.public.pop(), Some(packet), "{} with {length}", kind.name);
        }
    }
}
