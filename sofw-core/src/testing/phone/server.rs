//! The phone as a server: what others ask of it.

use core::net::SocketAddr;

use super::call::{Body, Call, CallState};
use super::message::{Received, tag};
use super::sdp;
use super::{Answer, Due, Ended, Peer, Phone, PhoneEvent, ServerTransaction};
use crate::base::Instant;

/// Methods that the phone takes.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, MESSAGE, NOTIFY, REFER";

impl Phone {
    /// Answers the call that rings.
    pub fn answer(&mut self, now: Instant) {
        let Some((call_id, at)) = self.ringing() else {
            return;
        };
        let Some(call) = self.calls.get_mut(&call_id) else {
            return;
        };
        call.answer_at = None;
        let offer = &self.servers[at].request.body;
        let body = if call.remote_sdp.is_some() {
            // Already answered in a 183: the same description again.
            call.version -= 1;
            call.answer(&self.config, offer)
        } else if offer.is_empty() {
            call.answer_due = true;
            Some(call.offer(&self.config))
        } else {
            call.answer(&self.config, offer)
        };
        call.state = CallState::Established;
        if !call.answer_due {
            call.start_media(now);
        }
        self.respond(now, at, 200, body);
    }

    /// Refuses the call that rings with this status (486, 603, …).
    pub fn decline(&mut self, now: Instant, status: u16) {
        if let Some((call_id, at)) = self.ringing() {
            self.respond(now, at, status, None);
            self.end_call(now, &call_id, Ended::Declined(status));
        }
    }

    /// The call that rings, and its INVITE.
    fn ringing(&self) -> Option<(String, usize)> {
        let call = self.calls.iter().find(|call| call.state == CallState::Incoming)?;
        Some((call.call_id.clone(), self.pending_invite(&call.call_id)?))
    }

    pub(super) fn drive_servers(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.servers.len() {
            match self.servers[at].handle_timeout(now) {
                None => at += 1,
                Some(Due::Resend) => {
                    let transaction = &self.servers[at];
                    self.wire.reply(&mut self.out, transaction.peer, transaction.response.clone());
                    at += 1;
                }
                Some(due) => {
                    let transaction = self.servers.remove(at);
                    let call_id = transaction.request.call_id();
                    // RFC 3261 §13.3.1.4: no ACK for a 2xx ends the session.
                    if due == Due::TimedOut && transaction.status < 300 {
                        self.send_bye(now, call_id);
                        self.end_call(now, call_id, Ended::NoAck);
                    }
                }
            }
        }
    }

    pub(super) fn handle_request(&mut self, now: Instant, peer: Peer, source: SocketAddr, request: Received) {
        let method = request.method.clone().unwrap_or_default();
        if method == "ACK" {
            self.handle_ack(now, &request);
            return;
        }
        let repeated = self.servers.iter().find(|t| t.is_repeat(&request));
        if let Some(transaction) = repeated {
            if transaction.status != 0 {
                self.wire.reply(&mut self.out, transaction.peer, transaction.response.clone());
            }
            return;
        }
        let dialog = self.calls.owning(&request).map(|call| call.call_id.clone());
        if method == "BYE" && dialog.is_some() && self.config.quirks.ignores_bye {
            return;
        }
        let peer = match peer {
            Peer::Udp(_) => Peer::Udp(request.reply_addr(source)),
            peer => peer,
        };
        let timers = self.timers();
        self.servers.push(ServerTransaction::new(request.clone(), peer, source, timers));
        let at = self.servers.len() - 1;
        match (method.as_str(), dialog.as_deref()) {
            ("CANCEL", _) => self.handle_cancel(now, at, &request),
            // RFC 3261 §8.2.2.3: this phone supports no extension.
            _ if request.header("require").is_some() => self.respond(now, at, 420, None),
            // §12.2.2: a tag of no dialog of ours.
            (_, None) if request.tag_in_to().is_some() => self.respond(now, at, 481, None),
            ("INVITE", Some(_)) => self.handle_reinvite(now, at, &request),
            ("INVITE", None) => self.handle_invite(now, at, &request),
            ("BYE", Some(call_id)) => self.handle_bye(now, at, call_id),
            ("UPDATE", Some(_)) => self.handle_update(now, at, &request),
            ("REFER", Some(call_id)) => self.handle_refer(now, at, &request, call_id),
            ("BYE" | "UPDATE", None) => self.respond(now, at, 481, None),
            ("OPTIONS", _) => self.respond(now, at, 200, None),
            ("NOTIFY", Some(call_id)) if is_refer_news(&request) => {
                self.respond(now, at, 200, None);
                self.handle_refer_news(now, &request.body, call_id);
            }
            ("INFO" | "MESSAGE" | "NOTIFY", _) => {
                self.respond(now, at, 200, None);
                let content_type = request.header("content-type").map(Into::into);
                let body = request.body;
                self.tell(dialog.as_deref(), PhoneEvent::Request { method, content_type, body });
            }
            _ => self.respond(now, at, 405, None),
        }
    }

