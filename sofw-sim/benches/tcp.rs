//! What one voice frame costs through two TCP stacks: write, segment, arrival, read, acknowledgement.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sofw_core::base::{Duration, Instant, Rng};
use sofw_sim::tcp::{Congestion, Head, Stack, TcpConfig, TcpEvent, TcpId};

/// Connections between two hosts, without delay on the path.
struct Pair {
    now: Instant,
    near: Stack,
    far: Stack,
    ids: Vec<(TcpId, TcpId)>,
    buffer: Vec<u8>,
    read: Vec<u8>,
}

impl Pair {
    fn new(connections: usize, congestion: Congestion) -> Pair {
        let rng = Rng::new([1; 32]);
        let config = TcpConfig { congestion, ..TcpConfig::default() };
        let server = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 443);
        let client = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let mut far = Stack::new(config, rng.fork("far"));
        far.listen(server);
        let near = Stack::new(config, rng.fork("near"));
        let mut pair =
            Pair { now: Instant::ZERO, near, far, ids: Vec::new(), buffer: Vec::new(), read: Vec::new() };
        for _ in 0..connections {
            let near = pair.near.connect(pair.now, client, server);
            for _ in 0..3 {
                pair.carry();
            }
            let accepted = std::iter::from_fn(|| pair.far.poll_event()).find_map(|event| match event {
                TcpEvent::Accepted { id, .. } => Some(id),
                _ => None,
            });
            pair.ids.push((near, accepted.expect("the connection opened")));
        }
        pair
    }

    /// Segments each way once.
    fn carry(&mut self) {
        self.now += Duration::from_micros(200);
        while let Some(head) = take(&mut self.near, self.now, &mut self.buffer) {
            self.far.handle_segment(self.now, &head, &self.buffer);
        }
        while let Some(head) = take(&mut self.far, self.now, &mut self.buffer) {
            self.near.handle_segment(self.now, &head, &self.buffer);
        }
    }

    /// One frame to the far side, and its acknowledgement.
    fn frame(&mut self, connection: usize, frame: &[u8]) {
        let (near, far) = self.ids[connection];
        self.now += Duration::from_micros(200);
        if self.near.poll_timeout().is_some_and(|at| at <= self.now) {
            self.near.handle_timeout(self.now);
        }
        if self.far.poll_timeout().is_some_and(|at| at <= self.now) {
            self.far.handle_timeout(self.now);
        }
        self.near.write(self.now, near, frame);
        while let Some(head) = take(&mut self.near, self.now, &mut self.buffer) {
            self.far.handle_segment(self.now, &head, &self.buffer);
        }
        while self.far.poll_event().is_some() {}
        self.read.clear();
        self.far.read(self.now, far, &mut self.read);
        while let Some(head) = take(&mut self.far, self.now, &mut self.buffer) {
            self.near.handle_segment(self.now, &head, &self.buffer);
        }
        while self.near.poll_event().is_some() {}
        black_box(&self.read);
    }
}

fn take(stack: &mut Stack, now: Instant, buffer: &mut Vec<u8>) -> Option<Head> {
    buffer.clear();
    stack.poll_segment(now, buffer)
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tcp frame");
    group.throughput(Throughput::Elements(1));
    for (name, connections, congestion) in [
        ("cubic, 1 connection", 1, Congestion::Cubic),
        ("cubic, 1000 connections", 1000, Congestion::Cubic),
        ("bbr, 1 connection", 1, Congestion::Bbr),
    ] {
        let mut pair = Pair::new(connections, congestion);
        let mut at = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                at = (at + 1) % connections;
                pair.frame(at, black_box(&[7; 250]));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
