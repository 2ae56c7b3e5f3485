//! The media path allocates nothing per packet. Its own test binary: the counting allocator counts everything in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;

use sofw_core::base::{Duration, Instant, SiteId};
use sofw_core::media::{Accept, Forward, Leg, Relay, Remote};
use sofw_core::tunnel::{FlowId, Urgent};

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
