//! What a packet costs the built-in phone when its voice is stamped: the simulator sends and hears millions.

#![allow(missing_docs)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use criterion::{Criterion, criterion_group, criterion_main};
use sofw_core::base::{Duration, Instant};
use sofw_core::io::{Input, Output, SocketId};
use sofw_core::testing::phone::{Answer, CallState, Phone, PhoneConfig, Voice};

const ADDRS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))];

/// Two phones that talk, without a network between them.
fn talking() -> ([Phone; 2], Instant) {
    let mut now = Instant::from_millis(1);
    let mut phones = [0, 1].map(|who: usize| {
        let server = SocketAddr::new(ADDRS[1 - who], 5060);
        let config = PhoneConfig {
            voice: Voice::Stamped { speaker: who as u32 },
            answer: Answer::After(Duration::ZERO),
            rtcp: false,
            ..PhoneConfig::new("user", "", "example.net", ADDRS[who], server)
        };
        Phone::new(config, [who as u8; 32], now)
    });
    phones[0].call(now, "other");
    // Past the time in which transactions linger.
    for _ in 0..60_000 {
        now += Duration::from_millis(1);
        step(&mut phones, now);
    }
    assert!(phones.iter().all(|phone| phone.call_state() == Some(CallState::Established)));
    (phones, now)
}

fn step(phones: &mut [Phone; 2], now: Instant) {
    for who in 0..2 {
        if phones[who].poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            phones[who].handle_timeout(now);
        }
        while let Some(output) = phones[who].poll_output() {
            if let Output::Send { socket, payload, .. } = output {
                let from = SocketAddr::new(ADDRS[who], if socket == SocketId::Sip(0) { 5060 } else { 4000 });
                phones[1 - who].handle_input(now, Input::Datagram { socket, from, bytes: &payload });
            }
        }
    }
}

fn phone(criterion: &mut Criterion) {
    let ([mut alice, mut bob], mut now) = talking();
    criterion.bench_function("phone/send", |bencher| {
        bencher.iter(|| {
            now = alice.poll_timeout().expect("it talks").at;
            alice.handle_timeout(now);
            black_box(alice.poll_output().expect("a packet"))
        });
    });
    alice.handle_timeout(now + Duration::from_millis(20));
    let Some(Output::Send { socket, payload, .. }) = alice.poll_output() else { panic!("a packet") };
    let mut packet = payload.to_vec();
    let from = SocketAddr::new(ADDRS[0], 4000);
    let mut count = 0_u32;
    criterion.bench_function("phone/receive", |bencher| {
        bencher.iter(|| {
            count += 1;
            packet[2..4].copy_from_slice(&(count as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(count * 160).to_be_bytes());
            now += Duration::from_millis(20);
            bob.handle_input(now, Input::Datagram { socket, from, bytes: black_box(&packet) });
            black_box((bob.poll_output().is_none(), bob.poll_event().is_none(), bob.poll_timeout()))
        });
    });
}

criterion_group!(benches, phone);
criterion_main!(benches);
