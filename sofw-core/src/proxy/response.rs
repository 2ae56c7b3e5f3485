//! Responses arrive, and travel on: RFC 3261 §16.7.

use super::SipServer;
use super::forward::tell_length;
use super::relay::{BranchId, Forward, RelayModule};
use super::state::{Answer, Cancel, Final, Role, Timer};
use crate::base::{Hop, Instant, Payload};
use crate::config::limits;
use crate::event::{DropReason, Event, SipPassage};
use crate::sip::{Editor, HeaderName, Message, build};
use crate::transaction::ClientKey;

impl SipServer {
    pub(super) fn on_response(
        &mut self,
        now: Instant,
        from: Hop,
        response: &Message<'_>,
        relay: &mut dyn RelayModule,
    ) {
        let key = ClientKey::new(response.via().branch().unwrap_or_default(), response.method().as_str());
        let status = response.status().unwrap_or_default();
        let known = self.by_client_key.get(&key).copied();
        // A branch name is a secret between us and its target; still, it counts only in the space it was sent to.
        let found = known.filter(|id| self.branches.get(id).is_some_and(|b| b.to.site() == from.site()));
        let Some((id, branch)) = found.and_then(|id| Some((id, self.branches.get_mut(&id)?))) else {
            return self.event(Event::Dropped(DropReason::StraySipResponse, Some(from.addr())));
        };
        let (role, to) = (branch.role, branch.to);
        // §16.7 step 3: without a Via below ours, it is not for somebody else (§8.1.3.3).
        if role != Role::Own && response.vias().count() < 2 {
            return self.event(Event::Dropped(DropReason::MalformedSip, Some(from.addr())));
        }
        let heard = branch.client.handle_response(now, status);
        if heard.acknowledge {
            if let Ok(sent) = Message::parse(&branch.sent) {
                let ack = build::ack(&sent, response);
                self.send(to, ack.into());
            }
        }
        self.arm_client(id);
        let Role::Forward { context, from: caller, initial } = role else { return };
        if !heard.pass_up {
            return;
        }
        let leg = Forward { branch: id, from: caller, to, initial, call_id: response.call_id() };
        match status {
            ..=100 => self.on_provisional(now, id, true),
            101..=199 => {
                self.on_provisional(now, id, false);
                self.learn_dialog(now, id, context, response);
                if let Ok(body) = relay.response(now, &leg, response) {
                    let onward = strip(response, body.as_deref(), &caller);
                    self.pass_on(now, context, &leg, response, onward, relay);
                }
            }
            200..=299 => match relay.response(now, &leg, response) {
                Ok(body) => {
                    self.learn_dialog(now, id, context, response);
                    self.settle(id, context);
                    let onward = strip(response, body.as_deref(), &caller);
                    self.pass_on(now, context, &leg, response, onward, relay);
                    self.cancel_others(now, context, id); // Step 10.
                    let tags =
                        (response.from().tag().unwrap_or_default(), response.to().tag().unwrap_or_default());
                    if initial && self.dialogs.is_over(response.call_id(), tags) {
                        // The BYE overtook it: what the relay module opened for it just now has no other end.
                        relay.dialog_ended(now, response.call_id(), tags, "bye");
                    }
                }
                Err(status) => {
                    self.hang_up_refused(now, id, context, response);
                    let failure = Final { status, received: None, ours: true };
                    self.on_failure(now, id, context, failure, relay);
                }
            },
            300.. => {
                let onward = strip(response, None, &caller);
                let failure = Final { status, received: Some(onward), ours: false };
                self.on_failure(now, id, context, failure, relay);
                if status >= 600 {
                    self.cancel_others(now, context, id); // Step 5.
                }
            }
        }
    }

    /// A branch will not succeed: by its own response, or because nobody answers (408) or nobody is there (503).
    pub(super) fn on_failure(
        &mut self,
        now: Instant,
        id: BranchId,
        context: u64,
        failure: Final,
        relay: &mut dyn RelayModule,
    ) {
        self.timers.clear(Timer::C(id.0));
        let mut reason = "final error";
        if let Some(branch) = self.branches.get_mut(&id) {
            if branch.cancel != Cancel::No {
                reason = "cancel";
            }
            let early = core::mem::take(&mut branch.made);
            self.forget_early(&early);
        }
        relay.branch_failed(now, id, reason);
        self.settle(id, context);
        if let Some(context) = self.contexts.get_mut(&context) {
            context.finals.push(failure);
        }
        self.conclude(now, context, relay);
    }

