//! Connections that end, and what is then tried or told to the operator.

use super::TunnelClient;
use super::alarm::Alarm;
use super::connection::{Purpose, Stage};
use super::request::with_port;
use super::ways::Way;
use crate::base::{Duration, Instant};
use crate::event::Event;
use crate::io::{ConnId, Output};
use crate::tunnel::TunnelOutput;

/// A tunnel that was up for so long starts its attempts anew.
const STEADY: Duration = Duration::from_secs(10);
/// When a renewal that failed is tried again.
pub(super) const RENEW_AGAIN: Duration = Duration::from_secs(60);

impl TunnelClient {
    /// The connection is gone at the other end.
    pub(super) fn gone(&mut self, now: Instant, conn: ConnId, why: &str) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.gone = true;
        // A response may end with its connection (RFC 9112 §6.3 rule 8).
        if connection.stage == Stage::Exchange && connection.reader.close() == Ok(true) {
            connection.keep_alive = false;
            if connection.again {
                self.reopen(now, conn);
            } else {
                self.take_end(now, conn);
            }
        }
        self.forget(now, conn, why);
    }

    /// The connection is of no use any more.
    pub(super) fn fail(&mut self, now: Instant, conn: ConnId, why: &str) {
        if let Some(connection) = self.connections.get(&conn) {
            if !connection.gone {
                self.output.push_back(TunnelOutput::Io(Output::Close(conn)));
            }
            self.forget(now, conn, why);
        }
    }

    /// Closes a connection whose end means nothing.
    pub(super) fn discard(&mut self, conn: ConnId) {
        self.alarms.clear(Alarm::Connection(conn));
        if self.connections.remove(&conn).is_some_and(|connection| !connection.gone) {
            self.output.push_back(TunnelOutput::Io(Output::Close(conn)));
        }
    }

    /// Closes a connection and opens another for the same purpose, e.g. now with credentials.
    pub(super) fn reopen(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let purpose = connection.purpose;
        self.discard(conn);
        if let Some(joined) = &mut self.joined {
            joined.session.carrier_lost(now);
        }
        match purpose {
            Purpose::Hello => self.say_hello(now),
            Purpose::Down => {
                if let Some(joined) = self.joined.as_mut().filter(|joined| joined.down_opening == Some(conn))
                {
                    joined.down_opening = None;
                    self.open_down(now);
                }
            }
            Purpose::Stream => self.stream_gone(now, conn, None),
            Purpose::Post => {}
        }
    }

    /// The server does not know our session. Once may be an accident (a proxy repeated a GET whose token was used up).
    pub(super) fn session_unknown(&mut self, now: Instant, conn: ConnId) {
        let Some(joined) = &mut self.joined else { return };
        joined.unknown += 1;
        if joined.unknown < 2 {
            self.reopen(now, conn);
            return;
        }
        self.end_session(now, "the server does not know the session any more");
    }

    /// Ends the session, and begins another.
    pub(super) fn end_session(&mut self, now: Instant, why: &str) {
        self.go_down(now, why);
        if self.joined.take().is_none() {
            return;
        }
        let all: Vec<ConnId> = self.connections.keys().copied().collect();
        for conn in all {
            self.discard(conn);
        }
        for alarm in [
            Alarm::Down,
            Alarm::Up,
            Alarm::Probe,
            Alarm::Silence,
            Alarm::RenewDown,
            Alarm::RenewUp,
            Alarm::Climb,
            Alarm::ClimbProbe,
            Alarm::Resume,
        ] {
            self.alarms.clear(alarm);
        }
        self.output.push_back(TunnelOutput::Ended(super::OWN_SITE));
        self.again(now, Alarm::Hello);
    }

    /// Frames do not flow at the moment.
    pub(super) fn go_down(&mut self, now: Instant, why: &str) {
        let Some(joined) = &mut self.joined else { return };
        let Some(since) = joined.up_since.take() else { return };
        if now.since(since) > STEADY {
            self.attempts = 0;
        }
        self.alarms.clear(Alarm::Climb);
        self.alarms.set(Alarm::Resume, now + crate::config::limits::RESUME_WINDOW);
        self.report(Event::TunnelDown { site: None, reason: why.to_owned() });
    }

    /// Tells the operator, unless it is what was told last.
    pub(super) fn report(&mut self, event: Event) {
        if self.reported.as_ref() != Some(&event) {
            self.reported = Some(event.clone());
            self.event(event);
        }
    }

    /// Sets `alarm` for the next attempt.
    pub(super) fn again(&mut self, now: Instant, alarm: Alarm) {
        let pause = self.ways.pause(self.attempts, &mut self.rng);
        self.attempts = self.attempts.saturating_add(1);
        self.alarms.set(alarm, now + pause);
    }

    /// Removes a connection and draws the consequences.
    fn forget(&mut self, now: Instant, conn: ConnId, why: &str) {
        self.alarms.clear(Alarm::Connection(conn));
        let Some(connection) = self.connections.remove(&conn) else { return };
        let in_silence = connection.closed_in_silence(now);
        let was_carrying = connection.stage == Stage::Exchange
            && matches!(connection.purpose, Purpose::Stream | Purpose::Post);
        if let Some(joined) = self.joined.as_mut().filter(|_| was_carrying) {
            joined.session.carrier_lost(now);
        }
        match connection.purpose {
            Purpose::Hello if in_silence => self.say_hello(now),
            Purpose::Hello => self.hello_failed(now, connection.way, why),
            Purpose::Down => self.down_gone(now, conn, connection.way, why),
            Purpose::Stream => {
                let is_carrier = self.joined.as_ref().is_some_and(|joined| joined.uplink.is_on(conn));
                if is_carrier {
                    self.go_down(now, why);
                }
                if is_carrier && connection.stage != Stage::Exchange {
                    self.ways.failed(connection.way);
                }
                self.stream_gone(now, conn, (!in_silence).then(|| now.since(connection.since)));
            }
            Purpose::Post if in_silence || connection.stage == Stage::Ready => {}
            Purpose::Post => self.post_failed(now, connection.way, why),
        }
    }

    fn hello_failed(&mut self, now: Instant, way: usize, why: &str) {
        let name = self.ways.get(way).map(Way::name).unwrap_or_default();
        // What the other end refused was reported with an advice; its closing connection is no news.
        if !matches!(self.reported, Some(Event::TunnelRefused { .. } | Event::ProxyAuthRequired { .. })) {
            self.report(Event::TunnelDown { site: None, reason: format!("{why} ({name})") });
        }
        self.ways.failed(way);
        self.again(now, Alarm::Hello);
    }

    fn down_gone(&mut self, now: Instant, conn: ConnId, way: usize, why: &str) {
        let Some(joined) = &mut self.joined else { return };
        if joined.down_opening == Some(conn) {
            joined.down_opening = None;
            let (has_another, was_up) = (joined.down.is_some(), joined.was_up);
            if !was_up && self.reported.is_none() {
                self.report(Event::TunnelDown { site: None, reason: why.to_owned() });
            }
            if has_another {
                self.alarms.set(Alarm::RenewDown, now + RENEW_AGAIN);
            } else {
                self.ways.failed(way);
                self.go_down(now, why);
                self.again(now, Alarm::Down);
            }
        } else if joined.down == Some(conn) {
            joined.down = None;
            let opening = joined.down_opening.is_some();
            self.go_down(now, why);
            self.alarms.clear(Alarm::Probe);
            if !opening {
                self.again(now, Alarm::Down);
            }
        }
    }
}

