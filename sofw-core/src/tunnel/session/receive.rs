//! Receiving: records are opened, and each frame acts or becomes an event.

use super::{RecordReader, Session, SessionError, SessionEvent};
use crate::base::Instant;
use crate::event::DropReason;
use crate::tunnel::frame::View;
use crate::tunnel::reliable::Arrival;

impl Session {
    /// Takes body bytes of one HTTP exchange, cut anywhere. Drain [`Session::poll`] afterwards: the events are bounded
    /// by what `body` held.
    ///
    /// # Errors
    /// End this connection. Frames before the faulty one were taken.
    pub fn receive(
        &mut self,
        now: Instant,
        body: &[u8],
        lane: &mut RecordReader,
    ) -> Result<(), SessionError> {
        self.stats.bytes_received += body.len() as u64;
        lane.read(body, |record| self.receive_record(now, record))
    }

    fn receive_record(&mut self, now: Instant, record: &[u8]) -> Result<(), SessionError> {
        let plaintext = self.pool.start(record.len());
        let nonce = self.keys.open(record, plaintext).map_err(SessionError::Seal)?;
        let plaintext = self.pool.finish();
        self.stats.records_received += 1;
        self.last_heard = now;

        let (mut has_voice, mut is_late) = (false, false);
        let mut rest = &plaintext[..];
        while !rest.is_empty() {
            let (view, after) = View::parse(rest).map_err(SessionError::Frame)?;
            self.stats.frames_received += 1;
            if let View::Voice { flow, sequence, urgent, datagram } = view {
                // The datagram is what a voice frame ends with.
                let end = plaintext.len() - after.len();
                let payload = plaintext.slice(end - datagram.len()..end);
                let missing = self.numbers_in.arrived(flow, sequence);
                self.stats.voice_missing = self.stats.voice_missing.saturating_add_signed(missing);
                self.stats.voice_received += 1;
                has_voice = true;
                if is_late && !urgent {
                    self.dropped(DropReason::LateVoice, 1);
                } else {
                    self.events.push_back(SessionEvent::Voice(flow, payload));
                }
            } else if let View::Sent { at } = view {
                is_late = self.arrivals.arrived(now, at);
            } else {
                self.act(now, view)?;
            }
            rest = after;
        }
        if has_voice {
            self.receipts.arrived(now, nonce);
        }
        Ok(())
    }

    fn act(&mut self, now: Instant, view: View<'_>) -> Result<(), SessionError> {
        match view {
            View::Pad(_) | View::Voice { .. } | View::Sent { .. } => {}
            View::Ping { number } => {
                if self.pong.is_none_or(|(newest, _)| number >= newest) {
                    self.pong = Some((number, now));
                }
            }
            View::Pong { number, held } => {
                if let Some(round_trip) = self.pings.answered(now, number, held) {
                    self.events.push_back(SessionEvent::Pong { number, round_trip });
                }
            }
            View::Ack { next } => self.outgoing.acknowledged(next)?,
            View::Receipt { newest, age } => {
                if self.flight.receipt(now, newest, age) {
                    self.stats.voice_holds += 1;
                }
            }
            View::GoAway => self.events.push_back(SessionEvent::GoAway),
            View::Reliable { kind, sequence, content } => {
                self.owe_ack(now);
                let events = &mut self.events;
                let deliver = |frame| events.push_back(SessionEvent::Frame(frame));
                if self.incoming.receive(kind, sequence, content, deliver)? == Arrival::Duplicate {
                    self.stats.reliable_duplicates += 1;
                }
            }
        }
        Ok(())
    }
}
