//! What a packet of media says about itself.

use sofw_core::testing::phone::rtp::RtpHeader;

pub(super) use sofw_core::testing::phone::{Stamp, call_hash};

/// The stamp of an RTP packet; `None` if `packet` is none or has none.
pub(super) fn stamp_of(packet: &[u8]) -> Option<Stamp> {
    Stamp::of_rtp(packet)
}

/// Who speaks in an RTP packet; `None` for RTCP and whatever else.
pub(super) fn ssrc_of(packet: &[u8]) -> Option<u32> {
    RtpHeader::parse(packet).map(|(header, _)| header.ssrc)
}

/// Whether this is RTCP (RFC 5761 §4).
pub(super) fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [first, 192..=223, ..] if first >> 6 == 2)
}

/// An RTP packet with the stamp of a speaker in a call.
#[cfg(test)]
pub(super) fn stamped(speaker: usize, call: u64, sent_at: sofw_core::base::Instant) -> Vec<u8> {
    let kind = sofw_core::testing::phone::MediaKind::Audio;
    let stamp = Stamp { speaker: speaker as u32, call, number: 0, sent_at, kind };
    let ssrc = speaker as u32 ^ call as u32;
    RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 1, ssrc }.packet(&stamp.encode())
}
