//! Owned bytes that leave the core, from a pool, so that steady state allocates nothing per packet.

use bytes::{Bytes, BytesMut};

/// Bytes of an output: opaque, owned, cheap to clone and to slice. Dropping it returns its memory to the pool.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Payload(Bytes);

impl Payload {
    /// The part `range` of this payload, sharing its memory.
    ///
    /// # Panics
    /// If the range lies outside; ranges come from our own parsers, never from a peer unchecked.
    pub fn slice(&self, range: core::ops::Range<usize>) -> Payload {
        Payload(self.0.slice(range))
    }
}

impl core::ops::Deref for Payload {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Payload(bytes.into())
    }
}

impl From<BytesMut> for Payload {
    fn from(bytes: BytesMut) -> Self {
        Payload(bytes.freeze())
    }
}

impl core::fmt::Debug for Payload {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Payload({} B)", self.0.len())
    }
}

/// A pool that hands out buffers and gets their memory back when the payloads made from them are dropped.
///
/// A buffer is carved out of one block; whenever every payload of the block is gone, the block is used again from its start. A driver
/// that drops payloads within its drain loop therefore causes no allocation in steady state, and the same few kilobytes stay in the
/// processor's cache.
#[derive(Debug)]
pub struct PayloadPool {
    block: BytesMut,
    block_size: usize,
}

impl PayloadPool {
    /// A pool that grows by `block_size` bytes at a time.
    pub fn new(block_size: usize) -> Self {
        PayloadPool { block: BytesMut::new(), block_size }
    }

    /// An empty buffer with room for at least `len` bytes. Fill it, then give it back with [`PayloadPool::finish`].
    pub fn start(&mut self, len: usize) -> &mut BytesMut {
        if !self.has_room(len) {
            self.block.reserve(len.max(self.block_size));
        }
        &mut self.block
    }

    /// Whether [`PayloadPool::start`] finds `len` bytes without an allocation.
    pub fn has_room(&mut self, len: usize) -> bool {
        debug_assert!(self.block.is_empty(), "finish() follows start()");
        // Asked for a whole block, it goes back to the start if no payload of it is left. If some are, what is behind them may do.
        self.block.try_reclaim(len.max(self.block_size)) || self.block.capacity() >= len
    }

    /// The bytes written since [`PayloadPool::start`], as a payload.
    pub fn finish(&mut self) -> Payload {
        Payload(self.block.split().freeze())
    }

    /// A payload with a copy of `bytes`.
    pub fn copy(&mut self, bytes: &[u8]) -> Payload {
        self.start(bytes.len()).extend_from_slice(bytes);
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_begins_anew_once_its_payloads_are_gone() {
        let mut pool = PayloadPool::new(64);
        let first = pool.copy(b"first");
        let start = first.as_ptr();
        let second = pool.copy(b"second");
        assert_ne!(second.as_ptr(), start, "the first is still there");
        assert_eq!((&*first, &*second), (&b"first"[..], &b"second"[..]));
        drop(first);
        assert_ne!(pool.copy(b"third").as_ptr(), start, "the second is still there");
        assert_eq!(&*second, b"second");
        drop(second);
        assert_eq!(pool.copy(b"fourth").as_ptr(), start);
        // Longer than a block, and than what is left of one.
        assert_eq!(pool.copy(&[7; 100]).len(), 100);
        assert!(pool.has_room(100) && !pool.has_room(10_000));
    }
}
