//! What a server counts.

use crate::baseline::queue::Queue;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub packets_up: u64,
    pub packets_down: u64,
    pub between_clients: u64,
    pub unroutable: u64,
    pub broken: u64,
    pub turned_away: u64,
    pub sessions: u64,
    pub silent: u64,
    pub keepalives: u64,
    pub broadcasts: u64,
    pub dropped: u64,
    pub queue_peak: u64,
}

impl Counters {
    /// All by name, with those of the queues that live.
    pub fn list<'a>(&self, queues: impl Iterator<Item = &'a Queue>) -> Vec<(&'static str, u64)> {
        let (dropped, peak) = queues.fold((0, 0), |(dropped, peak), queue| {
            (dropped + queue.dropped, core::cmp::max(peak, queue.peak as u64))
        });
        vec![
            ("between_clients", self.between_clients),
            ("broadcasts", self.broadcasts),
            ("broken", self.broken),
            ("dropped_by_queue", self.dropped + dropped),
            ("keepalives", self.keepalives),
            ("packets_down", self.packets_down),
            ("packets_up", self.packets_up),
            ("queue_bytes_peak", self.queue_peak.max(peak)),
            ("sessions", self.sessions),
            ("silent_sessions", self.silent),
            ("turned_away", self.turned_away),
            ("unroutable", self.unroutable),
        ]
    }
}
