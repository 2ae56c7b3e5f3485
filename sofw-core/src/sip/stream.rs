//! Cutting a TCP byte stream into SIP messages (RFC 3261 §18.3, RFC 5626 §3.5.1).

use bytes::{Buf, BytesMut};

use super::headers::{Header, HeaderName};
use super::lex::number;
use super::{SipError, lex};
use crate::base::Payload;
use crate::config::limits;

/// Collects the bytes of one connection and gives whole messages.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Up to here the buffer holds no end of the head.
    searched: usize,
    /// The length of the message under way, once its head is known.
    message_len: Option<usize>,
    failed: bool,
}

/// What a stream holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Framed {
    /// One message: its head and exactly Content-Length bytes of body.
    Message(Payload),
    /// CRLFCRLF between messages: a keep-alive, to be answered by one CRLF (RFC 5626 §3.5.1).
    Ping,
}

/// Why a stream cannot be cut any further: answer if possible, then close it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FramingError {
    /// The status and reason for [`super::build::response_to_malformed`].
    pub error: SipError,
    /// The head, for the same purpose; what was read of it if it is too long.
    pub head: Payload,
}

/// Whether a datagram only keeps a NAT's binding open, as many phones do: blank lines, or zero bytes.
pub fn is_keep_alive(datagram: &[u8]) -> bool {
    datagram.iter().all(|&byte| matches!(byte, b'\r' | b'\n' | b' ' | 0))
}

impl Framer {
    /// A framer at the beginning of a stream.
    pub fn new() -> Self {
        Framer::default()
    }

    /// Adds received bytes. Drain [`Framer::next`] after each call: then the buffer never holds more than one
    /// message of [`limits::SIP_MESSAGE_MAX`] and the bytes of this call.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// How many bytes wait for the rest of their message.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next message or keep-alive; `Ok(None)` if more bytes are needed.
    ///
    /// # Errors
    /// The end of a message cannot be found: Content-Length is missing (RFC 3261 §18.3), wrong or repeated, the head
    /// is broken, or the message is too long. After an error nothing more comes.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot be fed in between")]
    pub fn next(&mut self) -> Result<Option<Framed>, FramingError> {
        if self.failed {
            return Ok(None);
        }
        if self.message_len.is_none() {
            if self.skip_keep_alive() {
                return Ok(Some(Framed::Ping));
            }
            match self.find_message_len() {
                Ok(len) => self.message_len = len,
                Err((error, head_len)) => {
                    self.failed = true;
                    let head = self.buffer.split_to(head_len.min(self.buffer.len())).into();
                    self.buffer = BytesMut::new();
                    return Err(FramingError { error, head });
                }
            }
        }
        match self.message_len {
            Some(len) if len <= self.buffer.len() => {
                self.message_len = None;
                self.searched = 0;
                Ok(Some(Framed::Message(self.buffer.split_to(len).into())))
            }
            _ => Ok(None),
        }
    }

    /// Takes CRLFs off the front (RFC 3261 §7.5). `true` if there were two in a row.
    fn skip_keep_alive(&mut self) -> bool {
        if self.buffer.starts_with(b"\r\n\r\n") {
            self.buffer.advance(4);
            return true;
        }
        // One CRLF may be half of a ping: wait for what follows it.
        if self.buffer.starts_with(b"\r\n") && self.buffer.get(2).is_some_and(|b| *b != b'\r') {
            self.buffer.advance(2);
        }
        false
    }

    fn find_message_len(&mut self) -> Result<Option<usize>, (SipError, usize)> {
        let too_large = SipError { status: 513, reason: "Message Too Large" };
        let Some(found) =
            memchr::memmem::find(self.buffer.get(self.searched..).unwrap_or_default(), b"\r\n\r\n")
        else {
            self.searched = self.buffer.len().saturating_sub(3);
            return if self.buffer.len() > limits::SIP_MESSAGE_MAX {
                Err((too_large, self.buffer.len()))
            } else {
                Ok(None)
            };
        };
        let head_len = self.searched + found + 4;
        let body_len =
            content_length(&self.buffer, head_len).map_err(|reason| (SipError::bad(reason), head_len))?;
        if head_len.saturating_add(body_len) > limits::SIP_MESSAGE_MAX {
            return Err((too_large, head_len));
        }
        Ok(Some(head_len + body_len))
    }
}

/// The one Content-Length of the head in the first `head_len` bytes.
fn content_length(bytes: &[u8], head_len: usize) -> Result<usize, &'static str> {
    let mut cursor = lex::Cursor::new(bytes, 0..head_len);
    cursor.skip_while(|b| b != b'\n');
    let mut pos = cursor.pos + 1;
    let mut found = None;
    while pos + 2 < head_len {
        let header = Header::read(bytes, pos)?;
        pos = header.line_range.end;
        if header.name == HeaderName::ContentLength {
            let value = number(header.value)
                .and_then(|n| usize::try_from(n).ok())
                .ok_or("Malformed Content-Length")?;
            if found.replace(value).is_some() {
                return Err("Header field repeated that may stand once only");
            }
        }
    }
    found.ok_or("Missing Content-Length on a stream")
}
