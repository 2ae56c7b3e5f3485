//! Stamped voice, video, mute and packet times.

use super::*;
use crate::io::SocketId;
use crate::testing::pair::{Pair, inside_phone, outside_phone};
use crate::testing::phone::rtp::RtpHeader;

/// What the world carried as RTP: who sent it, from which port, to which, and the packet.
fn packets(world: &World) -> impl Iterator<Item = (usize, u16, SocketAddr, &[u8])> {
    world.media.iter().map(|(who, port, to, bytes)| (*who, *port, *to, &bytes[..]))
}

fn stamps(world: &World) -> Vec<(usize, Stamp)> {
    packets(world).filter_map(|(who, _, _, bytes)| Some((who, Stamp::of_rtp(bytes)?))).collect()
}

fn stamped() -> Vec<PhoneConfig> {
    let mut configs = pair();
    for (speaker, config) in configs.iter_mut().enumerate() {
        config.voice = Voice::Stamped { speaker: 70 + speaker as u32 };
    }
    configs
}

#[test]
fn every_packet_names_its_speaker_call_number_and_time() {
    let mut world = World::new(stamped());
    let begin = world.now;
    world.phones[0].call(begin, "bob");
    world.run(2_000);
    let call = call_hash(world.phones[0].call_id().expect("a call"));
    let stamps = stamps(&world);
    for who in 0..2 {
        let own: Vec<_> = stamps.iter().filter(|(from, _)| *from == who).map(|(_, stamp)| *stamp).collect();
        assert!(own.len() > 60, "{} packets", own.len());
        assert_eq!(own.len() as u64, world.phones[who].report().unwrap().sent);
        for (number, stamp) in own.iter().enumerate() {
            assert_eq!((stamp.speaker, stamp.call), (70 + who as u32, call));
            assert_eq!((stamp.number, stamp.kind), (number as u64, MediaKind::Audio));
            assert_eq!(stamp.sent_at, own[0].sent_at + Duration::from_millis(20) * number as u32);
        }
        let report = world.phones[1 - who].report().unwrap();
        assert!(report.received >= own.len() as u64 - 1 && report.lost == 0, "{report:?}");
        assert!(report.heard.is_empty() && report.received_log.1.is_empty() && report.sent_log.2.is_empty());
    }
    let (_, _, _, packet) = packets(&world).next().expect("a packet");
    assert_eq!(packet.len(), 172);
    assert!(packet[RtpHeader::LEN + Stamp::LEN..].iter().all(|&byte| byte == g711::SILENCE));
}

#[test]
fn a_stamped_phone_hears_keys() {
    let mut world = World::new(stamped());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    world.phones[0].dial("7");
    world.run(500);
    assert!(world.heard(1, &PhoneEvent::Dtmf('7')));
}

#[test]
fn video_runs_beside_the_voice_on_its_own_ports() {
    let mut configs = stamped();
    configs.iter_mut().for_each(|config| config.video = true);
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(3_000);
    let video: Vec<_> = packets(&world)
        .filter_map(|(who, port, to, bytes)| Some((who, port, to.port(), bytes.len(), Stamp::of_rtp(bytes)?)))
        .filter(|(.., stamp)| stamp.kind == MediaKind::Video)
        .collect();
    for who in 0..2 {
        let own: Vec<_> = video.iter().filter(|(from, ..)| *from == who).collect();
        // About two seconds of 25 frames, beside twice as many voice packets.
        assert!((55..=63).contains(&own.len()), "{} packets", own.len());
        assert!(own.iter().all(|&&(_, from, to, len, _)| (from, to, len) == (4_002, 4_002, 1_000)));
        let (sent, seen) =
            (world.phones[who].video_report().unwrap(), world.phones[1 - who].video_report().unwrap());
        assert_eq!(sent.sent, own.len() as u64);
        assert!(seen.received + 1 >= sent.sent && seen.lost == 0);
        let voice = world.phones[who].report().unwrap().sent;
        assert!(voice.abs_diff(2 * sent.sent) <= 2, "{voice} voice packets");
        let header = RtpHeader::parse(packets(&world).find(|p| p.1 == 4_002).unwrap().3).unwrap().0;
        assert_eq!(header.payload_type, 96);
    }
    // Hold stops both lines.
    let now = world.now;
    world.phones[0].hold(now, true);
    world.run(500);
    let before = world.phones[1].video_report().unwrap().sent;
    world.run(500);
    assert_eq!(world.phones[1].video_report().unwrap().sent, before);
    let now = world.now;
    world.phones[1].hang_up(now);
    world.run(500);
    assert!(world.phones[0].video_report().is_some_and(|report| report.sent > 50), "kept after the call");
}

