//! The phone as a client: what it asks for, and what comes back.

use core::net::SocketAddr;

use super::auth::Challenge;
use super::call::{Call, CallState};
use super::message::{Received, Request, tag, uri_addr, uri_of, via};
use super::sdp::{self, Direction};
use super::transaction::ClientState;
use super::{ClientTransaction, Due, Ended, Phone, PhoneEvent, Purpose};
use crate::base::{Duration, Instant};

impl Phone {
    /// Registers, and refreshes the registration until [`Phone::unregister`].
    pub fn register(&mut self, now: Instant) {
        self.send_register(now, self.config.expires_s);
    }

    /// Removes the registration.
    pub fn unregister(&mut self, now: Instant) {
        self.registration.refresh_at = None;
        self.send_register(now, 0);
    }

    /// Calls `target`: a SIP URI, or a user of the own domain. Does nothing if there is a call already.
    pub fn call(&mut self, now: Instant, target: &str) {
        if self.call.is_some() {
            return;
        }
        let target = self.full_uri(target);
        let mut call = Call::outgoing(&self.config, &mut self.rng, &target);
        let mut request = call.next_request("INVITE");
        if !self.config.delayed_offer {
            request.body = Some(call.offer(&self.config));
        }
        self.call = Some(call);
        self.add_dialog_headers(&mut request);
        self.send_request(now, request, Purpose::Invite, self.config.server);
    }

    /// Ends the call in the way its state asks for: CANCEL, 603 or BYE.
    pub fn hang_up(&mut self, now: Instant) {
        match self.call_state() {
            Some(CallState::Calling) => self.cancel(now),
            Some(CallState::Incoming) => self.decline(now, 603),
            Some(CallState::Established) => self.send_bye(now),
            Some(CallState::Ending) | None => {}
        }
    }

    /// Holds the call (`sendonly`), or takes it back, by a re-INVITE.
    pub fn hold(&mut self, now: Instant, hold: bool) {
        self.reoffer(now, if hold { Direction::SEND_ONLY } else { Direction::BOTH }, Purpose::Reinvite(hold));
    }

    /// Sends a re-INVITE that changes nothing, as session timers do.
    pub fn reinvite(&mut self, now: Instant) {
        let direction = self.call.as_ref().map_or(Direction::BOTH, |c| c.direction);
        self.reoffer(now, direction, Purpose::Reinvite(direction == Direction::SEND_ONLY));
    }

    /// Sends an UPDATE with our description (RFC 3311).
    pub fn update(&mut self, now: Instant) {
        let Some(call) = self.call.as_mut().filter(|c| c.state == CallState::Established) else {
            return;
        };
        let mut request = call.next_request("UPDATE");
        request.body = Some(call.offer(&self.config));
        self.add_dialog_headers(&mut request);
        self.send_in_dialog(now, request, Purpose::Other);
    }

    /// Sends INFO in the call (RFC 6086).
    pub fn info(&mut self, now: Instant, content_type: &str, body: &[u8]) {
        let Some(call) = self.call.as_mut().filter(|c| c.state == CallState::Established) else {
            return;
        };
        let mut request = call.next_request("INFO");
        request.body = Some((content_type.into(), body.into()));
        self.send_in_dialog(now, request, Purpose::Other);
    }

    /// Sends any request outside a dialog to `target`: OPTIONS, MESSAGE, … Its final status comes as
    /// [`PhoneEvent::Answered`].
    pub fn request(&mut self, now: Instant, method: &'static str, target: &str, body: Option<(&str, &[u8])>) {
        let uri = self.full_uri(target);
        let request = Request {
            method,
            to: format!("<{uri}>"),
            uri,
            from: format!("<{}>;tag={}", self.config.aor(), self.rng.token(10)),
            call_id: format!("{}@{}", self.rng.token(20), self.config.addr),
            cseq: 1,
            routes: Vec::new(),
            headers: Vec::new(),
            body: body.map(|(kind, body)| (kind.into(), body.into())),
        };
        self.send_request(now, request, Purpose::Other, self.config.server);
    }

    pub(super) fn send_register(&mut self, now: Instant, expires_s: u32) {
        let registration = &mut self.registration;
        registration.cseq += 1;
        let aor = self.config.aor();
        let request = Request {
            method: "REGISTER",
            uri: format!("sip:{}", self.config.domain),
            from: format!("<{aor}>;tag={}", registration.tag),
            to: format!("<{aor}>"),
            call_id: registration.call_id.clone(),
            cseq: registration.cseq,
            routes: Vec::new(),
            headers: vec![
                ("Contact", format!("<{}>", self.config.contact_uri())),
                ("Expires", expires_s.to_string()),
                ("Allow", super::server::ALLOW.into()),
            ],
            body: None,
        };
        self.send_request(now, request, Purpose::Register, self.config.server);
    }

