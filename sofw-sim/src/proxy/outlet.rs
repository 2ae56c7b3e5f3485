//! What waits to be written to one connection.

use std::collections::VecDeque;

use sofw_core::base::{Duration, Instant};

/// Bytes on their way out, with their delay and rate. At most one write is under way.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    ready: Vec<u8>,
    late: VecDeque<(Instant, Vec<u8>)>,
    late_len: usize,
    pub writing: bool,
    /// When the rate allows the next write.
    free_at: Instant,
    /// The connection's own half ends behind the last byte.
    ending: bool,
}

/// What is to be done with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Write so many of [`Outlet::ready`]'s first bytes.
    Write(usize),
    /// Look again then.
    Later(Instant),
    /// Everything was written and nothing follows.
    End,
    Nothing,
}

impl Outlet {
    /// Lets `fill` append bytes that leave `latency` from now, behind all others.
    pub fn fill(&mut self, now: Instant, latency: Duration, fill: impl FnOnce(&mut Vec<u8>)) {
        if latency.is_zero() && self.late.is_empty() {
            fill(&mut self.ready);
            return;
        }
        let due = now + latency;
        if self.late.back().is_none_or(|(at, _)| *at < due) {
            self.late.push_back((due, Vec::new()));
        }
        if let Some((_, bytes)) = self.late.back_mut() {
            let before = bytes.len();
            fill(bytes);
            self.late_len += bytes.len().saturating_sub(before);
        }
    }

    pub fn push(&mut self, now: Instant, latency: Duration, bytes: &[u8]) {
        self.fill(now, latency, |out| out.extend_from_slice(bytes));
    }

    /// Bytes that wait here.
    pub fn waiting(&self) -> usize {
        self.ready.len() + self.late_len
    }

    pub fn end(&mut self) {
        self.ending = true;
    }

    /// Whether nothing waits or is under way.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && !self.writing
    }

    pub fn next(&mut self, now: Instant, rate: Option<u64>) -> Next {
        if self.writing {
            return Next::Nothing;
        }
        while self.late.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, bytes)) = self.late.pop_front() else { break };
            self.late_len = self.late_len.saturating_sub(bytes.len());
            self.ready.extend_from_slice(&bytes);
        }
        if self.ready.is_empty() {
            return match self.late.front() {
                Some(&(at, _)) => Next::Later(at),
                None if self.ending => {
                    self.ending = false;
                    Next::End
                }
                None => Next::Nothing,
            };
        }
        let Some(rate) = rate.map(|rate| rate.max(1)) else { return Next::Write(self.ready.len()) };
        if self.free_at > now {
            return Next::Later(self.free_at);
        }
        let burst = usize::try_from(rate / BURSTS_PER_SECOND).unwrap_or(usize::MAX).max(1);
        let len = self.ready.len().min(burst);
        self.free_at = now + Duration::from_nanos((len as u64).saturating_mul(1_000_000_000) / rate);
        Next::Write(len)
    }

    /// The first `len` bytes, which leave.
    pub fn take(&mut self, len: usize, copy: impl FnOnce(&[u8])) {
        copy(self.ready.get(..len).unwrap_or(&self.ready));
        if len >= self.ready.len() {
            self.ready.clear();
        } else {
            self.ready.drain(..len);
        }
        self.writing = true;
    }
}

/// With a rate, a write has what the rate gives in this part of a second.
const BURSTS_PER_SECOND: u64 = 50;
