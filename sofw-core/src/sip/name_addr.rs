//! Addresses in From, To, Contact, Route, Record-Route (RFC 3261 §20.10, §25.1 name-addr / addr-spec).

use core::ops::Range;

use super::lex::{Cursor, is_token, is_ws, text};
use super::{Params, Uri, Values};

/// One address with its header parameters.
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    display: &'a [u8],
    uri: Uri<'a>,
    tag: Option<&'a str>,
    params: Params<'a>,
    uri_start: usize,
    start: usize,
    end: usize,
}

impl<'a> NameAddr<'a> {
    /// The address in `range` of `message`.
    pub(super) fn parse(message: &'a [u8], range: Range<usize>) -> Result<NameAddr<'a>, &'static str> {
        let mut cursor = Cursor::new(message, range.clone());
        cursor.skip_ws();
        let first = cursor.pos;
        if cursor.peek() == Some(b'"') {
            if !cursor.skip_quoted() {
                return Err("Quoted string does not end"); // RFC 4475 §3.1.2.6
            }
            cursor.skip_ws();
            if cursor.peek() != Some(b'<') {
                return Err("No < after the display name");
            }
        } else {
            // Tokens; also bytes beyond ASCII, which phones do not always quote.
            cursor.skip_while(|b| is_token(b) || is_ws(b) || b >= 0x80);
        }
        let mut display: &[u8] = &[];
        let uri_start;
        let uri_bytes;
        if cursor.peek() == Some(b'<') {
            display = cursor.since(first).trim_ascii_end();
            cursor.pos += 1;
            uri_start = cursor.pos;
            let len = memchr::memchr(b'>', cursor.rest()).ok_or("No > after the URI")?;
            cursor.pos += len;
            uri_bytes = cursor.since(uri_start);
            cursor.pos += 1;
        } else {
            // addr-spec: parameters after it belong to the header (RFC 3261 §20).
            cursor.pos = first;
            uri_start = first;
            uri_bytes = cursor.take_while(|b| !is_ws(b) && b != b';');
            if uri_bytes.iter().any(|b| matches!(b, b'?' | b',' | b'<' | b'>' | b'"')) {
                return Err("Address needs < and >"); // RFC 3261 §20.10, RFC 4475 §3.1.2.13, §3.1.2.15
            }
        }
        let uri = text(uri_bytes).and_then(Uri::parse).ok_or_else(|| {
            // RFC 4475 §3.1.2.14
            if uri_bytes.iter().any(|b| is_ws(*b)) { "White space in a URI" } else { "Malformed URI" }
        })?;
        let params = Params::new(cursor);
        let mut tag = None;
        let mut walk = params;
        while let Some(param) = walk.try_next()? {
            if tag.is_none() && param.name.eq_ignore_ascii_case(b"tag") {
                tag = param.value.map(|value| text(value).ok_or("Tag is not UTF-8")).transpose()?;
            }
        }
        Ok(NameAddr { display, uri, tag, params, uri_start, start: range.start, end: range.end })
    }

    /// The address written `text`, on its own.
    pub fn parse_str(text: &'a str) -> Option<NameAddr<'a>> {
        NameAddr::parse(text.as_bytes(), 0..text.len()).ok()
    }

    /// The display name as written, with its quotes; may be no UTF-8.
    pub const fn display(&self) -> &'a [u8] {
        self.display
    }

    /// The URI.
    pub const fn uri(&self) -> Uri<'a> {
        self.uri
    }

    /// Where the URI stands in the message, without `<` and `>`.
    pub const fn uri_range(&self) -> Range<usize> {
        self.uri_start..self.uri_start + self.uri.as_str().len()
    }

    /// The `tag` parameter (From and To).
    pub const fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The value of a header parameter; `Some("")` for a flag.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.find(name).map(|param| param.value.unwrap_or(""))
    }

    /// All header parameters.
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// Where the whole value stands in the message.
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// All addresses of one header name, in order. `Contact: *` gives none; see [`super::Message::contact_is_star`].
#[derive(Clone, Debug)]
pub struct NameAddrs<'a>(pub(super) Values<'a, 'static>);

impl<'a> Iterator for NameAddrs<'a> {
    type Item = NameAddr<'a>;
    fn next(&mut self) -> Option<NameAddr<'a>> {
        let value = self.0.next()?;
        NameAddr::parse(self.0.message(), value.range).ok()
    }
}
