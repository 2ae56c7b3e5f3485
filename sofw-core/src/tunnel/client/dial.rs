//! Opening connections, and the first request on each.

use super::TunnelClient;
use super::alarm::Alarm;
use super::connection::{Connection, Purpose, Stage};
use super::joined::Uplink;
use super::request::{Content, write_connect, write_head};
use crate::base::Instant;
use crate::config::TunnelVia;
use crate::config::limits::TUNNEL_ANSWER_TIMEOUT;
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;
use crate::tunnel::http::HELLO_PATH;
use crate::tunnel::http::head::Asked;
use crate::tunnel::seal::hello;

/// The version of what stands in a hello's payload.
const HELLO_VERSION: u8 = 1;

impl TunnelClient {
    /// Begins a new session, on the first way that is not blocked.
    pub(super) fn say_hello(&mut self, now: Instant) {
        let under_way = self.connections.values().any(|one| one.purpose == Purpose::Hello);
        if self.joined.is_some() || under_way {
            return;
        }
        if let Some(pause) = self.ways.skip_blocked(now) {
            self.alarms.set(Alarm::Hello, now + pause);
            return;
        }
        self.open(now, Purpose::Hello);
    }

    /// Asks for a connection: uplinks take the way on which the downlink succeeded, others the way that is to be tried.
    pub(super) fn open(&mut self, now: Instant, purpose: Purpose) -> Option<ConnId> {
        let way = match purpose {
            Purpose::Hello | Purpose::Down => self.ways.current(),
            Purpose::Stream | Purpose::Post => self.up_way,
        };
        let to = self.ways.get(way)?.endpoint(&self.server).clone();
        let conn = self.names.next_name();
        self.connections.insert(conn, Connection::new(way, purpose, now));
        self.alarms.set(Alarm::Connection(conn), now + TUNNEL_ANSWER_TIMEOUT);
        self.output.push_back(TunnelOutput::Io(Output::Connect { conn, to }));
        Some(conn)
    }

    /// An idle connection on the uplink's way.
    pub(super) fn idle(&self) -> Option<ConnId> {
        let way = self.up_way;
        let mut all = self.connections.iter();
        all.find(|(_, one)| one.purpose == Purpose::Post && one.way == way && one.is_idle())
            .map(|(conn, _)| *conn)
    }

    /// TCP is up: through the proxy by CONNECT, or straight to the request.
    pub(super) fn connected(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.stage != Stage::Connecting {
            return;
        }
        let Some(way) = self.ways.get_mut(connection.way) else { return };
        if !matches!(way.via, TunnelVia::Connect(_)) {
            self.ready(now, conn);
            return;
        }
        let out = self.pool.start(1024);
        let authorized = write_connect(out, way, &self.authority, &mut self.rng);
        connection.begin(now, authorized);
        connection.stage = Stage::Tunnelling;
        connection.reader.asked(Asked::Connect);
        let payload = self.pool.finish();
        self.alarms.set(Alarm::Connection(conn), now + TUNNEL_ANSWER_TIMEOUT);
        self.output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
    }

    /// Nothing stands between us and the server's HTTP any more (or its forward proxy): the connection's purpose begins.
    pub(super) fn ready(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.stage = Stage::Ready;
        connection.reader.asked(Asked::Plain);
        match connection.purpose {
            Purpose::Hello => self.write_hello(now, conn),
            Purpose::Down => {
                self.write_get(now, conn);
                // The uplink follows as soon as the network is known to be there, and not before.
                let wanted = self.joined.as_ref().is_some_and(|joined| joined.uplink == Uplink::None);
                if wanted && self.alarms.get(Alarm::Up).is_none() {
                    self.open_up(now);
                }
            }
            // Their requests are written by flush, together with what they are to carry.
            Purpose::Stream => self.alarms.clear(Alarm::Connection(conn)),
            Purpose::Post => self.keep_idle(now, conn),
        }
    }

    fn write_hello(&mut self, now: Instant, conn: ConnId) {
        let Ok((pending, bytes)) = hello(&self.site, &self.key, &[HELLO_VERSION], &mut self.rng) else {
            return;
        };
        self.write_request(now, conn, HELLO_PATH, Content::Length(bytes.len()), &bytes);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.hello = Some(pending);
        }
    }

    fn write_get(&mut self, now: Instant, conn: ConnId) {
        let Some(joined) = &mut self.joined else { return };
        let Ok(token) = joined.session.seal_token(&[]) else { return };
        let path = format!("{}/{}", joined.path, crate::tunnel::http::to_path_segment(&token));
        self.write_request(now, conn, &path, Content::Nothing, &[]);
    }

    /// Writes a whole request and waits for its answer.
    fn write_request(&mut self, now: Instant, conn: ConnId, path: &str, content: Content, body: &[u8]) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let Some(way) = self.ways.get_mut(connection.way) else { return };
        let out = self.pool.start(1024 + body.len());
        let authorized = write_head(out, way, &self.authority, path, content, &mut self.rng);
        out.extend_from_slice(body);
        connection.begin(now, authorized);
        let payload = self.pool.finish();
        self.alarms.set(Alarm::Connection(conn), now + TUNNEL_ANSWER_TIMEOUT);
        self.output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
    }
}
