//! The media path per datagram: 1000 calls, one look-up, one decision, no bytes moved.

#![allow(missing_docs)]

use std::hint::black_box;
use std::net::SocketAddr;

use criterion::{Criterion, criterion_group, criterion_main};
use sofw_core::base::{Instant, SiteId};
use sofw_core::media::{Accept, Leg, Relay, Remote};
use sofw_core::tunnel::{FlowId, Urgent};

const FLOWS: u16 = 1_000;

fn relay() -> Relay {
    let mut relay = Relay::new(None);
    for index in 0..FLOWS {
        let flow = FlowId(u32::from(index) * 2);
        let rtp = peer(index);
        let remote = Some(Remote { rtp, rtcp: rtp });
        let accept = Accept::Outside { signalling: rtp.ip() };
        let legs = [Leg::Tunnel { site: SiteId(0), flow }, Leg::Socket { port: port(index), remote, accept }];
        relay.open(Instant::ZERO, legs, Urgent::PayloadType(101)).expect("ports and flows are distinct");
    }
    relay
}

fn port(index: u16) -> u16 {
    20_000 + index * 2
}

fn peer(index: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, (index / 250) as u8, (index % 250) as u8], 4_000))
}

fn packet() -> [u8; 172] {
    let mut packet = [0; 172];
    packet[0] = 0x80;
    packet
}

fn media(criterion: &mut Criterion) {
    let mut relay = relay();
    let mut packet = packet();
    let mut count = 0_u64;
    // Jumps between calls, so that caches hold no single one.
    let mut next = move || {
        count += 1;
        ((count * 389 % u64::from(FLOWS)) as u16, count)
    };
    criterion.bench_function("media/from_socket/1000", |bencher| {
        bencher.iter(|| {
            let (index, count) = next();
            packet[2..4].copy_from_slice(&((count / u64::from(FLOWS)) as u16).to_be_bytes());
            let now = Instant::from_nanos(count * 20_000);
            black_box(relay.from_socket(now, port(index), peer(index), black_box(&packet)))
        });
    });
    criterion.bench_function("media/from_tunnel/1000", |bencher| {
        bencher.iter(|| {
            let (index, count) = next();
            packet[2..4].copy_from_slice(&((count / u64::from(FLOWS)) as u16).to_be_bytes());
            let now = Instant::from_nanos(count * 20_000);
            let flow = FlowId(u32::from(index) * 2);
            black_box(relay.from_tunnel(now, SiteId(0), flow, black_box(&packet)))
        });
    });
    criterion.bench_function("rat/by_port", |bencher| {
        bencher.iter(|| black_box(relay.by_port(port(next().0))));
    });
    criterion.bench_function("rat/by_flow", |bencher| {
        bencher.iter(|| black_box(relay.by_flow(SiteId(0), FlowId(u32::from(next().0) * 2))));
    });
}

criterion_group!(benches, media);
criterion_main!(benches);
