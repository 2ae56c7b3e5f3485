//! Messages in the stream.
//!
//! ```text
//! [count: u32]  { length of body: u16, type: u8, padding to the kind's header, body }*
//! ```
//! The count stands before each batch if the kind has batches. All numbers are big-endian.

use core::net::IpAddr;

use super::Kind;

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The sender lives.
    KeepAlive,
    /// The virtual addresses behind the client. The server answers by a keep-alive.
    Announce(Vec<IpAddr>),
    /// A frame, link header included.
    Frame(Vec<u8>),
}

/// The stream is not ours: nothing after this point has a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

/// Appends a message to `out`. False, and nothing appended, if its body is longer than a length can say.
pub fn encode(kind: &Kind, number: u8, body: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(length) = u16::try_from(body.len()) else { return false };
    out.extend_from_slice(&length.to_be_bytes());
    out.push(number);
    out.resize(out.len() + kind.message_header - HEADER, 0);
    out.extend_from_slice(body);
    true
}

/// The body of an announcement: for each address its length and its bytes. Those beyond [`ADDRESSES_MAX`] are left out.
pub fn announcement(addrs: &[IpAddr]) -> Vec<u8> {
    let mut body = Vec::new();
    for addr in addrs.iter().take(ADDRESSES_MAX) {
        match addr {
            IpAddr::V4(addr) => {
                body.push(4);
                body.extend_from_slice(&addr.octets());
            }
            IpAddr::V6(addr) => {
                body.push(16);
                body.extend_from_slice(&addr.octets());
            }
        }
    }
    body
}

fn read_announcement(mut body: &[u8]) -> Option<Vec<IpAddr>> {
    let mut addrs = Vec::new();
    while let Some((&length, rest)) = body.split_first() {
        let octets = rest.get(..usize::from(length))?;
        addrs.push(match length {
            4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
            16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
            _ => return None,
        });
        if addrs.len() > ADDRESSES_MAX {
            return None;
        }
        body = &rest[usize::from(length)..];
    }
    Some(addrs)
}

/// Takes a stream, cut anywhere, and gives its messages. It keeps less than one message.
#[derive(Clone, Debug)]
pub struct Decoder {
    kind: &'static Kind,
    buffer: Vec<u8>,
    /// How much of the buffer was used.
    at: usize,
    /// Messages left of this batch.
    left: u32,
}

impl Decoder {
    /// For a stream of this kind.
    pub fn new(kind: &'static Kind) -> Self {
        Decoder { kind, buffer: Vec::new(), at: 0, left: 0 }
    }

    /// Takes bytes; ask for messages then until there are none.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    ///
    /// # Errors
    /// [`Broken`] if these are no messages; the connection is of no use then.
    pub fn next(&mut self) -> Result<Option<Message>, Broken> {
        let batches = self.kind.batch_header > 0;
        if batches && self.left == 0 {
            let Some(count) = self.buffer.get(self.at..self.at + 4) else { return Ok(None) };
            self.left = u32::from_be_bytes(count.try_into().map_err(|_| Broken)?);
            if self.left == 0 || self.left > BATCH_MAX {
                return Err(Broken);
            }
            self.at += 4;
        }
        let rest = &self.buffer[self.at..];
        let Some(head) = rest.get(..self.kind.message_header) else { return Ok(None) };
        let (length, number) = (usize::from(u16::from_be_bytes([head[0], head[1]])), head[2]);
        if head[HEADER..].iter().any(|byte| *byte != 0) || number > FRAME {
            return Err(Broken);
        }
        let Some(body) = rest[self.kind.message_header..].get(..length) else { return Ok(None) };
        let message = match number {
            KEEP_ALIVE => Message::KeepAlive,
            ANNOUNCE => Message::Announce(read_announcement(body).ok_or(Broken)?),
            _ => Message::Frame(body.to_vec()),
        };
        self.at += self.kind.message_header + length;
        self.left = self.left.saturating_sub(1);
        Ok(Some(message))
    }
}

/// Type of [`Message::KeepAlive`].
pub const KEEP_ALIVE: u8 = 0;
/// Type of [`Message::Announce`].
pub const ANNOUNCE: u8 = 1;
/// Type of [`Message::Frame`].
pub const FRAME: u8 = 2;
/// Length and type.
const HEADER: usize = 3;
/// Most addresses of one client: a large site's phones.
pub const ADDRESSES_MAX: usize = 1024;
/// Most messages of a batch.
pub const BATCH_MAX: u32 = 1024;
