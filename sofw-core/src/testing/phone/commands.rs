//! What the user can do.

use super::call::CallState;
use super::message::Request;
use super::rtp::TelephoneEvent;
use super::sdp::Direction;
use super::{Phone, Purpose};
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
        if self.calls.is_empty() {
            let target = self.full_uri(target);
            self.invite(now, &target, None, Vec::new());
        }
    }

    /// Ends the call in the way its state asks for: CANCEL, 603 or BYE.
    pub fn hang_up(&mut self, now: Instant) {
        let Some(call) = self.calls.present() else {
            return;
        };
        let call_id = call.call_id.clone();
        match call.state {
            CallState::Calling => self.cancel(now, &call_id),
            CallState::Incoming => self.decline(now, 603),
            CallState::Established => self.send_bye(now, &call_id),
            CallState::Ending => {}
        }
    }

    /// Holds the call (`sendonly`), or takes it back, by a re-INVITE.
    pub fn hold(&mut self, now: Instant, hold: bool) {
        self.reoffer(now, if hold { Direction::SEND_ONLY } else { Direction::BOTH }, Purpose::Reinvite(hold));
    }

    /// Sends a re-INVITE that changes nothing.
    pub fn reinvite(&mut self, now: Instant) {
        let direction = self.calls.present().map_or(Direction::BOTH, |c| c.direction);
        self.reoffer(now, direction, Purpose::Reinvite(direction == Direction::SEND_ONLY));
    }

    /// Sends an UPDATE with our description (RFC 3311).
    pub fn update(&mut self, now: Instant) {
        let Some(call) = self.calls.established_mut() else {
            return;
        };
        let mut request = call.next_request("UPDATE");
        request.body = Some(call.offer(&self.config));
        self.add_dialog_headers(&mut request);
        self.send_in_dialog(now, request, Purpose::Other);
    }

    /// Sends INFO in the call (RFC 6086).
    pub fn info(&mut self, now: Instant, content_type: &str, body: &[u8]) {
        let Some(call) = self.calls.established_mut() else {
            return;
        };
        let mut request = call.next_request("INFO");
        request.body = Some((content_type.into(), body.into()));
        self.send_in_dialog(now, request, Purpose::Other);
    }

    /// Sends any request outside a dialog to `target`: OPTIONS, MESSAGE, … Its final status comes as
    /// [`super::PhoneEvent::Answered`].
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

    /// Sends no RTP while muted (silence suppression), until the end of the present call.
    pub fn mute(&mut self, muted: bool) {
        if let Some(call) = self.calls.present_mut() {
            call.streams_mut().for_each(|(_, stream)| stream.mute(muted));
        }
    }

    /// Presses keys (RFC 4733), each for 100 ms. Characters that no dial pad has are skipped.
    pub fn dial(&mut self, keys: &str) {
        if let Some(call) = self.calls.present_mut() {
            keys.chars().filter_map(TelephoneEvent::code).for_each(|event| call.audio.press(event));
        }
    }

    fn reoffer(&mut self, now: Instant, direction: Direction, purpose: Purpose) {
        let Some(call) = self.calls.established_mut() else {
            return;
        };
        call.direction = direction;
        let call_id = call.call_id.clone();
        self.send_reinvite(now, &call_id, purpose);
    }
}
