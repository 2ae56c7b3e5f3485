//! Media datagrams that wait for a record, already encoded as voice frames, in two rings of bytes.

use std::collections::VecDeque;

use crate::base::{Duration, Instant};
use crate::config::limits::{URGENT_QUEUE_BYTES_MAX, VOICE_QUEUE_BYTES_MAX};
use crate::tunnel::frame::View;

/// What was dropped instead of sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::tunnel) struct Dropped {
    /// For age.
    pub(in crate::tunnel) stale: u64,
    /// For room.
    pub(in crate::tunnel) full: u64,
}

/// Plain voice and urgent media, each in order of arrival; they leave merged in that order.
#[derive(Debug)]
pub(in crate::tunnel) struct VoiceQueue {
    plain: Ring,
    urgent: Ring,
    arrivals: u64,
    scratch: Vec<u8>,
}

impl VoiceQueue {
    pub(in crate::tunnel) fn new() -> Self {
        VoiceQueue {
            plain: Ring::new(VOICE_QUEUE_BYTES_MAX),
            urgent: Ring::new(URGENT_QUEUE_BYTES_MAX),
            arrivals: 0,
            scratch: Vec::new(),
        }
    }

    /// Bytes of plain voice and of urgent media that wait.
    pub(in crate::tunnel) fn bytes(&self) -> [usize; 2] {
        [self.plain.bytes.len(), self.urgent.bytes.len()]
    }

    pub(in crate::tunnel) fn is_empty(&self) -> bool {
        self.plain.entries.is_empty() && self.urgent.entries.is_empty()
    }

    /// Appends a frame. Where there is no room, the oldest of its kind go; while nothing is sent, so do stale ones.
    pub(in crate::tunnel) fn push(
        &mut self,
        now: Instant,
        urgent: bool,
        frame: View<'_>,
        age_max: Duration,
    ) -> Dropped {
        let stale = self.plain.drop_stale(now, age_max);
        self.scratch.clear();
        frame.emit(&mut self.scratch);
        self.arrivals += 1;
        let ring = if urgent { &mut self.urgent } else { &mut self.plain };
        Dropped { stale, full: ring.push(now, self.arrivals, &self.scratch) }
    }

    /// Drops what is older than `age_max`, except urgent media.
    pub(in crate::tunnel) fn drop_stale(&mut self, now: Instant, age_max: Duration) -> u64 {
        self.plain.drop_stale(now, age_max)
    }

    /// Moves at most `most` frames, oldest first, into a record that has `room` bytes. Gives how many.
    pub(in crate::tunnel) fn fill(&mut self, room: usize, most: u64, out: &mut Vec<u8>) -> u64 {
        let end = out.len() + room;
        let mut moved = 0;
        while moved < most {
            let ring = match (self.plain.entries.front(), self.urgent.entries.front()) {
                (Some(plain), Some(urgent)) if urgent.arrival < plain.arrival => &mut self.urgent,
                (Some(_), _) => &mut self.plain,
                (None, Some(_)) => &mut self.urgent,
                (None, None) => return moved,
            };
            if !ring.pop_into(end, out) {
                return moved;
            }
            moved += 1;
        }
        moved
    }
}

/// A queue of byte strings in one ring buffer: no allocation per entry.
#[derive(Debug)]
struct Ring {
    bytes: VecDeque<u8>,
    entries: VecDeque<Entry>,
    bytes_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    queued_at: Instant,
    arrival: u64,
    len: u32,
}

impl Ring {
    const fn new(bytes_max: usize) -> Self {
        Ring { bytes: VecDeque::new(), entries: VecDeque::new(), bytes_max }
    }

    fn push(&mut self, queued_at: Instant, arrival: u64, frame: &[u8]) -> u64 {
        let mut dropped = 0;
        while self.bytes.len() + frame.len() > self.bytes_max && self.drop_front() {
            dropped += 1;
        }
        self.bytes.extend(frame);
        // A voice frame is far shorter than 4 GiB.
        self.entries.push_back(Entry { queued_at, arrival, len: frame.len() as u32 });
        dropped
    }

    fn drop_stale(&mut self, now: Instant, age_max: Duration) -> u64 {
        let mut dropped = 0;
        while self.entries.front().is_some_and(|oldest| now.since(oldest.queued_at) > age_max) {
            self.drop_front();
            dropped += 1;
        }
        dropped
    }

    fn drop_front(&mut self) -> bool {
        let Some(entry) = self.entries.pop_front() else { return false };
        self.bytes.drain(..entry.len as usize);
        true
    }

    /// Appends the oldest frame to `out` unless that would make it longer than `end`.
    fn pop_into(&mut self, end: usize, out: &mut Vec<u8>) -> bool {
        let Some(&Entry { len, .. }) = self.entries.front() else { return false };
        let len = len as usize;
        if out.len() + len > end {
            return false;
        }
        let (head, tail) = self.bytes.as_slices();
        let in_head = len.min(head.len());
        out.extend_from_slice(&head[..in_head]);
        out.extend_from_slice(&tail[..len - in_head]);
        self.drop_front()
    }
}