    /// Once every branch has failed, the best of their responses is forwarded (step 6).
    pub(super) fn conclude(&mut self, now: Instant, id: u64, relay: &mut dyn RelayModule) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if !context.server.is_pending() || !context.pending.is_empty() {
            return;
        }
        let finals = core::mem::take(&mut context.finals);
        let (invite, cancelled) = (context.invite, context.cancelled);
        let request = context.request.clone();
        let Ok(request) = Message::parse(&request) else { return };
        let Some(best) = finals.iter().min_by_key(|f| rank(f.status)) else { return };
        let status = match best.status {
            408 if cancelled => 487,
            // "The proxy SHOULD generate a 500": a 503 would say that we ourselves can serve nobody.
            503 if !best.ours => 500,
            status => status,
        };
        if !invite && status == 408 && best.received.is_none() {
            // RFC 4320 §4.2: it would arrive after the client's own timer F, and confuse whoever still listens.
            return self.abandon(now, id, relay);
        }
        match &best.received {
            Some(bytes) if status == best.status => {
                let bytes = aggregate_challenges(bytes, status, &finals);
                self.respond(now, id, status, bytes, relay);
            }
            _ => {
                let mut answer = Answer::new(status);
                if status == 503 {
                    answer = answer.with("Retry-After", limits::RETRY_AFTER_S.to_string());
                }
                self.answer(now, id, &request, &answer, relay);
            }
        }
    }

    /// Our own final response.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        id: u64,
        request: &Message<'_>,
        answer: &Answer,
        relay: &mut dyn RelayModule,
    ) {
        let Some(context) = self.contexts.get(&id) else { return };
        let extra: Vec<_> =
            answer.headers.iter().map(|(name, value)| (HeaderName::parse(name), value.as_str())).collect();
        let bytes = build::response(request, answer.status, answer.reason, Some(&context.to_tag), &extra);
        self.respond(now, id, answer.status, bytes.into(), relay);
    }

    /// Gives a response to the server transaction. `false`: it was not sent, because it comes too late.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        id: u64,
        status: u16,
        response: Payload,
        relay: &mut dyn RelayModule,
    ) -> bool {
        let Some(context) = self.contexts.get_mut(&id) else { return false };
        let to = context.reply_to;
        if !context.server.respond(now, status, &response) {
            return false;
        }
        // A challenged BYE comes again; whatever else answers it, the call is over (§15.1.1).
        let over = status >= 200 && status != 401 && status != 407;
        let ends = over && core::mem::take(&mut context.ends);
        let bye = ends.then(|| context.request.clone());
        self.send(to, response);
        self.arm_server(id);
        if let Some(bye) = bye {
            self.hung_up(now, &bye, relay);
        }
        true
    }

    /// The request was never answered, and will not be.
    fn abandon(&mut self, now: Instant, id: u64, relay: &mut dyn RelayModule) {
        let bye =
            self.contexts.get(&id).filter(|context| context.ends).map(|context| context.request.clone());
        self.close_context(id);
        if let Some(bye) = bye {
            self.hung_up(now, &bye, relay);
        }
    }

    /// A BYE had its effect. The relay module may know a dialog that was learnt without us: by an UPDATE, after the 2xx
    /// was lost with a HRAC.
    fn hung_up(&mut self, now: Instant, bye: &[u8], relay: &mut dyn RelayModule) {
        let Ok(bye) = Message::parse(bye) else { return };
        let tags = (bye.from().tag().unwrap_or_default(), bye.to().tag().unwrap_or_default());
        match self.dialogs.find(bye.call_id(), tags) {
            Some(dialog) => drop(self.end_dialog(now, dialog, "bye", relay)),
            None => {
                self.dialogs.bury(now, bye.call_id(), tags);
                relay.dialog_ended(now, bye.call_id(), tags, "bye");
            }
        }
    }

    fn on_provisional(&mut self, now: Instant, id: BranchId, trying: bool) {
        let Some(branch) = self.branches.get_mut(&id) else { return };
        match branch.cancel {
            Cancel::Wanted => self.send_cancel(now, id),
            // Step 2: timer C starts again, but not for a 100.
            Cancel::No if !trying && self.timers.get(Timer::C(id.0)).is_some() => {
                self.timers.set(Timer::C(id.0), now + limits::TIMER_C);
            }
            _ => {}
        }
    }

    fn pass_on(
        &mut self,
        now: Instant,
        context: u64,
        leg: &Forward<'_>,
        response: &Message<'_>,
        onward: Payload,
        relay: &mut dyn RelayModule,
    ) {
        let Some(reply_to) = self.contexts.get(&context).map(|context| context.reply_to) else { return };
        if self.respond(now, context, response.status().unwrap_or_default(), onward, relay) {
            self.event(Event::Sip(Box::new(SipPassage {
                from: leg.to,
                to: reply_to,
                start_line: response.start_line().to_owned(),
                call_id: response.call_id().to_owned(),
            })));
        }
    }

    /// The branch has its final response.
    fn settle(&mut self, id: BranchId, context: u64) {
        self.timers.clear(Timer::C(id.0));
        if let Some(context) = self.contexts.get_mut(&context) {
            context.pending.retain(|other| *other != id);
        }
    }
}

/// Without our Via, and with the body that the relay module wants.
fn strip(response: &Message<'_>, body: Option<&[u8]>, to: &Hop) -> Payload {
    let mut editor = Editor::new(response);
    editor.remove_first_value(HeaderName::Via);
    tell_length(&mut editor, response, to);
    if let Some(body) = body {
        editor.set_body(body);
    }
    Payload::from(editor.finish())
}

/// Step 6: 6xx first, then the lowest class; within 4xx those that tell the caller what to change; ours last.
fn rank(status: u16) -> (u16, u16) {
    match status {
        600.. => (0, status),
        401 | 407 | 415 | 420 | 484 => (status / 100, 0),
        408 => (status / 100, 2),
        503 => (status / 100, 2),
        _ => (status / 100, 1),
    }
}

/// Step 7: the challenges of all branches go into a 401 or 407.
fn aggregate_challenges(best: &Payload, status: u16, finals: &[Final]) -> Payload {
    let Ok(message) = Message::parse(best) else { return best.clone() };
    if status != 401 && status != 407 {
        return best.clone();
    }
    let mut editor = Editor::new(&message);
    let others = finals.iter().filter(|other| matches!(other.status, 401 | 407));
    for other in others.filter_map(|other| other.received.as_ref()).filter(|other| *other != best) {
        let Ok(other) = Message::parse(other) else { continue };
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            for line in other.lines(name) {
                editor.push_back(name, line.value);
            }
        }
    }
    Payload::from(editor.finish())
}
