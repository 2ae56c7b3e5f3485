//! The client's side: requests come in, and connections end.

use core::net::SocketAddr;

use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Output};

use super::alarm::Alarm;
use super::connection::{Client, Exchange, Kind, Stage, Step};
use super::message::{Head, Length, Piece, Reader};
use super::outlet::Outlet;
use super::page::Page;
use super::{Proxy, Todo};
use crate::host::Act;

/// How long a connection that was given its last bytes waits for its client to close, so that these are not lost in a reset.
pub(super) const LINGER: Duration = Duration::from_secs(5);
/// How long a client may take to read its last bytes.
const LAST_WORDS: Duration = Duration::from_secs(60);
/// Longest rest of a refused request that is swallowed to keep the connection.
const SWALLOW_MAX: u64 = 64 * 1024;

impl Proxy {
    pub(super) fn accept(&mut self, now: Instant, conn: ConnId, peer: SocketAddr) {
        let config = &self.config;
        let peer = peer.ip();
        let of_peer = || self.clients.values().filter(|client| client.peer == peer).count();
        let full = config.connections_max.is_some_and(|max| self.clients.len() >= max)
            || config.connections_per_client_max.is_some_and(|max| of_peer() >= max);
        if full {
            self.counters.refused += 1;
            self.acts.push_back(Act::Do(Output::Close(conn)));
            return;
        }
        let client = Client {
            peer,
            reader: Reader::requests(),
            inbox: Vec::new(),
            outlet: Outlet::default(),
            stage: Stage::Idle,
            paused: false,
            last: now,
        };
        self.clients.insert(conn, client);
        self.arm_idle(now, conn);
    }

    /// Takes bytes of a client, behind those that wait already.
    pub(super) fn read_client(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        if !bytes.is_empty() {
            client.last = now;
        }
        let mut stash = core::mem::take(&mut client.inbox);
        let mut input = bytes;
        if !stash.is_empty() {
            stash.extend_from_slice(bytes);
            input = &stash;
        }
        while let Some(client) = self.clients.get_mut(&conn) {
            match &client.stage {
                Stage::Ending => input = &[],
                Stage::Tunnel { .. } => self.tunnel_up(now, conn, core::mem::take(&mut input)),
                Stage::Exchange(exchange) if !exchange.reads_client() => break,
                Stage::Idle | Stage::Exchange(_) => match client.reader.next(&mut input) {
                    Ok(Some(Piece::Head(head, length))) => self.take_request(now, conn, head, length),
                    Ok(Some(Piece::Body(data))) => self.take_request_body(now, conn, data),
                    Ok(Some(Piece::End)) => self.take_request_end(now, conn),
                    Ok(None) => break,
                    Err(error) => self.malformed(now, conn, error.0),
                },
            }
            let raw = self.clients.get(&conn).map(|client| &client.stage);
            if input.is_empty() && matches!(raw, Some(Stage::Ending | Stage::Tunnel { .. })) {
                break;
            }
        }
        if let Some(client) = self.clients.get_mut(&conn) {
            client.inbox.extend_from_slice(input);
            let origin = client.stage.origin();
            self.flush(now, conn);
            if let Some(origin) = origin {
                self.flush(now, origin);
            }
            self.govern(conn);
        }
    }

