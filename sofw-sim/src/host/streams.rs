//! The TCP connections of a host's program: names of the core on one side, sockets of the stack on the other.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use sofw_core::base::{Instant, Payload};
use sofw_core::io::{ConnId, Input, IoError, ListenerId};

use super::app::App;
use crate::tcp::{Stack, TcpEvent, TcpId};

#[derive(Debug, Default)]
pub(super) struct Streams {
    listeners: BTreeMap<SocketAddr, ListenerId>,
    by_conn: BTreeMap<ConnId, Stream>,
    by_id: BTreeMap<TcpId, ConnId>,
    accepted: u64,
    /// Connections whose write may go on.
    ready: Vec<ConnId>,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Stream {
    id: TcpId,
    local: IpAddr,
    /// The write under way and how much of it the stack has taken.
    writing: Option<(Payload, usize)>,
    connected: bool,
    paused: bool,
    /// It was paused: what came meanwhile is to be read.
    resumed: bool,
    /// Close or shut once the write is done.
    then: Option<Then>,
    peer_closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    Close,
    ShutWrite,
}

impl Streams {
    pub fn len(&self) -> usize {
        self.by_conn.len()
    }

    pub fn listen(&mut self, listener: ListenerId, addr: SocketAddr) {
        self.listeners.insert(addr, listener);
    }

    pub fn connect(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId, local: IpAddr, to: SocketAddr) {
        let id = tcp.connect(now, local, to);
        self.add(conn, id, local, false);
    }

    fn add(&mut self, conn: ConnId, id: TcpId, local: IpAddr, connected: bool) {
        let stream = Stream {
            id,
            local,
            writing: None,
            connected,
            paused: false,
            resumed: false,
            then: None,
            peer_closed: false,
        };
        self.by_conn.insert(conn, stream);
        self.by_id.insert(id, conn);
    }

    pub fn write(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId, payload: Payload) {
        let Some(stream) = self.by_conn.get_mut(&conn) else { return };
        debug_assert!(stream.writing.is_none(), "one write at a time");
        stream.writing = Some((payload, 0));
        if stream.push(now, tcp) {
            self.ready.push(conn);
        }
    }

    pub fn pause(&mut self, conn: ConnId) {
        if let Some(stream) = self.by_conn.get_mut(&conn) {
            stream.paused = true;
        }
    }

    pub fn resume(&mut self, conn: ConnId) {
        if let Some(stream) = self.by_conn.get_mut(&conn) {
            stream.resumed = std::mem::take(&mut stream.paused);
            self.ready.push(conn);
        }
    }

    pub fn close(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId) {
        self.end(now, tcp, conn, Then::Close);
    }

    pub fn shut_write(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId) {
        self.end(now, tcp, conn, Then::ShutWrite);
    }

    fn end(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId, then: Then) {
        let Some(stream) = self.by_conn.get_mut(&conn) else { return };
        stream.then = Some(then);
        self.finish(now, tcp, conn);
    }

    pub fn reset(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId) {
        if let Some(stream) = self.remove(conn) {
            tcp.abort(now, stream.id);
        }
    }

    /// Every connection that the program opened is reset, and it is told as if the peer had done it.
    pub fn reset_opened(&mut self, now: Instant, tcp: &mut Stack, answers: &mut VecDeque<Input<'static>>) {
        let opened = self.by_conn.keys().copied().filter(|conn| !matches!(conn, ConnId::Accepted(_)));
        for conn in opened.collect::<Vec<_>>() {
            let Some(stream) = self.by_conn.remove(&conn) else { continue };
            self.by_id.remove(&stream.id);
            tcp.abort(now, stream.id);
            answers.push_back(if stream.connected {
                Input::Closed(conn, Some(IoError::Reset))
            } else {
                Input::ConnectFailed(conn, IoError::Reset)
            });
        }
    }

    /// Tells the program what the stack says; whether the program was told anything.
    pub fn handle_events(&mut self, now: Instant, tcp: &mut Stack, app: &mut App) -> bool {
        let mut told = false;
        while let Some(event) = tcp.poll_event() {
            told |= !matches!(event, TcpEvent::Writable(_) | TcpEvent::Closed(_));
            match event {
                TcpEvent::Readable(id) => self.read(now, tcp, id, app),
                TcpEvent::Writable(id) => {
                    if let Some(&conn) = self.by_id.get(&id) {
                        self.ready.push(conn);
                    }
                }
                seldom => self.handle_seldom(now, tcp, app, seldom),
            }
        }
        told
    }

