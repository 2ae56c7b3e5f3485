//! What comes back on a connection.

use super::TunnelClient;
use super::alarm::Alarm;
use super::connection::{Purpose, Stage};
use super::joined::Joined;
use super::trouble::advice;
use crate::base::Instant;
use crate::config::limits::{EXCHANGE_BYTES_MAX, HELLO_PAYLOAD_MAX, RESPONSE_BODY_MAX};
use crate::event::Event;
use crate::io::ConnId;
use crate::tunnel::TunnelOutput;
use crate::tunnel::http::exchange::Piece;
use crate::tunnel::http::proxy_auth::Verdict;
use crate::tunnel::http::{HttpError, SESSION_PATH, to_path_segment};
use crate::tunnel::seal::PendingHello;
use crate::tunnel::session::{Session, SessionConfig};

impl TunnelClient {
    /// Takes the next piece of what arrived. False when there is none.
    pub(super) fn read(&mut self, now: Instant, conn: ConnId, input: &mut &[u8]) -> bool {
        let Some(connection) = self.connections.get_mut(&conn) else { return false };
        connection.last_received = now;
        if matches!(connection.stage, Stage::Connecting | Stage::Ready) && !input.is_empty() {
            self.fail(now, conn, "bytes that answer nothing");
            return false;
        }
        match connection.reader.next(input) {
            Ok(None) => return false,
            Ok(Some(Piece::Head)) => self.take_head(now, conn),
            Ok(Some(Piece::Body(data))) => self.take_body(now, conn, data),
            Ok(Some(Piece::End)) => self.take_end(now, conn),
            Err(error) => self.fail(now, conn, error.text()),
        }
        true
    }

    fn take_head(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let Ok(head) = connection.reader.response() else {
            self.fail(now, conn, HttpError::Malformed.text());
            return;
        };
        // RFC 9110 §15.2: interim answers, asked for or not, are passed over.
        if head.status < 200 {
            return;
        }
        connection.status = Some(head.status);
        connection.keep_alive = head.keep_alive();
        let is_page = head
            .headers
            .get("content-type")
            .is_some_and(|kind| !kind.starts_with("application/octet-stream"));
        if let Some(way) = self.ways.get_mut(connection.way) {
            if head.status == 407 {
                let verdict = way.auth.challenged(&head.headers, connection.authorized);
                self.take_challenge(now, conn, verdict);
                return;
            }
            if connection.authorized {
                way.auth.accepted();
            }
        }
        let (status, purpose, tunnelling) =
            (head.status, connection.purpose, connection.stage == Stage::Tunnelling);
        let wanted = match purpose {
            // RFC 9110 §9.3.6: any 2xx to CONNECT is the tunnel.
            _ if tunnelling => (200..300).contains(&status),
            Purpose::Hello | Purpose::Down => status == 200 && !is_page,
            // An answer before the body's end means that nobody reads the rest.
            Purpose::Stream => status == 200 && connection.ending,
            Purpose::Post => status == 200,
        };
        if wanted {
            return;
        }
        if purpose == Purpose::Post && !tunnelling && status == 413 && self.post_too_long(now, conn) {
            return;
        }
        if purpose == Purpose::Down && !tunnelling && matches!(status, 404 | 410) {
            self.session_unknown(now, conn);
            return;
        }
        let report = matches!(purpose, Purpose::Hello | Purpose::Down);
        if report {
            let way = self.connections.get(&conn).and_then(|connection| self.ways.get(connection.way));
            let advice = advice(status, tunnelling, &self.authority, way);
            self.report(Event::TunnelRefused { status, advice });
        }
        self.fail(now, conn, &format!("HTTP status {status}"));
    }