    fn take_request(&mut self, now: Instant, conn: ConnId, head: Head, length: Length) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        self.counters.requests += 1;
        let kind = match (head.method(), length) {
            ("CONNECT", _) => Kind::Connect,
            (_, Length::Empty) => Kind::Get,
            _ => Kind::Post,
        };
        client.stage = Stage::Exchange(Box::new(Exchange {
            length,
            kind,
            step: Step::Waiting,
            keep: head.keep_alive() && !self.config.one_request,
            minor: head.minor,
            is_head: head.method() == "HEAD",
            head: Some(head),
            origin: None,
            up: None,
            up_done: false,
            down: None,
            answered: false,
            down_done: false,
            holds_response: false,
            waits_for_100: false,
            upgrades: false,
            retry: None,
            received: 0,
        }));
        self.arm_idle(now, conn);
        if let Some(life) = self.config.lifetime_max {
            self.alarms.set(Alarm::Life(conn), now + life);
        }
        let turn = self.next_turn.max(now);
        if let Some(rate) = self.config.requests_per_second {
            self.next_turn = turn + Duration::from_nanos(1_000_000_000 / u64::from(rate.max(1)));
        }
        let start = turn + self.config.request_latency;
        if start > now {
            self.alarms.set(Alarm::Start(conn), start);
        } else {
            self.begin(now, conn);
        }
    }

    fn take_request_body(&mut self, now: Instant, conn: ConnId, data: &[u8]) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        exchange.received += data.len() as u64;
        if exchange.step == Step::Refused && exchange.received > SWALLOW_MAX {
            self.end_client(now, conn);
            return;
        }
        let (Some(up), Some(name)) = (&mut exchange.up, exchange.origin) else { return };
        let Some(origin) = self.origins.get_mut(&name) else { return };
        let held_before = up.release_at;
        up.push(now, data, &mut origin.outlet);
        if up.release_at != held_before
            && let Some(at) = up.release_at
        {
            self.alarms.set(Alarm::Up(conn), at);
        }
        let too_long = self.config.request_body_max.is_some_and(|max| exchange.received > max);
        if too_long || up.held() > self.config.buffer_max {
            self.refuse(now, conn, Page::new(413));
        }
    }

    fn take_request_end(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        exchange.up_done = true;
        self.alarms.clear(Alarm::Up(conn));
        if let Some(name) = exchange.origin {
            if let (Some(up), Some(origin)) = (&mut exchange.up, self.origins.get_mut(&name)) {
                up.end(now, &mut origin.outlet);
            }
            // The answer may have been kept waiting for this.
            self.todo.push_back(Todo::ReadOrigin(name));
        }
        self.arm_idle(now, conn);
        self.settle(now, conn);
    }

    fn malformed(&mut self, now: Instant, conn: ConnId, status: u16) {
        self.counters.refused += 1;
        let answered = self
            .clients
            .get(&conn)
            .is_some_and(|client| matches!(&client.stage, Stage::Exchange(exchange) if exchange.answered));
        if answered {
            self.end_client(now, conn);
        } else {
            self.refuse_and_end(now, conn, &Page::new(status));
        }
    }

    /// Goes on when request and answer are complete, and ends the connection when only the answer is.
    pub(super) fn settle(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        if !exchange.down_done {
            return;
        }
        if !exchange.up_done {
            // What was refused here may be swallowed; a server that answered early does not read the rest.
            let swallows = exchange.step == Step::Refused && exchange.keep;
            if !swallows {
                self.end_client(now, conn);
            }
            return;
        }
        let keep = exchange.keep;
        if let Some(origin) = exchange.origin.take() {
            self.rest_origin(now, origin);
        }
        if !keep {
            self.end_client(now, conn);
            return;
        }
        self.alarms.clear(Alarm::Life(conn));
        self.alarms.clear(Alarm::Down(conn));
        if let Some(client) = self.clients.get_mut(&conn) {
            client.stage = Stage::Idle;
            self.todo.push_back(Todo::ReadClient(conn));
        }
        self.arm_idle(now, conn);
    }

    /// Answers a request here.
    pub(super) fn refuse(&mut self, now: Instant, conn: ConnId, page: Page) {
        match page.status {
            403 => self.counters.denied += 1,
            407 => self.counters.challenged += 1,
            _ => self.counters.refused += 1,
        }
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        let short = match exchange.length {
            Length::Empty => true,
            Length::Bytes(len) => len <= SWALLOW_MAX,
            Length::Chunked | Length::UntilClose => false,
        };
        if exchange.answered {
            self.end_client(now, conn);
            return;
        }
        if !exchange.keep || !(short || exchange.up_done) {
            self.refuse_and_end(now, conn, &page);
            return;
        }
        exchange.step = Step::Refused;
        exchange.up = None;
        exchange.answered = true;
        exchange.down_done = true;
        let bytes = page.write(self.config.via.as_deref(), false, exchange.is_head);
        client.outlet.push(now, Duration::ZERO, &bytes);
        let origin = exchange.origin.take();
        if let Some(origin) = origin {
            self.drop_origin(now, origin);
        }
        self.todo.push_back(Todo::ReadClient(conn));
        self.settle(now, conn);
    }

    /// Says why, and closes.
    pub(super) fn refuse_and_end(&mut self, now: Instant, conn: ConnId, page: &Page) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let is_head = matches!(&client.stage, Stage::Exchange(exchange) if exchange.is_head);
        let bytes = page.write(self.config.via.as_deref(), true, is_head);
        client.outlet.push(now, Duration::ZERO, &bytes);
        self.end_client(now, conn);
    }

    /// Nothing more will be said to a client: what waits is written, then the own half of the connection ends.
    pub(super) fn end_client(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let stage = core::mem::replace(&mut client.stage, Stage::Ending);
        client.outlet.end();
        client.inbox.clear();
        self.clear_alarms(conn);
        self.alarms.set(Alarm::Linger(conn), now + LAST_WORDS);
        if let Some(origin) = stage.origin() {
            self.drop_origin(now, origin);
        }
        self.flush(now, conn);
        self.govern(conn);
    }

    /// Ends a client's and its server's connection without another byte.
    pub(super) fn cut(&mut self, conn: ConnId) {
        let Some(client) = self.clients.remove(&conn) else { return };
        self.counters.refused += 1;
        self.clear_alarms(conn);
        self.acts.push_back(Act::Reset(conn));
        if let Some(origin) = client.stage.origin().filter(|origin| self.origins.remove(origin).is_some()) {
            self.clear_alarms(origin);
            self.acts.push_back(Act::Reset(origin));
        }
    }

    fn tunnel_up(&mut self, now: Instant, conn: ConnId, data: &[u8]) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Tunnel { origin, begun } = &mut client.stage else { return };
        if data.is_empty() {
            return;
        }
        let is_first = !core::mem::replace(begun, true);
        if is_first && self.config.connect_needs_tls && !begins_tls(data) {
            self.cut(conn);
            return;
        }
        if let Some(origin) = self.origins.get_mut(origin) {
            origin.outlet.push(now, self.config.piece_latency, data);
        }
    }
}

/// A TLS record with a handshake (RFC 8446 §5.1): content type 22, version 3.x.
fn begins_tls(data: &[u8]) -> bool {
    data.first() == Some(&22) && data.get(1).is_none_or(|major| *major == 3)
}
