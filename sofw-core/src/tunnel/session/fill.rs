//! Sending: what goes into a record, in which order.

use bytes::BytesMut;

use super::{Acks, Session};
use crate::base::Instant;
use crate::config::limits::{RECORD_PLAINTEXT_MAX, RECORD_ROOM_MIN, RELIABLE_PART_MAX};
use crate::event::DropReason;
use crate::tunnel::frame::View;
use crate::tunnel::seal::RECORD_OVERHEAD;

/// Room that a part of a reliable frame needs at most: type, length, sequence number, content.
const PART_ROOM: usize = 1 + 2 + 10 + RELIABLE_PART_MAX;
/// Room that a padding frame's type and length need.
const PAD_HEAD: usize = 1 + 3;

impl Session {
    /// Whether [`Session::fill_record`] has something to say, as of the last call with a time.
    pub fn wants_write(&self) -> bool {
        self.outgoing.is_due() || self.upkeep_is_due() || self.voice_may_go()
    }

    /// Appends one sealed record to `out`, of at most `max` bytes (a `max` below [`RECORD_ROOM_MIN`] counts as that).
    /// `false` if there is nothing to say; after `true` there may be more. Call it when a connection can take bytes now,
    /// and not before: what waits here can still be dropped for age.
    pub fn fill_record(&mut self, now: Instant, max: usize, out: &mut BytesMut) -> bool {
        self.handle_timeout(now);
        let stale = self.voice.drop_stale(now, self.flight.age_max(now));
        self.dropped(DropReason::StaleVoice, stale);
        if !self.wants_write() {
            return false;
        }
        let end = (max.max(RECORD_ROOM_MIN) - RECORD_OVERHEAD).min(RECORD_PLAINTEXT_MAX);
        self.plaintext.clear();
        self.fill_upkeep(now);
        self.fill_reliable(now, end);
        self.fill_voice(now, end);
        if self.pad > 0 && self.plaintext.len() + PAD_HEAD < end {
            let len = self.pad.min(end - self.plaintext.len() - PAD_HEAD);
            self.emit(View::Pad(len));
        }
        self.pad = 0;

        let start = out.len();
        if self.keys.seal(&self.plaintext, out).is_err() {
            return false; // All nonces are used: after thousands of years the session may end by its time-outs.
        }
        self.stats.records_sent += 1;
        self.stats.bytes_sent += (out.len() - start) as u64;
        true
    }

    fn voice_may_go(&self) -> bool {
        !self.voice.is_empty() && !self.flight.is_closed()
    }

    fn upkeep_is_due(&self) -> bool {
        self.acks == Acks::Due
            || self.pings.is_due()
            || self.receipts.is_due()
            || self.pong.is_some()
            || self.go_away
            || self.pad > 0
    }

    /// What is due, and what rides along because a record goes anyway.
    fn fill_upkeep(&mut self, now: Instant) {
        if core::mem::take(&mut self.go_away) {
            self.emit(View::GoAway);
        }
        if self.acks != Acks::None {
            self.acks = Acks::None;
            self.emit(View::Ack { next: self.incoming.next() });
        }
        if let Some((number, since)) = self.pong.take() {
            self.emit(View::Pong { number, held: now.since(since) });
        }
        let ping = self.pings.take(now);
        if let Some(number) = ping {
            self.emit(View::Ping { number });
        }
        if let Some((newest, age)) = self.receipts.take(now) {
            self.emit(View::Receipt { newest, age });
        }
        // With pings, too: the other end must know what is usual when the first voice comes after a silence.
        if ping.is_some() || self.voice_may_go() {
            self.emit(View::Sent { at: now.since(self.began) });
        }
    }

    /// SIP goes before voice. But where voice waits, a storm of registrations leaves it half of every record.
    fn fill_reliable(&mut self, now: Instant, end: usize) {
        let room = end - self.plaintext.len();
        let room = if self.voice_may_go() { room.min(PART_ROOM.max(room / 2)) } else { room };
        let (sent, again) = self.outgoing.fill(now, room, &mut self.plaintext);
        self.stats.frames_sent += sent;
        self.stats.reliable_resent += again;
    }

    fn fill_voice(&mut self, now: Instant, end: usize) {
        if self.flight.is_closed() {
            return;
        }
        let most = if self.flight.is_probe() { 1 } else { u64::MAX };
        let sent = self.voice.fill(end - self.plaintext.len(), most, &mut self.plaintext);
        if sent > 0 {
            self.flight.sent(now, self.keys.next_nonce());
            self.stats.frames_sent += sent;
            self.stats.voice_sent += sent;
        }
    }

    fn emit(&mut self, view: View<'_>) {
        view.emit(&mut self.plaintext);
        self.stats.frames_sent += 1;
    }
}
