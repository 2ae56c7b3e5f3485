//! The chunked transfer coding (RFC 9112 §7.1). Chunk boundaries carry no meaning: proxies change them.

use bytes::{Buf, BytesMut};

use super::HttpError;
use crate::config::limits::{HTTP_CHUNK_EXTENSION_MAX, HTTP_HEAD_MAX};

/// Takes chunked bytes, cut anywhere, and gives the data between the chunk lines as slices of the input.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the chunk size; how many digits were seen.
    Size { size: u32, digits: u8 },
    /// In an extension, which is skipped.
    Extension { size: u32, seen: usize },
    /// The LF of the chunk line is due.
    SizeEnd { size: u32 },
    /// In the data.
    Data { left: u32 },
    /// CR after the data is due.
    DataCr,
    /// LF after the data is due.
    DataLf,
    /// In the trailer section, which is skipped; `line` bytes of this line were seen.
    Trailer { line: usize, seen: usize },
    /// LF of a trailer line is due; `last` if the line was empty.
    TrailerEnd { last: bool, seen: usize },
    /// All was read.
    Done,
}

impl Default for State {
    fn default() -> Self {
        State::Size { size: 0, digits: 0 }
    }
}

impl Decoder {
    /// The next piece of data from `input`, which is advanced. `None` when the input is used up or the body is over.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, HttpError> {
        while let Some((&byte, rest)) = input.split_first() {
            if let State::Data { left } = self.state {
                let take = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let (data, rest) = input.split_at(take);
                *input = rest;
                let left = left.saturating_sub(u32::try_from(take).unwrap_or(u32::MAX));
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                return Ok(Some(data));
            }
            if self.is_done() {
                return Ok(None);
            }
            *input = rest;
            self.state = self.state.after(byte)?;
        }
        Ok(None)
    }

    /// Whether the last chunk and the trailers were read.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

impl State {
    /// The state after one byte outside chunk data.
    fn after(self, byte: u8) -> Result<State, HttpError> {
        Ok(match (self, byte) {
            (State::Size { size, digits }, _) if byte.is_ascii_hexdigit() => {
                // Seven digits: 256 MiB, and no overflow. Some proxies write leading zeros.
                if digits == 7 {
                    return Err(HttpError::Chunk);
                }
                State::Size { size: size * 16 + hex_value(byte), digits: digits + 1 }
            }
            (State::Size { digits: 0, .. }, _) => return Err(HttpError::Chunk),
            (State::Size { size, .. }, b'\r') => State::SizeEnd { size },
            (State::Size { size, .. }, b';' | b' ' | b'\t') => State::Extension { size, seen: 1 },
            (State::Extension { size, .. }, b'\r') => State::SizeEnd { size },
            (State::Extension { size, seen }, _) if byte != b'\n' && seen < HTTP_CHUNK_EXTENSION_MAX => {
                State::Extension { size, seen: seen + 1 }
            }
            (State::SizeEnd { size: 0 }, b'\n') => State::Trailer { line: 0, seen: 0 },
            (State::SizeEnd { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { size: 0, digits: 0 },
            (State::Trailer { line, seen }, b'\r') => State::TrailerEnd { last: line == 0, seen },
            (State::Trailer { line, seen }, _) if byte != b'\n' && seen < HTTP_HEAD_MAX => {
                State::Trailer { line: line + 1, seen: seen + 1 }
            }
            (State::TrailerEnd { last: true, .. }, b'\n') => State::Done,
            (State::TrailerEnd { last: false, seen }, b'\n') => State::Trailer { line: 0, seen },
            _ => return Err(HttpError::Chunk),
        })
    }
}

/// The bytes that end a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Room for the chunk line, to be reserved by [`open`].
const LINE_ROOM: usize = 10;

/// Begins a chunk in an empty buffer: reserves room for the chunk line. Append the data, then [`close`] it.
pub fn open(buffer: &mut BytesMut) {
    debug_assert!(buffer.is_empty());
    buffer.extend_from_slice(&[0; LINE_ROOM]);
}

/// Ends the chunk: writes its line right before the data, without leading zeros, and CRLF after it. An empty chunk
/// would end the body, so with no data the buffer becomes empty.
pub fn close(buffer: &mut BytesMut) {
    let data = buffer.len().saturating_sub(LINE_ROOM);
    if data == 0 {
        buffer.clear();
        return;
    }
    let mut at = LINE_ROOM;
    let mut put = |byte: u8| {
        at -= 1;
        if let Some(place) = buffer.get_mut(at) {
            *place = byte;
        }
    };
    put(b'\n');
    put(b'\r');
    let mut left = data;
    while left > 0 {
        put(b"0123456789abcdef"[left % 16]);
        left /= 16;
    }
    buffer.advance(at);
    buffer.extend_from_slice(b"\r\n");
}

fn hex_value(digit: u8) -> u32 {
    u32::from(match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    })
}
