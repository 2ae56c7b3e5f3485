//! Bytes arrive once and in order, whatever the path does; windows and marks bound them.

use proptest::prelude::*;
use sofw_core::base::Rng;

use super::net::{CLIENT, DELAY, Net, Path, SERVER, Side, ms};
use crate::tcp::{Congestion, TcpConfig, TcpEvent, TcpId};

/// A path that loses, delays and repeats by `rng`, parts per 1000.
fn rough(mut rng: Rng, loss: u64, late: u64, twice: u64) -> Path {
    Box::new(move |_| {
        if rng.below(1000) < loss {
            return vec![];
        }
        let mut fate = vec![DELAY];
        if rng.below(1000) < late {
            fate[0] += ms(rng.below(60));
        }
        if rng.below(1000) < twice {
            fate.push(DELAY + ms(rng.below(30)));
        }
        fate
    })
}

fn pattern(len: usize, salt: u8) -> Vec<u8> {
    (0..len).map(|at| (at as u8).wrapping_mul(31).wrapping_add((at >> 8) as u8) ^ salt).collect()
}

/// Feeds `bytes` from `side` as its socket takes them.
fn feed(net: &mut Net, side: Side, id: TcpId, bytes: &[u8], done: &mut usize) {
    let now = net.now;
    while *done < bytes.len() && net.stack(side).is_writable(id) {
        let chunk = &bytes[*done..(*done + 700).min(bytes.len())];
        *done += net.stack(side).write(now, id, chunk);
    }
}

fn exchange(config: TcpConfig, seed: u8, (loss, late, twice): (u64, u64, u64)) -> Net {
    let mut net = Net::seeded(config, seed);
    net.fate = rough(Rng::new([seed; 32]).fork("path"), loss, late, twice);
    let near = net.near.connect(net.now, CLIENT, SERVER);
    let (up, down) = (pattern(60_000, 1), pattern(40_000, 2));
    let (mut up_done, mut down_done) = (0, 0);
    let mut far = None;
    for _ in 0..40_000 {
        net.run(ms(10));
        feed(&mut net, Side::Near, near, &up, &mut up_done);
        far = far.or_else(|| {
            net.events.iter().find_map(|entry| match entry.2 {
                TcpEvent::Accepted { id, .. } => Some(id),
                _ => None,
            })
        });
        let Some(far) = far else { continue };
        feed(&mut net, Side::Far, far, &down, &mut down_done);
        if net.received(Side::Far, far).len() >= up.len()
            && net.received(Side::Near, near).len() >= down.len()
        {
            break;
        }
    }
    let far = far.expect("the connection opened");
    assert!(net.received(Side::Far, far) == up, "bytes to the far side differ");
    assert!(net.received(Side::Near, near) == down, "bytes to the near side differ");
    net
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn bytes_arrive_exactly_over_a_rough_path(
        seed in any::<u8>(),
        loss in 0u64..120,
        late in 0u64..300,
        twice in 0u64..100,
        bbr in any::<bool>(),
        nodelay in any::<bool>(),
        small in any::<bool>(),
    ) {
        let config = TcpConfig {
            congestion: if bbr { Congestion::Bbr } else { Congestion::Cubic },
            nodelay,
            receive_buffer: if small { 5_000 } else { 256 << 10 },
            send_buffer: if small { 7_000 } else { 256 << 10 },
            ..TcpConfig::default()
        };
        exchange(config, seed, (loss, late, twice));
    }
}

#[test]
fn the_same_seed_gives_the_same_segments() {
    let run = |seed| exchange(TcpConfig::default(), seed, (30, 50, 20)).log;
    let first = run(3);
    assert!(first == run(3));
    assert!(first != run(4));
}

#[test]
fn without_sack_and_timestamps_bytes_still_arrive() {
    let config = TcpConfig { timestamps: false, ..TcpConfig::default() };
    let net = exchange(config, 9, (50, 50, 10));
    assert!(net.log.iter().all(|wire| wire.head.options.timestamps.is_none()));
}

