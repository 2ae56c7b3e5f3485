use core::time::Duration;

use super::world::{World, count, voice};
use crate::baseline::{KINDS, find};

/// IP and TCP with timestamps, once a segment.
const TCP_IP: usize = 20 + 32;

#[test]
fn a_voice_packet_weighs_what_is_documented() {
    for (name, stream) in [("hcap", 200 + 3 + 6), ("softether", 200 + 14 + 4 + 4 + 22), ("skype", 200 + 4)] {
        let kind = find(name).expect("a kind");
        let mut world = World::new(kind);
        let site = world.client(kind, &["192.0.2.10"]);
        world.run(Duration::from_secs(1));
        world.writes.clear();
        world.speak(site, voice("192.0.2.10:4000", "198.51.100.1:5000", 1));
        world.arrive(voice("198.51.100.1:5000", "192.0.2.10:4000", 2));
        let written: Vec<usize> = world.writes.iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(written, [stream, stream], "{name}");
        assert_eq!(kind.stream_bytes(200), stream, "{name}");
    }
}

#[test]
fn softether_weighs_as_much_as_the_real_one() {
    // Measured on the real one: 288 to 305 bytes of IP per RTP packet, acknowledgements included, which mostly ride
    // on voice of the other direction.
    let kind = find("softether").expect("a kind");
    let alone = kind.stream_bytes(200) + TCP_IP;
    assert!((288..=305).contains(&alone), "{alone}");
    // Two in one write share all but their own headers.
    let mut world = World::new(kind);
    let site = world.client(kind, &["192.0.2.10"]);
    world.run(Duration::from_secs(1));
    world.stuck = true;
    for number in 0..3 {
        world.speak(site, voice("192.0.2.10:4000", "198.51.100.1:5000", number));
    }
    world.writes.clear();
    world.release();
    assert_eq!(world.writes[0].1.len(), 2 * (200 + 14 + 4) + 4 + 22);
}

#[test]
fn the_first_bytes_look_like_what_the_firewall_expects() {
    for kind in &KINDS {
        let mut world = World::new(kind);
        world.client(kind, &["192.0.2.10"]);
        world.run(Duration::from_secs(1));
        let first = |up: bool| &world.writes.iter().find(|(way, _)| *way == up).expect("a write").1[..];
        let (up, down) = (first(true), first(false));
        match kind.name {
            "hcap" => {
                assert!(up.starts_with(b"GET /hcap/") && down.starts_with(b"HTTP/1.1 200 OK\r\n"));
            }
            "softether" => {
                // Record of a handshake, then ClientHello and ServerHello, each with its own length inside.
                assert_eq!((up[0], up[5], down[0], down[5]), (22, 1, 22, 2));
                let record = usize::from(u16::from_be_bytes([up[3], up[4]]));
                let hello = u32::from_be_bytes([0, up[6], up[7], up[8]]) as usize;
                assert_eq!((record + 5, hello + 9), (517, 517));
                assert_eq!(up.len(), 517);
            }
            _ => assert!(!up[..4].iter().all(u8::is_ascii_graphic), "no method stands there: {up:?}"),
        }
    }
}

#[test]
fn ethernet_chatters_and_the_hub_floods_it() {
    let kind = find("softether").expect("a kind");
    let mut world = World::new(kind);
    let first = world.client(kind, &["192.0.2.10", "192.0.2.11", "192.0.2.12"]);
    let second = world.client(kind, &["192.0.2.20"]);
    world.run(Duration::from_secs(1));
    let before = (count(&world.clients[first], "broadcasts"), count(&world.clients[second], "broadcasts"));
    world.run(Duration::from_secs(600));
    let after = (count(&world.clients[first], "broadcasts"), count(&world.clients[second], "broadcasts"));
    assert_eq!((after.0 - before.0, after.1 - before.1), (10, 30));
    assert_eq!(count(&world.server, "broken"), 0);
    assert!(world.public.is_empty(), "the broadcast domain ends at the hub");
}
