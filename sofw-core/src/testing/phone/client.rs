//! The phone as a client: its commands, and how requests leave.

use core::net::SocketAddr;

use super::call::{Call, CallState};
use super::message::{Received, Request, uri_addr, uri_of, via};
use super::sdp::Direction;
use super::transaction::ClientState;
use super::{ClientTransaction, Due, Phone, Purpose};
use crate::base::Instant;

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

    pub(super) fn send_cancel(&mut self, now: Instant) {
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

    pub(super) fn acknowledge_failure(&mut self, at: usize, response: &Received) {
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

    pub(super) fn send_ack(&mut self, ack: Request) {
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

    pub(super) fn send_request(
        &mut self,
        now: Instant,
        mut request: Request,
        purpose: Purpose,
        to: SocketAddr,
    ) {
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

    pub(super) fn render(&mut self, request: &Request) -> (String, Vec<u8>) {
        // RFC 3261 §8.1.1.7: the magic cookie.
        let branch = format!("z9hG4bK{}", self.rng.token(16));
        let bytes = request.render(&via(self.config.transport, self.config.sip_addr(), &branch));
        (branch, bytes)
    }

    pub(super) fn next_hop(&self, routes: &[String], target: &str) -> SocketAddr {
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