#[test]
fn a_reader_that_stops_closes_the_window_and_probes_find_it_open_again() {
    let config = TcpConfig { receive_buffer: 20_000, ..TcpConfig::default() };
    let (mut net, near, far) = Net::open(config);
    net.reads = [true, false];
    let bytes = pattern(60_000, 5);
    net.write(near, &bytes);
    net.run(ms(5_000));
    let probes_from = net.now;
    assert!(net.near.unsent(near) >= 60_000 - 20_000, "more was sent than the window allows");
    net.run(ms(20_000));
    let probes = net.log.iter().filter(|wire| wire.from == Side::Near && wire.at >= probes_from).count();
    assert!((2..12).contains(&probes), "{probes} probes in 20 s");
    // The reader returns, but its window update is lost: a probe must find out.
    let mut lost = 0;
    net.fate = Box::new(move |wire| {
        lost += usize::from(wire.from == Side::Far);
        if wire.from == Side::Far && lost == 1 { vec![] } else { vec![DELAY] }
    });
    let mut got = Vec::new();
    for _ in 0..1000 {
        let now = net.now;
        net.far.read(now, far, &mut got);
        net.run(ms(50));
    }
    assert!(got == bytes, "{} of {} bytes", got.len(), bytes.len());
}

#[test]
fn a_reader_that_returns_tells_so_at_once() {
    let config = TcpConfig { receive_buffer: 20_000, ..TcpConfig::default() };
    let (mut net, near, far) = Net::open(config);
    net.reads = [true, false];
    net.write(near, &pattern(60_000, 5));
    net.run(ms(3_000));
    let mut got = Vec::new();
    let now = net.now;
    net.far.read(now, far, &mut got);
    net.drain();
    let update = net.log.last().expect("segments left");
    assert_eq!((update.from, update.at, update.len), (Side::Far, now, 0));
    assert!(update.head.window > 0);
    net.run(3 * DELAY);
    assert!(net.data(Side::Near, now).len() > 1);
}

#[test]
fn writable_means_below_the_low_water_mark() {
    let config = TcpConfig { not_sent_low_water: 4_000, ..TcpConfig::default() };
    let (mut net, near, _) = Net::open(config);
    assert!(net.near.is_writable(near));
    // Ten segments leave at once, the rest waits.
    net.write(near, &pattern(10 * 1448 + 5_000, 1));
    assert_eq!(net.near.unsent(near), 5_000);
    assert!(!net.near.is_writable(near));
    assert!(!net.has(Side::Near, TcpEvent::Writable(near)));
    net.run(3 * DELAY);
    assert!(net.near.is_writable(near));
    assert!(net.has(Side::Near, TcpEvent::Writable(near)));
    let edges = net.events.iter().filter(|entry| entry.2 == TcpEvent::Writable(near)).count();
    assert_eq!(edges, 1, "an edge is told once");
}

#[test]
fn a_window_smaller_than_a_segment_still_carries_the_stream() {
    let (mut net, near, far) = Net::open(TcpConfig { receive_buffer: 1_000, ..TcpConfig::default() });
    let bytes = pattern(10_000, 3);
    net.write(near, &bytes);
    net.run(ms(5_000));
    assert!(net.received(Side::Far, far) == bytes);
    assert!(net.log.iter().all(|wire| wire.len <= 1_000));
}

#[test]
fn a_full_send_buffer_takes_no_more() {
    let config = TcpConfig { send_buffer: 10_000, ..TcpConfig::default() };
    let (mut net, near, _) = Net::open(config);
    assert_eq!(net.write(near, &pattern(15_000, 1)), 10_000);
    assert_eq!(net.write(near, b"x"), 0);
    net.run(3 * DELAY);
    assert!(net.has(Side::Near, TcpEvent::Writable(near)));
    assert_eq!(net.write(near, b"x"), 1);
}

#[test]
fn nagle_holds_small_segments_and_nodelay_does_not() {
    let leaves = |nodelay| {
        let (mut net, near, _) = Net::open(TcpConfig { nodelay, ..TcpConfig::default() });
        let from = net.now;
        for _ in 0..5 {
            net.write(near, &[1; 100]);
        }
        net.run(ms(1));
        net.data(Side::Near, from).len()
    };
    assert_eq!((leaves(true), leaves(false)), (5, 1));
}
