//! TCP segments as packets.

use smoltcp::wire::{TcpControl, TcpOption, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr};

use super::{Packet, Protocol, unchecked};
use crate::tcp::{Flags, Head, Options};

impl Packet {
    /// The segment `head` with this payload.
    pub fn tcp(head: &Head, payload: &[u8]) -> Packet {
        let Options { mss, window_scale, sack_permitted, sack, timestamps } = head.options;
        match (mss, window_scale, sack_permitted, sack, timestamps) {
            (None, None, false, [None, None, None], Some(timestamps)) => usual(head, timestamps, payload),
            _ => any(head, payload),
        }
    }

    /// The TCP header; `None` if this is no TCP segment or its options are broken.
    pub fn tcp_head(&self) -> Option<Head> {
        let tcp = self.segment()?;
        let mut options = Options::default();
        let mut rest = tcp.options();
        if let &[8, 10, a, b, c, d, e, f, g, h, 0, 0] = rest {
            // Timestamps alone, as in nearly every segment, and how smoltcp pads them.
            options.timestamps = Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
            rest = &[];
        }
        while !rest.is_empty() {
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

    fn segment(&self) -> Option<TcpPacket<&[u8]>> {
        let body = self.body();
        (body.protocol == Protocol::Tcp)
            .then(|| TcpPacket::new_unchecked(&body.bytes[usize::from(body.transport)..]))
    }

    /// Whether this asks for a connection: a SYN without ACK.
    pub fn is_syn(&self) -> bool {
        self.segment().is_some_and(|tcp| tcp.syn() && !tcp.ack())
    }

    /// SYN, FIN and RST of a segment, for those who track connections; none for other protocols.
    pub fn tcp_flags(&self) -> Flags {
        let Some(tcp) = self.segment() else { return Flags::default() };
        Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst(), psh: tcp.psh() }
    }
}

/// A segment with timestamps and no other option: nearly all are.
fn usual(head: &Head, (value, echo): (u32, u32), payload: &[u8]) -> Packet {
    let option = TcpOption::TimeStamp { tsval: value, tsecr: echo };
    let header = USUAL_HEADER;
    let mut packet = Packet::start(head.src, head.dst, Protocol::Tcp, header, header + payload.len());
    let body = packet.body_mut();
    let at = usize::from(body.transport);
    body.bytes.extend_from_slice(&[0; USUAL_HEADER]);
    let mut tcp = TcpPacket::new_unchecked(&mut body.bytes[at..]);
    tcp.set_src_port(head.src.port());
    tcp.set_dst_port(head.dst.port());
    tcp.set_seq_number(TcpSeqNumber(head.seq as i32));
    tcp.set_ack_number(TcpSeqNumber(head.ack.unwrap_or(0) as i32));
    tcp.set_header_len(header as u8);
    tcp.set_syn(head.flags.syn);
    tcp.set_fin(head.flags.fin);
    tcp.set_rst(head.flags.rst);
    tcp.set_psh(head.flags.psh);
    tcp.set_ack(head.ack.is_some());
    tcp.set_window_len(head.window);
    option.emit(tcp.options_mut());
    body.bytes.extend_from_slice(payload);
    packet
}

/// A segment with whatever options.
pub(super) fn any(head: &Head, payload: &[u8]) -> Packet {
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
    let body = packet.body_mut();
    let at = usize::from(body.transport);
    body.bytes.resize(at + header, 0);
    let mut tcp = TcpPacket::new_unchecked(&mut body.bytes[at..]);
    repr.emit(&mut tcp, &head.src.ip().into(), &head.dst.ip().into(), &unchecked());
    body.bytes.extend_from_slice(payload);
    packet
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

/// 20 bytes (RFC 9293 §3.1), timestamps of 10 (RFC 7323 §3.2), padding to words.
const USUAL_HEADER: usize = 32;