/// What the operator can do about an answer that no tunnel can come from.
pub(super) fn advice(status: u16, to_connect: bool, authority: &str, way: Option<&Way>) -> String {
    let way = way.map(Way::name).unwrap_or_default();
    let target = with_port(authority);
    match status {
        502..=504 => format!(
            "http://{authority} cannot be reached {way}: is the server running, is the address right?"
        ),
        _ if to_connect && target.ends_with(":443") => format!(
            "CONNECT to {target} was refused {way}: the proxy allows this host to nobody, or not to you; use the proxy \
             without CONNECT, or have this host allowed"
        ),
        _ if to_connect => format!(
            "CONNECT to {target} was refused {way}: most proxies allow it to port 443 only; use the proxy without CONNECT, or \
             have this port allowed"
        ),
        403 => format!("a filter forbids http://{authority} {way}: ask the firewall's owner to allow it"),
        404 | 410 => format!(
            "no SoFW server answers at http://{authority} {way}, or site name and key differ from those at the server"
        ),
        200 => {
            format!("a web page came instead of a tunnel {way}: a login portal or a filter stands in between")
        }
        300..=399 => {
            format!("redirected to another page {way}: a login portal or a filter stands in between")
        }
        401 => format!("http://{authority} wants a password {way}: is it the SoFW server?"),
        _ => format!("HTTP status {status} {way} is nothing that a tunnel can come from"),
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn a_refused_connect_is_explained_by_its_port() {
        let only_443 = "to port 443 only";
        for authority in ["relay.example.net", "relay.example.net:8443", "[2001:db8::443]"] {
            assert!(advice(403, true, authority, None).contains(only_443), "{authority}");
        }
        for authority in ["relay.example.net:443", "[2001:db8::5]:443"] {
            let advice = advice(403, true, authority, None);
            assert!(!advice.contains(only_443) && advice.contains("have this host allowed"), "{advice}");
        }
    }
}
