//! `;name=value` lists of header values (RFC 3261 §25.1 generic-param).

use core::ops::Range;

use super::lex::{Cursor, is_token, is_ws, text};

/// The parameters after a Via or an address.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    cursor: Cursor<'a>,
}

/// One parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Param<'a> {
    /// Its name as written; names are case-insensitive.
    pub name: &'a str,
    /// Its value as written, with the quotes of a quoted string; `None` for a flag.
    pub value: Option<&'a str>,
    /// Where it stands in the message: from its semicolon to its last byte.
    pub range: Range<usize>,
}

impl<'a> Params<'a> {
    pub(super) const fn new(cursor: Cursor<'a>) -> Self {
        Params { cursor }
    }

    /// The first parameter `name`.
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        let mut params = *self;
        while let Ok(Some(raw)) = params.try_next() {
            if raw.name.eq_ignore_ascii_case(name.as_bytes()) {
                return raw.view();
            }
        }
        None
    }

    /// The next parameter; `Ok(None)` at the end of the list.
    pub(super) fn try_next(&mut self) -> Result<Option<RawParam<'a>>, &'static str> {
        let cursor = &mut self.cursor;
        cursor.skip_ws();
        if cursor.at_end() {
            return Ok(None);
        }
        let start = cursor.pos;
        if !cursor.eat(b';') {
            return Err("Malformed parameter");
        }
        cursor.skip_ws();
        let name = cursor.token();
        if name.is_empty() {
            return Err("Empty parameter"); // RFC 4475 §3.1.2.1
        }
        let mut end = cursor.pos;
        cursor.skip_ws();
        let mut value = None;
        if cursor.eat(b'=') {
            cursor.skip_ws();
            let from = cursor.pos;
            if cursor.peek() == Some(b'"') {
                if !cursor.skip_quoted() {
                    return Err("Quoted string does not end");
                }
            } else {
                // Wider than token and host: URIs and IPv6 addresses without brackets stand here in practice
                // (RFC 5118 §4.5).
                cursor.skip_while(is_value);
            }
            end = cursor.pos;
            value = Some(cursor.since(from));
        }
        Ok(Some(RawParam { name, value, start, end }))
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;
    fn next(&mut self) -> Option<Param<'a>> {
        self.try_next().ok().flatten().and_then(|raw| raw.view())
    }
}

/// A parameter before anything is made of it.
pub(super) struct RawParam<'a> {
    pub name: &'a [u8],
    pub value: Option<&'a [u8]>,
    start: usize,
    end: usize,
}

impl<'a> RawParam<'a> {
    /// As text; a value that is no UTF-8 reads as empty.
    fn view(&self) -> Option<Param<'a>> {
        let value = self.value.map(|value| text(value).unwrap_or_default());
        Some(Param { name: text(self.name)?, value, range: self.start..self.end })
    }
}

const fn is_value(byte: u8) -> bool {
    is_token(byte) || !(is_ws(byte) || matches!(byte, b';' | b',' | b'"' | b'<' | b'>'))
}
