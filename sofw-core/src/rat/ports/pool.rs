//! Ports that may be named in SDP.

use std::collections::{BTreeSet, VecDeque};

/// A FIFO of ready pairs. Whatever it is told, it never gives a port twice at once.
#[derive(Clone, Debug, Default)]
pub struct PortPool {
    ready: VecDeque<u16>,
    /// Ready or in use.
    known: BTreeSet<u16>,
}

impl PortPool {
    /// A pair is open. Odd ports, port 0 and ports already known are ignored: the peer may say anything.
    pub fn add(&mut self, port: u16) {
        if port != 0 && port % 2 == 0 && self.known.insert(port) {
            self.ready.push_back(port);
        }
    }

    /// Takes the pair that has been ready longest.
    pub fn take(&mut self) -> Option<u16> {
        self.ready.pop_front()
    }

    /// A pair is in use no more; it comes again by [`PortPool::add`].
    pub fn release(&mut self, port: u16) {
        self.known.remove(&port);
    }

    /// Forgets what is ready; what is in use stays in use.
    pub fn forget_ready(&mut self) {
        for port in self.ready.drain(..) {
            self.known.remove(&port);
        }
    }

    /// Pairs ready.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Pairs in use.
    pub fn in_use(&self) -> usize {
        self.known.len() - self.ready.len()
    }
}
