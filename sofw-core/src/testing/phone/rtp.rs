//! RTP packets (RFC 3550 §5.1), sender reports (§6.4.1) and telephone events (RFC 4733), as bytes.

use bytes::BytesMut;

/// The fields of an RTP header that a phone uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpHeader {
    /// The M bit: first packet of a talk spurt or of a telephone event.
    pub marker: bool,
    /// Payload type: 0 is PCMU.
    pub payload_type: u8,
    /// Number of the packet.
    pub sequence: u16,
    /// Sampling time of the first sample, in samples.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
}

impl RtpHeader {
    /// Length without CSRC list and extension.
    pub const LEN: usize = 12;

    /// The packet: this header and `payload`.
    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        [&self.encode()[..], payload].concat()
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; RtpHeader::LEN] {
        let mut bytes = [0; RtpHeader::LEN];
        bytes[0] = 0x80;
        bytes[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }

    /// Header and payload of `bytes`; `None` if it is no RTP version 2 packet. RTCP packet types are refused
    /// (RFC 5761 §4), so that both may share a port.
    pub fn parse(bytes: &[u8]) -> Option<(RtpHeader, &[u8])> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        if first >> 6 != 2 || (192..=223).contains(&second) {
            return None;
        }
        let header = RtpHeader {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?),
            timestamp: u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?),
            ssrc: u32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?),
        };
        let mut start = RtpHeader::LEN + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let words = u16::from_be_bytes(bytes.get(start + 2..start + 4)?.try_into().ok()?);
            start += 4 + 4 * usize::from(words);
        }
        let padding = if first & 0x20 != 0 { usize::from(*bytes.last()?) } else { 0 };
        Some((header, bytes.get(start..bytes.len().checked_sub(padding)?)?))
    }
}

/// An RTCP sender report without report blocks, and a CNAME (RFC 3550 §6.1: every compound packet has one).
/// `ntp` is 32.32 fixed point.
pub fn sender_report(ssrc: u32, ntp: u64, timestamp: u32, packets: u32, octets: u32, cname: &str) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_sender_report(&mut out, ssrc, ntp, timestamp, packets, octets, cname);
    out.into()
}

/// [`sender_report`], written to `out`.
pub(super) fn write_sender_report(
    out: &mut BytesMut,
    ssrc: u32,
    ntp: u64,
    timestamp: u32,
    packets: u32,
    octets: u32,
    cname: &str,
) {
    out.extend_from_slice(&[0x80, 200, 0, 6]);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&ntp.to_be_bytes());
    out.extend_from_slice(&timestamp.to_be_bytes());
    out.extend_from_slice(&packets.to_be_bytes());
    out.extend_from_slice(&octets.to_be_bytes());
    let name = &cname.as_bytes()[..cname.len().min(255)];
    // SSRC, kind, length and name; the item list ends with at least one zero and is filled to a word (§6.5).
    let words = (4 + 2 + name.len()) / 4 + 1;
    out.extend_from_slice(&[0x81, 202]);
    out.extend_from_slice(&(words as u16).to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[1, name.len() as u8]);
    out.extend_from_slice(name);
    out.resize(SENDER_REPORT_LEN + 4 + 4 * words, 0);
}

const SENDER_REPORT_LEN: usize = 28;

/// A telephone event (RFC 4733 §2.3): one key of the dial pad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEvent {
    /// 0–9, 10 `*`, 11 `#`, 12–15 A–D.
    pub event: u8,
    /// Last packets of the event.
    pub end: bool,
    /// Duration so far, in samples.
    pub duration: u16,
}

impl TelephoneEvent {
    /// The event's code of a dial-pad key.
    pub fn code(key: char) -> Option<u8> {
        KEYS.iter().position(|&k| k == key.to_ascii_uppercase()).map(|at| at as u8)
    }

    /// The dial-pad key of this event.
    pub fn key(&self) -> Option<char> {
        KEYS.get(usize::from(self.event)).copied()
    }

    /// The four payload bytes; the volume is −10 dBm0.
    pub fn encode(&self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, (u8::from(self.end) << 7) | 10, high, low]
    }

    /// From payload bytes.
    pub fn parse(payload: &[u8]) -> Option<TelephoneEvent> {
        let &[event, flags, high, low] = payload.first_chunk::<4>()?;
        Some(TelephoneEvent { event, end: flags & 0x80 != 0, duration: u16::from_be_bytes([high, low]) })
    }
}

const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_parses_as_it_was_made() {
        let header =
            RtpHeader { marker: true, payload_type: 101, sequence: 65_535, timestamp: 0xdead_beef, ssrc: 7 };
        let bytes = header.packet(b"abcd");
        assert_eq!(RtpHeader::parse(&bytes), Some((header, &b"abcd"[..])));
    }

    #[test]
    fn extension_csrc_and_padding_are_skipped() {
        let mut bytes = vec![0xb1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9];
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 1, 2, 3, 4, b'v', b'o', 0, 2]);
        let (header, payload) = RtpHeader::parse(&bytes).expect("RTP");
        assert_eq!((header.ssrc, payload), (3, &b"vo"[..]));
    }

    #[test]
    fn cut_and_foreign_bytes_are_refused() {
        let bytes =
            RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 2, ssrc: 3 }.packet(b"");
        for len in 0..bytes.len() {
            assert_eq!(RtpHeader::parse(&bytes[..len]), None);
        }
        assert_eq!(RtpHeader::parse(&sender_report(1, 2, 3, 4, 5, "a@b")), None);
        assert_eq!(RtpHeader::parse(b"INVITE sip:bob@example.net"), None);
    }

    #[test]
    fn a_sender_report_is_whole_words() {
        for name in ["", "a", "ab", "abc", "abcd"] {
            let report = sender_report(1, 2, 3, 4, 5, name);
            assert_eq!(report.len() % 4, 0);
            let words = usize::from(u16::from_be_bytes([report[30], report[31]]));
            assert_eq!(28 + 4 + 4 * words, report.len());
        }
    }

    #[test]
    fn keys() {
        assert_eq!(TelephoneEvent::code('#'), Some(11));
        assert_eq!(TelephoneEvent::code('x'), None);
        let event = TelephoneEvent { event: 5, end: true, duration: 800 };
        assert_eq!(TelephoneEvent::parse(&event.encode()), Some(event));
        assert_eq!(event.key(), Some('5'));
    }
}
