//! Frames going up: which rung, its probe, and the streaming POST.

use super::TunnelClient;
use super::alarm::Alarm;
use super::connection::{Purpose, Stage};
use super::joined::{Joined, Uplink};
use super::request::{Content, write_head};
use crate::base::{Duration, Instant};
use crate::config::limits::{
    CARRIER_SILENCE_MAX, EXCHANGE_BYTES_MAX, EXCHANGE_LIFE_MAX, PROBE_TIMEOUT, RECORD_ROOM_MIN,
    TUNNEL_ANSWER_TIMEOUT, TUNNEL_WRITE_MAX,
};
use crate::event::{Event, Rung};
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;
use crate::tunnel::http::chunked;

/// Room with which a write begins: one record, or several of a quiet line.
const WRITE_ROOM: usize = 20 * 1024;

impl TunnelClient {
    /// Opens the uplink on the rung that the ladder says, once the network is known to be there.
    pub(super) fn open_up(&mut self, now: Instant) {
        let Some(joined) = &self.joined else { return };
        if joined.uplink != Uplink::None {
            return;
        }
        let mut downs = [joined.down, joined.down_opening].into_iter().flatten();
        let reachable =
            downs.find_map(|conn| self.connections.get(&conn).filter(|one| one.stage != Stage::Connecting));
        let Some(way) = reachable.map(|one| one.way) else { return };
        self.up_way = way;
        let uplink = match self.ways.ladder(self.up_way).rung() {
            Rung::Post => Uplink::Post,
            Rung::Stream => {
                let Some(conn) = self.idle().or_else(|| self.open(now, Purpose::Stream)) else { return };
                if let Some(connection) =
                    self.connections.get_mut(&conn).filter(|one| one.stage == Stage::Ready)
                {
                    connection.purpose = Purpose::Stream;
                    self.alarms.clear(Alarm::Connection(conn));
                }
                Uplink::Stream { conn, since: now, proof_sent: false }
            }
        };
        let Some(joined) = &mut self.joined else { return };
        joined.uplink = uplink;
        joined.post_failures = 0;
        joined.echo_at = now;
        joined.ask_proof(now);
        self.alarms.clear(Alarm::Up);
        self.alarms.set(Alarm::Silence, now + CARRIER_SILENCE_MAX);
        self.alarms.set(Alarm::RenewUp, now + EXCHANGE_LIFE_MAX);
        self.arm_probe(now);
    }

    /// From when both directions can carry the proof, its echo has to come in time.
    pub(super) fn arm_probe(&mut self, now: Instant) {
        let Some(joined) = &self.joined else { return };
        if joined.up_since.is_some() || joined.down.is_none() {
            return;
        }
        let bound = match joined.uplink {
            Uplink::Stream { proof_sent: true, .. } => self.probe_bound(joined),
            Uplink::Post => TUNNEL_ANSWER_TIMEOUT,
            _ => return,
        };
        self.alarms.set(Alarm::Probe, now + bound);
    }

    /// The echo of the proof is missing: the next rung, or, below the last one, the next way.
    pub(super) fn probe_failed(&mut self, now: Instant) {
        let Some(joined) = &mut self.joined else { return };
        match (joined.up_since, joined.uplink) {
            (None, Uplink::Stream { conn, .. }) => {
                joined.uplink = Uplink::None;
                joined.session.carrier_lost(now);
                if let Some(ladder) = self.ways.ladder_mut(self.up_way) {
                    ladder.stream_failed(now);
                }
                self.discard(conn);
                self.open_up(now);
            }
            (None, Uplink::Post) => {
                let down = joined.down;
                self.lose_uplink(now, "no echo on any rung");
                self.ways.failed(self.up_way);
                if let Some(down) = down {
                    self.fail(now, down, "no echo on any rung");
                }
            }
            _ => {}
        }
    }

    /// Gives the uplink up, and opens it again soon.
    pub(super) fn lose_uplink(&mut self, now: Instant, why: &str) {
        self.go_down(now, why);
        let Some(joined) = &mut self.joined else { return };
        match core::mem::replace(&mut joined.uplink, Uplink::None) {
            Uplink::Stream { conn, since, .. } => {
                if let Some(ladder) = self.ways.ladder_mut(self.up_way) {
                    ladder.stream_died(now, now.since(since));
                }
                self.discard(conn);
            }
            Uplink::Post => self.discard_posts(),
            Uplink::None => {}
        }
        if let Some(joined) = &mut self.joined {
            joined.session.carrier_lost(now);
        }
        self.again(now, Alarm::Up);
    }

    /// A streaming POST is gone; `life` is `None` if that says nothing about the rung.
    pub(super) fn stream_gone(&mut self, now: Instant, conn: ConnId, life: Option<Duration>) {
        let Some(joined) = &mut self.joined else { return };
        if joined.climb.is_some_and(|(trial, _)| trial == conn) {
            self.climb_failed(now);
        } else if joined.up_renewal == Some(conn) {
            joined.up_renewal = None;
            self.alarms.set(Alarm::RenewUp, now + super::trouble::RENEW_AGAIN);
        } else if joined.uplink.is_on(conn) {
            joined.uplink = Uplink::None;
            self.alarms.clear(Alarm::Probe);
            match life {
                None => self.open_up(now),
                Some(life) => {
                    if let Some(ladder) = self.ways.ladder_mut(self.up_way) {
                        ladder.stream_died(now, life);
                    }
                    self.again(now, Alarm::Up);
                }
            }
        }
    }

