//! One end of a session. It outlives every connection and knows nothing of HTTP: it fills sealed records for
//! whichever request or response body can take one, and reads those of the other end, however the body was cut.
//!
//! ```text
//! send ───────▶ Outgoing ──┐                                          ┌─▶ Incoming ──▶ Frame
//! send_voice ─▶ VoiceQueue ┴▶ fill_record ▶ seal ══ any body ══▶ open ┼─────────────▶ Voice (slice of the record)
//! pings, acks, receipts ──────┘                        RecordReader   └─▶ acks, pongs, receipts act here
//! ```
//!
//! Invariants: a record holds, in this order, upkeep, reliable frames, voice (SIP goes before voice). A record that does
//! not open, or holds a malformed frame, costs the connection that brought it and nothing else. Per voice packet nothing
//! is allocated in steady state. There is no randomness here.

mod errors;
mod fill;
mod reader;
mod receive;
mod round_trip;
mod sequences;
mod stats;
#[cfg(test)]
mod tests;

pub use errors::{SendError, SessionError};
pub use reader::RecordReader;
pub use stats::SessionStats;

use std::collections::VecDeque;

use super::frame::{FlowId, Frame, View};
use super::freshness::{ArrivalClock, Flight, ReceiptClock, VoiceQueue};
use super::reliable::{Incoming, Outgoing};
use super::seal::{Keys, SealError};
use crate::base::{Deadline, Duration, Instant, Payload, PayloadPool};
use crate::config::limits::{
    ACK_DELAY, MEDIA_DATAGRAM_MAX, RECORD_POOL_BLOCK, RELIABLE_BYTES_MAX, URGENT_QUEUE_BYTES_MAX,
    VOICE_QUEUE_BYTES_MAX,
};
use crate::event::DropReason;
use crate::fill::Fill;
use round_trip::Pings;
use sequences::Sequences;

/// What a session must know besides its keys.
#[derive(Clone, Copy, Debug)]
pub struct SessionConfig {
    /// Age at which voice is dropped instead of sent, and lateness at which it is dropped instead of delivered.
    pub voice_age_max: Duration,
}

/// What a session says to its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionEvent {
    /// A reliable frame, in order, once.
    Frame(Frame),
    /// A media datagram: a slice of the decrypted record.
    Voice(FlowId, Payload),
    /// A media datagram was dropped: at the sender for its age or for want of room, at the receiver for its age.
    Dropped(DropReason),
    /// The answer to [`Session::ping`] number `number`, or to a ping by timer.
    Pong {
        /// Which ping.
        number: u64,
        /// Its round trip, without the time that the other end waited for a record.
        round_trip: Duration,
    },
    /// The other end says that this session is over.
    GoAway,
}

/// One end of a session.
#[derive(Debug)]
pub struct Session {
    keys: Keys,
    began: Instant,
    voice_age_max: Duration,
    outgoing: Outgoing,
    incoming: Incoming,
    voice: VoiceQueue,
    flight: Flight,
    receipts: ReceiptClock,
    arrivals: ArrivalClock,
    pings: Pings,
    acks: Acks,
    /// The newest ping of the other end that waits for its answer, and since when.
    pong: Option<(u64, Instant)>,
    go_away: bool,
    pad: usize,
    numbers_out: Sequences,
    numbers_in: Sequences,
    pool: PayloadPool,
    plaintext: Vec<u8>,
    events: VecDeque<SessionEvent>,
    stats: SessionStats,
    last_heard: Instant,
}

/// Whether reliable frames arrived that are not yet acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Acks {
    None,
    /// Rides on any record until then.
    Until(Instant),
    /// Worth a record of its own.
    Due,
}

impl Session {
    /// A session with fresh keys. Its first record is due at once: a ping.
    pub fn new(keys: Keys, config: SessionConfig, now: Instant) -> Self {
        Session {
            keys,
            began: now,
            voice_age_max: config.voice_age_max,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            voice: VoiceQueue::new(),
            flight: Flight::new(config.voice_age_max),
            receipts: ReceiptClock::default(),
            arrivals: ArrivalClock::new(now, config.voice_age_max),
            pings: Pings::new(now),
            acks: Acks::None,
            pong: None,
            go_away: false,
            pad: 0,
            numbers_out: Sequences::default(),
            numbers_in: Sequences::default(),
            pool: PayloadPool::new(RECORD_POOL_BLOCK),
            plaintext: Vec::new(),
            events: VecDeque::new(),
            stats: SessionStats::default(),
            last_heard: now,
        }
    }