    pub(super) fn send_bye(&mut self, now: Instant) {
        let Some(call) = &mut self.call else {
            return;
        };
        call.state = CallState::Ending;
        call.media.stop();
        let request = call.next_request("BYE");
        self.send_in_dialog(now, request, Purpose::Bye);
    }

    pub(super) fn drive_clients(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.clients.len() {
            match self.clients[at].handle_timeout(now) {
                None => at += 1,
                Some(Due::Resend) => {
                    let transaction = &self.clients[at];
                    self.wire.send(&mut self.out, transaction.to, transaction.bytes.clone());
                    at += 1;
                }
                Some(Due::Over) => drop(self.clients.remove(at)),
                Some(Due::TimedOut) => {
                    let transaction = self.clients.remove(at);
                    self.handle_failure(now, transaction.purpose, &transaction.request, 408);
                }
            }
        }
    }

    pub(super) fn handle_response(&mut self, now: Instant, status: u16, response: Received) {
        let branch = response.branch();
        let (_, method) = response.cseq();
        let found = self.clients.iter().position(|t| t.branch == branch && t.request.method == method);
        let Some(at) = found else {
            self.handle_stray_2xx(now, status, &response);
            return;
        };
        let fresh = self.clients[at].handle_response(now, status);
        if self.clients[at].is_invite() && status >= 300 {
            self.acknowledge_failure(at, &response);
        }
        if !fresh {
            return;
        }
        let transaction = &self.clients[at];
        let (purpose, request) = (transaction.purpose, transaction.request.clone());
        if matches!(status, 401 | 407) && self.answer_challenge(now, at, &response) {
            return;
        }
        match (purpose, status) {
            (Purpose::Register, 200..300) => self.handle_registered(now, &request, &response),
            (Purpose::Invite, 101..200) => self.handle_progress(now, status, &response),
            (Purpose::Invite, 200..300) => self.handle_answered(now, &request, &response),
            (Purpose::Reinvite(hold), 200..300) => {
                self.handle_reinvite_answered(now, &request, &response, hold)
            }
            (Purpose::Bye, 200..300) => self.end_call(Ended::HungUp(status)),
            (Purpose::Other, 200..300) => self.tell_answered(&request, status),
            (_, 300..) => self.handle_failure(now, purpose, &request, status),
            _ => {}
        }
    }

    fn handle_registered(&mut self, now: Instant, request: &Request, response: &Received) {
        let asked = request.headers.iter().find(|(n, _)| *n == "Expires").and_then(|(_, v)| v.parse().ok());
        if asked == Some(0u32) {
            self.registration.active = false;
            self.events.push_back(PhoneEvent::Unregistered);
            return;
        }
        // RFC 3261 §10.2.4: our contact's own expires parameter, else the header.
        let own = self.config.contact_uri();
        let contacts = response.values("contact");
        let of_contact = contacts
            .iter()
            .find(|c| uri_of(c) == own)
            .and_then(|c| c.split(';').find_map(|p| p.trim().strip_prefix("expires=")?.parse::<u32>().ok()));
        let of_header = response.header("expires").and_then(|v| v.parse().ok());
        let expires_s = of_contact.or(of_header).or(asked).unwrap_or(self.config.expires_s);
        self.registration.active = true;
        self.registration.refresh_at = Some(now + Duration::from_millis(u64::from(expires_s) * 500));
        self.events.push_back(PhoneEvent::Registered { expires_s });
    }

    fn handle_progress(&mut self, now: Instant, status: u16, response: &Received) {
        let Some(call) = &mut self.call else {
            return;
        };
        if let Some(remote) = sdp::read(&response.body) {
            call.accept(remote);
            call.media.start(now);
        }
        if call.cancel_wanted {
            self.send_cancel(now);
        } else {
            self.events.push_back(PhoneEvent::Ringing { status });
        }
    }

    fn handle_answered(&mut self, now: Instant, invite: &Request, response: &Received) {
        let Some(call) = &mut self.call else {
            return;
        };
        call.learn(response);
        call.state = CallState::Established;
        let mut ack = call.request("ACK", invite.cseq);
        // §13.2.2.4: the ACK has the credentials of the INVITE.
        ack.headers.extend(invite.headers.iter().filter(|(n, _)| n.ends_with("uthorization")).cloned());
        match (&invite.body, sdp::read(&response.body)) {
            (Some(_), Some(remote)) => call.accept(remote),
            (None, Some(_)) => ack.body = call.answer(&self.config, &response.body),
            (_, None) => {}
        }
        let (usable, cancel) = (call.remote_sdp.is_some(), call.cancel_wanted);
        self.send_ack(ack);
        if cancel || !usable {
            self.send_bye(now);
            return;
        }
        if let Some(call) = &mut self.call {
            call.media.start(now);
        }
        self.events.push_back(PhoneEvent::Established);
    }

