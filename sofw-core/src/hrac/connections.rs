//! SIP over TCP towards phones: framing, reuse, one write under way per connection.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::base::{Deadline, Expiring, Instant, Payload, Transport};
use crate::config::limits::{PHONE_LIFE, SIP_CONNECTION_QUEUE_MAX, SIP_CONNECTIONS_MAX};
use crate::io::{ConnId, ConnNames, Endpoint, Output};
use crate::sip::{Framed, Framer, FramingError};
use crate::tunnel::RaHeader;

/// All SIP connections.
#[derive(Debug)]
pub(super) struct Connections {
    names: ConnNames,
    all: BTreeMap<ConnId, Connection>,
    by_peer: BTreeMap<SocketAddr, ConnId>,
    idle: Expiring<ConnId>,
}

#[derive(Debug)]
struct Connection {
    peer: SocketAddr,
    listener: u16,
    framer: Framer,
    is_open: bool,
    is_writing: bool,
    queue: VecDeque<Payload>,
    queued: usize,
}

impl Connections {
    pub(super) fn new(names: ConnNames) -> Self {
        Connections {
            names,
            all: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            idle: Expiring::new("idle SIP connection"),
        }
    }

    /// A phone connected.
    pub(super) fn handle_accepted(
        &mut self,
        now: Instant,
        conn: ConnId,
        listener: u16,
        peer: SocketAddr,
        out: &mut VecDeque<Output>,
    ) {
        if self.all.len() >= SIP_CONNECTIONS_MAX || self.all.contains_key(&conn) {
            out.push_back(Output::Close(conn));
            return;
        }
        self.insert(now, conn, Connection::new(peer, listener, true));
    }

    /// A connection that we asked for is up.
    pub(super) fn handle_connected(&mut self, conn: ConnId, out: &mut VecDeque<Output>) {
        match self.all.get_mut(&conn) {
            Some(connection) => {
                connection.is_open = true;
                connection.write_next(conn, out);
            }
            // Given up meanwhile.
            None => out.push_back(Output::Close(conn)),
        }
    }

    /// The write under way is done.
    pub(super) fn handle_written(&mut self, conn: ConnId, out: &mut VecDeque<Output>) {
        if let Some(connection) = self.all.get_mut(&conn) {
            connection.is_writing = false;
            connection.write_next(conn, out);
        }
    }

    /// Bytes arrived. Gives who sent them: phone and listener.
    pub(super) fn push(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) -> Option<(RaHeader, u16)> {
        let connection = self.all.get_mut(&conn)?;
        connection.framer.push(bytes);
        self.idle.set(conn, now + PHONE_LIFE);
        Some((connection.phone(), connection.listener))
    }

    /// The next message or keep-alive of a connection.
    pub(super) fn next(&mut self, conn: ConnId) -> Result<Option<Framed>, FramingError> {
        self.all.get_mut(&conn).map_or(Ok(None), |connection| connection.framer.next())
    }

    /// Sends to a phone; opens a connection if there is none. `Err` gives the message up: its connection is gone, or
    /// takes nothing more.
    pub(super) fn send(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        listener: u16,
        message: Payload,
        out: &mut VecDeque<Output>,
    ) -> Result<(), ()> {
        let conn = match self.by_peer.get(&peer) {
            Some(&conn) => conn,
            None if self.all.len() >= SIP_CONNECTIONS_MAX => return Err(()),
            None => {
                let conn = self.names.next_name();
                self.insert(now, conn, Connection::new(peer, listener, false));
                out.push_back(Output::Connect { conn, to: Endpoint::Addr(peer) });
                conn
            }
        };
        self.reply(now, conn, message, out)
    }

    /// Sends on a connection.
    pub(super) fn reply(
        &mut self,
        now: Instant,
        conn: ConnId,
        message: Payload,
        out: &mut VecDeque<Output>,
    ) -> Result<(), ()> {
        let connection = self.all.get_mut(&conn).ok_or(())?;
        if connection.queued + message.len() > SIP_CONNECTION_QUEUE_MAX {
            // A phone that reads nothing: its connection is of no use any more.
            out.push_back(Output::Close(conn));
            self.handle_gone(conn);
            return Err(());
        }
        connection.queued += message.len();
        connection.queue.push_back(message);
        connection.write_next(conn, out);
        self.idle.set(conn, now + PHONE_LIFE);
        Ok(())
    }

    /// A connection is gone. Gives the phone if messages to it were lost.
    pub(super) fn handle_gone(&mut self, conn: ConnId) -> Option<RaHeader> {
        let connection = self.all.remove(&conn)?;
        self.idle.clear(conn);
        if self.by_peer.get(&connection.peer) == Some(&conn) {
            self.by_peer.remove(&connection.peer);
        }
        (connection.is_writing || !connection.queue.is_empty()).then(|| connection.phone())
    }

    /// Takes a connection that has been idle too long.
    pub(super) fn pop_idle(&mut self, now: Instant) -> Option<ConnId> {
        self.idle.pop_due(now)
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        self.idle.next()
    }

    fn insert(&mut self, now: Instant, conn: ConnId, connection: Connection) {
        self.by_peer.insert(connection.peer, conn);
        self.all.insert(conn, connection);
        self.idle.set(conn, now + PHONE_LIFE);
    }
}

impl Connection {
    fn new(peer: SocketAddr, listener: u16, is_open: bool) -> Self {
        Connection {
            peer,
            listener,
            framer: Framer::new(),
            is_open,
            is_writing: false,
            queue: VecDeque::new(),
            queued: 0,
        }
    }

    fn phone(&self) -> RaHeader {
        RaHeader { transport: Transport::Tcp, addr: self.peer }
    }

    fn write_next(&mut self, conn: ConnId, out: &mut VecDeque<Output>) {
        if !self.is_open || self.is_writing {
            return;
        }
        if let Some(payload) = self.queue.pop_front() {
            self.queued -= payload.len();
            self.is_writing = true;
            out.push_back(Output::Write { conn, payload });
        }
    }
}
