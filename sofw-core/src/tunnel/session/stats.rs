//! Counters of a session.

use crate::event::DropReason;

/// What a session sent, received and dropped since it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SessionStats {
    /// Records sealed.
    pub records_sent: u64,
    /// Records opened.
    pub records_received: u64,
    /// Bytes of sealed records, their lengths included.
    pub bytes_sent: u64,
    /// Body bytes received.
    pub bytes_received: u64,
    /// Frames of any kind sent.
    pub frames_sent: u64,
    /// Frames of any kind received.
    pub frames_received: u64,
    /// Media datagrams sent.
    pub voice_sent: u64,
    /// Media datagrams received.
    pub voice_received: u64,
    /// Media datagrams that the other end numbered but that have not come (late ones are subtracted again).
    pub voice_missing: u64,
    /// Reliable frames (or parts) sent again.
    pub reliable_resent: u64,
    /// Reliable frames (or parts) that came a second time.
    pub reliable_duplicates: u64,
    /// How often voice was held back because too much was in flight.
    pub voice_holds: u64,
    /// Drops by reason, in the order of [`DropReason::ALL`].
    pub drops: [u64; DropReason::ALL.len()],
}

impl SessionStats {
    /// How many were dropped for `reason`.
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    pub(in crate::tunnel) fn count_drops(&mut self, reason: DropReason, count: u64) {
        self.drops[reason as usize] += count;
    }
}