    fn handle_reinvite_answered(&mut self, now: Instant, invite: &Request, response: &Received, hold: bool) {
        let Some(call) = &mut self.call else {
            return;
        };
        call.refresh_target(response);
        if let Some(remote) = sdp::read(&response.body) {
            call.accept(remote);
        }
        if call.state == CallState::Established {
            call.media.start(now);
        }
        let ack = call.request("ACK", invite.cseq);
        self.send_ack(ack);
        self.events.push_back(PhoneEvent::Held(hold));
    }

    /// Final errors, and 408 for silence.
    fn handle_failure(&mut self, now: Instant, purpose: Purpose, request: &Request, status: u16) {
        match purpose {
            Purpose::Register => {
                self.registration.active = false;
                self.events.push_back(PhoneEvent::RegisterFailed { status });
            }
            Purpose::Invite => {
                let cancelled = self.call.as_ref().is_some_and(|c| c.cancel_wanted);
                self.end_call(if cancelled { Ended::Cancelled } else { Ended::Refused(status) });
            }
            Purpose::Bye => self.end_call(Ended::HungUp(status)),
            Purpose::Reinvite(hold) => {
                if let Some(call) = &mut self.call {
                    call.direction = if hold { Direction::BOTH } else { Direction::SEND_ONLY };
                }
                self.tell_answered(request, status);
                // RFC 3261 §12.2.1.2: the dialog is gone.
                if matches!(status, 408 | 481) {
                    self.send_bye(now);
                }
            }
            Purpose::Other => self.tell_answered(request, status),
            Purpose::Cancel => {}
        }
    }

    fn tell_answered(&mut self, request: &Request, status: u16) {
        self.events.push_back(PhoneEvent::Answered { method: request.method.into(), status });
    }

    /// Sends the request of transaction `at` again with credentials, if that has a chance.
    fn answer_challenge(&mut self, now: Instant, at: usize, response: &Received) -> bool {
        let (attempts, to, purpose) = {
            let t = &self.clients[at];
            (t.attempts, t.to, t.purpose)
        };
        let challenges = response
            .lines("www-authenticate")
            .map(|v| (v, false))
            .chain(response.lines("proxy-authenticate").map(|v| (v, true)));
        // RFC 8760 §2.4: the topmost that we support.
        let Some(challenge) = challenges.into_iter().find_map(|(v, proxy)| Challenge::parse(v, proxy)) else {
            return false;
        };
        // Refused with credentials: the password is wrong, unless only the nonce was old.
        let tried = self.clients[at].request.headers.iter().any(|(n, _)| *n == challenge.header());
        if attempts >= ATTEMPTS_MAX || (tried && !challenge.is_stale()) {
            return false;
        }
        self.challenges.retain(|c| !challenge.replaces(c));
        self.challenges.push(challenge);
        let mut request = self.clients[at].request.clone();
        request.cseq = match purpose {
            Purpose::Register => {
                self.registration.cseq += 1;
                self.registration.cseq
            }
            Purpose::Other if request.cseq == 1 => 2,
            _ => match &mut self.call {
                Some(call) if call.call_id == request.call_id => {
                    call.cseq += 1;
                    call.cseq
                }
                _ => return false,
            },
        };
        self.send_request(now, request, purpose, to);
        if let Some(transaction) = self.clients.last_mut() {
            transaction.attempts = attempts + 1;
        }
        true
    }

    /// RFC 3261 §13.2.2.4: a repeated 2xx gets the ACK again; a 2xx of another branch of a fork gets ACK and BYE.
    fn handle_stray_2xx(&mut self, now: Instant, status: u16, response: &Received) {
        let (number, method) = response.cseq();
        let Some(call) = self.call.as_ref().filter(|c| c.call_id == response.call_id()) else {
            return;
        };
        if method != "INVITE" || !(200..300).contains(&status) {
            return;
        }
        if response.tag_in_to() == tag(&call.remote) {
            if let Some((_, bytes)) = call.ack.as_ref().filter(|(n, _)| *n == number) {
                let to = self.next_hop(&call.routes, &call.remote_target);
                self.wire.send(&mut self.out, to, bytes.clone());
            }
            return;
        }
        let mut other = call.request("ACK", number);
        other.to = response.header("to").unwrap_or("").into();
        other.uri = response.contact_uri().unwrap_or(other.uri);
        other.routes = response.values("record-route");
        other.routes.reverse();
        let to = self.next_hop(&other.routes, &other.uri);
        let bytes = self.render(&other).1;
        self.wire.send(&mut self.out, to, bytes);
        let bye = Request { method: "BYE", cseq: number + 1, ..other };
        self.send_request(now, bye, Purpose::Cancel, to);
    }

