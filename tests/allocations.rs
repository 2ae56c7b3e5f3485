//! The media path and the tunnel session allocate nothing per packet. Its own test binary: the counting allocator counts everything in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;

use bytes::BytesMut;
use sofw_core::base::{Duration, Instant, SiteId};
use sofw_core::media::{Accept, Forward, Leg, Relay, Remote};
use sofw_core::tunnel::seal::testing::keys;
use sofw_core::tunnel::{FlowId, RecordReader, Session, SessionConfig, SessionEvent, Urgent};

/// Counts per thread, so that the test harness does not disturb.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator; the counter is a plain thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, unchanged.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn the_media_relay_allocates_nothing_per_packet() {
    let mut relay = Relay::new(Some(Duration::from_secs(300)));
    let peer = SocketAddr::from(([198, 51, 100, 7], 4_000));
    let site = SiteId(1);
    for index in 0..100_u16 {
        let socket = Leg::Socket {
            port: 20_000 + 2 * index,
            remote: Some(Remote { rtp: peer, rtcp: peer }),
            accept: Accept::Outside { signalling: peer.ip() },
        };
        let tunnel = Leg::Tunnel { site, flow: FlowId(u32::from(index) * 2) };
        assert!(relay.open(Instant::ZERO, [tunnel, socket], Urgent::PayloadType(101)).is_some());
    }
    let mut packet = [0_u8; 172];
    packet[0] = 0x80;
    let stranger = SocketAddr::from(([192, 0, 2, 66], 4_000));
    let count = allocations(|| {
        for round in 0..100_u64 {
            let now = Instant::from_millis(20 * round);
            packet[3] = round as u8;
            for index in 0..100_u16 {
                let port = 20_000 + 2 * index;
                let flow = FlowId(u32::from(index) * 2);
                assert!(matches!(relay.from_socket(now, port, peer, &packet), Forward::Tunnel { .. }));
                assert!(matches!(relay.from_tunnel(now, site, flow, &packet), Forward::Socket { .. }));
                assert!(matches!(relay.from_socket(now, port, stranger, &packet), Forward::Drop(_)));
            }
        }
    });
    assert_eq!(count, 0);
}

/// Twenty milliseconds of a hundred two-way calls: voice in records, receipts, pings; each record cut in two.
fn tunnel_round(ends: &mut [(Session, RecordReader); 2], body: &mut BytesMut, now: Instant) -> usize {
    let mut heard = 0;
    for (from, to) in [(0, 1), (1, 0)] {
        for flow in 0..100 {
            ends[from].0.send_voice(now, FlowId(flow * 2), flow % 10 == 0, &[0; 172]);
        }
        body.clear();
        while ends[from].0.fill_record(now, usize::MAX, body) {}
        let (session, reader) = &mut ends[to];
        let (head, tail) = body.split_at(body.len() / 2);
        assert!(session.receive(now, head, reader).is_ok() && session.receive(now, tail, reader).is_ok());
        while let Some(event) = session.poll() {
            heard += usize::from(matches!(event, SessionEvent::Voice(..)));
        }
        session.handle_timeout(now);
        assert!(session.poll_timeout().is_some());
    }
    heard
}

#[test]
fn the_tunnel_session_allocates_nothing_per_packet() {
    let config = SessionConfig { voice_age_max: Duration::from_millis(150) };
    let (hrac, hras) = keys();
    let end = |keys| (Session::new(keys, config, Instant::ZERO), RecordReader::new());
    let mut ends = [end(hrac), end(hras)];
    let mut body = BytesMut::new();
    let mut rounds = (0..).map(|round| Instant::from_millis(20 * round));
    // Queues and buffers find their size first.
    for now in rounds.by_ref().take(50) {
        tunnel_round(&mut ends, &mut body, now);
    }
    let count = allocations(|| {
        for now in rounds.by_ref().take(500) {
            assert_eq!(tunnel_round(&mut ends, &mut body, now), 200);
        }
    });
    assert_eq!(count, 0);
}
