//! The connection or connections of one attempt, and how far it has come.

use sofw_core::base::{Instant, Rng};
use sofw_core::io::{ConnId, ConnNames, Endpoint, Output};
use sofw_core::tunnel::http::exchange::{Piece, Reader};
use sofw_core::tunnel::http::head::Asked;

use super::TunnelClientConfig;
use crate::baseline::carrier::http::{self, TOKEN_MAX};
use crate::baseline::carrier::tls::{self, Record, Records};
use crate::baseline::message::Decoder;
use crate::baseline::pipe::Pipe;
use crate::baseline::queue::Queue;
use crate::baseline::{Carrier, Kind};

#[derive(Debug)]
pub(super) struct Link {
    carrier: Carrier,
    up: Pipe,
    /// The GET of [`Carrier::Http`].
    down: Option<Pipe>,
    stage: Stage,
    /// Names the session in both requests.
    token: String,
    /// Responses on the way down (or to CONNECT), and on the way up.
    answers: Reader,
    up_answers: Reader,
    /// The response that is being read is an interim one (RFC 9110 §15.2).
    interim: bool,
    records: Records,
    pub decoder: Decoder,
    /// When something last came, or the attempt began.
    pub heard: Instant,
    /// The server has spoken.
    pub answered: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Connecting,
    /// CONNECT is not answered.
    Proxy,
    /// The ServerHello is due.
    Hello,
    Carrying,
}

/// Why a link is of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// A status other than success.
    No,
    /// The exchange ended.
    Over,
    /// Something that is not of this protocol.
    Nonsense,
}

impl Link {
    pub fn new(now: Instant, config: &TunnelClientConfig, names: &mut ConnNames, rng: &mut Rng) -> Self {
        let carrier = config.kind.carrier;
        let mut answers = Reader::responses();
        if carrier == Carrier::Tls {
            answers.asked(Asked::Connect);
        }
        Link {
            carrier,
            down: (carrier == Carrier::Http).then(|| Pipe::opening(names.next_name())),
            up: Pipe::opening(names.next_name()),
            stage: Stage::Connecting,
            token: rng.token(TOKEN_MAX),
            answers,
            up_answers: Reader::responses(),
            interim: false,
            records: Records::of_server(),
            decoder: Decoder::new(config.kind),
            heard: now,
            answered: false,
        }
    }

    /// The GET first, so that the server has a way to answer by.
    pub fn conns(&self) -> impl Iterator<Item = ConnId> + use<> {
        self.down.as_ref().map(|pipe| pipe.conn).into_iter().chain([self.up.conn])
    }

    pub fn is_mine(&self, conn: ConnId) -> bool {
        self.conns().any(|mine| mine == conn)
    }

    pub fn connected(&mut self, conn: ConnId, config: &TunnelClientConfig, rng: &mut Rng) {
        let proxy = config.proxy.as_ref().map(|proxy| proxy.credentials.as_ref());
        match (self.carrier, proxy) {
            (Carrier::Http, _) => {
                let (pipe, method) = match &mut self.down {
                    Some(down) if down.conn == conn => (down, "GET"),
                    _ => (&mut self.up, "POST"),
                };
                pipe.say(http::request(method, &config.server, &self.token, proxy).as_bytes());
                pipe.opened();
                self.stage = Stage::Carrying;
            }
            (Carrier::Tls, Some(credentials)) => {
                self.up.say(http::connect(&config.server, credentials).as_bytes());
                self.up.opened();
                self.stage = Stage::Proxy;
            }
            (Carrier::Tls, None) => {
                self.up.opened();
                self.hello(&config.server, rng);
            }
            (Carrier::Raw, _) => {
                self.up.opened();
                self.stage = Stage::Carrying;
            }
        }
    }

    fn hello(&mut self, server: &Endpoint, rng: &mut Rng) {
        let name = match server {
            Endpoint::Addr(addr) => addr.ip().to_string(),
            Endpoint::Name(name, _) => name.clone(),
        };
        self.up.say(&tls::client_hello(&name, rng));
        self.stage = Stage::Hello;
    }

    /// Takes bytes; what they carry goes to [`Link::decoder`].
    pub fn received(
        &mut self,
        conn: ConnId,
        bytes: &[u8],
        server: &Endpoint,
        rng: &mut Rng,
    ) -> Result<(), Said> {
        let mut rest = bytes;
        match self.carrier {
            Carrier::Http if conn == self.up.conn => self.answer_to_post(rest),
            Carrier::Http => self.answer_to_get(rest),
            Carrier::Raw => {
                self.decoder.push(rest);
                Ok(())
            }
            Carrier::Tls => {
                if self.stage == Stage::Proxy {
                    if !self.tunnel_opened(&mut rest)? {
                        return Ok(());
                    }
                    self.hello(server, rng);
                }
                self.records(rest)
            }
        }
    }

    fn answer_to_get(&mut self, mut rest: &[u8]) -> Result<(), Said> {
        while let Some(piece) = self.answers.next(&mut rest).map_err(|_| Said::Nonsense)? {
            match piece {
                Piece::Head => match self.answers.response().map(|head| head.status) {
                    Ok(status @ 100..300) => self.interim = status < 200,
                    _ => return Err(Said::No),
                },
                Piece::Body(data) => self.decoder.push(data),
                Piece::End if self.interim => {}
                Piece::End => return Err(Said::Over),
            }
        }
        Ok(())
    }

    /// The POST never ends, so an answer to it is bad news, unless it is an interim one.
    fn answer_to_post(&mut self, mut rest: &[u8]) -> Result<(), Said> {
        while let Some(piece) = self.up_answers.next(&mut rest).map_err(|_| Said::Nonsense)? {
            if piece == Piece::Head {
                match self.up_answers.response().map(|head| head.status) {
                    Ok(100..200) => {}
                    Ok(200..300) => return Err(Said::Over),
                    _ => return Err(Said::No),
                }
            }
        }
        Ok(())
    }

    /// Whether the proxy has opened the way.
    fn tunnel_opened(&mut self, rest: &mut &[u8]) -> Result<bool, Said> {
        while let Some(piece) = self.answers.next(rest).map_err(|_| Said::Nonsense)? {
            if piece == Piece::Head {
                match self.answers.response().map(|head| head.status) {
                    Ok(100..200) => {}
                    Ok(200..300) => {
                        // Its end comes without more bytes: what follows is the server's.
                        return Ok(true);
                    }
                    _ => return Err(Said::No),
                }
            }
        }
        Ok(false)
    }

    fn records(&mut self, rest: &[u8]) -> Result<(), Said> {
        self.records.push(rest);
        while let Some(record) = self.records.next().map_err(|_| Said::Nonsense)? {
            match (record, self.stage) {
                (Record::Hello, Stage::Hello) => self.stage = Stage::Carrying,
                (Record::Data(data), Stage::Carrying) => self.decoder.push(&data),
                _ => return Err(Said::Nonsense),
            }
        }
        Ok(())
    }

    pub fn written(&mut self, conn: ConnId) {
        for pipe in self.down.iter_mut().chain([&mut self.up]) {
            if pipe.conn == conn {
                pipe.written();
            }
        }
    }

    pub fn flush(&mut self, kind: &Kind, queue: &mut Queue) -> Option<Output> {
        if let Some(write) = self.down.as_mut().and_then(|down| down.flush(kind, None)) {
            return Some(write);
        }
        let queue = (self.stage == Stage::Carrying).then_some(queue);
        self.up.flush(kind, queue)
    }
}