    fn reoffer(&mut self, now: Instant, direction: Direction, purpose: Purpose) {
        let Some(call) = self.call.as_mut().filter(|c| c.state == CallState::Established) else {
            return;
        };
        call.direction = direction;
        let mut request = call.next_request("INVITE");
        request.body = Some(call.offer(&self.config));
        self.add_dialog_headers(&mut request);
        self.send_in_dialog(now, request, purpose);
    }

    fn cancel(&mut self, now: Instant) {
        if let Some(call) = &mut self.call {
            call.cancel_wanted = true;
            call.state = CallState::Ending;
            call.media.stop();
        }
        // §9.1: not before a provisional response; then handle_progress sends it.
        let proceeding =
            self.clients.iter().any(|t| t.purpose == Purpose::Invite && t.state == ClientState::Proceeding);
        if proceeding {
            self.send_cancel(now);
        }
    }

    fn send_cancel(&mut self, now: Instant) {
        let invite = self
            .clients
            .iter_mut()
            .find(|t| t.purpose == Purpose::Invite && t.state == ClientState::Proceeding);
        let Some(invite) = invite else {
            return;
        };
        invite.expect_end(now);
        let (branch, to) = (invite.branch.clone(), invite.to);
        let request = invite.request.companion("CANCEL", &invite.request.to);
        if self.clients.iter().any(|t| t.purpose == Purpose::Cancel && t.branch == branch) {
            return;
        }
        // §9.1: CANCEL has the branch of what it cancels.
        let bytes = request.render(&via(self.config.transport, self.config.sip_addr(), &branch));
        self.wire.send(&mut self.out, to, bytes.clone());
        let timers = self.timers();
        self.clients.push(ClientTransaction::new(now, branch, request, Purpose::Cancel, to, bytes, timers));
    }

    fn acknowledge_failure(&mut self, at: usize, response: &Received) {
        let transaction = &mut self.clients[at];
        if transaction.ack.is_none() {
            // RFC 3261 §17.1.1.3.
            let request = transaction.request.companion("ACK", response.header("to").unwrap_or(""));
            let via = via(self.config.transport, self.config.sip_addr(), &transaction.branch);
            transaction.ack = Some(request.render(&via));
        }
        if let Some(ack) = &transaction.ack {
            self.wire.send(&mut self.out, transaction.to, ack.clone());
        }
    }

    fn send_ack(&mut self, ack: Request) {
        let to = self.next_hop(&ack.routes, &ack.uri);
        let (_, bytes) = self.render(&ack);
        if let Some(call) = &mut self.call {
            call.ack = Some((ack.cseq, bytes.clone()));
        }
        self.wire.send(&mut self.out, to, bytes);
    }

    pub(super) fn send_in_dialog(&mut self, now: Instant, request: Request, purpose: Purpose) {
        let to = self.next_hop(&request.routes, &request.uri);
        self.send_request(now, request, purpose, to);
    }

    fn send_request(&mut self, now: Instant, mut request: Request, purpose: Purpose, to: SocketAddr) {
        for challenge in &mut self.challenges {
            // Registrars ask by 401, proxies by 407; both are answered where they asked.
            if challenge.proxy == (request.method == "REGISTER") {
                continue;
            }
            let (user, password) = (&self.config.user, &self.config.password);
            let value = challenge.answer(&mut self.rng, user, password, request.method, &request.uri);
            request.set_header(challenge.header(), value);
        }
        let (branch, bytes) = self.render(&request);
        self.wire.send(&mut self.out, to, bytes.clone());
        let timers = self.timers();
        self.clients.push(ClientTransaction::new(now, branch, request, purpose, to, bytes, timers));
    }

    fn render(&mut self, request: &Request) -> (String, Vec<u8>) {
        // RFC 3261 §8.1.1.7: the magic cookie.
        let branch = format!("z9hG4bK{}", self.rng.token(16));
        let bytes = request.render(&via(self.config.transport, self.config.sip_addr(), &branch));
        (branch, bytes)
    }

    fn next_hop(&self, routes: &[String], target: &str) -> SocketAddr {
        let uri = routes.first().map_or(target, |route| uri_of(route));
        uri_addr(uri).unwrap_or(self.config.server)
    }

    fn add_dialog_headers(&self, request: &mut Request) {
        request.set_header("Contact", format!("<{}>", self.config.contact_uri()));
        request.set_header("Allow", super::server::ALLOW.into());
    }

    fn full_uri(&self, target: &str) -> String {
        if target.starts_with("sip:") {
            target.into()
        } else {
            format!("sip:{target}@{}", self.config.domain)
        }
    }
}

/// With a stale nonce a request may need two answers.
const ATTEMPTS_MAX: u8 = 2;
