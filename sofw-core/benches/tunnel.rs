//! The tunnel per voice packet: G.711 datagrams of 172 bytes, sealed, carried and opened, with no socket between.

#![allow(missing_docs)]

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sofw_core::base::{Duration, Instant, Rng, SiteId};
use sofw_core::config::SiteKey;
use sofw_core::tunnel::frame::View;
use sofw_core::tunnel::seal::{Keys, answer_hello, hello};
use sofw_core::tunnel::{FlowId, RecordReader, Session, SessionConfig, SessionEvent};

const DATAGRAM: [u8; 172] = [0xd5; 172];
/// Bytes of a record's length, which `Keys::open` does not take.
const LENGTH_LEN: usize = 2;

fn keys() -> (Keys, Keys) {
    let key = SiteKey([7; 32]);
    let (pending, bytes) = hello("hq", &key, b"", &mut Rng::new([1; 32])).expect("a hello");
    let lookup = |_| Some((SiteId(0), key));
    let answered =
        answer_hello(&bytes, lookup, |_, _| Vec::new(), &mut Rng::new([2; 32])).expect("an answer");
    (pending.finish(&answered.answer).expect("keys").0, answered.keys)
}

fn plaintext(frames: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..frames {
        let flow = FlowId(number * 2);
        View::Voice { flow, sequence: number as u16, urgent: false, datagram: &DATAGRAM }.emit(&mut out);
    }
    out
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(50));
    let mut out = Vec::new();
    group.bench_function("emit/50", |bencher| {
        bencher.iter(|| {
            out.clear();
            for number in 0..50 {
                let flow = FlowId(number * 2);
                View::Voice { flow, sequence: 7, urgent: false, datagram: black_box(&DATAGRAM) }
                    .emit(&mut out);
            }
            out.len()
        });
    });
    let bytes = plaintext(50);
    group.bench_function("parse/50", |bencher| {
        bencher.iter(|| {
            let (mut rest, mut sum) = (black_box(bytes.as_slice()), 0);
            while let Ok((View::Voice { flow, datagram, .. }, after)) = View::parse(rest) {
                sum += flow.index() + datagram.len();
                rest = after;
            }
            sum
        });
    });
}

fn seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal");
    for count in [1, 10, 50] {
        let plaintext = plaintext(count);
        group.throughput(Throughput::Bytes(plaintext.len() as u64));
        let (mut hrac, _) = keys();
        let mut out = BytesMut::new();
        group.bench_function(BenchmarkId::new("seal", count), |bencher| {
            bencher.iter(|| {
                out.clear();
                hrac.seal(black_box(&plaintext), &mut out)
            });
        });
        let (mut hrac, mut hras) = keys();
        let mut opened = BytesMut::new();
        group.bench_function(BenchmarkId::new("seal and open", count), |bencher| {
            bencher.iter(|| {
                out.clear();
                hrac.seal(black_box(&plaintext), &mut out).expect("sealed");
                hras.open(&out[LENGTH_LEN..], &mut opened).expect("opened")
            });
        });
    }
}

fn session(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session/packet");
    for count in [1_u32, 10, 50] {
        group.throughput(Throughput::Elements(count.into()));
        let config = SessionConfig { voice_age_max: Duration::from_millis(150) };
        let (hrac, hras) = keys();
        let mut now = Instant::ZERO;
        let (mut hrac, mut hras) = (Session::new(hrac, config, now), Session::new(hras, config, now));
        let (mut lane, mut lane_back) = (RecordReader::new(), RecordReader::new());
        let mut body = BytesMut::new();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                now += Duration::from_millis(2);
                for number in 0..count {
                    hrac.send_voice(now, FlowId(number * 2), false, black_box(&DATAGRAM));
                }
                body.clear();
                while hrac.fill_record(now, 16 * 1024, &mut body) {}
                hras.receive(now, &body, &mut lane).expect("records open");
                let mut bytes = 0;
                while let Some(event) = hras.poll() {
                    if let SessionEvent::Voice(flow, payload) = event {
                        bytes += payload.len() + flow.index();
                    }
                }
                // The way back carries receipts and pongs only.
                body.clear();
                if hras.fill_record(now, 16 * 1024, &mut body) {
                    hrac.receive(now, &body, &mut lane_back).expect("records open");
                    while hrac.poll().is_some() {}
                }
                bytes
            });
        });
    }
}

criterion_group!(benches, frames, seal, session);
criterion_main!(benches);
