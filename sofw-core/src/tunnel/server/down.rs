//! The chunked response that carries frames down.

use super::TunnelServer;
use super::alarm::Alarm;
use super::connection::Phase;
use crate::base::Instant;
use crate::config::limits::{CARRIER_SILENCE_MAX, TUNNEL_WRITE_MAX};
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;
use crate::tunnel::http::chunked;

/// What nginx and caches must be told, so that each record passes at once (docs/WIRE.md). Privoxy holds `text/*` back.
const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nCache-Control: no-store\r\n\
    X-Accel-Buffering: no\r\n";
/// Room with which a write begins: one record, or several of a quiet line.
const WRITE_ROOM: usize = 20 * 1024;

impl TunnelServer {
    /// A GET with a fresh token: from now on frames go down here, and no longer on the former one.
    pub(super) fn attach_down(&mut self, now: Instant, conn: ConnId, key: usize) {
        let Some(entry) = self.sessions.get_mut(key) else { return };
        let former = entry.down.replace(conn);
        if former.is_some() {
            // HRAC asks anew because the former one is old, or because it is a black hole.
            entry.session.carrier_lost(now);
        }
        // Its echo proves both directions; it is also the first record, by which HRAC sees that the downlink flows.
        let ping = entry.session.ping(now);
        if entry.up_since.is_none() {
            entry.proof = ping;
        }
        self.alarms.set(Alarm::Connection(conn), now + CARRIER_SILENCE_MAX);
        self.touch(key);
        if let Some(former) = former {
            self.end_down(now, former);
        }
    }

    /// Ends a response in order.
    fn end_down(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let started_in_chunks = matches!(connection.phase, Phase::Down { chunked: true, started: true, .. });
        connection.phase = Phase::Closing;
        if started_in_chunks {
            let payload = self.pool.copy(chunked::LAST_CHUNK);
            connection.write(now, conn, payload, &mut self.output);
        } else if !connection.writing {
            self.close(now, conn, "replaced");
        }
    }

    /// Writes what is queued as one chunk, behind the response head if it is the first.
    pub(super) fn flush_down(&mut self, now: Instant, key: usize) {
        let Some(entry) = self.sessions.get_mut(key) else { return };
        entry.is_dirty = false;
        let open = entry.down.and_then(|conn| Some((conn, self.connections.get_mut(&conn)?)));
        if let Some((conn, connection)) = open.filter(|(_, connection)| !connection.writing) {
            if let (Phase::Down { chunked, started, .. }, true) =
                (&mut connection.phase, entry.session.wants_write())
            {
                let (is_chunked, is_first) = (*chunked, !core::mem::replace(started, true));
                let out = self.pool.start(WRITE_ROOM);
                if is_chunked {
                    chunked::open(out);
                }
                while out.len() < TUNNEL_WRITE_MAX
                    && entry.session.fill_record(now, TUNNEL_WRITE_MAX - out.len(), out)
                {}
                if is_chunked {
                    chunked::close(out);
                }
                let mut payload = self.pool.finish();
                if is_first {
                    let coding: &[u8] = if is_chunked {
                        b"Transfer-Encoding: chunked\r\n\r\n"
                    } else {
                        b"Connection: close\r\n\r\n"
                    };
                    let out = self.pool.start(HEAD.len() + coding.len() + payload.len());
                    for part in [HEAD, coding, &payload] {
                        out.extend_from_slice(part);
                    }
                    payload = self.pool.finish();
                }
                if !payload.is_empty() {
                    connection.writing = true;
                    connection.writing_since = now;
                    self.output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
                }
            }
        }
        self.wake_session(key);
    }
}
