//! The receiving half of a socket: reassembly, the offered window, and when to acknowledge.

use sofw_core::base::{Duration, Instant};

use super::ring::Ring;

/// Bytes `start..end` received ahead of a gap, with the order of their arrival.
#[derive(Clone, Copy, Debug)]
struct Island {
    start: u64,
    end: u64,
    touched: u64,
}

/// The receiving half. Sequence numbers are 64-bit, 0 the peer's SYN.
#[derive(Debug)]
pub(super) struct Receiver {
    pub irs: u32,
    /// Next in-order sequence number expected.
    pub nxt: u64,
    /// Unread in-order bytes, and islands written behind them.
    ring: Ring,
    islands: Vec<Island>,
    arrivals: u64,
    /// Right edge offered so far; it never moves back.
    pub edge: u64,
    pub scale: u8,
    buffer: usize,
    mss: u64,
    /// Sequence number behind the peer's last byte, once its FIN is seen.
    pub fin: Option<u64>,
    /// A duplicate to report (RFC 2883).
    duplicate: Option<(u64, u64)>,
    /// Peer's clock to echo (RFC 7323 §4.3).
    pub echo: u32,
    /// Acknowledged so far.
    pub acked: u64,
    /// An acknowledgement is owed, at the latest by the timer.
    pub owed: bool,
    /// It is owed at once.
    pub urgent: bool,
    /// A segment that ends a burst of the sender, small or with PSH, is unacknowledged.
    pushed: bool,
    /// Largest payload seen, the unit of "every second segment".
    full: u64,
    /// Immediate acknowledgements left (Linux quick-ack).
    quick: u8,
    /// Data flows both ways: acknowledgements wait for a ride.
    pub interactive: bool,
    last_data: Option<Instant>,
}

/// Immediate acknowledgements at the start and after a pause.
const QUICK: u8 = 16;
/// Least size that counts as a full segment (RFC 9293 §3.7.1).
const FULL_LEAST: u64 = 536;
/// Islands kept; what would make more is dropped, the peer sends it again.
const ISLANDS: usize = 1024;

impl Receiver {
    pub fn new(buffer: usize, mss: u16) -> Self {
        let mut scale = 0;
        while (buffer >> scale) > usize::from(u16::MAX) && scale < 14 {
            scale += 1;
        }
        Receiver {
            irs: 0,
            nxt: 0,
            ring: Ring::default(),
            islands: Vec::new(),
            arrivals: 0,
            edge: 0,
            scale,
            buffer,
            mss: u64::from(mss),
            fin: None,
            duplicate: None,
            echo: 0,
            acked: 0,
            owed: false,
            urgent: false,
            pushed: false,
            full: FULL_LEAST,
            quick: 0,
            interactive: false,
            last_data: None,
        }
    }

    /// Learns the peer's initial sequence number.
    pub fn open(&mut self, irs: u32) {
        self.irs = irs;
        self.nxt = 1;
    }

    /// Bytes ready to read.
    pub fn unread(&self) -> usize {
        self.ring.len()
    }