    fn handle_invite(&mut self, now: Instant, at: usize, request: &Received) {
        if !self.calls.is_empty() {
            return self.respond(now, at, 486, None);
        }
        match self.config.answer {
            Answer::Refuse(status) => return self.respond(now, at, status, None),
            Answer::Forward(_) => return self.respond(now, at, 302, None),
            Answer::OnCommand | Answer::After(_) => {}
        }
        if !request.body.is_empty() && sdp::read(&request.body).is_none() {
            return self.respond(now, at, 488, None);
        }
        let Some(mut call) = Call::incoming(&self.config, &mut self.rng, request) else {
            return self.respond(now, at, 400, None);
        };
        let from = super::message::uri_of(&call.remote).to_owned();
        if let Answer::After(ring) = self.config.answer {
            call.answer_at = Some(now + ring);
        }
        let mut early = None;
        if self.config.early_media && !request.body.is_empty() {
            early = call.answer(&self.config, &request.body);
            call.start_media(now);
        }
        self.calls.push(call);
        self.respond(now, at, if early.is_some() { 183 } else { 180 }, early);
        self.tell(Some(request.call_id()), PhoneEvent::Incoming { from });
    }

    fn handle_reinvite(&mut self, now: Instant, at: usize, request: &Received) {
        // §14.2: not while an INVITE of ours or theirs is under way.
        let own = self.is_inviting(request.call_id());
        let Some(call) = self.calls.get_mut(request.call_id()) else {
            return;
        };
        if own || call.state != CallState::Established {
            return self.respond(now, at, 491, None);
        }
        call.refresh_target(request);
        if request.body.is_empty() {
            call.answer_due = true;
            let offer = call.offer(&self.config);
            return self.respond(now, at, 200, Some(offer));
        }
        match self.take_offer(now, request) {
            Some(answer) => self.respond(now, at, 200, Some(answer)),
            None => self.respond(now, at, 488, None),
        }
    }

    fn handle_update(&mut self, now: Instant, at: usize, request: &Received) {
        if let Some(call) = self.calls.get_mut(request.call_id()) {
            call.refresh_target(request);
        }
        if request.body.is_empty() {
            return self.respond(now, at, 200, None);
        }
        match self.take_offer(now, request) {
            Some(answer) => self.respond(now, at, 200, Some(answer)),
            None => self.respond(now, at, 488, None),
        }
    }

    fn take_offer(&mut self, now: Instant, request: &Received) -> Option<Body> {
        let call = self.calls.get_mut(request.call_id())?;
        let was_held = call.is_held();
        let answer = call.answer(&self.config, &request.body)?;
        if call.state == CallState::Established {
            // A media line may be new.
            call.start_media(now);
        }
        let is_held = call.is_held();
        if was_held != is_held {
            self.tell(Some(request.call_id()), PhoneEvent::HeldByPeer(is_held));
        }
        Some(answer)
    }

    fn handle_bye(&mut self, now: Instant, at: usize, call_id: &str) {
        self.respond(now, at, 200, None);
        // §15.1.2: a pending request of the dialog gets 487.
        if let Some(invite) = self.pending_invite(call_id) {
            self.respond(now, invite, 487, None);
        }
        self.end_call(now, call_id, Ended::PeerHungUp);
    }

