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
        Iterator::find(&mut params, |param| param.name.eq_ignore_ascii_case(name))
    }

    /// The next parameter; `Ok(None)` at the end of the list.
    pub(super) fn try_next(&mut self) -> Result<Option<Param<'a>>, &'static str> {
        let cursor = &mut self.cursor;
        cursor.skip_ws();
        if cursor.at_end() {
            return Ok(None);
        }
        let start = cursor.pos;
        if !cursor.eat(b';') {
            return Err("parameter does not begin with a semicolon");
        }
        cursor.skip_ws();
        let name = cursor.token();
        if name.is_empty() {
            return Err("empty parameter"); // RFC 4475 §3.1.2.1
        }
        let mut end = cursor.pos;
        cursor.skip_ws();
        let mut value = None;
        if cursor.eat(b'=') {
            cursor.skip_ws();
            let from = cursor.pos;
            if cursor.peek() == Some(b'"') {
                if !cursor.skip_quoted() {
                    return Err("quoted string does not end");
                }
            } else {
                // Wider than token and host: URIs and IPv6 addresses without brackets stand here in practice
                // (RFC 5118 §4.5).
                cursor.skip_while(is_value);
            }
            end = cursor.pos;
            value = Some(text(cursor.since(from)).ok_or("parameter is not UTF-8")?);
        }
        let name = text(name).unwrap_or_default();
        Ok(Some(Param { name, value, range: start..end }))
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;
    fn next(&mut self) -> Option<Param<'a>> {
        self.try_next().ok().flatten()
    }
}

const fn is_value(byte: u8) -> bool {
    is_token(byte) || !(is_ws(byte) || matches!(byte, b';' | b',' | b'"' | b'<' | b'>'))
}
