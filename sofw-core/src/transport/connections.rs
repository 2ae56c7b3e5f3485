//! The table of SIP TCP connections of one half.

use std::collections::{BTreeMap, VecDeque};

use core::net::SocketAddr;

use crate::base::{Deadline, Expiring, Instant, Payload};
use crate::config::limits;
use crate::event::{DropReason, Event};
use crate::fill::Fill;
use crate::io::{ConnId, ConnNames, Endpoint, Output};
use crate::sip::build::response_to_malformed;
use crate::sip::stream::{Framed, Framer};

/// What a table of connections gives its parent.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// One SIP message, framed by its Content-Length.
    Message {
        /// Index of our listener that the connection belongs to.
        listener: u16,
        /// The other end.
        peer: SocketAddr,
        /// The message.
        bytes: Payload,
    },
    /// What was sent to this peer may not have arrived: the connection failed or broke.
    Failed {
        /// Index of our listener that the connection belongs to.
        listener: u16,
        /// The other end.
        peer: SocketAddr,
    },
    /// Connections to open, write, close, and events.
    Io(Output),
}

/// SIP connections by name and by peer. At most [`limits::SIP_CONNECTIONS_MAX`], and
/// [`limits::HOST_SIP_CONNECTIONS_MAX`] from one host.
#[derive(Debug)]
pub struct Connections {
    names: ConnNames,
    by_name: BTreeMap<ConnId, Connection>,
    by_peer: BTreeMap<SocketAddr, ConnId>,
    idle: Expiring<ConnId>,
    out: VecDeque<Arrived>,
}

#[derive(Debug)]
struct Connection {
    listener: u16,
    peer: SocketAddr,
    framer: Framer,
    /// Not yet handed to the driver.
    waiting: VecDeque<Payload>,
    waiting_bytes: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// `Connect` is under way.
    Connecting,
    /// A write may be given to the driver.
    Idle,
    /// A write is under way; `Written` ends it.
    Writing,
}

impl Connections {
    /// An empty table that names the connections it opens by `names`.
    pub fn new(names: ConnNames) -> Self {
        Connections {
            names,
            by_name: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            idle: Expiring::new("idle SIP connection"),
            out: VecDeque::new(),
        }
    }

