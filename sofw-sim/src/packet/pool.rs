//! Buffers of packets that are over, for packets to come: a packet costs no allocation.
//!
//! What a buffer held before cannot be seen, so that the pool of a thread does not tie the runs on it together.

use std::cell::RefCell;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer.
pub(super) fn take() -> Vec<u8> {
    let spare = BUFFERS.with(|buffers| buffers.borrow_mut().pop());
    spare.unwrap_or_else(|| Vec::with_capacity(CAPACITY))
}

/// Takes a buffer back, unless it is of an unusual size.
pub(super) fn give(mut buffer: Vec<u8>) {
    if !(CAPACITY..=CAPACITY_MAX).contains(&buffer.capacity()) {
        return;
    }
    buffer.clear();
    // Not after the thread's end, when packets may still be dropped.
    let _ = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.borrow_mut();
        if buffers.len() < BUFFERS_MAX {
            buffers.push(buffer);
        }
    });
}

/// Voice fits; longer packets make their buffer grow.
const CAPACITY: usize = 512;
/// A segment of full length fits; a datagram of 64 KiB is not kept.
const CAPACITY_MAX: usize = 2_048;
const BUFFERS_MAX: usize = 4_096;
