//! Rung `post`: many short POSTs over a few connections, and the trial of the rung above.

use super::TunnelClient;
use super::alarm::Alarm;
use super::connection::{Purpose, Stage};
use super::joined::Uplink;
use super::request::{Content, write_head};
use super::uplink::fill;
use crate::base::Instant;
use crate::config::limits::{CARRIER_SILENCE_MAX, POST_BYTES_MIN, POST_CONNECTIONS_MAX};
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;

impl TunnelClient {
    /// Sends what is queued by the connections that are idle; opens one more if all are busy.
    pub(super) fn flush_posts(&mut self, now: Instant) {
        while self.joined.as_ref().is_some_and(|joined| joined.session.wants_write()) {
            let Some(conn) = self.idle() else {
                self.open_another(now);
                return;
            };
            if !self.write_post(now, conn) {
                return;
            }
        }
    }

    fn open_another(&mut self, now: Instant) {
        let way = self.up_way;
        let posts = || self.connections.values().filter(|one| one.purpose == Purpose::Post && one.way == way);
        let coming = posts().any(|one| matches!(one.stage, Stage::Connecting | Stage::Tunnelling));
        if !coming && posts().count() < POST_CONNECTIONS_MAX {
            self.open(now, Purpose::Post);
        }
    }

    fn write_post(&mut self, now: Instant, conn: ConnId) -> bool {
        let (Some(joined), Some(connection)) = (&mut self.joined, self.connections.get_mut(&conn)) else {
            return false;
        };
        let Some(way) = self.ways.get_mut(connection.way) else { return false };
        self.scratch.clear();
        fill(joined, now, way.post_max, &mut self.scratch);
        if self.scratch.is_empty() {
            return false;
        }
        let out = self.pool.start(1024 + self.scratch.len());
        let content = Content::Length(self.scratch.len());
        let authorized = write_head(out, way, &self.authority, &joined.path, content, &mut self.rng);
        out.extend_from_slice(&self.scratch);
        connection.begin(now, authorized);
        connection.bytes = self.scratch.len() as u64;
        let payload = self.pool.finish();
        self.alarms.set(Alarm::Connection(conn), now + CARRIER_SILENCE_MAX);
        self.output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
        true
    }

    /// 413: the proxy takes no POST that long (RFC 9110 §15.5.14). From now on they are half as long, and what was in this
    /// one goes again. False if it was of the shortest: then length is not what is wrong.
    pub(super) fn post_too_long(&mut self, now: Instant, conn: ConnId) -> bool {
        let Some(connection) = self.connections.get(&conn) else { return false };
        let refused = usize::try_from(connection.bytes).unwrap_or(usize::MAX);
        let Some(way) = self.ways.get_mut(connection.way).filter(|_| refused > POST_BYTES_MIN) else {
            return false;
        };
        // By the length refused: several of the former length may be under way at once.
        way.post_max = way.post_max.min((refused / 2).max(POST_BYTES_MIN));
        self.discard(conn);
        if let Some(joined) = &mut self.joined {
            joined.session.carrier_lost(now);
        }
        true
    }

    /// A short POST was not answered as it should be. One may be an accident; two in a row are not.
    pub(super) fn post_failed(&mut self, now: Instant, way: usize, why: &str) {
        let Some(joined) = &mut self.joined else { return };
        joined.post_failures += 1;
        if joined.uplink == Uplink::Post && joined.post_failures >= 2 {
            self.alarms.clear(Alarm::Probe);
            self.ways.failed(way);
            self.lose_uplink(now, why);
        }
    }

    /// Closes all connections of short POSTs.
    pub(super) fn discard_posts(&mut self) {
        let posts: Vec<ConnId> = self
            .connections
            .iter()
            .filter(|(_, one)| one.purpose == Purpose::Post)
            .map(|(conn, _)| *conn)
            .collect();
        for conn in posts {
            self.discard(conn);
        }
    }

    /// Opens a connection to try a streaming POST beside the short ones.
    pub(super) fn try_climb(&mut self, now: Instant) {
        let due = self.joined.as_ref().is_some_and(|joined| {
            joined.up_since.is_some() && joined.uplink == Uplink::Post && joined.climb.is_none()
        });
        if due {
            let conn = self.open(now, Purpose::Stream);
            if let Some(joined) = &mut self.joined {
                joined.climb = conn.map(|conn| (conn, None));
            }
        }
    }

    /// Sends the trial's ping in a moment when nothing else is queued: what a proxy holds back must not be missed.
    pub(super) fn flush_climb(&mut self, now: Instant) {
        let Some(joined) = &mut self.joined else { return };
        let Some((conn, None)) = joined.climb else { return };
        let ready = self.connections.get(&conn).is_some_and(|one| one.is_idle());
        if !ready || joined.session.wants_write() {
            return;
        }
        joined.climb = Some((conn, Some(joined.session.ping(now))));
        self.write_stream(now, conn);
        if let Some(joined) = &self.joined {
            self.alarms.set(Alarm::ClimbProbe, now + self.probe_bound(joined));
        }
    }

    /// The trial failed; the next one is later.
    pub(super) fn climb_failed(&mut self, now: Instant) {
        self.alarms.clear(Alarm::ClimbProbe);
        let Some(joined) = &mut self.joined else { return };
        let Some((conn, _)) = joined.climb.take() else { return };
        joined.session.carrier_lost(now);
        self.discard(conn);
        if let Some(ladder) = self.ways.ladder_mut(self.up_way) {
            ladder.stream_failed(now);
            if let Some(at) = ladder.climb_at() {
                self.alarms.set(Alarm::Climb, at);
            }
        }
    }
}
