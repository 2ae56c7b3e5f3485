//! Reliable frames: delivered once and in order, whatever happens to connections.
//!
//! ```text
//! send ─▶ parts, numbered ─▶ unacknowledged ─▶ records ═══▶ reorder ─▶ join parts ─▶ Frame
//!              resend when a carrier is lost, or by timer       └─▶ Ack (cumulative) ─▶ forget
//! ```
//!
//! A TCP connection loses nothing while it lives. So a frame is sent again only when a connection died (then at once),
//! or when no acknowledgement came for seconds, because a proxy may swallow a request and say nothing. The receiver
//! drops duplicates. What the peer can make us hold is bounded: [`RELIABLE_WINDOW`] numbers ahead, each of at most
//! [`RELIABLE_PART_MAX`] bytes, together at most [`RELIABLE_BYTES_MAX`], and one frame of [`RELIABLE_FRAME_MAX`].

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::frame::{Frame, FrameError, Kind, View};
use super::session::{SendError, SessionError};
use crate::base::{Deadline, Duration, Instant};
use crate::config::limits::{
    RELIABLE_BYTES_MAX, RELIABLE_FRAME_MAX, RELIABLE_PART_MAX, RELIABLE_WINDOW, RESEND_AFTER_MAX,
    RESEND_AFTER_MIN,
};

/// What is to be sent and not yet acknowledged.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Sequence number of the first of `parts`.
    first: u64,
    parts: VecDeque<Part>,
    /// Index in `parts` before which nothing is due.
    cursor: usize,
    bytes: usize,
    /// Consecutive resends by timer without any acknowledgement: doubles the patience.
    backoff: u32,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Part {
    kind: Kind,
    content: Box<[u8]>,
    sent_at: Option<Instant>,
    due: bool,
}

impl Outgoing {
    /// Queues a frame.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<(), SendError> {
        frame.check().map_err(|error| match error {
            FrameError::FlowIdRange => SendError::BadFlow,
            FrameError::Oversize => SendError::Oversize,
            _ => SendError::Invalid,
        })?;
        self.scratch.clear();
        frame.emit_content(&mut self.scratch);
        let parts = self.scratch.len().div_ceil(RELIABLE_PART_MAX).max(1);
        if self.bytes + self.scratch.len() > RELIABLE_BYTES_MAX
            || (self.parts.len() + parts) as u64 > RELIABLE_WINDOW
        {
            return Err(SendError::ReliableFull);
        }
        self.bytes += self.scratch.len();
        let mut rest = self.scratch.as_slice();
        loop {
            let (content, later) = rest.split_at(rest.len().min(RELIABLE_PART_MAX));
            let kind = if later.is_empty() { frame.kind() } else { Kind::Part };
            self.parts.push_back(Part { kind, content: content.into(), sent_at: None, due: true });
            rest = later;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether something waits for a record.
    pub(super) fn is_due(&self) -> bool {
        self.cursor < self.parts.len()
    }

    /// Unacknowledged bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Moves what is due into a record that has `room` bytes. Gives how many were sent, and how many of them again.
    pub(super) fn fill(&mut self, now: Instant, room: usize, out: &mut Vec<u8>) -> (u64, u64) {
        let end = out.len() + room;
        let (mut sent, mut again) = (0, 0);
        while let Some(part) = self.parts.get_mut(self.cursor) {
            if part.due {
                let sequence = self.first + self.cursor as u64;
                let view = View::Reliable { kind: part.kind, sequence, content: &part.content };
                if out.len() + view.len() > end {
                    break;
                }
                view.emit(out);
                sent += 1;
                again += u64::from(part.sent_at.is_some());
                part.sent_at = Some(now);
                part.due = false;
            }
            self.cursor += 1;
        }
        (sent, again)
    }

    /// Everything before `next` has arrived.
    pub(super) fn acknowledged(&mut self, next: u64) -> Result<(), SessionError> {
        if next > self.first + self.parts.len() as u64 {
            return Err(SessionError::AckBeyondSent);
        }
        while self.first < next {
            let Some(part) = self.parts.pop_front() else { break };
            self.bytes -= part.content.len();
            self.first += 1;
            self.cursor = self.cursor.saturating_sub(1);
            self.backoff = 0;
        }
        Ok(())
    }

    /// What may have been on its way is due again.
    pub(super) fn carrier_lost(&mut self) {
        self.parts.iter_mut().for_each(|part| part.due = true);
        self.cursor = 0;
        self.backoff = 0;
    }

    /// Makes due again what has waited too long for its acknowledgement.
    pub(super) fn handle_timeout(&mut self, now: Instant, round_trip: Option<Duration>) {
        if self.resend_at(round_trip).is_none_or(|deadline| deadline.at > now) {
            return;
        }
        let patience = self.patience(round_trip);
        // Sending times grow with the index, except where a resend stopped half way; later ones follow at their own time.
        for part in &mut self.parts {
            match part.sent_at {
                Some(at) if at + patience <= now => part.due = true,
                _ => break,
            }
        }
        self.cursor = 0;
        self.backoff = (self.backoff + 1).min(8);
    }

    /// When the oldest one that is under way has waited too long.
    pub(super) fn resend_at(&self, round_trip: Option<Duration>) -> Option<Deadline> {
        let oldest = self.parts.front().filter(|part| !part.due)?.sent_at?;
        Some(Deadline::new(oldest + self.patience(round_trip), "tunnel resend"))
    }

    /// Several seconds: TCP below repairs what it can, and a false alarm costs bytes only.
    fn patience(&self, round_trip: Option<Duration>) -> Duration {
        let base = round_trip.map_or(RESEND_AFTER_MIN, |time| time * 4).max(RESEND_AFTER_MIN);
        (base * (1 << self.backoff)).min(RESEND_AFTER_MAX)
    }
}

/// What has arrived and is not yet whole.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Sequence number of the next one that is missing.
    next: u64,
    /// Those that came before their turn.
    early: BTreeMap<u64, (Kind, Box<[u8]>)>,
    early_bytes: usize,
    /// Content of parts whose end has not come.
    joined: Vec<u8>,
}

