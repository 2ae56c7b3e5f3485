//! The server's side: answers come in.

use sofw_core::base::{Duration, Instant};
use sofw_core::io::ConnId;

use super::Proxy;
use super::alarm::Alarm;
use super::compose::{response_head, switching_head};
use super::config::{Buffering, Expect, ProxyConfig};
use super::connection::{Stage, Step};
use super::message::{Head, Length, Piece};
use super::page::Page;
use super::passage::{Framing, Passage};

impl Proxy {
    /// Takes bytes of a server, behind those that wait already.
    pub(super) fn read_origin(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        let Some(origin) = self.origins.get_mut(&conn) else { return };
        let Some(client) = origin.client else {
            // Nobody asked: a connection that says something in the pool is of no use. One that is ending is not listened to.
            if !bytes.is_empty() && origin.keep {
                self.close_origin(conn);
            }
            return;
        };
        let mut stash = core::mem::take(&mut origin.inbox);
        let mut input = bytes;
        if !stash.is_empty() {
            stash.extend_from_slice(bytes);
            input = &stash;
        }
        while let Some(state) = self.reading(now, conn, client, !bytes.is_empty()) {
            match state {
                Reading::Raw => {
                    let data = core::mem::take(&mut input);
                    if let Some(client) = self.clients.get_mut(&client).filter(|_| !data.is_empty()) {
                        client.outlet.push(now, self.config.piece_latency, data);
                    }
                    break;
                }
                Reading::Held => break,
                Reading::Message => {
                    let Some(origin) = self.origins.get_mut(&conn) else { break };
                    match origin.reader.next(&mut input) {
                        Ok(Some(Piece::Head(head, length))) => {
                            self.take_response(now, conn, client, &head, length);
                        }
                        Ok(Some(Piece::Body(data))) => self.take_response_body(now, client, data),
                        Ok(Some(Piece::End)) => self.take_response_end(now, conn, client),
                        Ok(None) => break,
                        Err(_) => self.broken(now, conn, client),
                    }
                }
            }
        }
        if let Some(origin) = self.origins.get_mut(&conn).filter(|origin| origin.client == Some(client)) {
            origin.inbox.extend_from_slice(input);
        } else if !input.is_empty() {
            // Bytes behind the answer: the connection is not what it seems.
            self.close_origin(conn);
        }
        self.flush(now, client);
        self.govern(client);
    }

    fn reading(&mut self, now: Instant, conn: ConnId, client: ConnId, alive: bool) -> Option<Reading> {
        let origin = self.origins.get(&conn).filter(|origin| origin.client == Some(client))?;
        let client = self.clients.get_mut(&client)?;
        match &client.stage {
            Stage::Tunnel { .. } => {
                if alive {
                    client.last = now;
                }
                Some(Reading::Raw)
            }
            Stage::Exchange(exchange)
                if exchange.holds_response
                    && !exchange.up_done
                    && !exchange.waits_for_100
                    && !origin.gone =>
            {
                Some(Reading::Held)
            }
            Stage::Exchange(exchange) => {
                // While a request is being sent, only the client's own bytes keep it alive.
                if alive && exchange.up_done {
                    client.last = now;
                }
                Some(Reading::Message)
            }
            Stage::Idle | Stage::Ending => None,
        }
    }

    fn take_response(&mut self, now: Instant, conn: ConnId, client: ConnId, head: &Head, length: Length) {
        let Some(origin) = self.origins.get_mut(&conn) else { return };
        origin.heard = true;
        origin.interim = head.status() < 200;
        if origin.interim {
            self.take_interim(now, conn, client, head);
            return;
        }
        origin.keep = head.keep_alive() && length != Length::UntilClose;
        let max = self.config.response_body_max;
        if matches!((length, max), (Length::Bytes(len), Some(max)) if len > max) {
            self.refuse(now, client, Page::new(502));
            return;
        }
        let config = &self.config;
        let Some(connection) = self.clients.get_mut(&client) else { return };
        let Stage::Exchange(exchange) = &mut connection.stage else { return };
        exchange.answered = true;
        exchange.waits_for_100 = false;
        let policy = response_policy(config, head);
        let is_unknown = matches!(length, Length::Chunked | Length::UntilClose);
        // A close that ends a body to a client of HTTP/1.1 becomes a last chunk, except where every answer ends so.
        let chunks = exchange.minor > 0 && (length == Length::Chunked || !config.one_request);
        let closes_body = is_unknown && !chunks && policy != Buffering::UntilEnd;
        exchange.keep = exchange.keep && !closes_body;
        let leaves = match length {
            Length::Empty | Length::Bytes(_) => Some(length),
            _ if policy == Buffering::UntilEnd => None,
            _ if chunks => Some(Length::Chunked),
            _ => Some(Length::UntilClose),
        };
        // An answer that comes before its request is complete is the last one.
        let closes = !exchange.keep || (!exchange.up_done && length == Length::Empty);
        let bytes = response_head(config, head, closes, leaves, exchange.is_head);
        let framing = if leaves == Some(Length::Chunked) { Framing::Chunked } else { Framing::Raw };
        let passage = match leaves {
            None => Passage::with_length(bytes),
            Some(_) => Passage::new(policy, framing, bytes),
        };
        let mut passage = passage.tuned(config.chunk_max, config.piece_latency);
        passage.start(now, &mut connection.outlet);
        if let Some(at) = passage.release_at {
            self.alarms.set(Alarm::Down(client), at);
        }
        exchange.down = Some(passage);
    }

