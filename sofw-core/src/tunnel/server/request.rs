//! What comes in on a connection.

use super::TunnelServer;
use super::connection::{Connection, Phase};
use super::page::Page;
use crate::base::Instant;
use crate::config::limits::{ANSWERS_WAITING_MAX, STRANGER_BODY_MAX, STRANGER_TIMEOUT};
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;
use crate::tunnel::http::exchange::Piece;
use crate::tunnel::http::head::BodyLength;
use crate::tunnel::http::{HELLO_PATH, SESSION_PATH, from_path_segment};
use crate::tunnel::session::RecordReader;

/// What a request is about.
enum Wish {
    Hello,
    Up { session: usize, chunked: bool },
    Down { session: usize, token: Vec<u8>, chunked: bool },
    Page(Page),
}

impl TunnelServer {
    /// Takes the next piece of what arrived. False when there is none.
    pub(super) fn read(&mut self, now: Instant, conn: ConnId, input: &mut &[u8]) -> bool {
        let Some(connection) = self.connections.get_mut(&conn) else { return false };
        connection.last_received = now;
        match connection.phase {
            Phase::Closing => return false,
            Phase::Down { .. } => {
                // Nobody asks for more while an answer without end is under way.
                if !input.is_empty() {
                    self.close(now, conn, "bytes behind the request for the downlink");
                }
                return false;
            }
            _ => {}
        }
        match connection.reader.next(input) {
            Ok(None) => return false,
            Ok(Some(Piece::Head)) => self.take_head(now, conn),
            Ok(Some(Piece::Body(data))) => self.take_body(now, conn, data),
            Ok(Some(Piece::End)) => self.take_end(now, conn),
            Err(error) => {
                if let Phase::Up { proved: true, .. } = connection.phase {
                    self.close(now, conn, error.text());
                } else {
                    connection.keep_alive = false;
                    self.answer(now, conn, Page::Refused(error.status()));
                }
            }
        }
        true
    }

    fn take_head(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let Some((wish, keep_alive, expects)) = self.wish(connection) else { return };
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.keep_alive = keep_alive;
        connection.body_len = 0;
        connection.body.clear();
        if expects {
            // RFC 9110 §10.1.1. We never ask for it, but a proxy or a curious person may.
            let payload = self.pool.copy(b"HTTP/1.1 100 Continue\r\n\r\n");
            connection.write(now, conn, payload, &mut self.output);
        }
        let until = now + STRANGER_TIMEOUT;
        match wish {
            Wish::Hello => connection.phase = Phase::Hello,
            Wish::Page(page) => connection.phase = Phase::Skip(page),
            Wish::Up { session, chunked } => {
                connection.phase = Phase::Up { session, chunked, proved: false };
                connection.lane = RecordReader::new();
            }
            Wish::Down { session, token, chunked } => {
                let opened = self.sessions.get_mut(session).map(|entry| entry.session.open_token(&token));
                if let Some(Ok(_)) = opened {
                    connection.phase = Phase::Down { session, chunked, started: false };
                    self.prove(now, conn, session);
                    self.attach_down(now, conn, session);
                } else {
                    connection.phase = Phase::Skip(Page::NotFound { head_only: false });
                }
                return;
            }
        }
        // Also on a connection that a proxy uses for several clients, each request proves itself anew and in time.
        if connection.session.is_some() {
            self.alarms.set(super::alarm::Alarm::Connection(conn), until);
        }
    }

    /// What the request head asks for; whether the connection may go on after it, and whether it waits for a 100.
    fn wish(&self, connection: &Connection) -> Option<(Wish, bool, bool)> {
        let head = connection.reader.request().ok()?;
        let keep_alive = head.keep_alive() && head.minor > 0;
        let expects = head.minor > 0 && head.headers.has_token("expect", "100-continue");
        let not_found = Wish::Page(Page::NotFound { head_only: head.method == "HEAD" });
        let path = head.path().unwrap_or("");
        let wish = match head.method {
            "POST" if path == HELLO_PATH => Wish::Hello,
            "POST" => match path.strip_prefix(SESSION_PATH).and_then(|id| self.find(id)) {
                Some(session) => Wish::Up { session, chunked: head.body() == Ok(BodyLength::Chunked) },
                None => not_found,
            },
            "GET" => {
                let parts = path.strip_prefix(SESSION_PATH).and_then(|rest| rest.split_once('/'));
                let found = parts.and_then(|(id, token)| Some((self.find(id)?, from_path_segment(token)?)));
                match found {
                    // RFC 9112 §6.1: no transfer coding to a client of HTTP/1.0.
                    Some((session, token)) if head.body() == Ok(BodyLength::Empty) => {
                        Wish::Down { session, token, chunked: head.minor > 0 }
                    }
                    _ => not_found,
                }
            }
            "HEAD" => not_found,
            _ => Wish::Page(Page::NotAllowed),
        };
        Some((wish, keep_alive, expects))
    }

