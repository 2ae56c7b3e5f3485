//! The sending side of one connection: at most one write under way.

use sofw_core::io::{ConnId, Output};

use super::Kind;
use super::carrier::wrap;
use super::queue::Queue;

#[derive(Debug)]
pub(super) struct Pipe {
    pub conn: ConnId,
    open: bool,
    writing: bool,
    /// Heads and hellos, which go before everything else.
    first: Vec<u8>,
}

impl Pipe {
    /// A connection that is being opened.
    pub fn opening(conn: ConnId) -> Self {
        Pipe { conn, open: false, writing: false, first: Vec::new() }
    }

    /// A connection that is up.
    pub fn accepted(conn: ConnId) -> Self {
        Pipe { open: true, ..Pipe::opening(conn) }
    }

    pub fn opened(&mut self) {
        self.open = true;
    }

    pub fn written(&mut self) {
        self.writing = false;
    }

    /// These bytes as they are, before what waits in a queue.
    pub fn say(&mut self, bytes: &[u8]) {
        self.first.extend_from_slice(bytes);
    }

    /// The next write, if one may be made: what is to be said first, then all that waits in `queue`.
    pub fn flush(&mut self, kind: &Kind, queue: Option<&mut Queue>) -> Option<Output> {
        if !self.open || self.writing {
            return None;
        }
        let mut bytes = core::mem::take(&mut self.first);
        if let Some(batch) = queue.and_then(|queue| queue.take(kind)) {
            bytes.extend_from_slice(&wrap(kind.carrier, batch));
        }
        if bytes.is_empty() {
            return None;
        }
        self.writing = true;
        Some(Output::Write { conn: self.conn, payload: bytes.into() })
    }
}
