//! Deadlines.

use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Output};

use super::Proxy;
use super::connection::{Kind, Stage};
use super::page::Page;
use crate::host::Act;

/// What may become due; each belongs to one connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Alarm {
    /// A request's turn has come.
    Start(ConnId),
    /// What is held of a request is sent on.
    Up(ConnId),
    /// What is held of a response is sent on.
    Down(ConnId),
    /// A client was silent for too long, perhaps.
    Idle(ConnId),
    /// An exchange is too old.
    Life(ConnId),
    /// Delayed or paced bytes may be written.
    Outlet(ConnId),
    /// A server's connection was in the pool, or ending, for too long.
    Pool(ConnId),
    /// A connection to a server is not up.
    Connect(ConnId),
    /// A client was given its last bytes and has not closed.
    Linger(ConnId),
}

impl Proxy {
    pub(super) fn ring(&mut self, now: Instant, alarm: Alarm) {
        match alarm {
            Alarm::Start(conn) => self.begin(now, conn),
            Alarm::Up(conn) => self.release_up(now, conn),
            Alarm::Down(conn) => self.release_down(now, conn),
            Alarm::Idle(conn) => self.check_idle(now, conn),
            Alarm::Life(conn) => self.end_client(now, conn),
            Alarm::Outlet(conn) => {
                self.flush(now, conn);
                let client = self.origins.get(&conn).map_or(Some(conn), |origin| origin.client);
                if let Some(client) = client {
                    self.govern(client);
                }
            }
            Alarm::Pool(conn) => self.close_origin(conn),
            Alarm::Connect(conn) => {
                self.acts.push_back(Act::Do(Output::Close(conn)));
                self.origin_failed(now, conn, 504);
            }
            Alarm::Linger(conn) => {
                let Some(client) = self.clients.remove(&conn) else { return };
                self.clear_alarms(conn);
                let act =
                    if client.outlet.is_empty() { Act::Do(Output::Close(conn)) } else { Act::Reset(conn) };
                self.acts.push_back(act);
            }
        }
    }

    fn release_up(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        let Some(name) = exchange.origin else { return };
        if let (Some(up), Some(origin)) = (&mut exchange.up, self.origins.get_mut(&name)) {
            up.handle_timeout(now, &mut origin.outlet);
            self.flush(now, name);
        }
    }

    fn release_down(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        if let Some(down) = &mut exchange.down {
            down.handle_timeout(now, &mut client.outlet);
            self.flush(now, conn);
            self.govern(conn);
        }
    }

    /// Sets the idle limit anew, after what the connection does has changed.
    pub(super) fn arm_idle(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        client.last = now;
        match self.idle_max(conn) {
            Some(max) => self.alarms.set(Alarm::Idle(conn), now + max),
            None => self.alarms.clear(Alarm::Idle(conn)),
        }
    }

    fn idle_max(&self, conn: ConnId) -> Option<Duration> {
        let config = &self.config;
        match &self.clients.get(&conn)?.stage {
            Stage::Idle => config.idle_keep_alive,
            Stage::Exchange(exchange) if exchange.kind == Kind::Connect => None,
            // A client whose body is not read cannot be blamed for its silence.
            Stage::Exchange(exchange)
                if exchange.kind == Kind::Post && !exchange.up_done && !exchange.waits_for_100 =>
            {
                config.idle_post
            }
            Stage::Exchange(_) => config.idle_get,
            Stage::Tunnel { .. } => config.idle_connect,
            Stage::Ending => None,
        }
    }

    /// Bytes only note the time; the deadline is moved when it strikes.
    fn check_idle(&mut self, now: Instant, conn: ConnId) {
        let (Some(max), Some(client)) = (self.idle_max(conn), self.clients.get(&conn)) else { return };
        let due = client.last + max;
        if due > now {
            self.alarms.set(Alarm::Idle(conn), due);
            return;
        }
        match &client.stage {
            Stage::Exchange(exchange) if !exchange.answered && self.config.idle_pages => {
                self.counters.refused += 1;
                let status = if exchange.up_done { 504 } else { 408 };
                self.refuse_and_end(now, conn, &Page::new(status));
            }
            _ => self.end_client(now, conn),
        }
    }

    pub(super) fn clear_alarms(&mut self, conn: ConnId) {
        for alarm in [
            Alarm::Start(conn),
            Alarm::Up(conn),
            Alarm::Down(conn),
            Alarm::Idle(conn),
            Alarm::Life(conn),
            Alarm::Outlet(conn),
            Alarm::Pool(conn),
            Alarm::Connect(conn),
            Alarm::Linger(conn),
        ] {
            self.alarms.clear(alarm);
        }
    }
}
