//! Sites and their sessions: hello, proof, end.

use std::collections::VecDeque;

use super::TunnelServer;
use super::alarm::Alarm;
use super::connection::Phase;
use super::page::Page;
use crate::base::{Duration, Instant, SiteId};
use crate::config::SiteKey;
use crate::config::limits::{
    CARRIER_SILENCE_MAX, RESUME_WINDOW, SITE_CONNECTIONS_MAX, SITE_PENDING_SESSIONS_MAX, STRANGER_TIMEOUT,
};
use crate::event::{Event, Rung};
use crate::io::ConnId;
use crate::tunnel::TunnelOutput;
use crate::tunnel::seal::answer_hello;
use crate::tunnel::session::{Session, SessionConfig, SessionEvent};

/// A site that may open a tunnel.
#[derive(Debug)]
pub(super) struct SiteEntry {
    key: SiteKey,
    /// Its session.
    pub current: Option<usize>,
    /// Sessions that have not proved themselves, oldest first. Each may be the replay of a hello.
    pending: VecDeque<usize>,
}

impl SiteEntry {
    pub const fn new(key: SiteKey) -> SiteEntry {
        SiteEntry { key, current: None, pending: VecDeque::new() }
    }

    /// Sessions that have not proved themselves.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
}

/// A session and what carries it.
#[derive(Debug)]
pub(super) struct Entry {
    pub site: SiteId,
    id: [u8; 16],
    pub session: Session,
    pub since: Instant,
    proved: bool,
    /// The open downlink.
    pub down: Option<ConnId>,
    /// All connections on which it proved itself, oldest first.
    connections: VecDeque<ConnId>,
    pub rung: Rung,
    pub round_trip: Duration,
    pub up_since: Option<Instant>,
    was_up: bool,
    /// The ping whose echo proves both directions.
    pub proof: u64,
    /// It stands in the list of sessions that may have something to write.
    pub is_dirty: bool,
}

impl Entry {
    /// Connections on which it proved itself.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }
}

