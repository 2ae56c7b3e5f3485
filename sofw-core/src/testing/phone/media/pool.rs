//! Memory for packets: two blocks in turn. While one is filled, the packets of the other leave the network, so that
//! nothing is allocated per packet although some are always under way.

use crate::base::{Payload, PayloadPool};
use bytes::BytesMut;

#[derive(Debug)]
pub(in super::super) struct PacketPool {
    pools: [PayloadPool; 2],
    current: usize,
}

impl PacketPool {
    pub fn new(block_size: usize) -> Self {
        let pools = [PayloadPool::new(block_size), PayloadPool::new(block_size)];
        PacketPool { pools, current: 0 }
    }

    /// A packet of at most `len` bytes, which `fill` writes.
    pub fn packet(&mut self, len: usize, fill: impl FnOnce(&mut BytesMut)) -> Payload {
        if !self.pools[self.current].has_room(len) {
            self.current = 1 - self.current;
        }
        let pool = &mut self.pools[self.current];
        fill(pool.start(len));
        pool.finish()
    }
}
