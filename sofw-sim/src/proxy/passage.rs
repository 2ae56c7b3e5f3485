//! One body on its way through: held back as configured, and framed anew.

use std::io::Write as _;

use sofw_core::base::{Duration, Instant};

use super::config::Buffering;
use super::outlet::Outlet;

/// How the body leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// In chunks.
    Chunked,
    /// As it is: its head says the length, or it ends with the connection.
    Raw,
}

/// A body and the head in front of it.
#[derive(Debug)]
pub(super) struct Passage {
    policy: Buffering,
    framing: Framing,
    /// The head; it leaves with the body's first bytes.
    head: Vec<u8>,
    /// The head lacks its framing and its empty line: the length is known at the body's end.
    is_open: bool,
    held: Vec<u8>,
    chunk_max: usize,
    latency: Duration,
    /// When what is held is sent on, whatever comes.
    pub release_at: Option<Instant>,
    /// Body bytes so far.
    pub total: u64,
}

impl Passage {
    /// A passage behind a whole `head`.
    pub fn new(policy: Buffering, framing: Framing, head: Vec<u8>) -> Passage {
        Passage {
            policy,
            framing,
            head,
            is_open: false,
            held: Vec::new(),
            chunk_max: usize::MAX,
            latency: Duration::ZERO,
            release_at: None,
            total: 0,
        }
    }

    /// A passage that holds everything and then says the length; `head` lacks its framing and its empty line.
    pub fn with_length(head: Vec<u8>) -> Passage {
        Passage { is_open: true, ..Passage::new(Buffering::UntilEnd, Framing::Raw, head) }
    }

    /// The same with another chunk size and delay.
    pub fn tuned(mut self, chunk_max: Option<usize>, latency: Duration) -> Passage {
        self.chunk_max = chunk_max.unwrap_or(usize::MAX).max(1);
        self.latency = latency;
        self
    }

    /// The head is known; the body comes.
    pub fn start(&mut self, now: Instant, out: &mut Outlet) {
        match self.policy {
            Buffering::AtOnce => self.release(now, usize::MAX, out),
            Buffering::Time(time) | Buffering::BytesOrTime(_, time) => self.release_at = Some(now + time),
            Buffering::Bytes(_) | Buffering::UntilEnd => {}
        }
    }

    /// The head leaves before any of the body: the server is asked whether it wants that.
    pub fn send_head(&mut self, now: Instant, out: &mut Outlet) {
        if !self.is_open {
            out.push(now, self.latency, &core::mem::take(&mut self.head));
        }
    }

    /// Some of the body.
    pub fn push(&mut self, now: Instant, data: &[u8], out: &mut Outlet) {
        self.total += data.len() as u64;
        if self.policy == Buffering::AtOnce && self.head.is_empty() && self.held.is_empty() {
            let (framing, chunk_max) = (self.framing, self.chunk_max);
            out.fill(now, self.latency, |bytes| frame(framing, chunk_max, data, bytes));
            return;
        }
        self.held.extend_from_slice(data);
        match self.policy {
            Buffering::AtOnce => self.release(now, usize::MAX, out),
            Buffering::Bytes(block) => self.release_blocks(now, block, out),
            Buffering::UntilEnd => {}
            Buffering::Time(time) => self.hold_for(now, time),
            Buffering::BytesOrTime(block, time) => {
                self.release_blocks(now, block, out);
                if !self.held.is_empty() {
                    self.hold_for(now, time);
                }
            }
        }
    }

    fn hold_for(&mut self, now: Instant, time: Duration) {
        if self.release_at.is_none() {
            self.release_at = Some(now + time);
        }
    }

    fn release_blocks(&mut self, now: Instant, block: usize, out: &mut Outlet) {
        let whole = self.held.len() - self.held.len() % block.max(1);
        if whole > 0 {
            self.release(now, whole, out);
        }
    }

    /// The time to hold is over.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outlet) {
        if self.release_at.is_some_and(|at| at <= now) {
            self.release(now, usize::MAX, out);
        }
    }

    /// The body is complete.
    pub fn end(&mut self, now: Instant, out: &mut Outlet) {
        if self.is_open {
            self.is_open = false;
            let _ = write!(self.head, "Content-Length: {}\r\n\r\n", self.held.len());
        }
        self.release(now, usize::MAX, out);
        if self.framing == Framing::Chunked {
            out.push(now, self.latency, b"0\r\n\r\n");
        }
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Holds nothing back from now on; a length that is not yet known will not be said.
    pub fn give_up_holding(&mut self, now: Instant, framing: Framing, out: &mut Outlet) {
        if self.is_open {
            self.is_open = false;
            self.framing = framing;
            let field: &[u8] =
                if framing == Framing::Chunked { b"Transfer-Encoding: chunked\r\n\r\n" } else { b"\r\n" };
            self.head.extend_from_slice(field);
        }
        self.policy = Buffering::AtOnce;
        self.release(now, usize::MAX, out);
    }

    /// Sends the head and the first `len` held bytes on.
    fn release(&mut self, now: Instant, len: usize, out: &mut Outlet) {
        self.release_at = None;
        if !self.head.is_empty() {
            out.push(now, self.latency, &self.head);
            self.head = Vec::new();
        }
        let len = len.min(self.held.len());
        let (framing, chunk_max, held) = (self.framing, self.chunk_max, &mut self.held);
        out.fill(now, self.latency, |bytes| {
            frame(framing, chunk_max, held.get(..len).unwrap_or_default(), bytes)
        });
        if len == held.len() {
            held.clear();
        } else {
            held.drain(..len);
        }
    }
}

fn frame(framing: Framing, chunk_max: usize, data: &[u8], out: &mut Vec<u8>) {
    match framing {
        Framing::Raw => out.extend_from_slice(data),
        Framing::Chunked => {
            for chunk in data.chunks(chunk_max) {
                write_size(chunk.len(), out);
                out.extend_from_slice(chunk);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// A chunk line (RFC 9112 §7.1). By hand, because this runs a thousand times a second and connection.
fn write_size(size: usize, out: &mut Vec<u8>) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(size >> (4 * place)) & 0xf]);
    }
    out.extend_from_slice(b"\r\n");
}