    fn find(&self, id: &str) -> Option<usize> {
        let id: [u8; 16] = from_path_segment(id)?.try_into().ok()?;
        self.by_id.get(&id).copied()
    }

    fn take_body(&mut self, now: Instant, conn: ConnId, data: &[u8]) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.body_len += data.len() as u64;
        let too_long = connection.body_len > STRANGER_BODY_MAX as u64;
        match connection.phase {
            Phase::Up { session, chunked, proved } => {
                let Some(entry) = self.sessions.get_mut(session) else { return };
                let received = entry.session.receive(now, data, &mut connection.lane);
                if !proved && connection.lane.opened() > 0 {
                    connection.phase = Phase::Up { session, chunked, proved: true };
                    self.prove(now, conn, session);
                    self.uplink_seen(now, session, chunked);
                }
                let proved = self.connections.get(&conn).is_some_and(|one| one.lane.opened() > 0);
                self.drain_session(now, session);
                match received {
                    // Acknowledgements may be due.
                    Ok(()) => self.touch(session),
                    Err(_) if proved => self.close(now, conn, "a record that does not open"),
                    Err(_) => self.refuse_body(now, conn, too_long),
                }
            }
            Phase::Hello if !too_long => connection.body.extend_from_slice(data),
            Phase::Hello | Phase::Skip(_) if too_long => self.refuse_body(now, conn, true),
            _ => {}
        }
    }

    /// A body that leads to nothing: an ordinary 404 after it, or at once if it is long.
    fn refuse_body(&mut self, now: Instant, conn: ConnId, at_once: bool) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let page = match connection.phase {
            Phase::Skip(page) => page,
            _ => Page::NotFound { head_only: false },
        };
        connection.phase = Phase::Skip(page);
        if at_once {
            connection.keep_alive = false;
            self.answer(now, conn, page);
        }
    }

    fn take_end(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        match connection.phase {
            Phase::Hello => self.take_hello(now, conn),
            Phase::Skip(page) => self.answer(now, conn, page),
            Phase::Up { proved: true, .. } => {
                connection.phase = if connection.keep_alive { Phase::Head } else { Phase::Closing };
                let close = if connection.keep_alive { "" } else { "Connection: close\r\n" };
                let out = self.pool.start(128);
                out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Control: no-store\r\n");
                out.extend_from_slice(close.as_bytes());
                out.extend_from_slice(b"\r\n");
                connection.write(now, conn, self.pool.finish(), &mut self.output);
            }
            Phase::Up { proved: false, .. } => self.answer(now, conn, Page::NotFound { head_only: false }),
            // A GET has no body; its answer has begun.
            Phase::Down { .. } | Phase::Head | Phase::Closing => {}
        }
        self.check_waiting(now, conn);
    }

    /// Answers, and closes the connection behind it if it cannot go on.
    pub(super) fn answer(&mut self, now: Instant, conn: ConnId, page: Page) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.phase = if connection.keep_alive { Phase::Head } else { Phase::Closing };
        let out = self.pool.start(512);
        page.write(connection.keep_alive, out);
        connection.write(now, conn, self.pool.finish(), &mut self.output);
    }

    fn check_waiting(&mut self, now: Instant, conn: ConnId) {
        if self
            .connections
            .get(&conn)
            .is_some_and(|connection| connection.waiting.len() > ANSWERS_WAITING_MAX)
        {
            self.close(now, conn, "asks without reading answers");
        }
    }

    /// Closes a connection and draws the consequences.
    pub(super) fn close(&mut self, now: Instant, conn: ConnId, why: &str) {
        if self.connections.contains_key(&conn) {
            self.output.push_back(TunnelOutput::Io(Output::Close(conn)));
            self.forget(now, conn, why);
        }
    }
}
