//! The phone as a server: what others ask of it.

use core::net::SocketAddr;

use super::call::{Call, CallState};
use super::message::{Received, tag};
use super::sdp;
use super::{Answer, Due, Ended, Peer, Phone, PhoneEvent, ServerTransaction};
use crate::base::Instant;

/// Methods that the phone takes.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, MESSAGE, NOTIFY";

type Body = (String, Vec<u8>);

impl Phone {
    /// Answers the call that rings.
    pub fn answer(&mut self, now: Instant) {
        let Some(at) = self.pending_invite() else {
            return;
        };
        let Some(call) = self.call.as_mut().filter(|c| c.state == CallState::Incoming) else {
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
            call.media.start(now);
        }
        self.respond(now, at, 200, body);
    }

    /// Refuses the call that rings with this status (486, 603, …).
    pub fn decline(&mut self, now: Instant, status: u16) {
        if let Some(at) = self.pending_invite() {
            self.respond(now, at, status, None);
            self.end_call(Ended::Declined(status));
        }
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
                    let is_call =
                        self.call.as_ref().is_some_and(|c| c.call_id == transaction.request.call_id());
                    // RFC 3261 §13.3.1.4: no ACK for a 2xx ends the session.
                    if due == Due::TimedOut && transaction.status < 300 && is_call {
                        self.send_bye(now);
                        self.end_call(Ended::NoAck);
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
        let peer = match peer {
            Peer::Udp(_) => Peer::Udp(request.reply_addr(source)),
            peer => peer,
        };
        let timers = self.timers();
        self.servers.push(ServerTransaction::new(request.clone(), peer, source, timers));
        let at = self.servers.len() - 1;
        let in_dialog = self.call.as_ref().is_some_and(|c| c.owns(&request));
        match method.as_str() {
            "CANCEL" => self.handle_cancel(now, at, &request),
            // RFC 3261 §8.2.2.3: this phone supports no extension.
            _ if request.header("require").is_some() => self.respond(now, at, 420, None),
            // §12.2.2: a tag of no dialog of ours.
            _ if request.tag_in_to().is_some() && !in_dialog => self.respond(now, at, 481, None),
            "INVITE" if in_dialog => self.handle_reinvite(now, at, &request),
            "INVITE" => self.handle_invite(now, at, &request),
            "BYE" if in_dialog => self.handle_bye(now, at),
            "BYE" => self.respond(now, at, 481, None),
            "UPDATE" if in_dialog => self.handle_update(now, at, &request),
            "UPDATE" => self.respond(now, at, 481, None),
            "OPTIONS" => self.respond(now, at, 200, None),
            "INFO" | "MESSAGE" | "NOTIFY" => {
                self.respond(now, at, 200, None);
                let content_type = request.header("content-type").map(Into::into);
                self.events.push_back(PhoneEvent::Request { method, content_type, body: request.body });
            }
            _ => self.respond(now, at, 405, None),
        }
    }

    fn handle_invite(&mut self, now: Instant, at: usize, request: &Received) {
        if self.call.is_some() {
            return self.respond(now, at, 486, None);
        }
        if let Answer::Refuse(status) = self.config.answer {
            return self.respond(now, at, status, None);
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
            call.media.start(now);
        }
        self.call = Some(call);
        self.respond(now, at, if early.is_some() { 183 } else { 180 }, early);
        self.events.push_back(PhoneEvent::Incoming { from });
    }

    fn handle_reinvite(&mut self, now: Instant, at: usize, request: &Received) {
        let Some(call) = &mut self.call else {
            return;
        };
        // §14.2: not while an INVITE of ours or theirs is under way.
        let own = self
            .clients
            .iter()
            .any(|t| t.is_invite() && t.state != super::transaction::ClientState::Completed);
        if own || call.state != CallState::Established {
            return self.respond(now, at, 491, None);
        }
        call.refresh_target(request);
        if request.body.is_empty() {
            call.answer_due = true;
            let offer = call.offer(&self.config);
            return self.respond(now, at, 200, Some(offer));
        }
        match self.take_offer(&request.body) {
            Some(answer) => self.respond(now, at, 200, Some(answer)),
            None => self.respond(now, at, 488, None),
        }
    }

    fn handle_update(&mut self, now: Instant, at: usize, request: &Received) {
        if let Some(call) = &mut self.call {
            call.refresh_target(request);
        }
        if request.body.is_empty() {
            return self.respond(now, at, 200, None);
        }
        match self.take_offer(&request.body) {
            Some(answer) => self.respond(now, at, 200, Some(answer)),
            None => self.respond(now, at, 488, None),
        }
    }

    fn take_offer(&mut self, offer: &[u8]) -> Option<Body> {
        let call = self.call.as_mut()?;
        let was_held = call.remote_sdp.is_some_and(|r| !r.direction.receive);
        let answer = call.answer(&self.config, offer)?;
        let is_held = call.remote_sdp.is_some_and(|r| !r.direction.receive);
        if was_held != is_held {
            self.events.push_back(PhoneEvent::HeldByPeer(is_held));
        }
        Some(answer)
    }

    fn handle_bye(&mut self, now: Instant, at: usize) {
        self.respond(now, at, 200, None);
        // §15.1.2: a pending request of the dialog gets 487.
        if let Some(invite) = self.pending_invite() {
            self.respond(now, invite, 487, None);
        }
        self.end_call(Ended::PeerHungUp);
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
            self.end_call(Ended::PeerCancelled);
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
        let Some(call) = self.call.as_mut().filter(|c| first && accepted && c.call_id == ack.call_id())
        else {
            return;
        };
        if core::mem::take(&mut call.answer_due) {
            match sdp::read(&ack.body) {
                Some(remote) => {
                    call.accept(remote);
                    call.media.start(now);
                }
                None => return self.send_bye(now),
            }
        }
        if initial {
            self.events.push_back(PhoneEvent::Established);
        }
    }

    /// The INVITE of the call that rings.
    fn pending_invite(&self) -> Option<usize> {
        let call = self.call.as_ref()?;
        self.servers
            .iter()
            .position(|t| t.is_invite() && t.status < 200 && t.request.call_id() == call.call_id)
    }

    fn respond(&mut self, now: Instant, at: usize, status: u16, body: Option<Body>) {
        let in_call = self.call.as_ref().filter(|c| c.call_id == self.servers[at].request.call_id());
        let to_tag = match in_call {
            Some(call) => tag(&call.local).unwrap_or("").to_owned(),
            None => self.rng.token(10),
        };
        let mut extra = vec![];
        if self.servers[at].is_invite() && status < 300 || status == 200 {
            extra.push(("Contact", format!("<{}>", self.config.contact_uri())));
        }
        if matches!(status, 200 | 405) {
            extra.push(("Allow", ALLOW.into()));
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
