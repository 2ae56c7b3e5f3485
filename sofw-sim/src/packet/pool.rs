//! Bodies of packets that are over, for packets to come: a packet costs no allocation.
//!
//! What a body held before cannot be seen, so that the pool of a thread does not tie the runs on it together.

use std::cell::RefCell;

use super::{Body, Protocol};

thread_local! {
    #[expect(clippy::vec_box, reason = "a packet is this very pointer, handed out again")]
    static BODIES: RefCell<Vec<Box<Body>>> = const { RefCell::new(Vec::new()) };
}

/// A body without bytes.
#[inline]
pub(super) fn take() -> Box<Body> {
    let spare = BODIES.with(|bodies| bodies.borrow_mut().pop());
    spare.unwrap_or_else(new)
}

#[cold]
fn new() -> Box<Body> {
    let bytes = Vec::with_capacity(CAPACITY);
    Box::new(Body { bytes, protocol: Protocol::Udp, is_ipv4: true, transport: 0, payload: 0 })
}

/// Takes a body back, unless its buffer is of an unusual size.
#[inline]
pub(super) fn give(mut body: Box<Body>) {
    if !(CAPACITY..=CAPACITY_MAX).contains(&body.bytes.capacity()) {
        return;
    }
    body.bytes.clear();
    // Not after the thread's end, when packets may still be dropped.
    let _ = BODIES.try_with(|bodies| {
        let mut bodies = bodies.borrow_mut();
        if bodies.len() < BODIES_MAX {
            bodies.push(body);
        }
    });
}

/// Voice fits; longer packets make their buffer grow.
const CAPACITY: usize = 512;
/// A segment of full length fits; a datagram of 64 KiB is not kept.
const CAPACITY_MAX: usize = 2_048;
const BODIES_MAX: usize = 4_096;
