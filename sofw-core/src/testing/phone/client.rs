//! The phone as a client: how requests leave, and are repeated.

use core::net::SocketAddr;

use super::call::{Call, CallState};
use super::message::{Received, Request, uri_addr, uri_of, via};
use super::transaction::ClientState;
use super::{ClientTransaction, Due, Phone, Purpose};
use crate::base::{Duration, Instant};

impl Phone {
    /// Begins a call to the URI `target`, which `referrer` waits for.
    pub(super) fn invite(
        &mut self,
        now: Instant,
        target: &str,
        referrer: Option<String>,
        headers: Vec<(&'static str, String)>,
    ) {
        let slot = self.calls.free_slot();
        let mut call = Call::outgoing(&self.config, &mut self.rng, slot, target);
        call.referrer = referrer;
        self.open_ports(&call);
        let mut request = call.next_request("INVITE");
        request.headers = headers;
        if !self.config.delayed_offer {
            request.body = Some(call.offer(&self.config));
        }
        self.calls.push(call);
        self.add_dialog_headers(&mut request);
        self.add_session_timer(&mut request);
        self.send_request(now, request, Purpose::Invite, self.config.server);
    }

    /// Sends the INVITE of a call again to another target (RFC 3261 §8.1.3.4).
    pub(super) fn redirect(&mut self, now: Instant, invite: &Request, target: String) {
        let Some(call) = self.calls.get_mut(&invite.call_id) else {
            return;
        };
        call.redirected = true;
        call.remote_target = target;
        let Request { headers, body, .. } = invite.clone();
        let mut request = call.next_request("INVITE");
        (request.headers, request.body) = (headers, body);
        self.send_request(now, request, Purpose::Invite, self.config.server);
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

    pub(super) fn send_bye(&mut self, now: Instant, call_id: &str) {
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        call.state = CallState::Ending;
        call.refresh_at = None;
        call.stop_media();
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

    pub(super) fn send_reinvite(&mut self, now: Instant, call_id: &str, purpose: Purpose) {
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        let mut request = call.next_request("INVITE");
        request.body = Some(call.offer(&self.config));
        self.add_dialog_headers(&mut request);
        self.add_session_timer(&mut request);
        self.send_in_dialog(now, request, purpose);
    }

    /// Refreshes those sessions whose time has come (RFC 4028 §10), unless an INVITE is under way there.
    pub(super) fn refresh_sessions(&mut self, now: Instant) {
        let due = |call: &&Call| call.refresh_at.is_some_and(|at| at <= now);
        while let Some(call_id) = self.calls.iter().find(due).map(|call| call.call_id.clone()) {
            let next = self.session_refresh_at(now);
            let waits = self.is_inviting(&call_id);
            if let Some(call) = self.calls.get_mut(&call_id) {
                call.refresh_at = next;
            }
            if !waits {
                self.send_reinvite(now, &call_id, Purpose::Refresh);
            }
        }
    }

    /// When a session that is agreed now wants its refresh.
    pub(super) fn session_refresh_at(&self, now: Instant) -> Option<Instant> {
        self.config.session_expires_s.map(|s| now + Duration::from_millis(u64::from(s.max(1)) * 500))
    }

    /// Whether an INVITE of ours has no final response yet.
    pub(super) fn is_inviting(&self, call_id: &str) -> bool {
        self.clients
            .iter()
            .any(|t| t.is_invite() && t.state != ClientState::Completed && t.request.call_id == call_id)
    }

    pub(super) fn cancel(&mut self, now: Instant, call_id: &str) {
        if let Some(call) = self.calls.get_mut(call_id) {
            call.cancel_wanted = true;
            call.state = CallState::Ending;
            call.stop_media();
        }
        // §9.1: not before a provisional response; then handle_progress sends it.
        self.send_cancel(now, call_id);
    }

    pub(super) fn send_cancel(&mut self, now: Instant, call_id: &str) {
        let invite = self.clients.iter_mut().find(|t| {
            t.purpose == Purpose::Invite && t.state == ClientState::Proceeding && t.request.call_id == call_id
        });
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
        let bytes = self.render_with(&request, &branch);
        self.wire.send(&mut self.out, to, bytes.clone());
        let timers = self.timers();
        self.clients.push(ClientTransaction::new(now, branch, request, Purpose::Cancel, to, bytes, timers));
    }

    pub(super) fn acknowledge_failure(&mut self, at: usize, response: &Received) {
        if self.clients[at].ack.is_none() {
            // RFC 3261 §17.1.1.3.
            let request = self.clients[at].request.companion("ACK", response.header("to").unwrap_or(""));
            self.clients[at].ack = Some(self.render_with(&request, &self.clients[at].branch));
        }
        let transaction = &self.clients[at];
        if let Some(ack) = &transaction.ack {
            self.wire.send(&mut self.out, transaction.to, ack.clone());
        }
    }

    pub(super) fn send_ack(&mut self, ack: Request) {
        if self.config.quirks.never_acks {
            return;
        }
        let to = self.next_hop(&ack.routes, &ack.uri);
        let (_, bytes) = self.render(&ack);
        if let Some(call) = self.calls.get_mut(&ack.call_id) {
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
        let bytes = self.render_with(request, &branch);
        (branch, bytes)
    }

    fn render_with(&self, request: &Request, branch: &str) -> Vec<u8> {
        request.render(&via(&self.config, branch), self.config.quirks.compact_headers)
    }

    pub(super) fn next_hop(&self, routes: &[String], target: &str) -> SocketAddr {
        let uri = routes.first().map_or(target, |route| uri_of(route));
        uri_addr(uri).unwrap_or(self.config.server)
    }

    fn add_session_timer(&self, request: &mut Request) {
        if let Some(seconds) = self.config.session_expires_s {
            request.set_header("Supported", "timer".into());
            request.set_header("Session-Expires", format!("{seconds};refresher=uac"));
        }
    }

    pub(super) fn add_dialog_headers(&self, request: &mut Request) {
        request.set_header("Contact", format!("<{}>", self.config.contact_uri()));
        request.set_header("Allow", super::server::ALLOW.into());
    }

    pub(super) fn full_uri(&self, target: &str) -> String {
        if target.starts_with("sip:") {
            target.into()
        } else {
            format!("sip:{target}@{}", self.config.domain)
        }
    }
}