    fn take_interim(&mut self, now: Instant, conn: ConnId, client: ConnId, head: &Head) {
        let Some(connection) = self.clients.get_mut(&client) else { return };
        let Stage::Exchange(exchange) = &mut connection.stage else { return };
        match head.status() {
            100 if exchange.waits_for_100 => {
                exchange.waits_for_100 = false;
                self.arm_idle(now, client);
                self.todo.push_back(super::Todo::ReadClient(client));
            }
            100 if self.config.expect == Expect::Pass => {
                connection.outlet.push(now, Duration::ZERO, b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            101 if exchange.upgrades => {
                connection.outlet.push(now, Duration::ZERO, &switching_head(head));
                connection.stage = Stage::Tunnel { origin: conn, begun: true };
                self.counters.tunnels += 1;
                self.arm_idle(now, client);
                self.todo.push_back(super::Todo::ReadClient(client));
            }
            101 => self.broken(now, conn, client),
            _ => {}
        }
    }

    fn take_response_body(&mut self, now: Instant, client: ConnId, data: &[u8]) {
        let Some(connection) = self.clients.get_mut(&client) else { return };
        let Stage::Exchange(exchange) = &mut connection.stage else { return };
        let minor = exchange.minor;
        let Some(down) = &mut exchange.down else { return };
        let held_before = down.release_at;
        down.push(now, data, &mut connection.outlet);
        if down.held() > self.config.buffer_max {
            let framing = if minor > 0 { Framing::Chunked } else { Framing::Raw };
            exchange.keep = exchange.keep && minor > 0;
            down.give_up_holding(now, framing, &mut connection.outlet);
        }
        if down.release_at != held_before
            && let Some(at) = down.release_at
        {
            self.alarms.set(Alarm::Down(client), at);
        }
        if self.config.response_body_max.is_some_and(|max| down.total > max) {
            self.counters.refused += 1;
            self.end_client(now, client);
        }
    }

    pub(super) fn take_response_end(&mut self, now: Instant, conn: ConnId, client: ConnId) {
        if let Some(origin) = self.origins.get_mut(&conn)
            && core::mem::take(&mut origin.interim)
        {
            return;
        }
        let Some(connection) = self.clients.get_mut(&client) else { return };
        let Stage::Exchange(exchange) = &mut connection.stage else { return };
        if exchange.step != Step::Passing {
            return;
        }
        exchange.down_done = true;
        if let Some(down) = &mut exchange.down {
            down.end(now, &mut connection.outlet);
        }
        self.alarms.clear(Alarm::Down(client));
        self.settle(now, client);
    }

    /// The server speaks something else than HTTP.
    fn broken(&mut self, now: Instant, conn: ConnId, client: ConnId) {
        self.close_origin(conn);
        let answered = self.exchange(client).is_none_or(|exchange| exchange.answered);
        if let Some(exchange) = self.exchange(client) {
            exchange.origin = None;
        }
        if answered || self.config.silent_failures {
            self.counters.refused += 1;
            self.end_client(now, client);
        } else {
            self.refuse(now, client, Page::new(502));
        }
    }
}

/// How a server's bytes are to be read.
enum Reading {
    Message,
    Raw,
    /// Not now.
    Held,
}

fn response_policy(config: &ProxyConfig, head: &Head) -> Buffering {
    let accel = head.get("x-accel-buffering").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if config.honours_accel && accel {
        return Buffering::AtOnce;
    }
    let kind = head.get("content-type").unwrap_or_default().to_ascii_lowercase();
    let exception =
        config.response_buffering_by_type.iter().find(|(start, _)| kind.starts_with(start.as_str()));
    exception.map_or(config.response_buffering, |(_, policy)| *policy)
}