#[test]
fn stamped_video_through_the_firewall() {
    let mut pair = Pair::new(1, 8);
    let with = |config, speaker| PhoneConfig { voice: Voice::Stamped { speaker }, video: true, ..config };
    let alice = pair.phone_with(1, with(inside_phone(10, "alice"), 1));
    let bob = pair.phone_with(0, with(outside_phone(20, "bob"), 2));
    [alice, bob].into_iter().for_each(|phone| pair.register(phone));
    pair.record = true;
    pair.talk(alice, "bob", Duration::from_secs(2));
    let call = call_hash(pair.phone(alice).call_id().unwrap());
    for (ear, mouth, speaker) in [(alice, bob, 2), (bob, alice, 1)] {
        let (sent, seen) =
            (pair.phone(mouth).video_report().unwrap(), pair.phone(ear).video_report().unwrap());
        assert!(sent.sent >= 50 && seen.received + 2 >= sent.sent && seen.lost == 0, "{seen:?}");
        // What arrives at the ear is the mouth's, of this call.
        let to = pair.phone(ear).config().addr;
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let port = pair.phone(ear).config().ports().rtp(kind);
            let arrived = pair.sent.iter().filter(|sent| sent.to == SocketAddr::new(to, port));
            let stamps: Vec<_> = arrived.map(|sent| Stamp::of_rtp(&sent.payload).expect("a stamp")).collect();
            assert!(stamps.len() >= 50);
            assert!(stamps.iter().all(|s| (s.speaker, s.call, s.kind) == (speaker, call, kind)));
        }
    }
}

#[test]
fn who_has_no_video_refuses_it_and_hears_the_voice() {
    let mut configs = stamped();
    configs[0].video = true;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_000);
    assert_eq!(world.phones[0].video_report().map(|report| report.sent), Some(0));
    assert!(world.phones[1].video_report().is_none());
    assert!(world.phones[1].report().unwrap().received > 60);
    // The refused line stays in later offers (RFC 3264 §8).
    let now = world.now;
    world.phones[1].reinvite(now);
    let invite = loop {
        match world.phones[1].poll_output() {
            Some(Output::Send { socket: SocketId::Sip(_), payload, .. }) => break payload,
            Some(_) => {}
            None => panic!("an INVITE is sent"),
        }
    };
    assert!(String::from_utf8_lossy(&invite).contains("\r\nm=video 0 RTP/AVP 96\r\n"));
}

#[test]
fn mute_stops_packets_and_their_times_go_on() {
    let mut world = World::new(stamped());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    world.phones[0].mute(true);
    let before = (world.phones[0].report().unwrap().sent, world.phones[1].report().unwrap().sent);
    world.run(1_000);
    assert_eq!(world.phones[0].report().unwrap().sent, before.0);
    assert_eq!(world.phones[1].report().unwrap().sent, before.1 + 50, "the other end talks on");
    world.phones[0].mute(false);
    world.run(100);
    let headers: Vec<_> = packets(&world)
        .filter(|(who, ..)| *who == 0)
        .map(|(.., bytes)| RtpHeader::parse(bytes).expect("RTP").0)
        .collect();
    let (last, next) = (headers[before.0 as usize - 1], headers[before.0 as usize]);
    assert_eq!(next.sequence, last.sequence.wrapping_add(1), "nothing is lost");
    assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 51 * 160);
    assert!(next.marker, "a talk spurt begins (RFC 3551 §4.1)");
}

#[test]
fn packets_are_as_long_as_the_description_says() {
    for (ptime_ms, len) in [(10, 80), (20, 160), (30, 240), (40, 320)] {
        for voice in [Voice::Tone, Voice::Stamped { speaker: 1 }] {
            let mut configs = pair();
            configs.iter_mut().for_each(|config| (config.ptime_ms, config.voice) = (ptime_ms, voice));
            let mut world = World::new(configs);
            let now = world.now;
            world.phones[0].call(now, "bob");
            world.run(2_600);
            let own: Vec<_> = packets(&world).filter(|(who, ..)| *who == 0).map(|(.., p)| p).collect();
            assert!(own.iter().all(|packet| packet.len() == RtpHeader::LEN + len), "{ptime_ms} ms");
            let times: Vec<_> =
                own.iter().map(|packet| RtpHeader::parse(packet).unwrap().0.timestamp).collect();
            assert!(times.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == len as u32));
            // From the answer, after half a second of ringing, on.
            let count = own.len() * usize::from(ptime_ms);
            assert!((2_050..=2_130).contains(&count), "{} packets of {ptime_ms} ms", own.len());
            if voice == Voice::Tone {
                let tone = world.phones[1].report().unwrap().tone().expect("a tone");
                assert!((tone.hz - 440.0).abs() <= 1.0, "{ptime_ms} ms: {tone:?}");
            }
        }
    }
}
