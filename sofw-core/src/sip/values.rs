//! Comma-separated values of a header name, over all its lines (RFC 3261 §7.3.1).

use core::ops::Range;

use super::headers::{HeaderName, Headers, Lines};
use super::lex::{Cursor, is_ws, text};

/// One value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value<'a> {
    /// As written, white space around it taken off.
    pub bytes: &'a [u8],
    /// Where it stands in the message.
    pub range: Range<usize>,
}

impl<'a> Value<'a> {
    /// As text; empty if it is no UTF-8.
    pub fn text(&self) -> &'a str {
        text(self.bytes).unwrap_or_default()
    }
}

/// The values of one header name. Commas inside quotes and angle brackets do not separate.
#[derive(Clone, Debug)]
pub struct Values<'a, 'n> {
    lines: Lines<'a, 'n>,
    line: Option<Cursor<'a>>,
}

impl<'a, 'n> Values<'a, 'n> {
    pub(super) const fn new(lines: Lines<'a, 'n>) -> Self {
        Values { lines, line: None }
    }

    pub(super) const fn message(&self) -> &'a [u8] {
        self.lines.message()
    }
}

impl<'a> Values<'a, 'static> {
    /// The values in the line whose value stands in `value`.
    pub(super) fn of_line(message: &'a [u8], value: Range<usize>) -> Self {
        let none = Headers::new(message, 0, 0);
        Values {
            lines: Lines::new(none, HeaderName::Other(""), true),
            line: Some(Cursor::new(message, value)),
        }
    }
}

impl<'a> Iterator for Values<'a, '_> {
    type Item = Value<'a>;
    fn next(&mut self) -> Option<Value<'a>> {
        if self.line.is_none() {
            let header = self.lines.next()?;
            self.line = Some(Cursor::new(self.lines.message(), header.value_range));
        }
        let cursor = self.line.as_mut()?;
        cursor.skip_ws();
        let start = cursor.pos;
        skip_value(cursor);
        let mut end = cursor.pos;
        while end > start && cursor.bytes.get(end - 1).is_some_and(|b| is_ws(*b)) {
            end -= 1;
        }
        if !cursor.eat(b',') {
            self.line = None;
        }
        let bytes = self.lines.message().get(start..end).unwrap_or_default();
        Some(Value { bytes, range: start..end })
    }
}

/// Passes everything up to a comma that separates, or the end.
fn skip_value(cursor: &mut Cursor<'_>) {
    while let Some(at) = memchr::memchr3(b',', b'"', b'<', cursor.rest()) {
        cursor.pos += at;
        match cursor.peek() {
            Some(b'"') => {
                cursor.skip_quoted();
            }
            Some(b'<') => match memchr::memchr(b'>', cursor.rest()) {
                Some(close) => cursor.pos += close + 1,
                None => cursor.pos = cursor.bytes.len(),
            },
            _ => return,
        }
    }
    cursor.pos = cursor.bytes.len();
}
