//! HRAS's deadlines.

use super::TunnelServer;
use super::connection::Phase;
use crate::base::{Deadline, Instant};
use crate::config::limits::{CARRIER_SILENCE_MAX, KEEP_ALIVE_MAX, SERVER_SILENCE_MAX};
use crate::io::ConnId;

/// What may become due. Sessions by their key in the slab.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Alarm {
    /// A connection of a site is idle or silent.
    Connection(ConnId),
    /// A session's own timers.
    Session(usize),
    /// Nothing came from the site for too long.
    Silence(usize),
    /// The session has not proved itself, or was without a tunnel for too long.
    End(usize),
}

impl TunnelServer {
    /// Lets due deadlines act.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(conn) = self.strangers.pop_due(now) {
            self.close(now, conn, "a stranger's time is up");
        }
        while let Some(alarm) = self.alarms.pop_due(now) {
            match alarm {
                Alarm::Connection(conn) => self.connection_overdue(now, conn),
                Alarm::Session(key) => {
                    if let Some(entry) = self.sessions.get_mut(key) {
                        entry.session.handle_timeout(now);
                    }
                    self.touch(key);
                    self.drain_session(now, key);
                }
                Alarm::Silence(key) => self.check_silence(now, key),
                Alarm::End(key) => self.end_session(now, key, "no tunnel for longer than the resume window"),
            }
        }
    }

    /// When to call [`TunnelServer::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earlier(self.strangers.next(), self.alarms.next())
    }

    /// Keeps the alarm of a session's own timers up to date.
    pub(super) fn wake_session(&mut self, key: usize) {
        let due = self.sessions.get(key).and_then(|entry| entry.session.poll_timeout());
        let alarm = Alarm::Session(key);
        match due {
            Some(due) if self.alarms.get(alarm) == Some(due.at) => {}
            Some(due) => self.alarms.set(alarm, due.at),
            None => self.alarms.clear(alarm),
        }
    }

    fn check_silence(&mut self, now: Instant, key: usize) {
        let Some(entry) = self.sessions.get(key).filter(|entry| entry.up_since.is_some()) else { return };
        let silent_at = entry.session.last_heard() + CARRIER_SILENCE_MAX;
        if silent_at > now {
            self.alarms.set(Alarm::Silence(key), silent_at);
        } else {
            self.go_down(now, key, "the site fell silent");
        }
    }

    /// Deadlines of connections are moved only when they strike.
    fn connection_overdue(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let due = match connection.phase {
            Phase::Down { .. } if connection.writing => connection.writing_since + CARRIER_SILENCE_MAX,
            Phase::Down { .. } => now + CARRIER_SILENCE_MAX,
            Phase::Up { .. } => connection.last_received + SERVER_SILENCE_MAX,
            _ => connection.last_received + KEEP_ALIVE_MAX,
        };
        if due > now {
            self.alarms.set(Alarm::Connection(conn), due);
        } else {
            self.close(now, conn, "silent for too long");
        }
    }
}
