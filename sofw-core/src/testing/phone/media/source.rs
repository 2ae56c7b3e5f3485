//! What a media line says: a tone, stamps, and pressed keys.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::super::config::{PhoneConfig, Voice};
use super::super::g711;
use super::super::rtp::TelephoneEvent;
use super::super::tone::ToneGenerator;
use super::stamp::{MediaKind, Stamp, call_hash};
use crate::base::Instant;

#[derive(Debug)]
pub(super) enum Source {
    Tone(ToneGenerator),
    /// As of the last packet.
    Stamps(Stamp),
}

impl Source {
    pub fn new(config: &PhoneConfig, call_id: &str, kind: MediaKind) -> Self {
        let speaker = match (config.voice, kind) {
            (Voice::Tone, MediaKind::Audio) => {
                return Source::Tone(ToneGenerator::new(config.tone_hz, config.tone_dbfs));
            }
            (Voice::Tone, MediaKind::Video) => 0,
            (Voice::Stamped { speaker }, _) => speaker,
        };
        Source::Stamps(Stamp { speaker, call: call_hash(call_id), number: 0, sent_at: Instant::ZERO, kind })
    }

    /// Writes the payload of packet `number`, `len` bytes.
    pub fn write(&mut self, now: Instant, number: u64, len: usize, out: &mut BytesMut) {
        match self {
            Source::Tone(tone) => out.extend((0..len).map(|_| g711::encode(tone.next_sample()))),
            Source::Stamps(stamp) => {
                stamp.number = number;
                stamp.sent_at = now;
                let start = out.len();
                out.extend_from_slice(&stamp.encode());
                out.resize(start + len, g711::SILENCE);
            }
        }
    }
}

/// Keys that are pressed one after the other (RFC 4733).
#[derive(Debug, Default)]
pub(super) struct Keys(VecDeque<KeyPress>);

#[derive(Debug)]
struct KeyPress {
    event: u8,
    started_at: Option<u32>,
    ends_sent: u8,
}

/// One packet of a pressed key.
pub(super) struct KeyPacket {
    pub first: bool,
    pub timestamp: u32,
    pub payload: [u8; 4],
}

impl Keys {
    pub fn press(&mut self, event: u8) {
        self.0.push_back(KeyPress { event, started_at: None, ends_sent: 0 });
    }

    /// The packet for the time from `timestamp` on, if a key is pressed.
    pub fn next_packet(&mut self, timestamp: u32, packet_ticks: u32) -> Option<KeyPacket> {
        let key = self.0.front_mut()?;
        let first = key.started_at.is_none();
        // RFC 4733 §2.2: all packets of an event carry the time of its begin.
        let begin = *key.started_at.get_or_insert(timestamp);
        let elapsed = timestamp.wrapping_sub(begin).wrapping_add(packet_ticks);
        let end = elapsed >= KEY_SAMPLES;
        let duration = elapsed.min(KEY_SAMPLES) as u16;
        let payload = TelephoneEvent { event: key.event, end, duration }.encode();
        key.ends_sent += u8::from(end);
        if key.ends_sent == KEY_ENDS {
            self.0.pop_front();
        }
        Some(KeyPacket { first, timestamp: begin, payload })
    }
}

/// RFC 4733 §2.5.1.4: the last packet of an event is sent three times.
const KEY_ENDS: u8 = 3;
/// How long a key is held: 100 ms.
const KEY_SAMPLES: u32 = 800;
