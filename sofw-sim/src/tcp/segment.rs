//! A TCP header as a value; `smoltcp::wire` makes it bytes elsewhere.

use std::net::SocketAddr;

/// The header of one segment (RFC 9293 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// Sequence number of the first byte, or of the SYN.
    pub seq: u32,
    /// Acknowledgement number; `Some` sets the ACK flag.
    pub ack: Option<u32>,
    /// The other flags.
    pub flags: Flags,
    /// Window as on the wire: scaled, except on a SYN.
    pub window: u16,
    /// Options.
    pub options: Options,
}

impl Head {
    /// Bytes of the header on the wire, options padded to a multiple of four.
    pub fn len(&self) -> usize {
        const FIXED: usize = 20;
        let options = &self.options;
        let mut len = 0;
        len += if options.mss.is_some() { 4 } else { 0 };
        len += if options.window_scale.is_some() { 3 } else { 0 };
        len += if options.sack_permitted { 2 } else { 0 };
        len += if options.timestamps.is_some() { 10 } else { 0 };
        let blocks = options.sack.iter().flatten().count();
        len += if blocks > 0 { 2 + 8 * blocks } else { 0 };
        FIXED + len.div_ceil(4) * 4
    }

    /// Never: a header has at least 20 bytes.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Sequence numbers that the segment takes with a payload of `payload` bytes: SYN and FIN count one each.
    pub fn span(&self, payload: usize) -> u32 {
        payload as u32 + u32::from(self.flags.syn) + u32::from(self.flags.fin)
    }
}

/// Flags other than ACK. URG and ECN are absent from this model.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flags {
    /// Opens.
    pub syn: bool,
    /// Ends the sender's stream.
    pub fin: bool,
    /// Breaks the connection.
    pub rst: bool,
    /// The sender's buffer ends with this segment.
    pub psh: bool,
}

/// The options in use.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Options {
    /// Largest payload the sender takes; on SYN only.
    pub mss: Option<u16>,
    /// Shift of later windows; on SYN only (RFC 7323 §2).
    pub window_scale: Option<u8>,
    /// On SYN only (RFC 2018 §2).
    pub sack_permitted: bool,
    /// Blocks `[start, end)` received out of order; a duplicate comes first (RFC 2018 §3, RFC 2883).
    pub sack: [Option<(u32, u32)>; 3],
    /// Sender's clock in milliseconds and the echoed one (RFC 7323 §3).
    pub timestamps: Option<(u32, u32)>,
}
