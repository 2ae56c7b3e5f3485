//! The two kinds of connections, and the exchange between them.

use core::net::IpAddr;

use sofw_core::base::Instant;
use sofw_core::io::{ConnId, Endpoint};

use super::message::{Head, Length, Reader};
use super::outlet::Outlet;
use super::passage::Passage;

/// A connection that came in.
#[derive(Debug)]
pub(super) struct Client {
    pub peer: IpAddr,
    pub reader: Reader,
    /// Bytes that wait to be read, because their turn has not come.
    pub inbox: Vec<u8>,
    pub outlet: Outlet,
    pub stage: Stage,
    /// Reading is paused.
    pub paused: bool,
    /// When it was last alive, as far as idle limits go.
    pub last: Instant,
}

/// What a client's connection is in the middle of.
#[derive(Debug)]
pub(super) enum Stage {
    /// A request is awaited.
    Idle,
    Exchange(Box<Exchange>),
    /// Bytes pass both ways.
    Tunnel {
        origin: ConnId,
        /// The client has said something.
        begun: bool,
    },
    /// The last bytes are written; what comes is swallowed.
    Ending,
}

impl Stage {
    pub fn origin(&self) -> Option<ConnId> {
        match self {
            Stage::Exchange(exchange) => exchange.origin,
            Stage::Tunnel { origin, .. } => Some(*origin),
            Stage::Idle | Stage::Ending => None,
        }
    }
}

/// One request and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    /// The request's head, until the exchange begins.
    pub head: Option<Head>,
    pub length: Length,
    pub kind: Kind,
    pub step: Step,
    /// The client's connection goes on after it.
    pub keep: bool,
    /// The client's minor version of HTTP.
    pub minor: u8,
    pub is_head: bool,
    pub origin: Option<ConnId>,
    pub up: Option<Passage>,
    /// The request is complete.
    pub up_done: bool,
    pub down: Option<Passage>,
    /// The answer's head was sent or is held.
    pub answered: bool,
    /// The answer is complete.
    pub down_done: bool,
    /// The server is not read before the request is complete.
    pub holds_response: bool,
    /// The client's body is not read before the server has said 100.
    pub waits_for_100: bool,
    pub upgrades: bool,
    /// The whole request, to be sent again if a connection from the pool turns out to be dead.
    pub retry: Option<(Endpoint, Vec<u8>)>,
    /// Bytes of the request's body so far.
    pub received: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// No body.
    Get,
    /// With a body.
    Post,
    Connect,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Its turn has not come.
    Waiting,
    /// It was sent on.
    Passing,
    /// It was answered here; the rest of its body is swallowed.
    Refused,
    /// It will never be answered.
    Mute,
}

impl Exchange {
    pub fn reads_client(&self) -> bool {
        match self.step {
            Step::Waiting => false,
            Step::Passing => self.kind != Kind::Connect && !self.waits_for_100 && !self.up_done,
            Step::Refused | Step::Mute => !self.up_done,
        }
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Origin {
    pub to: Endpoint,
    /// The connection was asked for.
    pub asked: bool,
    pub connected: bool,
    /// Whose exchange it carries; `None` in the pool and while it ends.
    pub client: Option<ConnId>,
    pub reader: Reader,
    pub inbox: Vec<u8>,
    pub outlet: Outlet,
    pub paused: bool,
    /// Exchanges before this one.
    pub used: u32,
    /// Something of the present answer came.
    pub heard: bool,
    /// The head that was read is a 1xx: its end is not the answer's.
    pub interim: bool,
    /// It may be used again after this exchange; without a client: it waits in the pool, and is not ending.
    pub keep: bool,
    /// The server has closed it.
    pub gone: bool,
}

impl Origin {
    pub fn new(to: Endpoint, client: ConnId) -> Origin {
        Origin {
            to,
            asked: false,
            connected: false,
            client: Some(client),
            reader: Reader::responses(),
            inbox: Vec::new(),
            outlet: Outlet::default(),
            paused: false,
            used: 0,
            heard: false,
            interim: false,
            keep: false,
            gone: false,
        }
    }
}
