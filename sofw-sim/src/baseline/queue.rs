//! What waits for a connection: by bytes, in order, however old.

use std::collections::VecDeque;

use super::Kind;
use super::message::BATCH_MAX;

/// Encoded messages that wait. When it is full the newest is dropped: nothing here knows that voice goes stale.
#[derive(Debug, Default)]
pub(super) struct Queue {
    messages: VecDeque<Vec<u8>>,
    bytes: usize,
    bytes_max: usize,
    /// Most bytes that ever waited.
    pub peak: usize,
    /// Messages that found no room.
    pub dropped: u64,
}

impl Queue {
    pub fn new(bytes_max: usize) -> Self {
        Queue { bytes_max, ..Queue::default() }
    }

    pub fn push(&mut self, message: Vec<u8>) {
        if self.bytes + message.len() > self.bytes_max {
            self.dropped += 1;
            return;
        }
        self.bytes += message.len();
        self.peak = self.peak.max(self.bytes);
        self.messages.push_back(message);
    }

    pub fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }

    /// Everything that waits, up to [`WRITE_MAX`], as one batch.
    pub fn take(&mut self, kind: &Kind) -> Option<Vec<u8>> {
        let mut batch = vec![0; kind.batch_header];
        let mut count = 0;
        while let Some(message) = self.messages.front() {
            if count == BATCH_MAX || (count > 0 && batch.len() + message.len() > WRITE_MAX) {
                break;
            }
            batch.extend_from_slice(message);
            self.bytes -= message.len();
            self.messages.pop_front();
            count += 1;
        }
        if let Some(place) = batch.get_mut(..4).filter(|_| kind.batch_header == 4) {
            place.copy_from_slice(&count.to_be_bytes());
        }
        (count > 0).then_some(batch)
    }
}

/// Most bytes of one write, unless a single message is longer.
pub(super) const WRITE_MAX: usize = 64 * 1024;
/// What these systems let wait: megabytes, as the measured ones do.
pub const QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;
