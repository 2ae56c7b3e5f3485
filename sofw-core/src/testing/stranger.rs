//! Somebody who says what he likes: raw datagrams and TCP bytes of one address, and what came back.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::base::{Deadline, Instant};
use crate::error::Misuse;
use crate::io::{ConnId, ConnNames, Endpoint, Input, Output, SocketId};
use crate::machine::Machine;

/// The stranger. Datagrams leave from, and arrive at, the one address that it has.
#[derive(Debug)]
pub struct Stranger {
    names: ConnNames,
    out: VecDeque<Output>,
    /// Datagrams that came, with their senders.
    pub heard: Vec<(SocketAddr, Vec<u8>)>,
    connections: BTreeMap<ConnId, Connection>,
}

/// One of its TCP connections.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// What came back so far.
    pub received: Vec<u8>,
    /// The other end closed it.
    pub closed: bool,
    connected: bool,
    waiting: Vec<u8>,
}

impl Stranger {
    /// A stranger with a UDP socket at `addr`.
    pub fn new(addr: SocketAddr) -> Self {
        Stranger {
            names: ConnNames::new(0, 1),
            out: VecDeque::from([Output::Bind { socket: SocketId::Sip(0), addr }]),
            heard: Vec::new(),
            connections: BTreeMap::new(),
        }
    }

    /// Sends a datagram.
    pub fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        self.out.push_back(Output::Send { socket: SocketId::Sip(0), to, payload: bytes.to_vec().into() });
    }

    /// Opens a TCP connection and writes `bytes` once it is up.
    pub fn connect(&mut self, to: SocketAddr, bytes: &[u8]) -> ConnId {
        let conn = self.names.next_name();
        self.connections.insert(conn, Connection { waiting: bytes.to_vec(), ..Connection::default() });
        self.out.push_back(Output::Connect { conn, to: Endpoint::Addr(to) });
        conn
    }

    /// Writes more bytes to a connection.
    pub fn write(&mut self, conn: ConnId, bytes: &[u8]) {
        match self.connections.get_mut(&conn) {
            Some(connection) if !connection.connected => connection.waiting.extend_from_slice(bytes),
            Some(_) => self.out.push_back(Output::Write { conn, payload: bytes.to_vec().into() }),
            None => {}
        }
    }

    /// What became of a connection.
    ///
    /// # Panics
    /// If it was never opened.
    pub fn connection(&self, conn: ConnId) -> &Connection {
        self.connections.get(&conn).expect("this connection was opened")
    }
}

impl Machine for Stranger {
    fn handle_input(&mut self, _: Instant, input: Input<'_>) -> Result<(), Misuse> {
        match input {
            Input::Datagram { from, bytes, .. } => self.heard.push((from, bytes.to_vec())),
            Input::Connected { conn, .. } => {
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.connected = true;
                    let payload = core::mem::take(&mut connection.waiting).into();
                    self.out.push_back(Output::Write { conn, payload });
                }
            }
            Input::Received { conn, bytes } => {
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.received.extend_from_slice(bytes);
                }
            }
            Input::Closed(conn, _) | Input::ConnectFailed(conn, _) => {
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.closed = true;
                }
            }
            _ => {}
        }
        Ok(())
    }
    fn handle_timeout(&mut self, _: Instant) {}
    fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        None
    }
}
