//! One accepted connection.

use core::net::SocketAddr;
use std::collections::VecDeque;

use bytes::BytesMut;

use super::page::Page;
use crate::base::{Instant, Payload};
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;
use crate::tunnel::http::exchange::Reader;
use crate::tunnel::session::RecordReader;

/// What a connection is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing: a request head is awaited.
    Head,
    /// The body of a hello.
    Hello,
    /// The body of a POST to a session. Until a record of it opens it is a stranger's.
    Up { session: usize, chunked: bool, proved: bool },
    /// The response that carries frames down. `started`: its head was written.
    Down { session: usize, chunked: bool, started: bool },
    /// A body that nobody wants; then comes the answer.
    Skip(Page),
    /// The last answer is being written; then the connection is closed.
    Closing,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub peer: SocketAddr,
    pub reader: Reader,
    pub phase: Phase,
    /// The partial record at the end of an uplink's body.
    pub lane: RecordReader,
    /// A hello's body so far.
    pub body: Vec<u8>,
    /// Body bytes of the present request.
    pub body_len: u64,
    /// The present request was HTTP/1.1 and did not ask to close.
    pub keep_alive: bool,
    /// The session that was proved on it, now or in a former exchange.
    pub session: Option<usize>,
    /// A write is with the driver.
    pub writing: bool,
    /// Since when.
    pub writing_since: Instant,
    /// Answers that wait for it.
    pub waiting: BytesMut,
    pub last_received: Instant,
}

impl Connection {
    pub fn new(peer: SocketAddr, now: Instant) -> Connection {
        Connection {
            peer,
            reader: Reader::requests(),
            phase: Phase::Head,
            lane: RecordReader::new(),
            body: Vec::new(),
            body_len: 0,
            keep_alive: true,
            session: None,
            writing: false,
            writing_since: now,
            waiting: BytesMut::new(),
            last_received: now,
        }
    }

    /// Writes `payload`, behind what waits.
    pub fn write(
        &mut self,
        now: Instant,
        conn: ConnId,
        payload: Payload,
        output: &mut VecDeque<TunnelOutput>,
    ) {
        if self.writing {
            self.waiting.extend_from_slice(&payload);
            return;
        }
        self.writing = true;
        self.writing_since = now;
        output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
    }
}