    /// Whether everything up to the peer's FIN is here.
    pub fn finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.nxt > fin)
    }

    /// Takes payload at `start`; returns how many bytes became readable.
    pub fn take(&mut self, now: Instant, start: u64, payload: &[u8], push: bool, rto: Duration) -> usize {
        let mut bytes = payload;
        let mut at = start;
        let end = start + payload.len() as u64;
        if end <= self.nxt {
            self.repeat(start, end);
            return 0;
        }
        if at < self.nxt {
            self.repeat(at, self.nxt);
            bytes = &bytes[(self.nxt - at) as usize..];
            at = self.nxt;
        }
        let room = self.edge.saturating_sub(at) as usize;
        if bytes.len() > room {
            bytes = &bytes[..room];
            self.urgent = true;
        }
        if bytes.is_empty() {
            return 0;
        }
        self.count(now, bytes.len() as u64, push, rto);
        self.owed = true;
        if at > self.nxt {
            self.keep(at, bytes);
            return 0;
        }
        self.ring.push(bytes);
        self.nxt += bytes.len() as u64;
        let filled = if self.islands.is_empty() { 0 } else { self.join() };
        self.pace();
        bytes.len() + filled
    }

    /// Takes the FIN if all before it is here.
    pub fn take_fin(&mut self) -> bool {
        if self.fin != Some(self.nxt) {
            return false;
        }
        self.nxt += 1;
        self.urgent = true;
        true
    }

    /// Appends all in-order bytes to `into`.
    pub fn read(&mut self, into: &mut Vec<u8>) -> usize {
        let count = self.ring.len();
        self.ring.copy(0, count, into);
        self.ring.consume(count);
        if count > 0 {
            self.after_read();
        }
        count
    }

    /// Acknowledges at once when the reader keeps up with the sender's bursts, or when the window was half closed and doubles
    /// (Linux `tcp_cleanup_rbuf`).
    fn after_read(&mut self) {
        if self.owed && (self.nxt - self.acked > self.full || (self.pushed && !self.interactive)) {
            self.urgent = true;
        }
        let offered = self.edge.saturating_sub(self.nxt);
        let free = self.buffer as u64;
        if offered * 2 <= free && self.next_edge() > self.edge && self.next_edge() - self.nxt >= 2 * offered {
            self.urgent = true;
        }
    }

    /// A segment beyond what was expected, or one all of which was here before, asks for an immediate answer.
    pub fn repeat(&mut self, start: u64, end: u64) {
        if start < end {
            self.duplicate = Some((start, end));
        }
        self.urgent = true;
    }

    /// The segment with an acknowledgement leaves: what it says of the window.
    pub fn window(&mut self, syn: bool) -> u16 {
        self.edge = self.edge.max(self.next_edge());
        let window = self.edge.saturating_sub(self.nxt);
        if syn {
            // Unscaled, and the edge only as far as was said.
            let said = window.min(u64::from(u16::MAX));
            self.edge = self.nxt + said;
            return said as u16;
        }
        let said = (window >> self.scale).min(u64::from(u16::MAX));
        self.edge = self.nxt + (said << self.scale);
        said as u16
    }

    /// Notes that an acknowledgement left.
    pub fn answered(&mut self) {
        self.acked = self.nxt;
        self.owed = false;
        self.urgent = false;
        self.pushed = false;
        self.duplicate = None;
        self.quick = self.quick.saturating_sub(1);
    }

    /// Notes that data leaves: soon after data came, that is a dialogue (Linux's "pingpong").
    pub fn spoke(&mut self, now: Instant, soon: Duration) {
        self.interactive |= self.last_data.is_some_and(|last| now.since(last) < soon);
    }

    /// An acknowledgement waited in vain for data to ride on: pays it and takes the dialogue for over.
    pub fn waited(&mut self) {
        self.urgent = self.owed;
        self.interactive = false;
    }

    /// SACK blocks: the duplicate, then islands by the order of their last arrival.
    pub fn blocks(&self) -> [Option<(u32, u32)>; 3] {
        let mut blocks = [None; 3];
        let mut used = 0;
        if let Some((start, end)) = self.duplicate {
            blocks[0] = Some((self.wire(start), self.wire(end)));
            used = 1;
        }
        let mut before = u64::MAX;
        while used < blocks.len() {
            let newest =
                self.islands.iter().filter(|island| island.touched < before).max_by_key(|i| i.touched);
            let Some(island) = newest else { break };
            blocks[used] = Some((self.wire(island.start), self.wire(island.end)));
            before = island.touched;
            used += 1;
        }
        blocks
    }

    /// Whether `blocks` would give any.
    pub fn has_blocks(&self) -> bool {
        self.duplicate.is_some() || !self.islands.is_empty()
    }

    fn wire(&self, at: u64) -> u32 {
        self.irs.wrapping_add(at as u32)
    }

    /// Where the right edge may move; only by a worthwhile step (RFC 9293 §3.8.6.2.2).
    fn next_edge(&self) -> u64 {
        let free = self.buffer.saturating_sub(self.ring.len()) as u64;
        let edge = self.nxt + free;
        let step = self.mss.min(self.buffer as u64 / 2);
        if edge >= self.edge + step { edge } else { self.edge }
    }

    /// How soon to answer a segment of data. The second full one is worth an answer only if the reader made room for both
    /// (Linux `__tcp_ack_snd_check`); else it comes when the reader has read, for the whole burst at once.
    fn pace(&mut self) {
        let many = self.nxt - self.acked > self.full && self.ring.len() == 0;
        if many || !self.islands.is_empty() || (self.quick > 0 && !self.interactive) {
            self.urgent = true;
        }
    }

    fn count(&mut self, now: Instant, size: u64, push: bool, rto: Duration) {
        if size >= self.full {
            self.full = size.min(self.mss);
        }
        self.pushed |= push || size < self.full;
        let pause = self.last_data.is_none_or(|last| now.since(last) > rto);
        if pause {
            self.quick = QUICK;
        }
        self.last_data = Some(now);
    }

    /// Keeps bytes behind a gap.
    fn keep(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        self.urgent = true;
        let first = self.islands.partition_point(|island| island.end < at);
        let last = self.islands.partition_point(|island| island.start <= end);
        if first == last && self.islands.len() >= ISLANDS {
            return;
        }
        if self.islands[first..last].iter().any(|island| island.start <= at && end <= island.end) {
            self.duplicate = Some((at, end));
        }
        self.ring.put(self.ring.len() + (at - self.nxt) as usize, bytes);
        self.arrivals += 1;
        let merged = Island {
            start: self.islands[first..last].first().map_or(at, |island| island.start.min(at)),
            end: self.islands[first..last].last().map_or(end, |island| island.end.max(end)),
            touched: self.arrivals,
        };
        self.islands.splice(first..last, [merged]);
    }

    /// Makes islands readable that the in-order bytes have reached.
    fn join(&mut self) -> usize {
        let before = self.nxt;
        let mut gone = 0;
        for island in &self.islands {
            if island.start > self.nxt {
                break;
            }
            gone += 1;
            if island.end > self.nxt {
                self.ring.extend((island.end - self.nxt) as usize);
                self.nxt = island.end;
            }
        }
        self.islands.drain(..gone);
        self.urgent = true;
        (self.nxt - before) as usize
    }
}
