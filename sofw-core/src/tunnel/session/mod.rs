//! One end of a session. It outlives every connection and knows nothing of HTTP: it fills sealed records for
//! whichever request or response body can take one, and reads those of the other end, however the body was cut.

mod stats;

pub use stats::SessionStats;

use std::collections::VecDeque;

use bytes::BytesMut;

use super::frame::{FlowId, Frame, FrameError};
use super::seal::{Keys, SealError};
use crate::base::{Deadline, Duration, Instant, Payload};

/// What a session must know besides its keys.
#[derive(Clone, Copy, Debug)]
pub struct SessionConfig {
    /// Age at which voice is dropped instead of sent.
    pub voice_age_max: Duration,
}

/// What a session says to its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionEvent {
    /// A reliable frame, in order, once.
    Frame(Frame),
    /// A media datagram: a slice of the decrypted record.
    Voice(FlowId, Payload),
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

/// Why body bytes were refused. End the connection that brought them; the session goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionError {
    /// A record's length is above the bound or below the smallest record.
    RecordLength,
    /// A record did not open.
    Seal(SealError),
    /// A frame in a record is malformed.
    Frame(FrameError),
    /// A reliable frame lies further ahead than the other end may send.
    ReliableWindow,
}

/// Why [`Session::send`] refused a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// More unacknowledged bytes than [`crate::config::limits::RELIABLE_BYTES_MAX`].
    ReliableFull,
    /// Longer than [`crate::config::limits::RELIABLE_FRAME_MAX`].
    Oversize,
    /// A flow id above [`FlowId::MAX`].
    BadFlow,
}

/// The partial record at the end of what one HTTP body brought so far. One per body.
#[derive(Debug, Default)]
pub struct RecordReader {
    partial: Vec<u8>,
    opened: u64,
}

impl RecordReader {
    /// For a new body.
    pub fn new() -> Self {
        RecordReader::default()
    }

    /// How many records of this body were opened. Above 0, the body comes from the peer who has the keys.
    pub const fn opened(&self) -> u64 {
        self.opened
    }
}

/// One end of a session.
#[derive(Debug)]
pub struct Session {
    keys: Keys,
    config: SessionConfig,
    events: VecDeque<SessionEvent>,
    stats: SessionStats,
    last_heard: Instant,
}

impl Session {
    /// A session with fresh keys.
    pub fn new(keys: Keys, config: SessionConfig, now: Instant) -> Self {
        Session { keys, config, events: VecDeque::new(), stats: SessionStats::default(), last_heard: now }
    }

    /// Queues a reliable frame: delivered once, in order, whatever happens to connections.
    ///
    /// # Errors
    /// As named; nothing was queued.
    pub fn send(&mut self, now: Instant, frame: Frame) -> Result<(), SendError> {
        let _ = (now, frame);
        Ok(())
    }

    /// Queues a media datagram (copied once). It is delivered soon or dropped and counted.
    pub fn send_voice(&mut self, now: Instant, flow: FlowId, urgent: bool, datagram: &[u8]) {
        let _ = (now, flow, urgent, datagram, self.config);
    }

    /// Asks for a ping in the next record; its answer is [`SessionEvent::Pong`] with the number returned here.
    pub fn ping(&mut self, now: Instant) -> u64 {
        let _ = now;
        0
    }

    /// Asks for `len` bytes of padding in the next record, e.g. to push earlier bytes through a proxy's buffer.
    pub fn pad(&mut self, len: usize) {
        let _ = len;
    }

    /// Says in the next record that this session is over.
    pub fn go_away(&mut self) {}

    /// Whether [`Session::fill_record`] has something to say.
    pub fn wants_write(&self) -> bool {
        false
    }

    /// Appends one sealed record to `out`, of at most `max` bytes (but never bounded below
    /// [`crate::config::limits::RECORD_ROOM_MIN`]). `false` if there is nothing to say. Call it when a connection can
    /// take bytes now, and not before: what waits here can still be dropped for age.
    pub fn fill_record(&mut self, now: Instant, max: usize, out: &mut BytesMut) -> bool {
        let _ = (now, max, out);
        false
    }

    /// Takes body bytes of one HTTP exchange, cut anywhere. Drain [`Session::poll`] afterwards.
    ///
    /// # Errors
    /// End this connection. Records before the faulty one were taken.
    pub fn receive(
        &mut self,
        now: Instant,
        body: &[u8],
        lane: &mut RecordReader,
    ) -> Result<(), SessionError> {
        let _ = (now, body, &lane.partial);
        Ok(())
    }

    /// A connection died: what it may have carried and is not acknowledged will be sent again.
    pub fn carrier_lost(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next event. Drain to `None` after [`Session::receive`].
    pub fn poll(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Lets due timers act: acknowledgements, pings, receipts, resends. Then ask [`Session::wants_write`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When to call [`Session::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
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
        None
    }

    /// Counters.
    pub const fn stats(&self) -> &SessionStats {
        &self.stats
    }
}