    /// Whether the connection is in this table.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.by_name.contains_key(&conn)
    }

    /// A peer connected to listener `listener`.
    pub fn handle_accepted(&mut self, now: Instant, conn: ConnId, listener: u16, peer: SocketAddr) {
        let of_host = SocketAddr::new(peer.ip(), 0)..=SocketAddr::new(peer.ip(), u16::MAX);
        if self.by_name.len() >= limits::SIP_CONNECTIONS_MAX
            || self.by_name.contains_key(&conn)
            || self.by_peer.range(of_host).count() >= limits::HOST_SIP_CONNECTIONS_MAX
        {
            self.out.push_back(Arrived::Io(Output::Close(conn)));
            self.out.push_back(Arrived::Io(Output::Event(Event::Dropped(DropReason::QueueFull, Some(peer)))));
            return;
        }
        self.insert(conn, listener, peer, State::Idle);
        self.idle.set(conn, now + limits::SIP_CONNECTION_MUTE);
    }

    /// A connection that [`Connections::send`] asked for is up.
    pub fn handle_connected(&mut self, now: Instant, conn: ConnId) {
        match self.by_name.get_mut(&conn) {
            Some(connection) => {
                connection.state = State::Idle;
                self.idle.set(conn, now + limits::SIP_CONNECTION_IDLE);
                self.write_next(conn);
            }
            // Given up meanwhile.
            None => self.out.push_back(Arrived::Io(Output::Close(conn))),
        }
    }

    /// The driver took the last write.
    pub fn handle_written(&mut self, conn: ConnId) {
        if let Some(connection) = self.by_name.get_mut(&conn) {
            connection.state = State::Idle;
            self.write_next(conn);
        }
    }

    /// Bytes arrived.
    pub fn handle_received(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let Some(connection) = self.by_name.get_mut(&conn) else { return };
        self.idle.set(conn, now + limits::SIP_CONNECTION_IDLE);
        let (listener, peer) = (connection.listener, connection.peer);
        connection.framer.push(bytes);
        loop {
            match connection.framer.next() {
                Ok(Some(Framed::Message(bytes))) => {
                    self.out.push_back(Arrived::Message { listener, peer, bytes });
                }
                Ok(Some(Framed::Ping)) => {
                    // RFC 5626 §3.5.1: CRLFCRLF is answered by CRLF.
                    connection.waiting.push_back(Payload::from(b"\r\n".to_vec()));
                    connection.waiting_bytes += 2;
                }
                Ok(None) => break,
                Err(error) => {
                    // A stream out of step cannot be used any more (RFC 3261 §18.3).
                    if let Some(answer) = response_to_malformed(&error.head, &error.error, peer) {
                        self.out.push_back(Arrived::Io(Output::Write { conn, payload: answer.into() }));
                    }
                    let dropped = Event::Dropped(DropReason::MalformedSip, Some(peer));
                    self.out.push_back(Arrived::Io(Output::Event(dropped)));
                    self.out.push_back(Arrived::Io(Output::Close(conn)));
                    self.remove(conn);
                    return;
                }
            }
        }
        self.write_next(conn);
    }

    /// The connection failed or ended. [`Arrived::Failed`] follows if messages were lost with it.
    pub fn handle_closed(&mut self, conn: ConnId) {
        if let Some(Connection { listener, peer, waiting, state, .. }) = self.remove(conn) {
            if state != State::Idle || !waiting.is_empty() {
                self.out.push_back(Arrived::Failed { listener, peer });
            }
        }
    }

    /// Sends one message to `peer`: on the connection that exists (RFC 3261 §18.2.2), else on a new one if `open`.
    /// Returns whether the message was taken.
    pub fn send(
        &mut self,
        now: Instant,
        listener: u16,
        peer: SocketAddr,
        message: Payload,
        open: bool,
    ) -> bool {
        let conn = match self.by_peer.get(&peer) {
            Some(&conn) => conn,
            None if open && self.by_name.len() < limits::SIP_CONNECTIONS_MAX => {
                let conn = self.names.next_name();
                self.insert(conn, listener, peer, State::Connecting);
                self.idle.set(conn, now + limits::SIP_CONNECT_TIMEOUT);
                self.out.push_back(Arrived::Io(Output::Connect { conn, to: Endpoint::Addr(peer) }));
                conn
            }
            None => return false,
        };
        let Some(connection) = self.by_name.get_mut(&conn) else { return false };
        if connection.waiting_bytes + message.len() > limits::SIP_CONNECTION_QUEUE_MAX {
            // A peer that reads nothing: its connection is of no use any more.
            let dropped = Event::Dropped(DropReason::QueueFull, Some(peer));
            self.out.push_back(Arrived::Io(Output::Event(dropped)));
            self.out.push_back(Arrived::Io(Output::Close(conn)));
            self.remove(conn);
            return false;
        }
        connection.waiting_bytes += message.len();
        connection.waiting.push_back(message);
        self.write_next(conn);
        true
    }

    /// How full the table and the fullest queue are.
    pub fn fills(&self) -> [Fill; 2] {
        let waiting = self.by_name.values().map(|connection| connection.waiting_bytes).max().unwrap_or(0);
        [
            Fill::new("SIP connections", self.by_name.len(), limits::SIP_CONNECTIONS_MAX),
            Fill::new("waiting for one SIP connection, bytes", waiting, limits::SIP_CONNECTION_QUEUE_MAX),
        ]
    }

    /// Closes connections that said nothing for too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(conn) = self.idle.pop_due(now) {
            self.out.push_back(Arrived::Io(Output::Close(conn)));
            self.handle_closed(conn);
        }
    }

    /// The next idle deadline.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.idle.next()
    }

    /// What the parent must do or handle next.
    pub fn poll(&mut self) -> Option<Arrived> {
        self.out.pop_front()
    }

    fn insert(&mut self, conn: ConnId, listener: u16, peer: SocketAddr, state: State) {
        let connection = Connection {
            listener,
            peer,
            framer: Framer::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            state,
        };
        self.by_name.insert(conn, connection);
        self.by_peer.insert(peer, conn);
    }

    fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        self.idle.clear(conn);
        let connection = self.by_name.remove(&conn)?;
        if self.by_peer.get(&connection.peer) == Some(&conn) {
            self.by_peer.remove(&connection.peer);
        }
        Some(connection)
    }

    fn write_next(&mut self, conn: ConnId) {
        let Some(connection) = self.by_name.get_mut(&conn) else { return };
        if connection.state != State::Idle {
            return;
        }
        if let Some(payload) = connection.waiting.pop_front() {
            connection.waiting_bytes -= payload.len();
            connection.state = State::Writing;
            self.out.push_back(Arrived::Io(Output::Write { conn, payload }));
        }
    }
}
