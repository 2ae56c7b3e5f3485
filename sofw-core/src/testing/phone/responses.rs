//! What comes back to the phone: responses, and what they change.

use super::auth::Challenge;
use super::message::{Received, Request, tag, uri_of};
use super::sdp::{self, Direction};
use super::{CallState, Ended, Phone, PhoneEvent, Purpose};
use crate::base::{Duration, Instant};

impl Phone {
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
            (Purpose::Reinvite(_) | Purpose::Refresh, 200..300) => {
                self.handle_reinvite_answered(now, &request, &response);
                if let Purpose::Reinvite(hold) = purpose {
                    self.tell(Some(&request.call_id), PhoneEvent::Held(hold));
                }
            }
            (Purpose::Invite, 300..400) if self.follow(now, &request, &response) => {}
            (Purpose::Bye, 200..300) => self.end_call(now, &request.call_id, Ended::HungUp(status)),
            (Purpose::Other, 200..300) => self.tell_answered(&request, status),
            (_, 300..) => {
                self.handle_failure(now, purpose, &request, status);
                if let (Purpose::Register, Some(after)) = (purpose, retry_after(&response)) {
                    self.registration.refresh_at = Some(now + after);
                }
            }
            _ => {}
        }
    }

    fn handle_registered(&mut self, now: Instant, request: &Request, response: &Received) {
        let asked = request.headers.iter().find(|(n, _)| *n == "Expires").and_then(|(_, v)| v.parse().ok());
        if asked == Some(0u32) {
            self.registration.active = false;
            self.tell(None, PhoneEvent::Unregistered);
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
        self.tell(None, PhoneEvent::Registered { expires_s });
    }

    fn handle_progress(&mut self, now: Instant, status: u16, response: &Received) {
        let call_id = response.call_id();
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        if let Some(remote) = sdp::read(&response.body) {
            call.accept(remote);
            call.start_media(now);
        }
        if call.cancel_wanted {
            self.send_cancel(now, call_id);
        } else {
            self.tell(Some(call_id), PhoneEvent::Ringing { status });
        }
    }

    fn handle_answered(&mut self, now: Instant, invite: &Request, response: &Received) {
        let refresh_at = self.session_refresh_at(now);
        let Some(call) = self.calls.get_mut(&invite.call_id) else {
            return;
        };
        call.learn(response);
        call.state = CallState::Established;
        call.refresh_at = refresh_at;
        let mut ack = call.request("ACK", invite.cseq);
        // §13.2.2.4: the ACK has the credentials of the INVITE.
        ack.headers.extend(invite.headers.iter().filter(|(n, _)| n.ends_with("uthorization")).cloned());
        match (&invite.body, sdp::read(&response.body)) {
            (Some(_), Some(remote)) => call.accept(remote),
            (None, Some(_)) => ack.body = call.answer(&self.config, &response.body),
            (_, None) => {}
        }
        let usable = call.remote_sdp.is_some() && !call.cancel_wanted;
        if usable {
            call.start_media(now);
        }
        self.send_ack(ack);
        if !usable {
            return self.send_bye(now, &invite.call_id);
        }
        self.tell(Some(&invite.call_id), PhoneEvent::Established);
        self.tell_referrer(now, &invite.call_id, 200);
    }

    fn handle_reinvite_answered(&mut self, now: Instant, invite: &Request, response: &Received) {
        let Some(call) = self.calls.get_mut(&invite.call_id) else {
            return;
        };
        call.refresh_target(response);
        if let Some(remote) = sdp::read(&response.body) {
            call.accept(remote);
        }
        if call.state == CallState::Established {
            call.start_media(now);
        }
        let ack = call.request("ACK", invite.cseq);
        self.send_ack(ack);
    }

    /// Final errors, and 408 for silence.
    pub(super) fn handle_failure(&mut self, now: Instant, purpose: Purpose, request: &Request, status: u16) {
        let call_id = &request.call_id;
        match purpose {
            // One that was sent since has the last word.
            Purpose::Register if request.cseq < self.registration.cseq => {}
            Purpose::Register => {
                self.registration.active = false;
                self.tell(None, PhoneEvent::RegisterFailed { status });
                // Trouble that may pass: the server or the way to it is down.
                if matches!(status, 408 | 500..=599) {
                    self.registration.refresh_at = Some(now + self.config.register_retry);
                }
            }
            Purpose::Invite => {
                let cancelled = self.calls.get(call_id).is_some_and(|c| c.cancel_wanted);
                let how = if cancelled { Ended::Cancelled } else { Ended::Refused(status) };
                self.end_call(now, call_id, how);
            }
            Purpose::Bye => self.end_call(now, call_id, Ended::HungUp(status)),
            Purpose::Reinvite(_) | Purpose::Refresh => {
                if let (Purpose::Reinvite(hold), Some(call)) = (purpose, self.calls.get_mut(call_id)) {
                    call.direction = if hold { Direction::BOTH } else { Direction::SEND_ONLY };
                }
                self.tell_answered(request, status);
                // RFC 3261 §12.2.1.2: the dialog is gone.
                if matches!(status, 408 | 481) {
                    self.send_bye(now, call_id);
                }
            }
            Purpose::Refer => self.tell(Some(call_id), PhoneEvent::Transferred(status)),
            Purpose::Other => self.tell_answered(request, status),
            Purpose::Cancel | Purpose::Notify => {}
        }
    }

    fn tell_answered(&mut self, request: &Request, status: u16) {
        let answered = PhoneEvent::Answered { method: request.method.into(), status };
        self.tell(Some(&request.call_id), answered);
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
            _ => match self.calls.get_mut(&request.call_id) {
                Some(call) => {
                    call.cseq += 1;
                    call.cseq
                }
                None => return false,
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
        let Some(call) = self.calls.get(response.call_id()) else {
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
        if self.config.quirks.never_acks {
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
}

/// RFC 3261 §20.33; a comment or parameters may follow the seconds.
fn retry_after(response: &Received) -> Option<Duration> {
    let seconds = response.header("retry-after")?.split([' ', ';', '(']).next()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// With a stale nonce a request may need two answers.
const ATTEMPTS_MAX: u8 = 2;
