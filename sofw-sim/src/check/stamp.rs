//! What a packet of media says about itself.

use sofw_core::testing::phone::rtp::RtpHeader;

pub(super) use sofw_core::testing::phone::{Stamp, call_hash};

/// A packet of media, read once for all who look at it.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// RTP, RTCP or whatever else was sent to a media port.
    pub bytes: &'a [u8],
    /// What a phone says of itself in the packet; none in RTCP, keys and tones.
    pub stamp: Option<Stamp>,
    /// Who speaks, if this is RTP.
    pub ssrc: Option<u32>,
    /// Whether this is RTCP (RFC 5761 §4).
    pub is_rtcp: bool,
}

impl<'a> Media<'a> {
    /// Reads a packet.
    pub fn read(bytes: &'a [u8]) -> Media<'a> {
        let is_rtcp = matches!(bytes, [first, 192..=223, ..] if first >> 6 == 2);
        let header = RtpHeader::parse(bytes);
        Media {
            bytes,
            stamp: header.and_then(|(_, payload)| Stamp::parse(payload)),
            ssrc: header.map(|(header, _)| header.ssrc),
            is_rtcp,
        }
    }
}

/// An RTP packet with the stamp of a speaker in a call.
#[cfg(test)]
pub(super) fn stamped(speaker: usize, call: u64, sent_at: sofw_core::base::Instant) -> Vec<u8> {
    let kind = sofw_core::testing::phone::MediaKind::Audio;
    let stamp = Stamp { speaker: speaker as u32, call, number: 0, sent_at, kind };
    let ssrc = speaker as u32 ^ call as u32;
    RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 1, ssrc }.packet(&stamp.encode())
}
