//! One connection's incoming messages, cut anywhere.

use sofw_core::tunnel::http::chunked::Decoder;

use super::{HEAD_MAX, Head, Length, Malformed};

/// Takes the bytes of one connection and gives the pieces of its messages.
#[derive(Clone, Debug)]
pub struct Reader {
    side: Side,
    state: State,
    head: Vec<u8>,
    /// Where the line that is being read begins in `head`.
    line: usize,
}

/// What came next.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A whole head and how its body ends.
    Head(Head, Length),
    /// Some of the body.
    Body(&'a [u8]),
    /// The message is over.
    End,
}

/// What a response answers, as far as its framing depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// GET, POST, …
    Plain,
    /// HEAD: never a body.
    Head,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Requests,
    Responses(Asked),
}

#[derive(Clone, Debug)]
enum State {
    Head,
    Bytes(u64),
    Chunked(Decoder),
    UntilClose,
    Failed(Malformed),
}

impl Reader {
    /// For the client's side.
    pub fn requests() -> Reader {
        Reader { side: Side::Requests, state: State::Head, head: Vec::new(), line: 0 }
    }

    /// For the server's side.
    pub fn responses() -> Reader {
        Reader { side: Side::Responses(Asked::Plain), ..Reader::requests() }
    }

    /// The next response answers such a request.
    pub fn asked(&mut self, asked: Asked) {
        self.side = Side::Responses(asked);
    }

    /// The next piece of `input`, which is advanced; `None` when it is used up. Nothing can be read after an error.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
        let next = self.step(input);
        if let Err(error) = next {
            self.state = State::Failed(error);
        }
        next
    }

    /// The connection ended: whether that ends a message in order.
    pub fn close(&mut self) -> bool {
        let in_order = matches!(self.state, State::UntilClose);
        self.state = State::Failed(Malformed(400));
        in_order
    }

    fn step<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
        match &mut self.state {
            State::Failed(error) => Err(*error),
            State::Head => {
                if !self.fill_head(input)? {
                    return Ok(None);
                }
                let (head, length) = self.parse()?;
                self.head.clear();
                self.line = 0;
                self.state = match length {
                    Length::Empty => State::Bytes(0),
                    Length::Bytes(left) => State::Bytes(left),
                    Length::Chunked => State::Chunked(Decoder::default()),
                    Length::UntilClose => State::UntilClose,
                };
                Ok(Some(Piece::Head(head, length)))
            }
            State::Bytes(0) => {
                self.state = State::Head;
                Ok(Some(Piece::End))
            }
            State::Bytes(left) => {
                let take = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= take as u64;
                let (data, rest) = input.split_at(take);
                *input = rest;
                Ok((take > 0).then_some(Piece::Body(data)))
            }
            State::Chunked(decoder) => {
                let data = decoder.next(input).map_err(|error| Malformed(error.status()))?;
                if data.is_none() && decoder.is_done() {
                    self.state = State::Head;
                    return Ok(Some(Piece::End));
                }
                Ok(data.map(Piece::Body))
            }
            State::UntilClose => {
                let data = core::mem::take(input);
                Ok((!data.is_empty()).then_some(Piece::Body(data)))
            }
        }
    }

    /// Moves bytes into the head line by line; true when its empty line is there.
    fn fill_head(&mut self, input: &mut &[u8]) -> Result<bool, Malformed> {
        while !input.is_empty() {
            let end = input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |at| at + 1);
            let (part, rest) = input.split_at(end);
            *input = rest;
            if self.head.len() + part.len() > HEAD_MAX {
                return Err(Malformed(431));
            }
            self.head.extend_from_slice(part);
            if !part.ends_with(b"\n") {
                // Of a first line that is no HTTP (TLS, say) the end need not be waited for.
                if self.head.first().is_some_and(|byte| !byte.is_ascii_alphabetic() && *byte != b'\r') {
                    return Err(Malformed(400));
                }
                return Ok(false);
            }
            let is_empty = matches!(self.head.get(self.line..), Some(b"\r\n" | b"\n"));
            // RFC 9112 §2.2: empty lines before a start line are ignored.
            if is_empty && self.line == 0 {
                self.head.clear();
                continue;
            }
            self.line = self.head.len();
            if is_empty {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn parse(&self) -> Result<(Head, Length), Malformed> {
        match self.side {
            Side::Requests => {
                let head = Head::request(&self.head)?;
                // RFC 9110 §9.3.6: CONNECT has no body; what follows is the tunnel's.
                let length = if head.method() == "CONNECT" { None } else { head.declared()? };
                Ok((head, length.unwrap_or(Length::Empty)))
            }
            Side::Responses(asked) => {
                let head = Head::response(&self.head)?;
                let status = head.status();
                let bodiless = asked == Asked::Head || status < 200 || matches!(status, 204 | 304);
                let length = if bodiless {
                    Length::Empty
                } else {
                    head.declared().map_err(|_| Malformed(502))?.unwrap_or(Length::UntilClose)
                };
                Ok((head, length))
            }
        }
    }
}