    fn handle_cancel(&mut self, now: Instant, at: usize, request: &Received) {
        let branch = request.branch();
        let invite = self.servers.iter().position(|t| t.is_invite() && t.request.branch() == branch);
        let Some(invite) = invite else {
            return self.respond(now, at, 481, None);
        };
        self.respond(now, at, 200, None);
        if self.servers[invite].status < 200 {
            self.respond(now, invite, 487, None);
            self.end_call(now, request.call_id(), Ended::PeerCancelled);
        }
    }

    fn handle_ack(&mut self, now: Instant, ack: &Received) {
        let (number, _) = ack.cseq();
        let found = self.servers.iter_mut().find(|t| {
            t.is_invite()
                && t.request.call_id() == ack.call_id()
                && t.request.cseq().0 == number
                && t.status >= 200
        });
        let Some(transaction) = found else {
            return;
        };
        let first = transaction.acknowledge();
        let (accepted, initial) = (transaction.status < 300, transaction.request.tag_in_to().is_none());
        let call_id = ack.call_id();
        let Some(call) = self.calls.get_mut(call_id).filter(|_| first && accepted) else {
            return;
        };
        if core::mem::take(&mut call.answer_due) {
            match sdp::read(&ack.body) {
                Some(remote) => {
                    call.accept(remote);
                    call.start_media(now);
                }
                None => return self.send_bye(now, call_id),
            }
        }
        if initial {
            self.tell(Some(call_id), PhoneEvent::Established);
        }
    }

    /// The INVITE of a call that has no final answer yet.
    fn pending_invite(&self, call_id: &str) -> Option<usize> {
        self.servers.iter().position(|t| t.is_invite() && t.status < 200 && t.request.call_id() == call_id)
    }

    pub(super) fn respond(&mut self, now: Instant, at: usize, status: u16, body: Option<Body>) {
        let to_tag = match self.calls.get(self.servers[at].request.call_id()) {
            Some(call) => tag(&call.local).unwrap_or("").to_owned(),
            None => self.rng.token(10),
        };
        let mut extra = vec![];
        let is_invite = self.servers[at].is_invite();
        match &self.config.answer {
            Answer::Forward(target) if status == 302 => {
                extra.push(("Contact", format!("<{}>", self.full_uri(target))));
            }
            _ if is_invite && status < 300 || matches!(status, 200 | 202) => {
                extra.push(("Contact", format!("<{}>", self.config.contact_uri())));
            }
            _ => {}
        }
        if matches!(status, 200 | 405) {
            extra.push(("Allow", ALLOW.into()));
        }
        if status == 200 {
            extra.extend(self.agreed_session_timer(at));
        }
        let transaction = &mut self.servers[at];
        if status == 420 {
            extra.push(("Unsupported", transaction.request.header("require").unwrap_or("").into()));
        }
        let body = body.as_ref().map(|(kind, body)| (kind.as_str(), body.as_slice()));
        let bytes = transaction.request.response(status, transaction.source, &to_tag, &extra, body);
        self.wire.reply(&mut self.out, transaction.peer, bytes.clone());
        transaction.respond(now, status, bytes);
    }
}

impl Phone {
    /// RFC 4028 §9: who asked for a session timer gets it, if this phone knows what that is; its peer refreshes.
    fn agreed_session_timer(&self, at: usize) -> Vec<(&'static str, String)> {
        let request = &self.servers[at].request;
        let asked = request.header("session-expires").filter(|_| self.config.session_expires_s.is_some());
        let headers = |asked: &str| vec![("Require", "timer".into()), ("Session-Expires", asked.to_owned())];
        asked.map(headers).unwrap_or_default()
    }
}

/// A NOTIFY of the subscription that REFER made (RFC 3515 §2.4.4).
fn is_refer_news(notify: &Received) -> bool {
    let event = notify.header("event").and_then(|value| value.split(';').next());
    event.is_some_and(|event| event.trim().eq_ignore_ascii_case("refer"))
}
