//! Connections to servers: opened, kept for the next request, lost.

use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Endpoint, Output};

use super::alarm::Alarm;
use super::connection::{Kind, Origin, Stage};
use super::page::Page;
use super::{Proxy, Todo};
use crate::host::Act;

/// How long a server's connection that is given up may take to write its last bytes.
const LAST_WORDS: Duration = Duration::from_secs(10);

impl Proxy {
    /// A connection to `to` for a client: one from the pool if there is and that is wished, else a new one, which is asked for
    /// when there is something to write.
    pub(super) fn attach(&mut self, client: ConnId, to: Endpoint, from_pool: bool) -> ConnId {
        let idle = |origin: &Origin| origin.client.is_none() && origin.keep && origin.to == to;
        let pooled = self.origins.iter().find(|(_, origin)| from_pool && idle(origin)).map(|(name, _)| *name);
        if let Some((name, origin)) = pooled.and_then(|name| Some((name, self.origins.get_mut(&name)?))) {
            origin.client = Some(client);
            origin.heard = false;
            origin.keep = false;
            self.alarms.clear(Alarm::Pool(name));
            return name;
        }
        let name = self.names.next_name();
        self.origins.insert(name, Origin::new(to, client));
        name
    }

    /// Asks for a connection.
    pub(super) fn ask_for(&mut self, now: Instant, conn: ConnId) {
        let Some(origin) = self.origins.get_mut(&conn).filter(|origin| !origin.asked) else { return };
        origin.asked = true;
        self.alarms.set(Alarm::Connect(conn), now + self.config.connect_timeout);
        self.acts.push_back(Act::Do(Output::Connect { conn, to: origin.to.clone() }));
    }

    pub(super) fn origin_connected(&mut self, now: Instant, conn: ConnId) {
        let Some(origin) = self.origins.get_mut(&conn) else { return };
        origin.connected = true;
        self.alarms.clear(Alarm::Connect(conn));
        let client = origin.client;
        if let Some(client) = client {
            self.open_tunnel(now, client, conn);
        }
        self.flush(now, conn);
    }

    /// The server of a CONNECT is there.
    fn open_tunnel(&mut self, now: Instant, conn: ConnId, origin: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        match &client.stage {
            Stage::Exchange(exchange) if exchange.kind == Kind::Connect => {}
            _ => return,
        }
        client.stage = Stage::Tunnel { origin, begun: false };
        client.outlet.push(now, Duration::ZERO, b"HTTP/1.1 200 Connection established\r\n\r\n");
        self.counters.tunnels += 1;
        self.arm_idle(now, conn);
        self.flush(now, conn);
        self.todo.push_back(Todo::ReadClient(conn));
    }

    /// A connection did not come up.
    pub(super) fn origin_failed(&mut self, now: Instant, conn: ConnId, status: u16) {
        let Some(origin) = self.origins.remove(&conn) else { return };
        self.clear_alarms(conn);
        if let Some(client) = origin.client {
            self.fail(now, client, status);
        }
    }

    /// The server is lost to an exchange that it has not answered in full.
    fn fail(&mut self, now: Instant, conn: ConnId, status: u16) {
        let Some(exchange) = self.exchange(conn) else { return self.end_client(now, conn) };
        exchange.origin = None;
        if exchange.answered || self.config.silent_failures {
            self.counters.refused += 1;
            self.end_client(now, conn);
        } else {
            self.refuse(now, conn, Page::new(status));
        }
    }

    /// The server has closed.
    pub(super) fn origin_closed(&mut self, now: Instant, conn: ConnId) {
        let Some(origin) = self.origins.get_mut(&conn) else { return };
        origin.gone = true;
        let Some(client) = origin.client else {
            self.forget_origin(conn);
            return;
        };
        // An answer may have been kept waiting for the end of the request, which has nowhere to go now.
        self.read_origin(now, conn, &[]);
        let Some(origin) = self.origins.get_mut(&conn).filter(|origin| origin.client == Some(client)) else {
            return self.forget_origin(conn);
        };
        if origin.heard && origin.reader.close() {
            self.take_response_end(now, conn, client);
        }
        let Some(origin) = self.forget_origin_of(conn, client) else { return };
        let retry = self.exchange(client).and_then(|exchange| exchange.retry.take());
        match retry.filter(|_| origin.used > 0 && !origin.heard) {
            Some((to, bytes)) => self.ask_again(now, client, to, &bytes),
            None => self.fail(now, client, 502),
        }
    }

    /// Sends a request again on a new connection: the one from the pool was closed before it came.
    fn ask_again(&mut self, now: Instant, client: ConnId, to: Endpoint, bytes: &[u8]) {
        let name = self.attach(client, to, false);
        if let Some(exchange) = self.exchange(client) {
            exchange.origin = Some(name);
        }
        if let Some(origin) = self.origins.get_mut(&name) {
            origin.outlet.push(now, Duration::ZERO, bytes);
        }
        self.flush(now, name);
    }

    fn forget_origin(&mut self, conn: ConnId) {
        self.origins.remove(&conn);
        self.clear_alarms(conn);
    }

    /// Removes a connection that still carries the exchange of `client`.
    fn forget_origin_of(&mut self, conn: ConnId, client: ConnId) -> Option<Origin> {
        let carries = self.origins.get(&conn).is_some_and(|origin| origin.client == Some(client));
        let origin = if carries { self.origins.remove(&conn) } else { None };
        self.clear_alarms(conn);
        origin
    }

    /// An exchange is over: the connection waits for the next one, or ends.
    pub(super) fn rest_origin(&mut self, now: Instant, conn: ConnId) {
        let Some(origin) = self.origins.get_mut(&conn) else { return };
        match self.config.origin_keep_alive {
            Some(time) if origin.keep && !origin.gone && origin.outlet.is_empty() => {
                origin.client = None;
                origin.used += 1;
                if core::mem::take(&mut origin.paused) {
                    self.acts.push_back(Act::Resume(conn));
                }
                self.alarms.set(Alarm::Pool(conn), now + time);
            }
            _ => self.close_origin(conn),
        }
    }

    /// A client is gone: its server is left when what waits is written.
    pub(super) fn drop_origin(&mut self, now: Instant, conn: ConnId) {
        let Some(origin) = self.origins.get_mut(&conn) else { return };
        if origin.outlet.waiting() == 0 || !origin.connected || origin.gone {
            self.close_origin(conn);
            return;
        }
        origin.client = None;
        origin.keep = false;
        origin.outlet.end();
        self.alarms.set(Alarm::Pool(conn), now + LAST_WORDS);
        self.flush(now, conn);
    }

    /// Closes a connection to a server behind what was written.
    pub(super) fn close_origin(&mut self, conn: ConnId) {
        let Some(origin) = self.origins.remove(&conn) else { return };
        self.clear_alarms(conn);
        if origin.asked && !origin.gone {
            self.acts.push_back(Act::Do(Output::Close(conn)));
        }
    }
}