    fn take_challenge(&mut self, now: Instant, conn: ConnId, verdict: Verdict) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        match verdict {
            Verdict::Retry if connection.keep_alive && connection.purpose != Purpose::Stream => {
                connection.again = true
            }
            Verdict::Retry => self.reopen(now, conn),
            Verdict::Refused { schemes, tried } => {
                let way = connection.way;
                if tried {
                    self.ways.block(way, now);
                }
                self.report(Event::ProxyAuthRequired { schemes });
                self.fail(now, conn, "the proxy wants other credentials");
            }
        }
    }

    fn take_body(&mut self, now: Instant, conn: ConnId, data: &[u8]) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.bytes += data.len() as u64;
        match (connection.purpose, connection.status) {
            (Purpose::Down, Some(200)) if connection.stage == Stage::Exchange => {
                let Some(joined) = &mut self.joined else { return };
                let is_new = joined.down != Some(conn);
                let received = joined.session.receive(now, data, &mut connection.lane);
                if received.is_err() {
                    self.drain_session(now);
                    self.fail(now, conn, "the downlink brought something else than our records");
                } else if !is_new && connection.bytes > EXCHANGE_BYTES_MAX {
                    self.open_down(now);
                } else if is_new && joined.down_opening == Some(conn) && connection.lane.opened() > 0 {
                    self.down_opened(now, conn);
                }
            }
            (Purpose::Hello, Some(200)) if connection.stage == Stage::Exchange => {
                connection.answer.extend_from_slice(data);
                if connection.answer.len() > 2 * HELLO_PAYLOAD_MAX {
                    self.fail(now, conn, "the answer to the hello is too long");
                }
            }
            _ if connection.bytes > RESPONSE_BODY_MAX as u64 => {
                self.fail(now, conn, "the answer is too long")
            }
            _ => {}
        }
    }

    pub(super) fn take_end(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let Some(status) = connection.status else { return };
        if connection.again {
            // A proxy that means to close says so; one that closes all the same is met by closed_in_silence.
            connection.finished += 1;
            if connection.stage == Stage::Tunnelling {
                connection.stage = Stage::Connecting;
                self.connected(now, conn);
            } else {
                self.ready(now, conn);
            }
            return;
        }
        if connection.stage == Stage::Tunnelling {
            self.ready(now, conn);
            return;
        }
        connection.finished += 1;
        connection.stage = Stage::Ready;
        let keep = connection.keep_alive;
        match connection.purpose {
            Purpose::Hello => {
                let (pending, answer) = (connection.hello.take(), core::mem::take(&mut connection.answer));
                let round_trip = now.since(connection.since);
                connection.purpose = Purpose::Post;
                match pending
                    .and_then(|pending| joined(pending, &answer, self.voice_age_max, round_trip, now))
                {
                    Some(joined) => {
                        self.rest(now, conn, keep);
                        self.join(now, joined);
                    }
                    None => {
                        if let Some(connection) = self.connections.get_mut(&conn) {
                            connection.purpose = Purpose::Hello;
                        }
                        let advice = "the answer does not come from a server with this site's key".to_owned();
                        self.report(Event::TunnelRefused { status, advice });
                        self.fail(now, conn, "the answer to the hello does not open");
                    }
                }
            }
            Purpose::Post => {
                if let Some(joined) = &mut self.joined {
                    joined.post_failures = 0;
                }
                self.rest(now, conn, keep);
            }
            Purpose::Stream => self.discard(conn),
            Purpose::Down => self.down_ended(now, conn),
        }
    }

    /// An exchange is over: the connection waits for the next one, or is closed.
    fn rest(&mut self, now: Instant, conn: ConnId, keep: bool) {
        if keep {
            self.keep_idle(now, conn);
        } else {
            self.discard(conn);
        }
    }

    /// A session began.
    fn join(&mut self, now: Instant, joined: Joined) {
        self.joined = Some(joined);
        self.output.push_back(TunnelOutput::Started(super::OWN_SITE));
        self.alarms.set(Alarm::Resume, now + crate::config::limits::RESUME_WINDOW);
        self.open_down(now);
    }
}

/// The session that a hello's answer describes: its payload is the session's id.
fn joined(
    pending: PendingHello,
    answer: &[u8],
    voice_age_max: crate::base::Duration,
    hello_round_trip: crate::base::Duration,
    now: Instant,
) -> Option<Joined> {
    let (keys, id) = pending.finish(answer).ok()?;
    if id.len() != 16 {
        return None;
    }
    let session = Session::new(keys, SessionConfig { voice_age_max }, now);
    let path = format!("{SESSION_PATH}{}", to_path_segment(&id));
    Some(Joined::new(path, session, hello_round_trip, now))
}
