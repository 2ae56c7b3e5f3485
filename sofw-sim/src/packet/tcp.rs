//! TCP segments as packets.

use smoltcp::wire::{TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr};

use super::{Packet, Protocol, unchecked};
use crate::tcp::{Flags, Head, Options};

impl Packet {
    /// The segment `head` with this payload.
    pub fn tcp(head: &Head, payload: &[u8]) -> Packet {
        let repr = TcpRepr {
            src_port: head.src.port(),
            dst_port: head.dst.port(),
            control: control(head.flags),
            seq_number: TcpSeqNumber(head.seq as i32),
            ack_number: head.ack.map(|ack| TcpSeqNumber(ack as i32)),
            window_len: head.window,
            window_scale: head.options.window_scale,
            max_seg_size: head.options.mss,
            sack_permitted: head.options.sack_permitted,
            sack_ranges: head.options.sack,
            timestamp: head.options.timestamps.map(|(value, echo)| TcpTimestampRepr::new(value, echo)),
            // Copied behind the header, not through it.
            payload: &[],
        };
        let header = repr.header_len();
        let mut packet = Packet::start(head.src, head.dst, Protocol::Tcp, header, header + payload.len());
        let at = usize::from(packet.transport);
        packet.bytes.resize(at + header, 0);
        let mut tcp = TcpPacket::new_unchecked(&mut packet.bytes[at..]);
        repr.emit(&mut tcp, &head.src.ip().into(), &head.dst.ip().into(), &unchecked());
        packet.bytes.extend_from_slice(payload);
        packet
    }

    /// The TCP header; `None` if this is no TCP segment or its options are broken.
    pub fn tcp_head(&self) -> Option<Head> {
        if self.protocol != Protocol::Tcp {
            return None;
        }
        let tcp = TcpPacket::new_unchecked(&self.bytes[usize::from(self.transport)..]);
        let mut options = Options::default();
        let mut rest = tcp.options();
        if let &[1, 1, 8, 10, a, b, c, d, e, f, g, h] = rest {
            // Timestamps alone, as in nearly every segment (RFC 7323, appendix A).
            options.timestamps = Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
            rest = &[];
        }
        while !rest.is_empty() {
            use smoltcp::wire::TcpOption;
            let (next, option) = TcpOption::parse(rest).ok()?;
            match option {
                TcpOption::EndOfList => break,
                TcpOption::MaxSegmentSize(mss) => options.mss = Some(mss),
                TcpOption::WindowScale(scale) => options.window_scale = Some(scale),
                TcpOption::SackPermitted => options.sack_permitted = true,
                TcpOption::SackRange(ranges) => options.sack = ranges,
                TcpOption::TimeStamp { tsval, tsecr } => options.timestamps = Some((tsval, tsecr)),
                TcpOption::NoOperation | TcpOption::Unknown { .. } => {}
            }
            rest = next;
        }
        Some(Head {
            src: self.source(),
            dst: self.destination(),
            seq: tcp.seq_number().0 as u32,
            ack: tcp.ack().then(|| tcp.ack_number().0 as u32),
            flags: Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst(), psh: tcp.psh() },
            window: tcp.window_len(),
            options,
        })
    }

    /// Whether this asks for a connection: a SYN without ACK.
    pub fn is_syn(&self) -> bool {
        if self.protocol != Protocol::Tcp {
            return false;
        }
        let tcp = TcpPacket::new_unchecked(&self.bytes[usize::from(self.transport)..]);
        tcp.syn() && !tcp.ack()
    }

    /// SYN, FIN and RST of a segment, for those who track connections; none for other protocols.
    pub fn tcp_flags(&self) -> Flags {
        if self.protocol != Protocol::Tcp {
            return Flags::default();
        }
        let tcp = TcpPacket::new_unchecked(&self.bytes[usize::from(self.transport)..]);
        Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst(), psh: tcp.psh() }
    }
}

/// smoltcp knows one control flag a segment; ours never set two.
fn control(flags: Flags) -> TcpControl {
    match flags {
        Flags { rst: true, .. } => TcpControl::Rst,
        Flags { syn: true, .. } => TcpControl::Syn,
        Flags { fin: true, .. } => TcpControl::Fin,
        Flags { psh: true, .. } => TcpControl::Psh,
        _ => TcpControl::None,
    }
}