    /// Writes what is queued as one chunk.
    pub(super) fn flush_stream(&mut self, now: Instant, conn: ConnId) {
        let conn = self.take_renewal(now).unwrap_or(conn);
        let wants_probe = self.ways.ladder(self.up_way).wants_probe();
        let Some(joined) = &mut self.joined else { return };
        let hold = wants_probe && joined.up_since.is_none();
        let Some(connection) = self.connections.get(&conn) else { return };
        let Uplink::Stream { proof_sent, .. } = &mut joined.uplink else { return };
        let open = matches!(connection.stage, Stage::Ready | Stage::Exchange) && !connection.writing;
        if !open || (hold && *proof_sent) || !joined.session.wants_write() {
            return;
        }
        let is_proof = !core::mem::replace(proof_sent, true);
        let written = self.write_stream(now, conn);
        if is_proof {
            self.arm_probe(now);
        }
        if written > EXCHANGE_BYTES_MAX {
            self.renew_up(now);
        }
    }

    /// Writes one chunk of records, behind the request head if the exchange has not begun. Gives the exchange's bytes.
    pub(super) fn write_stream(&mut self, now: Instant, conn: ConnId) -> u64 {
        let (Some(joined), Some(connection)) = (&mut self.joined, self.connections.get_mut(&conn)) else {
            return 0;
        };
        let Some(way) = self.ways.get_mut(connection.way) else { return 0 };
        self.scratch.clear();
        if connection.stage == Stage::Ready {
            let head = &mut self.scratch;
            let authorized =
                write_head(head, way, &self.authority, &joined.path, Content::Chunked, &mut self.rng);
            connection.begin(now, authorized);
        }
        let out = self.pool.start(WRITE_ROOM);
        chunked::open(out);
        fill(joined, now, TUNNEL_WRITE_MAX, out);
        chunked::close(out);
        if out.is_empty() && self.scratch.is_empty() {
            return connection.bytes;
        }
        connection.bytes += out.len() as u64;
        connection.writing = true;
        let mut payload = self.pool.finish();
        if !self.scratch.is_empty() {
            // Once per exchange: the head goes in front of the first chunk, in one write.
            let out = self.pool.start(self.scratch.len() + payload.len());
            out.extend_from_slice(&self.scratch);
            out.extend_from_slice(&payload);
            payload = self.pool.finish();
        }
        let bytes = connection.bytes;
        self.output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
        bytes
    }

    /// Ends a streaming POST; its answer is waited for, so that a proxy sees an ordinary exchange.
    pub(super) fn write_last_chunk(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.ending = true;
        connection.end_due = connection.writing;
        if connection.writing {
            return;
        }
        connection.writing = true;
        self.alarms.set(Alarm::Connection(conn), now + CARRIER_SILENCE_MAX);
        let payload = self.pool.copy(chunked::LAST_CHUNK);
        self.output.push_back(TunnelOutput::Io(Output::Write { conn, payload }));
    }

    /// Opens the successor of the streaming POST, before it is needed.
    pub(super) fn renew_up(&mut self, now: Instant) {
        let due = self.joined.as_ref().is_some_and(|joined| {
            let streams = matches!(joined.uplink, Uplink::Stream { .. });
            streams && joined.up_since.is_some() && joined.up_renewal.is_none()
        });
        if due {
            let conn = self.open(now, Purpose::Stream);
            if let Some(joined) = &mut self.joined {
                joined.up_renewal = conn;
            }
        }
    }

    /// Goes over to the successor once it is ready; the former one is ended in order.
    fn take_renewal(&mut self, now: Instant) -> Option<ConnId> {
        let joined = self.joined.as_mut()?;
        let next =
            joined.up_renewal.filter(|next| self.connections.get(next).is_some_and(|one| one.is_idle()))?;
        joined.up_renewal = None;
        let former = core::mem::replace(
            &mut joined.uplink,
            Uplink::Stream { conn: next, since: now, proof_sent: true },
        );
        self.alarms.set(Alarm::RenewUp, now + EXCHANGE_LIFE_MAX);
        if let Uplink::Stream { conn, .. } = former {
            self.write_last_chunk(now, conn);
        }
        Some(next)
    }

    /// How long an echo may take: several times as long if the way was proved before and merely reopened.
    pub(super) fn probe_bound(&self, joined: &Joined) -> Duration {
        let bound = PROBE_TIMEOUT + joined.hello_round_trip * 4;
        if self.ways.ladder(self.up_way).wants_probe() { bound } else { bound * 2 }
    }

    /// A trial of the streaming POST succeeded.
    pub(super) fn climbed(&mut self, now: Instant) {
        let Some(joined) = &mut self.joined else { return };
        let Some((conn, _)) = joined.climb.take() else { return };
        joined.uplink = Uplink::Stream { conn, since: now, proof_sent: true };
        let round_trip = joined.round_trip;
        if let Some(ladder) = self.ways.ladder_mut(self.up_way) {
            ladder.stream_proved();
        }
        self.alarms.clear(Alarm::ClimbProbe);
        self.alarms.set(Alarm::RenewUp, now + EXCHANGE_LIFE_MAX);
        self.event(Event::TunnelUp { site: None, rung: Rung::Stream, round_trip, resumed: true });
    }
}

/// Appends sealed records of what is queued, until `out` has at most `max` bytes.
pub(super) fn fill(joined: &mut Joined, now: Instant, max: usize, out: &mut bytes::BytesMut) {
    while out.len() + RECORD_ROOM_MIN <= max && joined.session.fill_record(now, max - out.len(), out) {}
}
