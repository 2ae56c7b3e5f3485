//! What a packet of media says about itself.

use sofw_core::base::Instant;
use sofw_core::testing::phone::rtp::RtpHeader;

/// The stamp that the testing phone puts at the begin of every payload.
///
/// ```text
/// "SoFW"  speaker u32  call u64  number u64  sent_at u64 (ns)  kind u8      big-endian
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    /// Who speaks: [`crate::run::PhonePlace::speaker`].
    pub speaker: u32,
    /// In which call: [`call_hash`] of its Call-ID.
    pub call: u64,
    /// When.
    pub sent_at: Instant,
}

/// The stamp of an RTP packet; `None` if `packet` is none or has none.
pub(super) fn stamp_of(packet: &[u8]) -> Option<Stamp> {
    let (_, payload) = RtpHeader::parse(packet)?;
    let bytes: &[u8; STAMP] = payload.first_chunk()?;
    let long = |at: usize| u64::from_be_bytes(core::array::from_fn(|n| bytes[at + n]));
    bytes.starts_with(&MAGIC).then(|| Stamp {
        speaker: u32::from_be_bytes(core::array::from_fn(|n| bytes[4 + n])),
        call: long(8),
        sent_at: Instant::from_nanos(long(24)),
    })
}

/// The number of a call in stamps: FNV-1a, 64 bits, over its Call-ID.
pub(super) fn call_hash(call_id: &str) -> u64 {
    call_id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Who speaks in an RTP packet; `None` for RTCP and whatever else.
pub(super) fn ssrc_of(packet: &[u8]) -> Option<u32> {
    RtpHeader::parse(packet).map(|(header, _)| header.ssrc)
}

/// Whether this is RTCP (RFC 5761 §4).
pub(super) fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [first, 192..=223, ..] if first >> 6 == 2)
}

const MAGIC: [u8; 4] = *b"SoFW";
const STAMP: usize = 33;

#[cfg(test)]
impl Stamp {
    /// An RTP packet with this stamp.
    pub fn packet(&self) -> Vec<u8> {
        let mut payload = MAGIC.to_vec();
        payload.extend_from_slice(&self.speaker.to_be_bytes());
        payload.extend_from_slice(&self.call.to_be_bytes());
        payload.extend_from_slice(&0_u64.to_be_bytes());
        payload.extend_from_slice(&self.sent_at.as_nanos().to_be_bytes());
        payload.resize(160, 0);
        let ssrc = self.speaker ^ self.call as u32;
        RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 1, ssrc }.packet(&payload)
    }
}
