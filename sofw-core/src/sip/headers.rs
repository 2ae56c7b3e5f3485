//! Header lines.

use core::ops::Range;

pub use super::header_name::HeaderName;
use super::lex::{Cursor, is_ws, text};

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
        Line::read(message, pos).map(|line| line.header(message))
    }
}

/// The cuts of a header line, before anything is made of them.
pub(super) struct Line {
    pub name: Option<HeaderName<'static>>,
    pub start: usize,
    pub name_end: usize,
    pub value: Range<usize>,
    pub end: usize,
}

impl Line {
    /// Cuts the header line that begins at `start`.
    pub fn read(message: &[u8], start: usize) -> Result<Line, &'static str> {
        let mut cursor = Cursor { bytes: message, pos: start };
        let name = cursor.token();
        let name_end = cursor.pos;
        // RFC 3261 §25.1 HCOLON: blanks before the colon.
        cursor.skip_while(|b| b == b' ' || b == b'\t');
        if name.is_empty() || !cursor.eat(b':') {
            return Err("Malformed header field");
        }
        let end = line_end(message, cursor.pos)?;
        let mut value = cursor.pos..end - 2;
        while value.start < value.end && message.get(value.start).is_some_and(|b| is_ws(*b)) {
            value.start += 1;
        }
        while value.start < value.end && message.get(value.end - 1).is_some_and(|b| is_ws(*b)) {
            value.end -= 1;
        }
        Ok(Line { name: HeaderName::known(name), start, name_end, value, end })
    }

    /// The view of this line of `message`.
    pub fn header<'a>(&self, message: &'a [u8]) -> Header<'a> {
        let raw_name = message.get(self.start..self.name_end).and_then(text).unwrap_or_default();
        Header {
            name: self.name.unwrap_or(HeaderName::Other(raw_name)),
            raw_name,
            value: message.get(self.value.clone()).unwrap_or_default(),
            value_range: self.value.clone(),
            line_range: self.start..self.end,
        }
    }

    /// Whether this is a line `name`.
    pub fn is(&self, message: &[u8], name: &HeaderName<'_>) -> bool {
        match (self.name, name) {
            (None, HeaderName::Other(other)) => message
                .get(self.start..self.name_end)
                .is_some_and(|n| n.eq_ignore_ascii_case(other.as_bytes())),
            (Some(known), name) => known == *name,
            (None, _) => false,
        }
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

/// The header fields of one name, in order.
#[derive(Clone, Debug)]
pub struct Lines<'a, 'n> {
    name: HeaderName<'n>,
    message: &'a [u8],
    pos: usize,
    end: usize,
    /// No second one follows.
    single: bool,
}

impl<'a, 'n> Lines<'a, 'n> {
    pub(super) const fn new(headers: Headers<'a>, name: HeaderName<'n>, single: bool) -> Self {
        Lines { name, message: headers.message, pos: headers.pos, end: headers.end, single }
    }

    pub(super) const fn message(&self) -> &'a [u8] {
        self.message
    }
}

impl<'a> Iterator for Lines<'a, '_> {
    type Item = Header<'a>;
    fn next(&mut self) -> Option<Header<'a>> {
        while self.pos < self.end {
            let line = Line::read(self.message, self.pos).ok()?;
            self.pos = line.end;
            if line.is(self.message, &self.name) {
                if self.single {
                    self.pos = self.end;
                }
                return Some(line.header(self.message));
            }
        }
        None
    }
}
