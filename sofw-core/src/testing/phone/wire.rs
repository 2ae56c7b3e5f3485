//! How messages leave and arrive: one UDP socket, or TCP connections with their queues (RFC 3261 §18).

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::base::{Payload, Transport};
use crate::io::{ConnId, ConnNames, Endpoint, Output, SocketId};

/// Where an answer to something received goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Peer {
    Udp(SocketAddr),
    Tcp(ConnId),
}

#[derive(Debug)]
pub(super) struct Wire {
    transport: Transport,
    names: ConnNames,
    conns: BTreeMap<ConnId, Conn>,
}

#[derive(Debug)]
struct Conn {
    peer: SocketAddr,
    up: bool,
    writing: bool,
    queue: VecDeque<Payload>,
    received: Vec<u8>,
}

/// Longest message that this phone takes from a stream.
const MESSAGE_MAX: usize = crate::config::limits::SIP_MESSAGE_MAX;
/// Most connections; an ordinary phone has one.
const CONNECTIONS_MAX: usize = 8;

impl Wire {
    pub fn new(transport: Transport) -> Self {
        Wire { transport, names: ConnNames::new(0, 1), conns: BTreeMap::new() }
    }

    /// Sends a request to an address.
    pub fn send(&mut self, out: &mut VecDeque<Output>, to: SocketAddr, bytes: Vec<u8>) {
        if self.transport == Transport::Udp {
            self.reply(out, Peer::Udp(to), bytes);
            return;
        }
        let known = self.conns.iter().find(|(_, c)| c.peer == to).map(|(&id, _)| id);
        let id = known.unwrap_or_else(|| {
            let id = self.names.next_name();
            self.conns.insert(id, Conn::new(to, false));
            out.push_back(Output::Connect { conn: id, to: Endpoint::Addr(to) });
            id
        });
        self.reply(out, Peer::Tcp(id), bytes);
    }

    /// Sends to where something came from. If that connection is gone, so is the message.
    pub fn reply(&mut self, out: &mut VecDeque<Output>, peer: Peer, bytes: Vec<u8>) {
        match peer {
            Peer::Udp(to) => {
                out.push_back(Output::Send { socket: SocketId::Sip(0), to, payload: bytes.into() })
            }
            Peer::Tcp(id) => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.queue.push_back(bytes.into());
                    conn.write(id, out);
                }
            }
        }
    }

    pub fn accepted(&mut self, out: &mut VecDeque<Output>, id: ConnId, peer: SocketAddr) {
        if self.conns.len() >= CONNECTIONS_MAX {
            out.push_back(Output::Close(id));
        } else {
            self.conns.insert(id, Conn::new(peer, true));
        }
    }

    pub fn connected(&mut self, out: &mut VecDeque<Output>, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.up = true;
            conn.write(id, out);
        }
    }

    pub fn written(&mut self, out: &mut VecDeque<Output>, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.writing = false;
            conn.write(id, out);
        }
    }

    pub fn closed(&mut self, id: ConnId) {
        self.conns.remove(&id);
    }

    /// The whole messages that `bytes` complete, and the other end.
    pub fn received(
        &mut self,
        out: &mut VecDeque<Output>,
        id: ConnId,
        bytes: &[u8],
    ) -> Option<(SocketAddr, Vec<Vec<u8>>)> {
        let conn = self.conns.get_mut(&id)?;
        conn.received.extend_from_slice(bytes);
        let mut messages = Vec::new();
        while let Some(message) = conn.next_message() {
            messages.push(message);
        }
        let peer = conn.peer;
        if conn.received.len() > MESSAGE_MAX {
            self.conns.remove(&id);
            out.push_back(Output::Close(id));
        }
        Some((peer, messages))
    }
}

impl Conn {
    fn new(peer: SocketAddr, up: bool) -> Self {
        Conn { peer, up, writing: false, queue: VecDeque::new(), received: Vec::new() }
    }

    fn write(&mut self, conn: ConnId, out: &mut VecDeque<Output>) {
        if self.up && !self.writing {
            if let Some(payload) = self.queue.pop_front() {
                self.writing = true;
                out.push_back(Output::Write { conn, payload });
            }
        }
    }

    /// RFC 3261 §18.3: the head up to the empty line, then Content-Length bytes; CRLF before a head is skipped (§7.5).
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let skip = self.received.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
        self.received.drain(..skip);
        let head_len = self.received.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.received[..head_len]);
        let body_len = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| {
                let name = name.trim();
                name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l")
            })
            .and_then(|(_, value)| value.trim().parse::<usize>().ok())
            .unwrap_or(0);
        let len = head_len.checked_add(body_len)?;
        (len <= self.received.len()).then(|| self.received.drain(..len).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_of_a_stream_wherever_it_breaks() {
        let one = b"BYE sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc";
        let two = b"ACK sip:a SIP/2.0\r\nl : 0\r\n\r\n";
        let stream = [&b"\r\n\r\n"[..], one, two, one].concat();
        for step in 1..stream.len() {
            let mut conn = Conn::new("127.0.0.1:5060".parse().unwrap(), true);
            let mut found = Vec::new();
            for part in stream.chunks(step) {
                conn.received.extend_from_slice(part);
                while let Some(message) = conn.next_message() {
                    found.push(message);
                }
            }
            assert_eq!(found, [one.to_vec(), two.to_vec(), one.to_vec()], "cut every {step} bytes");
        }
    }
}
