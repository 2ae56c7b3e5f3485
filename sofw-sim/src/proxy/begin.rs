//! A request's turn has come: may it pass, and where to?

use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Endpoint};

use super::auth::Verdict;
use super::compose::{Target, endpoint, request_head};
use super::config::{Buffering, ChunkedRequests, ConnectPolicy, Duplex, Expect, Upgrade};
use super::connection::{Kind, Stage, Step};
use super::message::{Asked, Head, Length};
use super::page::Page;
use super::passage::{Framing, Passage};
use super::{Proxy, Todo};

impl Proxy {
    pub(super) fn begin(&mut self, now: Instant, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        let (kind, length) = (exchange.kind, exchange.length);
        let Some(head) = exchange.head.take() else { return };
        let target = match self.judge(now, &head, kind, length) {
            Ok(target) => target,
            Err(page) => return self.refuse(now, conn, page),
        };
        if kind == Kind::Connect {
            return self.begin_tunnel(now, conn, target.endpoint());
        }
        let wants_upgrade = head.get("upgrade").is_some() && head.has_token("connection", "upgrade");
        if wants_upgrade && self.config.upgrade == Upgrade::NoAnswer {
            if let Some(exchange) = self.exchange(conn) {
                exchange.step = Step::Mute;
            }
            self.todo.push_back(Todo::ReadClient(conn));
            return;
        }
        self.pass(now, conn, &head, &target);
    }

    /// Sends a request on.
    fn pass(&mut self, now: Instant, conn: ConnId, head: &Head, target: &Target) {
        let Some(client) = self.clients.get_mut(&conn) else { return };
        let Stage::Exchange(exchange) = &mut client.stage else { return };
        let config = &self.config;
        let has_body = exchange.length != Length::Empty;
        let expects = has_body && head.has_token("expect", "100-continue");
        if expects && matches!(config.expect, Expect::Answer | Expect::AnswerAndAsk) {
            client.outlet.push(now, Duration::ZERO, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        exchange.step = Step::Passing;
        exchange.waits_for_100 = expects && config.expect == Expect::AnswerAndAsk;
        exchange.holds_response = has_body && config.duplex == Duplex::AfterRequest;
        exchange.upgrades = config.upgrade == Upgrade::Pass
            && head.get("upgrade").is_some()
            && head.has_token("connection", "upgrade");
        let is_chunked = exchange.length == Length::Chunked;
        let with_length = is_chunked
            && (config.chunked_requests == ChunkedRequests::WithLength
                || config.request_buffering == Buffering::UntilEnd
                || config.origin_http_1_0);
        let bytes = request_head(config, head, target, exchange, with_length);
        let passage = if with_length {
            Passage::with_length(bytes)
        } else {
            let framing = if is_chunked { Framing::Chunked } else { Framing::Raw };
            if !has_body && !exchange.upgrades {
                exchange.retry = Some((target.endpoint(), bytes.clone()));
            }
            Passage::new(config.request_buffering, framing, bytes)
        };
        let mut passage = passage.tuned(config.chunk_max, config.piece_latency);
        let asked = if exchange.is_head { Asked::Head } else { Asked::Plain };
        let asks_first = exchange.waits_for_100;
        let holds = with_length || (has_body && config.request_buffering == Buffering::UntilEnd);
        let origin = self.attach(conn, target.endpoint(), !holds);
        if let Some(connection) = self.origins.get_mut(&origin) {
            connection.reader.asked(asked);
            passage.start(now, &mut connection.outlet);
            if asks_first {
                passage.send_head(now, &mut connection.outlet);
            }
        }
        if let Some(at) = passage.release_at {
            self.alarms.set(super::alarm::Alarm::Up(conn), at);
        }
        if let Some(exchange) = self.exchange(conn) {
            exchange.origin = Some(origin);
            exchange.up = Some(passage);
        }
        self.arm_idle(now, conn);
        self.flush(now, origin);
        self.flush(now, conn);
        self.todo.push_back(Todo::ReadClient(conn));
    }

    pub(super) fn exchange(&mut self, conn: ConnId) -> Option<&mut super::connection::Exchange> {
        match &mut self.clients.get_mut(&conn)?.stage {
            Stage::Exchange(exchange) => Some(exchange),
            _ => None,
        }
    }

    fn judge(&mut self, now: Instant, head: &Head, kind: Kind, length: Length) -> Result<Target, Page> {
        let config = &self.config;
        if let Some(auth) = &config.auth {
            let verdict = self.gate.check(now, auth, head);
            if verdict != Verdict::Right {
                let fields = self.gate.challenge(now, auth, verdict == Verdict::Stale);
                return Err(Page { fields, ..Page::new(407) });
            }
        }
        let target = Target::of(config, head).ok_or(Page::new(400))?;
        if kind == Kind::Connect {
            match &config.connect {
                _ if config.origin.is_some() => return Err(Page::new(405)),
                ConnectPolicy::All => {}
                ConnectPolicy::Ports(ports) if ports.contains(&target.port) => {}
                ConnectPolicy::Ports(_) | ConnectPolicy::Refuse => return Err(Page::new(403)),
            }
        }
        let url = format!("{}:{}{}", target.host, target.port, target.path);
        if config.deny.iter().any(|part| !part.is_empty() && url.contains(part.as_str())) {
            return Err(Page::new(403));
        }
        if length == Length::Chunked && config.chunked_requests == ChunkedRequests::Refuse {
            return Err(Page::new(411));
        }
        let too_long = |max: u64| matches!(length, Length::Bytes(len) if len > max);
        if config.request_body_max.is_some_and(too_long) {
            return Err(Page::new(413));
        }
        Ok(target)
    }

    fn begin_tunnel(&mut self, now: Instant, conn: ConnId, to: Endpoint) {
        let origin = self.attach(conn, to, false);
        if let Some(exchange) = self.exchange(conn) {
            exchange.step = Step::Passing;
            exchange.origin = Some(origin);
        }
        self.ask_for(now, origin);
    }
}

impl Target {
    /// Where to connect.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.to.map_or_else(|| endpoint(&self.host, self.port), Endpoint::Addr)
    }
}