/// What became of a reliable frame that arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// Taken.
    New,
    /// Had come before.
    Duplicate,
}

impl Incoming {
    /// Takes a frame or part, and gives `deliver` every frame that is whole and next in order.
    pub(super) fn receive(
        &mut self,
        kind: Kind,
        sequence: u64,
        content: &[u8],
        mut deliver: impl FnMut(Frame),
    ) -> Result<Arrival, SessionError> {
        if sequence < self.next || self.early.contains_key(&sequence) {
            return Ok(Arrival::Duplicate);
        }
        if sequence - self.next >= RELIABLE_WINDOW {
            return Err(SessionError::ReliableWindow);
        }
        if sequence > self.next {
            if self.early_bytes + content.len() > RELIABLE_BYTES_MAX {
                return Err(SessionError::ReliableWindow);
            }
            self.early_bytes += content.len();
            self.early.insert(sequence, (kind, content.into()));
            return Ok(Arrival::New);
        }
        self.take(kind, content, &mut deliver)?;
        while let Some((kind, content)) = self.early.remove(&self.next) {
            self.early_bytes -= content.len();
            self.take(kind, &content, &mut deliver)?;
        }
        Ok(Arrival::New)
    }

    /// What to acknowledge.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    fn take(
        &mut self,
        kind: Kind,
        content: &[u8],
        deliver: &mut impl FnMut(Frame),
    ) -> Result<(), SessionError> {
        // A malformed frame is passed over: sent again it would be as malformed, and block the session for ever.
        self.next += 1;
        if self.joined.len() + content.len() > RELIABLE_FRAME_MAX {
            self.joined = Vec::new();
            return Err(SessionError::Frame(FrameError::Oversize));
        }
        if kind == Kind::Part {
            self.joined.extend_from_slice(content);
            return Ok(());
        }
        let frame = if self.joined.is_empty() {
            Frame::parse_content(kind, content)
        } else {
            self.joined.extend_from_slice(content);
            Frame::parse_content(kind, &core::mem::take(&mut self.joined))
        };
        deliver(frame.map_err(SessionError::Frame)?);
        Ok(())
    }
}
