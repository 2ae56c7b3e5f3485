//! HRAC's deadlines.

use super::TunnelClient;
use super::connection::{Purpose, Stage};
use super::joined::Uplink;
use crate::base::{Deadline, Instant};
use crate::config::limits::{CARRIER_SILENCE_MAX, EXCHANGE_LIFE_MAX, KEEP_ALIVE_MAX};
use crate::io::ConnId;

/// What may become due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Alarm {
    /// A connection's stage took too long.
    Connection(ConnId),
    /// Say hello.
    Hello,
    /// Open the downlink.
    Down,
    /// Open the uplink.
    Up,
    /// The echo of the probe is missing.
    Probe,
    /// No echo for too long.
    Silence,
    /// Replace the downlink.
    RenewDown,
    /// Replace the streaming POST.
    RenewUp,
    /// Try the streaming POST again.
    Climb,
    /// The echo of that trial is missing.
    ClimbProbe,
    /// The session was without a tunnel for too long.
    Resume,
}

impl TunnelClient {
    /// Lets due deadlines act.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(alarm) = self.alarms.pop_due(now) {
            self.ring(now, alarm);
        }
        if let Some(joined) = &mut self.joined {
            joined.session.handle_timeout(now);
        }
        self.drain_session(now);
    }

    /// When to call [`TunnelClient::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let session = self.joined.as_ref().and_then(|joined| joined.session.poll_timeout());
        Deadline::earlier(self.alarms.next(), session)
    }

    fn ring(&mut self, now: Instant, alarm: Alarm) {
        match alarm {
            Alarm::Connection(conn) => self.connection_overdue(now, conn),
            Alarm::Hello => self.say_hello(now),
            Alarm::Down => self.open_down(now),
            Alarm::Up => self.open_up(now),
            Alarm::Probe => self.probe_failed(now),
            Alarm::Silence => self.check_silence(now),
            Alarm::RenewDown => {
                self.alarms.set(Alarm::RenewDown, now + EXCHANGE_LIFE_MAX);
                self.open_down(now);
            }
            Alarm::RenewUp => self.renew_up(now),
            Alarm::Climb => self.try_climb(now),
            Alarm::ClimbProbe => self.climb_failed(now),
            Alarm::Resume => self.end_session(now, "no tunnel for longer than the resume window"),
        }
    }

    fn connection_overdue(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        // Any received byte counts as life; the deadline is moved only when it strikes.
        let open_down = self.joined.as_ref().is_some_and(|joined| joined.down == Some(conn));
        let alive_until = connection.last_received + CARRIER_SILENCE_MAX;
        if open_down && alive_until > now {
            self.alarms.set(Alarm::Connection(conn), alive_until);
            return;
        }
        let why = match (connection.stage, connection.purpose) {
            (Stage::Connecting, _) => "no TCP connection in time",
            (Stage::Tunnelling, _) => "no answer to CONNECT in time",
            (Stage::Ready, _) => {
                self.discard(conn);
                return;
            }
            (Stage::Exchange, Purpose::Down) if open_down => "the downlink fell silent",
            (Stage::Exchange, Purpose::Down) => {
                "the downlink brings nothing: something between holds the answer back"
            }
            (Stage::Exchange, _) => "no answer in time",
        };
        self.fail(now, conn, why);
    }

    fn check_silence(&mut self, now: Instant) {
        let Some(joined) = &self.joined else { return };
        let silent_at = joined.echo_at + CARRIER_SILENCE_MAX;
        if joined.uplink == Uplink::None {
            return;
        }
        if silent_at > now {
            self.alarms.set(Alarm::Silence, silent_at);
            return;
        }
        self.lose_uplink(now, "nothing comes back");
    }

    /// Keeps an idle connection for a while: shorter than the server does, so that it is seldom closed under a request.
    pub(super) fn keep_idle(&mut self, now: Instant, conn: ConnId) {
        self.alarms.set(Alarm::Connection(conn), now + KEEP_ALIVE_MAX / 2);
    }
}
