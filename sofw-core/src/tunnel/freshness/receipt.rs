//! When the receiver of voice says how far voice has come.

use crate::base::{Deadline, Duration, Instant};
use crate::config::limits::{RECEIPT_INTERVAL_MAX, RECEIPT_INTERVAL_MIN, RECEIPT_LINGER};

/// The receiver's view of the other end's voice, and the time for the next receipt.
#[derive(Debug, Default)]
pub(in crate::tunnel) struct ReceiptClock {
    newest: Option<(u64, Instant)>,
    last_sent: Option<Instant>,
    /// When the next one goes alone.
    due_at: Option<Instant>,
    due: bool,
}

impl ReceiptClock {
    /// A record with voice arrived.
    pub(in crate::tunnel) fn arrived(&mut self, now: Instant, nonce: u64) {
        if self.newest.is_none_or(|(newest, _)| nonce > newest) {
            self.newest = Some((nonce, now));
        }
        if self.due_at.is_none() && !self.due {
            let earliest = self.last_sent.map_or(now, |at| at + RECEIPT_INTERVAL_MIN);
            self.due_at = Some(earliest.max(now) + (RECEIPT_INTERVAL_MAX - RECEIPT_INTERVAL_MIN));
        }
    }

    /// Lets the time act.
    pub(in crate::tunnel) fn handle_timeout(&mut self, now: Instant) {
        if self.due_at.is_some_and(|at| at <= now) {
            self.due_at = None;
            self.due = true;
        }
    }

    /// Whether a receipt is worth a record of its own.
    pub(in crate::tunnel) const fn is_due(&self) -> bool {
        self.due
    }

    /// When it will be.
    pub(in crate::tunnel) fn deadline(&self) -> Option<Deadline> {
        self.due_at.map(|at| Deadline::new(at, "voice receipt"))
    }

    /// The receipt for a record that goes now, if it is time for one: newest nonce and its age.
    pub(in crate::tunnel) fn take(&mut self, now: Instant) -> Option<(u64, Duration)> {
        let (newest, at) = self.newest?;
        let scheduled = self.due || self.due_at.is_some();
        if !scheduled || self.last_sent.is_some_and(|sent| now.since(sent) < RECEIPT_INTERVAL_MIN) {
            return None;
        }
        self.due = false;
        self.last_sent = Some(now);
        let lingers = now.since(at) < RECEIPT_LINGER;
        self.due_at = lingers.then(|| now + RECEIPT_INTERVAL_MAX);
        Some((newest, now.since(at)))
    }
}
