//! What every stamped packet says of itself: who speaks, in which call, the how-manieth packet, sent when. Whoever sees
//! the packet anywhere knows whether it belongs there and how long it was under way.

use crate::base::Instant;
use crate::testing::phone::rtp::RtpHeader;

/// What a media line carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MediaKind {
    /// PCMU voice (RFC 3551).
    Audio,
    /// H.264 (RFC 6184): the packets only have its size and pace.
    Video,
}

/// The stamp at the begin of a payload.
///
/// ```text
/// "SoFW"  speaker u32  call u64  number u64  sent_at u64 (ns)  kind u8      big-endian, 33 bytes
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Who speaks: [`super::super::Voice::Stamped`].
    pub speaker: u32,
    /// Which call: [`call_hash`] of its Call-ID.
    pub call: u64,
    /// How many RTP packets of this media line the speaker sent before in this call.
    pub number: u64,
    /// When it was sent, on the speaker's clock.
    pub sent_at: Instant,
    /// Voice or video.
    pub kind: MediaKind,
}

impl Stamp {
    /// Bytes of a stamp.
    pub const LEN: usize = 33;

    /// The bytes.
    pub fn encode(&self) -> [u8; Stamp::LEN] {
        let mut bytes = [0; Stamp::LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.speaker.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.call.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.sent_at.as_nanos().to_be_bytes());
        bytes[32] = u8::from(self.kind == MediaKind::Video);
        bytes
    }

    /// The stamp of an RTP payload; `None` if it has none.
    pub fn parse(payload: &[u8]) -> Option<Stamp> {
        let bytes: &[u8; Stamp::LEN] = payload.first_chunk()?;
        let long = |at: usize| u64::from_be_bytes(core::array::from_fn(|n| bytes[at + n]));
        let kind = match bytes[32] {
            0 => MediaKind::Audio,
            1 => MediaKind::Video,
            _ => return None,
        };
        bytes.starts_with(&MAGIC).then(|| Stamp {
            speaker: u32::from_be_bytes(core::array::from_fn(|n| bytes[4 + n])),
            call: long(8),
            number: long(16),
            sent_at: Instant::from_nanos(long(24)),
            kind,
        })
    }

    /// The stamp of an RTP packet; `None` if `packet` is none, or has none.
    pub fn of_rtp(packet: &[u8]) -> Option<Stamp> {
        Stamp::parse(RtpHeader::parse(packet)?.1)
    }
}

/// The number of a call in its stamps: FNV-1a, 64 bits, over the bytes of its Call-ID.
pub fn call_hash(call_id: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    call_id.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

const MAGIC: [u8; 4] = *b"SoFW";

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            speaker: 0xdead_beef,
            call: call_hash("a@b"),
            number: 7,
            sent_at: Instant::from_millis(123_456),
            kind: MediaKind::Video,
        }
    }

    #[test]
    fn a_stamp_reads_back_from_its_packet() {
        let payload = [&stamp().encode()[..], &[0xff; 20]].concat();
        assert_eq!(Stamp::parse(&payload), Some(stamp()));
        let header = RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 2, ssrc: 3 };
        let packet = header.packet(&payload);
        assert_eq!(Stamp::of_rtp(&packet), Some(stamp()));
        assert_eq!(Stamp::of_rtp(&packet[..RtpHeader::LEN + Stamp::LEN - 1]), None);
    }

    #[test]
    fn other_payloads_have_no_stamp() {
        assert_eq!(Stamp::parse(&[0xff; 160]), None);
        let mut bytes = stamp().encode();
        bytes[32] = 2;
        assert_eq!(Stamp::parse(&bytes), None);
    }

    /// Test vectors of the FNV draft (draft-eastlake-fnv).
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(call_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(call_hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(call_hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
