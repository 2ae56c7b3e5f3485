//! Bytes of the SIP grammar (RFC 3261 §25.1) and a cursor over a message.

/// A position in a message. Offsets stay those of the whole message, so that every parsed piece knows its range.
/// `bytes` ends where the piece being read ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub pos: usize,
}

impl<'a> Cursor<'a> {
    /// Over `range` of `whole`; empty if the range lies outside.
    pub fn new(whole: &'a [u8], range: core::ops::Range<usize>) -> Self {
        Cursor { bytes: whole.get(..range.end).unwrap_or_default(), pos: range.start }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    pub fn at_end(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    /// Takes `byte` if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.pos += usize::from(there);
        there
    }

    pub fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&keep) {
            self.pos += 1;
        }
    }

    /// The bytes from here on for which `keep` holds.
    pub fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.pos;
        self.skip_while(keep);
        self.since(start)
    }

    pub fn skip_ws(&mut self) {
        self.skip_while(is_ws);
    }

    pub fn token(&mut self) -> &'a [u8] {
        self.take_while(is_token)
    }

    /// What was passed since `start`.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.pos).unwrap_or_default()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    /// Passes a quoted string, the opening quote being next. `false` if it does not end.
    pub fn skip_quoted(&mut self) -> bool {
        self.pos += 1;
        loop {
            match memchr::memchr2(b'"', b'\\', self.rest()) {
                None => {
                    self.pos = self.bytes.len();
                    return false;
                }
                Some(at) => {
                    let quote = self.bytes.get(self.pos + at) == Some(&b'"');
                    self.pos += at + 1;
                    if quote {
                        return true;
                    }
                    self.pos += 1; // quoted-pair: whatever follows the backslash
                }
            }
        }
    }
}

/// White space inside a value. CR and LF occur there only as part of a fold (checked when the head is scanned), and
/// a fold is white space (RFC 3261 §7.3.1).
pub(super) const fn is_ws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Bytes of a token.
pub(super) const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

/// Text, if `bytes` are UTF-8.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

/// A decimal number of any length that fits `u64`.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
