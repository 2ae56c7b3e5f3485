//! One connection's incoming messages, one after the other: heads are kept, bodies pass through.

use super::HttpError;
use super::chunked::Decoder;
use super::head::{Asked, BodyLength, RequestHead, ResponseHead};
use crate::config::limits::HTTP_HEAD_MAX;

/// Takes the bytes of one connection, cut anywhere, and gives the [`Piece`]s of its messages.
#[derive(Clone, Debug)]
pub struct Reader {
    side: Side,
    state: State,
    /// The head of the message that is being read; empty line included once it is whole.
    head: Vec<u8>,
}

/// What came next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// A head is complete: see [`Reader::request`] or [`Reader::response`].
    Head,
    /// Some of the body.
    Body(&'a [u8]),
    /// The message is over; the next begins with a head.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Requests,
    Responses(Asked),
}

#[derive(Clone, Debug)]
enum State {
    Head,
    /// The head was given out; then comes the body.
    Body(BodyLength),
    Length(u64),
    Chunked(Decoder),
    UntilClose,
    Failed(HttpError),
}

impl Reader {
    /// For a server.
    pub fn requests() -> Reader {
        Reader { side: Side::Requests, state: State::Head, head: Vec::new() }
    }

    /// For a client. Say by [`Reader::asked`] what the next response answers.
    pub fn responses() -> Reader {
        Reader { side: Side::Responses(Asked::Plain), state: State::Head, head: Vec::new() }
    }

    /// The next response answers such a request.
    pub fn asked(&mut self, asked: Asked) {
        self.side = Side::Responses(asked);
    }

    /// The next piece of `input`, which is advanced. `None` when the input is used up. After an error the connection
    /// is of no use.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, HttpError> {
        let next = self.step(input);
        if let Err(error) = next {
            self.state = State::Failed(error);
        }
        next
    }

    /// The connection ended: `Ok(true)` if that also ends a message, `Ok(false)` if none was being read.
    pub fn close(&mut self) -> Result<bool, HttpError> {
        match &self.state {
            State::Head if self.head.is_empty() => Ok(false),
            State::UntilClose | State::Body(BodyLength::UntilClose | BodyLength::Empty) => {
                self.restart();
                Ok(true)
            }
            State::Failed(error) => Err(*error),
            _ => Err(HttpError::Truncated),
        }
    }

    /// The request head, from [`Piece::Head`] until [`Piece::End`].
    pub fn request(&self) -> Result<RequestHead<'_>, HttpError> {
        RequestHead::parse(&self.head)
    }

    /// The response head, from [`Piece::Head`] until [`Piece::End`].
    pub fn response(&self) -> Result<ResponseHead<'_>, HttpError> {
        ResponseHead::parse(&self.head)
    }

    /// Whether a message has begun and is not over.
    pub fn is_inside(&self) -> bool {
        !matches!(self.state, State::Head) || !self.head.is_empty()
    }

    fn step<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, HttpError> {
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(*error),
                State::Head => {
                    if !self.fill_head(input)? {
                        return Ok(None);
                    }
                    let body = self.body_length()?;
                    self.state = State::Body(body);
                    return Ok(Some(Piece::Head));
                }
                State::Body(length) => {
                    self.state = match *length {
                        BodyLength::Empty => return Ok(Some(self.end())),
                        BodyLength::Length(left) => State::Length(left),
                        BodyLength::Chunked => State::Chunked(Decoder::default()),
                        BodyLength::UntilClose => State::UntilClose,
                    };
                }
                State::Length(0) => return Ok(Some(self.end())),
                State::Length(left) => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let take = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left = left.saturating_sub(take as u64);
                    let (data, rest) = input.split_at(take);
                    *input = rest;
                    return Ok(Some(Piece::Body(data)));
                }
                State::Chunked(decoder) => {
                    if let Some(data) = decoder.next(input)? {
                        return Ok(Some(Piece::Body(data)));
                    }
                    let done = decoder.is_done();
                    return Ok(done.then(|| self.end()));
                }
                State::UntilClose => {
                    let data = core::mem::take(input);
                    return Ok((!data.is_empty()).then_some(Piece::Body(data)));
                }
            }
        }
    }

    /// Moves bytes from `input` into the head; true when it is whole.
    fn fill_head(&mut self, input: &mut &[u8]) -> Result<bool, HttpError> {
        while let Some((&byte, rest)) = input.split_first() {
            // RFC 9112 §2.2: empty lines before a request line are ignored.
            if self.head.is_empty() && matches!(byte, b'\r' | b'\n') {
                *input = rest;
                continue;
            }
            // A head begins with a token; anything else (TLS, say) need not be waited for.
            if self.head.is_empty() && !byte.is_ascii_alphabetic() {
                return Err(HttpError::Malformed);
            }
            let line = input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |at| at + 1);
            let (line, rest) = input.split_at(line);
            if self.head.len() + line.len() > HTTP_HEAD_MAX {
                return Err(HttpError::HeadTooLong);
            }
            self.head.extend_from_slice(line);
            *input = rest;
            if line.ends_with(b"\n") {
                if !self.head.ends_with(b"\r\n") {
                    return Err(HttpError::BareLineEnd);
                }
                if self.head.ends_with(b"\r\n\r\n") {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn body_length(&self) -> Result<BodyLength, HttpError> {
        match self.side {
            Side::Requests => self.request()?.body(),
            Side::Responses(asked) => self.response()?.body(asked),
        }
    }

    fn end<'a>(&mut self) -> Piece<'a> {
        self.restart();
        Piece::End
    }

    fn restart(&mut self) {
        self.state = State::Head;
        self.head.clear();
    }
}