impl TunnelServer {
    /// The body of a hello is complete.
    pub(super) fn take_hello(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let mut id = [0; 16];
        self.rng.fill(&mut id);
        let (sites, by_hint) = (&self.sites, &self.by_hint);
        let lookup = |hint| {
            let index = *by_hint.get(&hint)?;
            Some((SiteId(u16::try_from(index).ok()?), sites.get(index)?.key.clone()))
        };
        match answer_hello(&connection.body, lookup, |_, _| id.to_vec(), &mut self.rng) {
            Ok(answered) => {
                connection.phase = if connection.keep_alive { Phase::Head } else { Phase::Closing };
                let close = if connection.keep_alive { "" } else { "Connection: close\r\n" };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\
                     Cache-Control: no-store\r\n{close}\r\n",
                    answered.answer.len()
                );
                let out = self.pool.start(512);
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(&answered.answer);
                connection.write(now, conn, self.pool.finish(), &mut self.output);
                let config = SessionConfig { voice_age_max: self.voice_age_max };
                self.pend(now, answered.site, id, Session::new(answered.keys, config, now));
            }
            Err(error) => {
                let peer = connection.peer;
                if self.refusals.is_news(now, peer.ip()) {
                    self.event(Event::HelloRefused { peer, reason: error.name() });
                }
                // Exactly what an unknown path gets.
                self.answer(now, conn, Page::NotFound { head_only: false });
            }
        }
    }

    /// A session that waits for its first sealed word.
    fn pend(&mut self, now: Instant, site: SiteId, id: [u8; 16], session: Session) {
        let key = self.sessions.insert(Entry {
            site,
            id,
            session,
            since: now,
            proved: false,
            down: None,
            connections: VecDeque::new(),
            rung: Rung::Stream,
            round_trip: Duration::ZERO,
            up_since: None,
            was_up: false,
            proof: 0,
            is_dirty: false,
        });
        self.by_id.insert(id, key);
        self.alarms.set(Alarm::End(key), now + STRANGER_TIMEOUT);
        let Some(entry) = self.sites.get_mut(usize::from(site.0)) else { return };
        entry.pending.push_back(key);
        if entry.pending.len() > SITE_PENDING_SESSIONS_MAX {
            if let Some(oldest) = entry.pending.front().copied() {
                self.end_session(now, oldest, "too many hellos");
            }
        }
    }

    /// Something sealed by the session's keys came on this connection: it is the site's, and no replay.
    pub(super) fn prove(&mut self, now: Instant, conn: ConnId, key: usize) {
        self.strangers.clear(conn);
        self.alarms.set(Alarm::Connection(conn), now + CARRIER_SILENCE_MAX);
        if let Some(connection) = self.connections.get_mut(&conn) {
            let former = connection.session.replace(key).filter(|former| *former != key);
            if let Some(former) = former.and_then(|former| self.sessions.get_mut(former)) {
                former.connections.retain(|one| *one != conn);
            }
        }
        let Some(entry) = self.sessions.get_mut(key) else { return };
        if !entry.connections.contains(&conn) {
            entry.connections.push_back(conn);
        }
        let too_many = entry.connections.len() > SITE_CONNECTIONS_MAX;
        let mut spare = entry.connections.iter().filter(|one| **one != conn && entry.down != Some(**one));
        let surplus = if too_many { spare.next().copied() } else { None };
        let is_new = !core::mem::replace(&mut entry.proved, true);
        let site = entry.site;
        if is_new {
            self.alarms.set(Alarm::End(key), now + RESUME_WINDOW);
            let place = self.sites.get_mut(usize::from(site.0));
            let former = place.and_then(|place| {
                place.pending.retain(|pending| *pending != key);
                place.current.replace(key)
            });
            if let Some(former) = former {
                self.end_session(now, former, "the site began a new session");
            }
            self.output.push_back(TunnelOutput::Started(site));
        }
        if let Some(surplus) = surplus {
            self.close(now, surplus, "too many connections of one site");
        }
    }

    /// A session is over; its connections too.
    pub(super) fn end_session(&mut self, now: Instant, key: usize, why: &str) {
        if !self.sessions.contains(key) {
            return;
        }
        self.go_down(now, key, why);
        let entry = self.sessions.remove(key);
        self.dirty.retain(|dirty| *dirty != key);
        self.by_id.remove(&entry.id);
        for alarm in [Alarm::Session(key), Alarm::Silence(key), Alarm::End(key)] {
            self.alarms.clear(alarm);
        }
        if let Some(site) = self.sites.get_mut(usize::from(entry.site.0)) {
            site.pending.retain(|pending| *pending != key);
            if site.current == Some(key) {
                site.current = None;
            }
        }
        // Also connections on which it has not proved itself yet: the key may soon name another session.
        let on_it = |phase: &Phase| matches!(phase, Phase::Up { session, .. } | Phase::Down { session, .. } if *session == key);
        let all: Vec<ConnId> = self
            .connections
            .iter()
            .filter(|(_, one)| one.session == Some(key) || on_it(&one.phase))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in all {
            self.close(now, conn, why);
        }
        if entry.proved {
            self.output.push_back(TunnelOutput::Ended(entry.site));
        }
    }

    /// Passes on what a session says.
    pub(super) fn drain_session(&mut self, now: Instant, key: usize) {
        while let Some(entry) = self.sessions.get_mut(key) {
            let site = entry.site;
            match entry.session.poll() {
                None => break,
                Some(SessionEvent::Frame(frame)) => self.output.push_back(TunnelOutput::Frame(site, frame)),
                Some(SessionEvent::Voice(flow, datagram)) => {
                    self.output.push_back(TunnelOutput::Voice(site, flow, datagram));
                }
                Some(SessionEvent::Dropped(reason)) => self.event(Event::Dropped(reason, None)),
                Some(SessionEvent::Pong { number, round_trip }) => self.echo(now, key, number, round_trip),
                Some(SessionEvent::GoAway) => {
                    self.end_session(now, key, "the site ended the session");
                    break;
                }
            }
        }
    }

    fn echo(&mut self, now: Instant, key: usize, number: u64, round_trip: Duration) {
        let Some(entry) = self.sessions.get_mut(key) else { return };
        entry.round_trip = round_trip;
        if entry.up_since.is_some() || entry.down.is_none() || number < entry.proof {
            return;
        }
        entry.up_since = Some(now);
        let resumed = core::mem::replace(&mut entry.was_up, true);
        let (site, rung) = (entry.site, entry.rung);
        self.alarms.clear(Alarm::End(key));
        self.alarms.set(Alarm::Silence(key), now + CARRIER_SILENCE_MAX);
        self.event(Event::TunnelUp { site: Some(site), rung, round_trip, resumed });
    }

    /// Frames do not flow at the moment.
    pub(super) fn go_down(&mut self, now: Instant, key: usize, why: &str) {
        let Some(entry) = self.sessions.get_mut(key) else { return };
        if entry.up_since.take().is_none() {
            return;
        }
        let site = entry.site;
        entry.proof = entry.session.ping(now);
        self.alarms.set(Alarm::End(key), now + RESUME_WINDOW);
        self.event(Event::TunnelDown { site: Some(site), reason: why.to_owned() });
    }

    /// Frames come up in this manner. While the tunnel is not up, the echo of our last ping may have been lost with a
    /// former uplink (a probe that a proxy swallowed), so another is sent.
    pub(super) fn uplink_seen(&mut self, now: Instant, key: usize, chunked: bool) {
        let Some(entry) = self.sessions.get_mut(key) else { return };
        entry.rung = if chunked { Rung::Stream } else { Rung::Post };
        if entry.up_since.is_none() {
            entry.session.ping(now);
        }
    }

    /// Removes a connection and draws the consequences.
    pub(super) fn forget(&mut self, now: Instant, conn: ConnId, why: &str) {
        self.strangers.clear(conn);
        self.alarms.clear(Alarm::Connection(conn));
        let Some(connection) = self.connections.remove(&conn) else { return };
        let Some(key) = connection.session else { return };
        let Some(entry) = self.sessions.get_mut(key) else { return };
        entry.connections.retain(|one| *one != conn);
        // What went down on it may be lost: on the open downlink, or on one that was being ended.
        if matches!(connection.phase, Phase::Down { .. })
            || connection.phase == Phase::Closing && connection.writing
        {
            entry.session.carrier_lost(now);
        }
        if entry.down == Some(conn) {
            entry.down = None;
            self.go_down(now, key, why);
        }
        self.touch(key);
    }
}
