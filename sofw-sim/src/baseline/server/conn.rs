//! One accepted connection: what comes on it, by carrier.

use sofw_core::base::Rng;
use sofw_core::io::ConnId;
use sofw_core::tunnel::http::exchange::{Piece, Reader};

use crate::baseline::Carrier;
use crate::baseline::carrier::http;
use crate::baseline::carrier::tls::{self, Record, Records};
use crate::baseline::message::Broken;
use crate::baseline::pipe::Pipe;

#[derive(Debug)]
pub(super) struct Conn {
    pub pipe: Pipe,
    pub session: Option<u64>,
    inbound: Inbound,
}

#[derive(Debug)]
enum Inbound {
    Http { reader: Box<Reader>, get: bool },
    Tls { records: Records, greeted: bool },
    Raw { begun: bool },
}

/// What came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// The connection carries up (and down, without a token) for this session.
    Up(Option<String>),
    /// It carries down for this session.
    Down(Option<String>),
    /// A piece of the stream.
    Data(Vec<u8>),
    /// It is over: the exchange ended, or it was nobody of ours.
    Over,
}

impl Conn {
    pub fn new(conn: ConnId, carrier: Carrier) -> Self {
        let inbound = match carrier {
            Carrier::Http => Inbound::Http { reader: Box::new(Reader::requests()), get: false },
            Carrier::Tls => Inbound::Tls { records: Records::default(), greeted: false },
            Carrier::Raw => Inbound::Raw { begun: false },
        };
        Conn { pipe: Pipe::accepted(conn), session: None, inbound }
    }

    /// The next thing in `input`, which is advanced.
    pub fn next(&mut self, input: &mut &[u8], rng: &mut Rng) -> Result<Option<Heard>, Broken> {
        match &mut self.inbound {
            Inbound::Http { reader, get } => http_next(reader, get, &mut self.pipe, input),
            Inbound::Tls { records, greeted } => {
                records.push(core::mem::take(input));
                Ok(match (records.next()?, *greeted) {
                    (None, _) => None,
                    (Some(Record::Hello), false) => {
                        *greeted = true;
                        self.pipe.say(&tls::server_hello(rng));
                        Some(Heard::Up(None))
                    }
                    (Some(Record::Data(data)), true) => Some(Heard::Data(data)),
                    _ => return Err(Broken),
                })
            }
            Inbound::Raw { begun } => {
                if input.is_empty() {
                    return Ok(None);
                }
                if !*begun {
                    *begun = true;
                    return Ok(Some(Heard::Up(None)));
                }
                Ok(Some(Heard::Data(core::mem::take(input).to_vec())))
            }
        }
    }
}

fn http_next(
    reader: &mut Reader,
    get: &mut bool,
    pipe: &mut Pipe,
    input: &mut &[u8],
) -> Result<Option<Heard>, Broken> {
    loop {
        let Some(piece) = reader.next(input).map_err(|_| Broken)? else { return Ok(None) };
        match piece {
            Piece::Head => {
                let head = reader.request().map_err(|_| Broken)?;
                *get = head.method == "GET";
                let token = head.path().and_then(http::token).map(str::to_owned);
                match (head.method, token) {
                    ("GET", Some(token)) => {
                        pipe.say(http::RESPONSE.as_bytes());
                        return Ok(Some(Heard::Down(Some(token))));
                    }
                    ("POST", Some(token)) => return Ok(Some(Heard::Up(Some(token)))),
                    _ => {
                        pipe.say(http::NOT_FOUND.as_bytes());
                        return Ok(Some(Heard::Over));
                    }
                }
            }
            Piece::Body(data) => return Ok(Some(Heard::Data(data.to_vec()))),
            // A GET has no body and stays open; a POST that ends was cut by somebody between.
            Piece::End if *get => {}
            Piece::End => return Ok(Some(Heard::Over)),
        }
    }
}
