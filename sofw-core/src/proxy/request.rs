//! Requests arrive: transactions first (RFC 3261 §17.2.3), then the checks of §16.3.

use super::relay::RelayModule;
use super::state::{Answer, Context, Timer, reason};
use super::{SipServer, spaces};
use crate::base::{Hop, Instant, Payload};
use crate::config::limits;
use crate::event::{DropReason, Event};
use crate::registrar::hmac;
use crate::sip::{Editor, HeaderName, Message, Method, Uri, Via, build};
use crate::transaction::{LegacyParts, Server, ServerKey};

impl SipServer {
    pub(super) fn on_message(&mut self, now: Instant, from: Hop, bytes: &[u8], relay: &mut dyn RelayModule) {
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => {
                let mut editor = Editor::new(&message);
                editor.stamp_via(from.addr());
                let stamped = editor.finish();
                if let Ok(request) = Message::parse(&stamped) {
                    self.on_request(now, from, &request, relay);
                }
            }
            Ok(response) => self.on_response(now, from, &response, relay),
            Err(error) => match build::response_to_malformed(bytes, &error, from.addr()) {
                Some(response) => self.send(from, response.into()),
                None => self.event(Event::Dropped(DropReason::MalformedSip, Some(from.addr()))),
            },
        }
    }

    fn on_request(&mut self, now: Instant, from: Hop, request: &Message<'_>, relay: &mut dyn RelayModule) {
        let key = server_key(&from, request);
        if request.method() == Method::Ack {
            return self.on_ack(now, from, &key, request, relay);
        }
        if let Some(context) = self.by_server_key.get(&key).and_then(|id| self.contexts.get(id)) {
            if let Some(last) = context.server.handle_retransmission() {
                let to = context.reply_to;
                self.send(to, last);
            }
            return;
        }
        let (all_bytes, outside_bytes) = self.transaction_bytes_max;
        let (bound, bytes_bound) = match from {
            Hop::Inside(_) => (self.transactions_max, all_bytes),
            Hop::Outside(_) => (self.outside_transactions_max, outside_bytes),
        };
        // Room for this one and for one copy.
        if self.transactions() + 2 > bound || self.kept_bytes + 2 * request.bytes().len() > bytes_bound {
            return self.refuse_statelessly(&from, request, 503);
        }
        let head = request.bytes().len() - request.body().len();
        if from.site().is_none() && head > limits::OUTSIDE_HEAD_MAX {
            return self.refuse_statelessly(&from, request, 513);
        }
        let id = self.open_context(from, key.clone(), request);
        if request.method() == Method::Cancel {
            return self.on_cancel(now, id, &key.of_invite(), request, relay);
        }
        if let Err(answer) = self.process(now, id, from, request, relay) {
            self.answer(now, id, request, &answer, relay);
        }
        let waits = self.contexts.get(&id).is_some_and(|c| c.invite && c.server.is_pending());
        if waits {
            // §17.2.1: so that the caller stops retransmitting. Its tag would make no dialog: there is none.
            let trying = build::response(request, 100, reason(100), None, &[]);
            self.respond(now, id, 100, trying.into(), relay);
        }
    }

    /// §16.3, then §16.4 – §16.6 for what is not meant for ourselves.
    fn process(
        &mut self,
        now: Instant,
        id: u64,
        from: Hop,
        request: &Message<'_>,
        relay: &mut dyn RelayModule,
    ) -> Result<(), Answer> {
        // §16.3 step 2. We have no TLS, so sips cannot be served either.
        if request.request_uri().is_none_or(|uri| !uri.is_sip() || uri.is_sips()) {
            return Err(Answer::new(416));
        }
        let space = spaces::Space::of(&from);
        let path = self.preprocess(space, request)?;
        let for_us = path.routes.is_empty()
            && Uri::parse(&path.uri)
                .is_some_and(|uri| uri.user().is_none() && self.spaces.is_ours(space, &uri));
        let we_answer = for_us && matches!(request.method(), Method::Options | Method::Register);
        if request.max_forwards() == Some(0) && !we_answer {
            return Err(Answer::new(483)); // Step 3.
        }
        let hash = self.loop_hash(&from, request);
        if request.vias().any(|via| via.branch().is_some_and(|branch| branch.ends_with(&hash))) {
            return Err(Answer::new(482)); // Step 4.
        }
        let unsupported = joined_values(request, HeaderName::ProxyRequire);
        if !unsupported.is_empty() {
            return Err(Answer::new(420).with("Unsupported", unsupported)); // Step 5.
        }
        if request.method() == Method::Register {
            return self.on_register(now, id, from, request, &path, relay);
        }
        if request.to().tag().is_some() {
            let target = self.in_dialog_target(now, from, request, &path)?;
            if request.method() == Method::Bye {
                if let Some(context) = self.contexts.get_mut(&id) {
                    context.ends = true;
                }
            }
            self.forward(now, id, request, &path, vec![target], relay);
            return Ok(());
        }
        if we_answer {
            return self.on_options(now, id, request, relay);
        }
        let sender = self.authorize(now, from, request)?;
        let targets = self.targets(now, (from, sender), request, &path)?;
        let dialogs_max = match from {
            Hop::Inside(_) => limits::DIALOGS_MAX,
            Hop::Outside(_) => limits::OUTSIDE_DIALOGS_MAX,
        };
        if self.dialogs.len() >= dialogs_max || self.transactions() + targets.len() > self.transactions_max {
            return Err(Answer::new(503).with("Retry-After", limits::RETRY_AFTER_S.to_string()));
        }
        self.expect_notify(now, from, request, &targets);
        self.forward(now, id, request, &path, targets, relay);
        Ok(())
    }

    /// An ACK ends its transaction, or belongs to a 2xx and travels on (§13.2.2.4, RFC 6026 §7.1). It is never answered.
    fn on_ack(
        &mut self,
        now: Instant,
        from: Hop,
        key: &ServerKey,
        request: &Message<'_>,
        relay: &mut dyn RelayModule,
    ) {
        if let Some(id) = self.by_server_key.get(key).copied() {
            let absorbed = self.contexts.get_mut(&id).is_some_and(|context| context.server.handle_ack(now));
            self.arm_server(id);
            if absorbed {
                return;
            }
        }
        let usable = request.max_forwards() != Some(0) && request.to().tag().is_some();
        let Ok(path) = self.preprocess(spaces::Space::of(&from), request) else { return };
        if !usable {
            return;
        }
        if let Ok(target) = self.in_dialog_target(now, from, request, &path) {
            self.forward_ack(now, from, request, &path, &target, relay);
        }
    }

    fn open_context(&mut self, from: Hop, key: ServerKey, request: &Message<'_>) -> u64 {
        self.next_context += 1;
        let id = self.next_context;
        let invite = request.method() == Method::Invite;
        let context = Context {
            key: key.clone(),
            server: Server::new(invite, from.transport().is_reliable()),
            from,
            reply_to: reply_to(from, &request.via()),
            request: Payload::from(request.bytes().to_vec()),
            invite,
            to_tag: self.rng.token(12),
            pending: Vec::new(),
            branches: Vec::new(),
            finals: Vec::new(),
            cancelled: false,
            ends: false,
        };
        self.kept_bytes += context.request.len();
        self.contexts.insert(id, context);
        self.by_server_key.insert(key, id);
        id
    }

    pub(super) fn close_context(&mut self, id: u64) {
        if let Some(context) = self.contexts.remove(&id) {
            self.kept_bytes -= context.request.len();
            self.by_server_key.remove(&context.key);
            self.timers.clear(Timer::Server(id));
        }
    }

    /// No room for a transaction: an answer without one (§16.11 allows it; §21.5.4 for Retry-After).
    fn refuse_statelessly(&mut self, from: &Hop, request: &Message<'_>, status: u16) {
        let retry = limits::RETRY_AFTER_S.to_string();
        let later = [(HeaderName::RetryAfter, retry.as_str())];
        let extra = if status == 503 { later.as_slice() } else { &[] };
        let response = build::response(request, status, reason(status), Some("full"), extra);
        self.send(reply_to(*from, &request.via()), response.into());
    }

    /// What a request would be routed by: equal for a request that comes round again, different for one that was
    /// changed on the way (§16.6 step 8). The top Via is left out: a loop never brings the same one (RFC 5393 §4.2.1).
    pub(super) fn loop_hash(&self, from: &Hop, request: &Message<'_>) -> String {
        let uri = request.request_uri().map(|uri| uri.as_str()).unwrap_or_default();
        let site = from.site().map_or(u32::MAX, |site| site.0.into()).to_be_bytes();
        let cseq = request.cseq().0.to_be_bytes();
        let route = joined_values(request, HeaderName::Route);
        let digest = hmac(
            &self.loop_secret,
            &[
                uri.as_bytes(),
                request.from().tag().unwrap_or_default().as_bytes(),
                request.to().tag().unwrap_or_default().as_bytes(),
                request.call_id().as_bytes(),
                &cseq,
                route.as_bytes(),
                &site,
            ],
        );
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

pub(super) fn joined_values(request: &Message<'_>, name: HeaderName<'_>) -> String {
    request.values(name).map(|value| value.text()).collect::<Vec<_>>().join(", ")
}

fn server_key(from: &Hop, request: &Message<'_>) -> ServerKey {
    let via = request.via();
    let sent_by = format!("{}:{}", via.host(), via.port().unwrap_or(spaces::DEFAULT_PORT));
    let via_text = request.bytes().get(via.range()).and_then(|bytes| core::str::from_utf8(bytes).ok());
    let legacy = LegacyParts {
        request_uri: request.request_uri().map(|uri| uri.as_str()).unwrap_or_default(),
        from_tag: request.from().tag().unwrap_or_default(),
        call_id: request.call_id(),
        cseq: request.cseq().0,
        via: via_text.unwrap_or_default(),
    };
    ServerKey::new(from.site(), via.branch(), &sent_by, request.method().as_str(), legacy)
}

/// Where responses go: on the connection of the request, or to its source if it asked so (RFC 3581 §4), else to the
/// port it names (RFC 3261 §18.2.2). Only if that address is not the source's is the source believed instead: its
/// sender sits behind a NAT without knowing. `maddr` is not followed: it would let strangers aim us at others.
fn reply_to(from: Hop, via: &Via<'_>) -> Hop {
    let symmetric = from.transport().is_reliable() || via.rport().is_some();
    if symmetric || via.host().ip() != Some(from.addr().ip()) {
        return from;
    }
    let port = via.port().unwrap_or(spaces::DEFAULT_PORT);
    let mut hop = from;
    match &mut hop {
        Hop::Inside(inside) => inside.addr.set_port(port),
        Hop::Outside(outside) => outside.addr.set_port(port),
    }
    hop
}