    /// Beginnings and ends. Apart, so that what every segment causes is short.
    #[cold]
    fn handle_seldom(&mut self, now: Instant, tcp: &mut Stack, app: &mut App, event: TcpEvent) {
        match event {
            TcpEvent::Accepted { listener, id, peer } => {
                let Some(&listener_id) = self.listeners.get(&listener) else { return tcp.abort(now, id) };
                self.accepted += 1;
                let conn = ConnId::Accepted(self.accepted);
                self.add(conn, id, listener.ip(), true);
                app.handle_input(now, Input::Accepted { listener: listener_id, conn, peer });
            }
            TcpEvent::Connected(id) => {
                let Some(&conn) = self.by_id.get(&id) else { return };
                if let Some(stream) = self.by_conn.get_mut(&conn) {
                    stream.connected = true;
                    let local = stream.local;
                    app.handle_input(now, Input::Connected { conn, local: SocketAddr::new(local, 0) });
                }
            }
            TcpEvent::Refused(id) => self.gone(now, id, app, IoError::Refused),
            TcpEvent::TimedOut(id) => self.gone(now, id, app, IoError::TimedOut),
            TcpEvent::Reset(id) => self.gone(now, id, app, IoError::Reset),
            TcpEvent::PeerClosed(id) => {
                let Some(&conn) = self.by_id.get(&id) else { return };
                if let Some(stream) = self.by_conn.get_mut(&conn) {
                    stream.peer_closed = true;
                }
                self.read(now, tcp, id, app);
            }
            TcpEvent::Closed(id) => {
                if let Some(conn) = self.by_id.remove(&id) {
                    self.by_conn.remove(&conn);
                }
            }
            TcpEvent::Readable(_) | TcpEvent::Writable(_) => {}
        }
    }

    /// The peer's half is read to its end: the connection is over for the program, and so is our half.
    fn peer_closed(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId, app: &mut App) {
        if let Some(stream) = self.remove(conn) {
            tcp.close(now, stream.id);
            app.handle_input(now, Input::Closed(conn, None));
        }
    }

    /// Goes on with writes that the stack had no room for, and with reading where it was paused. Whether the program was told anything.
    pub fn go_on(
        &mut self,
        now: Instant,
        tcp: &mut Stack,
        app: &mut App,
        answers: &mut VecDeque<Input<'static>>,
    ) -> bool {
        let mut told = false;
        while let Some(conn) = self.ready.pop() {
            let Some(stream) = self.by_conn.get_mut(&conn) else { continue };
            if stream.writing.is_some() && stream.push(now, tcp) {
                stream.writing = None;
                answers.push_back(Input::Written(conn));
            }
            if std::mem::take(&mut stream.resumed) {
                let id = stream.id;
                self.read(now, tcp, id, app);
                told = true;
            }
            self.finish(now, tcp, conn);
        }
        told
    }

    fn finish(&mut self, now: Instant, tcp: &mut Stack, conn: ConnId) {
        let Some(stream) = self.by_conn.get_mut(&conn) else { return };
        if stream.writing.as_ref().is_some_and(|(payload, at)| *at < payload.len()) {
            return;
        }
        match stream.then {
            None => {}
            Some(Then::ShutWrite) => {
                stream.then = None;
                tcp.shut_write(now, stream.id);
            }
            Some(Then::Close) => {
                if let Some(stream) = self.remove(conn) {
                    tcp.close(now, stream.id);
                }
            }
        }
    }

    fn read(&mut self, now: Instant, tcp: &mut Stack, id: TcpId, app: &mut App) {
        let Some(&conn) = self.by_id.get(&id) else { return };
        if self.by_conn.get(&conn).is_none_or(|stream| stream.paused) {
            return;
        }
        self.scratch.clear();
        if tcp.read(now, id, &mut self.scratch) > 0 {
            app.handle_input(now, Input::Received { conn, bytes: &self.scratch });
        }
        if self.by_conn.get(&conn).is_some_and(|stream| stream.peer_closed) {
            self.peer_closed(now, tcp, conn, app);
        }
    }

    fn gone(&mut self, now: Instant, id: TcpId, app: &mut App, error: IoError) {
        let Some(conn) = self.by_id.remove(&id) else { return };
        let connecting = self.by_conn.remove(&conn).is_some_and(|stream| !stream.connected);
        app.handle_input(
            now,
            if connecting { Input::ConnectFailed(conn, error) } else { Input::Closed(conn, Some(error)) },
        );
    }

    fn remove(&mut self, conn: ConnId) -> Option<Stream> {
        let stream = self.by_conn.remove(&conn)?;
        self.by_id.remove(&stream.id);
        Some(stream)
    }
}

impl Stream {
    /// Gives the stack what it takes of the write; whether all of it was taken.
    fn push(&mut self, now: Instant, tcp: &mut Stack) -> bool {
        let Some((payload, at)) = &mut self.writing else { return true };
        while *at < payload.len() && tcp.is_writable(self.id) {
            let end = payload.len().min(*at + WRITE_PIECE);
            let taken = tcp.write(now, self.id, &payload[*at..end]);
            *at += taken;
            if taken == 0 {
                break;
            }
        }
        *at == payload.len()
    }
}

/// The kernel looks at its low-water mark between the buffers of one write.
const WRITE_PIECE: usize = 4 * 1024;
