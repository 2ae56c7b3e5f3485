//! A frame on the wire: type, length, body; checked, and still lying in the record that brought it.

use core::time::Duration;

use super::fields::Fields;
use super::{FlowId, FrameError, Kind, varint};
use crate::config::limits::{MEDIA_DATAGRAM_MAX, RECORD_PLAINTEXT_MAX, RELIABLE_PART_MAX};

/// One frame of a record. `parse` and `emit` are inverse to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View<'a> {
    /// Zeros without meaning.
    Pad(usize),
    /// One media datagram.
    Voice {
        /// Whose.
        flow: FlowId,
        /// Counts the datagrams of this flow and direction, modulo 65,536.
        sequence: u16,
        /// It is not dropped for age.
        urgent: bool,
        /// The datagram.
        datagram: &'a [u8],
    },
    /// Asks for a `Pong` in the next record.
    Ping {
        /// Counts pings.
        number: u64,
    },
    /// Answers a `Ping`.
    Pong {
        /// Which.
        number: u64,
        /// How long the answer waited for a record, in whole microseconds.
        held: Duration,
    },
    /// Every reliable frame before `next` has arrived.
    Ack {
        /// Sequence number of the next one that is missing.
        next: u64,
    },
    /// How far voice has come: lets the sender see what is under way.
    Receipt {
        /// Nonce of the newest record with voice that has arrived.
        newest: u64,
        /// How long ago that was, in whole microseconds.
        age: Duration,
    },
    /// The sender ends the session.
    GoAway,
    /// When this record was filled: lets the receiver see how old its voice is. Stands before the voice.
    Sent {
        /// Since the sender's session began, in whole milliseconds.
        at: Duration,
    },
    /// A reliable frame or a part of one.
    Reliable {
        /// Its type.
        kind: Kind,
        /// Counts reliable frames and parts.
        sequence: u64,
        /// What [`super::Frame::parse_content`] reads, or a part of that.
        content: &'a [u8],
    },
}

const PAD: u8 = 0x00;
/// Type of a voice frame.
const VOICE: u8 = 0x01;
const PING: u8 = 0x02;
const PONG: u8 = 0x03;
const ACK: u8 = 0x04;
const RECEIPT: u8 = 0x05;
const GO_AWAY: u8 = 0x06;
const SENT: u8 = 0x07;
/// Type of a voice frame that is urgent.
const URGENT_VOICE: u8 = 0x08;

/// Most bytes before a datagram in a voice frame: type, length, flow id, sequence.
pub const VOICE_OVERHEAD_MAX: usize = 1 + 2 + 3 + 2;

impl<'a> View<'a> {
    /// Reads the frame at the front of `bytes`; gives the rest, too.
    ///
    /// # Errors
    /// As named. Nothing in the record after it can be trusted.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<(View<'a>, &'a [u8]), FrameError> {
        let (&kind, rest) = bytes.split_first().ok_or(FrameError::Truncated)?;
        let (len, rest) = varint::parse(rest)?;
        let len = usize::try_from(len).map_err(|_| FrameError::Oversize)?;
        if len > RECORD_PLAINTEXT_MAX {
            return Err(FrameError::Oversize);
        }
        let (body, rest) = rest.split_at_checked(len).ok_or(FrameError::Truncated)?;
        Ok((Self::parse_body(kind, body)?, rest))
    }

    #[inline]
    fn parse_body(kind: u8, body: &'a [u8]) -> Result<View<'a>, FrameError> {
        let mut fields = Fields::new(body);
        let view = match kind {
            VOICE | URGENT_VOICE => {
                let (flow, sequence) = (fields.flow()?, fields.u16()?);
                let datagram = fields.rest();
                if datagram.len() > MEDIA_DATAGRAM_MAX {
                    return Err(FrameError::Oversize);
                }
                return Ok(View::Voice { flow, sequence, urgent: kind == URGENT_VOICE, datagram });
            }
            PAD if body.iter().all(|&byte| byte == 0) => return Ok(View::Pad(body.len())),
            PAD => return Err(FrameError::BadValue("padding")),
            PING => View::Ping { number: fields.varint()? },
            PONG => View::Pong { number: fields.varint()?, held: Duration::from_micros(fields.varint()?) },
            ACK => View::Ack { next: fields.varint()? },
            RECEIPT => {
                View::Receipt { newest: fields.varint()?, age: Duration::from_micros(fields.varint()?) }
            }
            GO_AWAY => View::GoAway,
            SENT => View::Sent { at: Duration::from_millis(fields.varint()?) },
            other => {
                let kind = Kind::from_byte(other).ok_or(FrameError::UnknownType(other))?;
                let sequence = fields.varint()?;
                let content = fields.rest();
                if content.len() > RELIABLE_PART_MAX {
                    return Err(FrameError::Oversize);
                }
                return Ok(View::Reliable { kind, sequence, content });
            }
        };
        fields.end()?;
        Ok(view)
    }

    /// Bytes of the whole frame.
    #[inline]
    pub fn len(&self) -> usize {
        let body = self.body_len();
        1 + varint::len(body as u64) + body
    }

    /// Never: a frame has a type and a length.
    pub const fn is_empty(&self) -> bool {
        false
    }

    fn body_len(&self) -> usize {
        match *self {
            View::Pad(len) => len,
            View::Voice { flow, datagram, .. } => varint::len(flow.0.into()) + 2 + datagram.len(),
            View::Ping { number } => varint::len(number),
            View::Pong { number, held } => varint::len(number) + varint::len(micros(held)),
            View::Ack { next } => varint::len(next),
            View::Receipt { newest, age } => varint::len(newest) + varint::len(micros(age)),
            View::GoAway => 0,
            View::Sent { at } => varint::len(millis(at)),
            View::Reliable { sequence, content, .. } => varint::len(sequence) + content.len(),
        }
    }

    /// Appends the whole frame.
    #[inline]
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.type_byte());
        varint::emit(self.body_len() as u64, out);
        match *self {
            View::Pad(len) => out.resize(out.len() + len, 0),
            View::Voice { flow, sequence, datagram, .. } => {
                varint::emit(flow.0.into(), out);
                out.extend_from_slice(&sequence.to_be_bytes());
                out.extend_from_slice(datagram);
            }
            View::Ping { number } => varint::emit(number, out),
            View::Pong { number, held } => {
                varint::emit(number, out);
                varint::emit(micros(held), out);
            }
            View::Ack { next } => varint::emit(next, out),
            View::Receipt { newest, age } => {
                varint::emit(newest, out);
                varint::emit(micros(age), out);
            }
            View::GoAway => {}
            View::Sent { at } => varint::emit(millis(at), out),
            View::Reliable { sequence, content, .. } => {
                varint::emit(sequence, out);
                out.extend_from_slice(content);
            }
        }
    }

    const fn type_byte(&self) -> u8 {
        match self {
            View::Pad(_) => PAD,
            View::Voice { urgent: false, .. } => VOICE,
            View::Voice { urgent: true, .. } => URGENT_VOICE,
            View::Ping { .. } => PING,
            View::Pong { .. } => PONG,
            View::Ack { .. } => ACK,
            View::Receipt { .. } => RECEIPT,
            View::GoAway => GO_AWAY,
            View::Sent { .. } => SENT,
            View::Reliable { kind, .. } => *kind as u8,
        }
    }
}

/// Whole microseconds: what the wire carries.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whole milliseconds, likewise.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
