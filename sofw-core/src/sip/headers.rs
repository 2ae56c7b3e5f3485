//! Header lines.

use core::ops::Range;

pub use super::header_name::HeaderName;
use super::lex::{is_token, is_ws, text};

/// One header field: one line, or several if folded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// Its name, compact forms resolved.
    pub name: HeaderName<'a>,
    /// Its name as written.
    pub raw_name: &'a str,
    /// Its value as written, white space around it taken off; may hold folds.
    pub value: &'a [u8],
    /// Where the value stands in the message.
    pub value_range: Range<usize>,
    /// Where the line stands in the message, with its CRLF.
    pub line_range: Range<usize>,
}

impl<'a> Header<'a> {
    /// The value as text; empty if it is no UTF-8.
    pub fn text(&self) -> &'a str {
        text(self.value).unwrap_or_default()
    }

    /// Reads the header line that begins at `pos`.
    pub(super) fn read(message: &'a [u8], pos: usize) -> Result<Header<'a>, &'static str> {
        let line = message.get(pos..).unwrap_or_default();
        let name_len = line.iter().position(|b| !is_token(*b)).unwrap_or(line.len());
        // RFC 3261 §25.1 HCOLON: blanks before the colon.
        let mut colon = name_len;
        while matches!(line.get(colon), Some(b' ' | b'\t')) {
            colon += 1;
        }
        if name_len == 0 || line.get(colon) != Some(&b':') {
            return Err("Malformed header field");
        }
        let end = line_end(line, colon + 1)?;
        let mut value = colon + 1..end;
        while value.start < value.end && line.get(value.start).is_some_and(|b| is_ws(*b)) {
            value.start += 1;
        }
        while value.start < value.end && line.get(value.end - 1).is_some_and(|b| is_ws(*b)) {
            value.end -= 1;
        }
        let raw_name = line.get(..name_len).and_then(text).unwrap_or_default();
        Ok(Header {
            name: HeaderName::parse(raw_name),
            raw_name,
            value: line.get(value.clone()).unwrap_or_default(),
            value_range: pos + value.start..pos + value.end,
            line_range: pos..pos + end,
        })
    }
}

/// Where the header field ends that has begun before `from`: behind the first CRLF that no fold continues.
///
/// A lone CR or LF is refused, not passed on: readers that take it for a line end would see other headers than we do.
fn line_end(line: &[u8], from: usize) -> Result<usize, &'static str> {
    let mut at = from;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let found = memchr::memchr2(b'\r', b'\n', rest).ok_or("Header field does not end")?;
        at += found + 2;
        if line.get(at - 2..at) != Some(b"\r\n") {
            return Err("Lone CR or LF in header");
        }
        if !matches!(line.get(at), Some(b' ' | b'\t')) {
            return Ok(at);
        }
    }
}

/// The header fields of a message, in order.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    message: &'a [u8],
    pos: usize,
    end: usize,
}

impl<'a> Headers<'a> {
    pub(super) const fn new(message: &'a [u8], pos: usize, end: usize) -> Self {
        Headers { message, pos, end }
    }

    pub(super) const fn message(&self) -> &'a [u8] {
        self.message
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;
    fn next(&mut self) -> Option<Header<'a>> {
        if self.pos >= self.end {
            return None;
        }
        let header = Header::read(self.message, self.pos).ok()?;
        self.pos = header.line_range.end;
        Some(header)
    }
}