    /// Queues a reliable frame: delivered once, in order, whatever happens to connections.
    ///
    /// # Errors
    /// As named; nothing was queued.
    pub fn send(&mut self, _now: Instant, frame: Frame) -> Result<(), SendError> {
        self.outgoing.push(&frame)
    }

    /// Queues a media datagram (copied once). It is delivered soon, or dropped and counted.
    pub fn send_voice(&mut self, now: Instant, flow: FlowId, urgent: bool, datagram: &[u8]) {
        if datagram.len() > MEDIA_DATAGRAM_MAX {
            return self.dropped(DropReason::Oversize, 1);
        }
        if flow.0 > FlowId::MAX {
            return self.dropped(DropReason::NoFlow, 1);
        }
        let sequence = self.numbers_out.next(flow);
        let frame = View::Voice { flow, sequence, urgent, datagram };
        let dropped = self.voice.push(now, urgent, frame, self.voice_age_max);
        self.dropped(DropReason::StaleVoice, dropped.stale);
        self.dropped(DropReason::QueueFull, dropped.full);
    }

    /// Counts so many datagrams, and tells of each.
    fn dropped(&mut self, reason: DropReason, count: u64) {
        self.stats.count_drops(reason, count);
        self.events.extend((0..count).map(|_| SessionEvent::Dropped(reason)));
    }

    /// Asks for a ping in the next record; its answer is [`SessionEvent::Pong`] with the number returned here. If the
    /// other end gets another ping before it can answer, it answers the newer one only.
    pub fn ping(&mut self, _now: Instant) -> u64 {
        self.pings.ask()
    }

    /// Asks for up to `len` bytes of padding in the next record, e.g. to push earlier bytes through a proxy's buffer.
    pub fn pad(&mut self, len: usize) {
        self.pad = self.pad.max(len);
    }

    /// Says in the next record that this session is over.
    pub fn go_away(&mut self) {
        self.go_away = true;
    }

    /// A connection died: what it may have carried and is not acknowledged will be sent again.
    pub fn carrier_lost(&mut self, now: Instant) {
        self.outgoing.carrier_lost();
        self.flight.carrier_lost();
        self.handle_timeout(now);
    }

    /// The next event. Drain to `None` after [`Session::receive`].
    pub fn poll(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Lets due timers act: acknowledgements, pings, receipts, resends. Then ask [`Session::wants_write`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.acks, Acks::Until(at) if at <= now) {
            self.acks = Acks::Due;
        }
        self.pings.handle_timeout(now);
        self.receipts.handle_timeout(now);
        self.outgoing.handle_timeout(now, self.pings.smoothed());
        if self.flight.update(now) {
            self.stats.voice_holds += 1;
        }
    }

    /// When to call [`Session::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let ack = match self.acks {
            Acks::Until(at) => Some(Deadline::new(at, "tunnel acknowledgement")),
            Acks::None | Acks::Due => None,
        };
        [
            ack,
            self.pings.deadline(),
            self.receipts.deadline(),
            self.outgoing.resend_at(self.pings.smoothed()),
            self.flight.deadline(),
        ]
        .into_iter()
        .fold(None, Deadline::earlier)
    }

    /// Seals a token for the path of a GET.
    ///
    /// # Errors
    /// See [`Keys::seal_token`].
    pub fn seal_token(&mut self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        self.keys.seal_token(content)
    }

    /// Opens a token; each opens once.
    ///
    /// # Errors
    /// See [`Keys::open_token`].
    pub fn open_token(&mut self, token: &[u8]) -> Result<Vec<u8>, SealError> {
        self.keys.open_token(token)
    }

    /// When a record of the other end was last opened (or the session began).
    pub const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// The smoothed round trip, once a pong came.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.pings.smoothed()
    }

    /// Bytes of reliable frames that the other end has not acknowledged.
    pub const fn unacknowledged(&self) -> usize {
        self.outgoing.bytes()
    }

    /// How full its queues are.
    pub fn fills(&self) -> [Fill; 3] {
        let [voice, urgent] = self.voice.bytes();
        [
            Fill::new("reliable frames unacknowledged, bytes", self.unacknowledged(), RELIABLE_BYTES_MAX),
            Fill::new("voice waiting, bytes", voice, VOICE_QUEUE_BYTES_MAX),
            Fill::new("urgent media waiting, bytes", urgent, URGENT_QUEUE_BYTES_MAX),
        ]
    }

    /// Counters.
    pub const fn stats(&self) -> &SessionStats {
        &self.stats
    }

    /// A reliable frame arrived: an acknowledgement rides on the next record, or goes alone after a while.
    fn owe_ack(&mut self, now: Instant) {
        if self.acks == Acks::None {
            self.acks = Acks::Until(now + ACK_DELAY);
        }
    }
}
