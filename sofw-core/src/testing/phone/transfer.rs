//! Blind transfer (RFC 3515, RFC 5589 §6.1) and call forwarding (RFC 3261 §8.1.3.4).
//!
//! ```text
//! transferor            transferee              target
//!     │── REFER ──────────▶│                      │
//!     │◀── 202, NOTIFY 100 │── INVITE ───────────▶│
//!     │                    │◀── 200, ACK ─────────│
//!     │◀── NOTIFY 200 ─────│                      │
//!     │── BYE ────────────▶│                      │
//! ```

use super::call::{CallState, Calls};
use super::message::{Received, Request, sipfrag, sipfrag_status, uri_of};
use super::{Ended, Phone, PhoneEvent, Purpose};
use crate::base::Instant;

impl Phone {
    /// Asks the other end of the call to call `target`: a SIP URI, or a user of the own domain. When it has reached the
    /// new party, the present call is ended. The outcome comes as [`PhoneEvent::Transferred`].
    pub fn transfer(&mut self, now: Instant, target: &str) {
        let target = self.full_uri(target);
        let Some(call) = self.calls.established_mut() else {
            return;
        };
        let mut request = call.next_request("REFER");
        request.headers =
            vec![("Refer-To", format!("<{target}>")), ("Referred-By", format!("<{}>", self.config.aor()))];
        self.add_dialog_headers(&mut request);
        self.send_in_dialog(now, request, Purpose::Refer);
    }

    /// We are asked to call somebody else.
    pub(super) fn handle_refer(&mut self, now: Instant, at: usize, request: &Received, call_id: &str) {
        let Some(target) = request.header("refer-to").map(|value| uri_of(value).to_owned()) else {
            return self.respond(now, at, 400, None);
        };
        if !target.starts_with("sip:") {
            return self.respond(now, at, 416, None);
        }
        let is_up = self.calls.get(call_id).is_some_and(|call| call.state == CallState::Established);
        if !is_up || self.calls.len() >= Calls::MAX {
            return self.respond(now, at, 603, None);
        }
        self.respond(now, at, 202, None);
        self.notify(now, call_id, 100);
        let referred_by = request.header("referred-by").map(|value| ("Referred-By", value.to_owned()));
        self.invite(now, &target, Some(call_id.to_owned()), referred_by.into_iter().collect());
    }

    /// A call that was asked for by REFER was answered or failed: tells who asked.
    pub(super) fn tell_referrer(&mut self, now: Instant, call_id: &str, status: u16) {
        let Some(referrer) = self.calls.get_mut(call_id).and_then(|call| call.referrer.take()) else {
            return;
        };
        if status < 300 {
            // The user talks with the new party now.
            if let Some(former) = self.calls.get_mut(&referrer) {
                former.stop_media();
            }
        }
        self.notify(now, &referrer, status);
    }

    /// Tells who sent REFER in this call how far the other call is (RFC 3515 §2.4.4).
    fn notify(&mut self, now: Instant, call_id: &str, status: u16) {
        let Some(call) = self.calls.get_mut(call_id).filter(|call| call.state == CallState::Established)
        else {
            return;
        };
        let mut request = call.next_request("NOTIFY");
        let state = if status < 200 { "active;expires=60" } else { "terminated;reason=noresource" };
        request.headers = vec![("Event", "refer".into()), ("Subscription-State", state.into())];
        request.body = Some(sipfrag(status));
        self.add_dialog_headers(&mut request);
        self.send_in_dialog(now, request, Purpose::Notify);
    }

    /// News of the call that we asked for.
    pub(super) fn handle_refer_news(&mut self, now: Instant, body: &[u8], call_id: &str) {
        let Some(status) = sipfrag_status(body).filter(|&status| status >= 200) else {
            return;
        };
        self.tell(Some(call_id), PhoneEvent::Transferred(status));
        let is_up = self.calls.get(call_id).is_some_and(|call| call.state == CallState::Established);
        if status < 300 && is_up {
            self.send_bye(now, call_id);
        }
    }

    /// Follows a 3xx, once per call; whether it did.
    pub(super) fn follow(&mut self, now: Instant, invite: &Request, response: &Received) -> bool {
        let free =
            self.calls.get(&invite.call_id).is_some_and(|call| !call.redirected && !call.cancel_wanted);
        let target = response.contact_uri().filter(|uri| free && uri.starts_with("sip:"));
        if let Some(target) = target {
            self.redirect(now, invite, target);
            return true;
        }
        false
    }
}

impl Ended {
    /// The final status of a call that was never answered.
    pub(super) fn as_status(self) -> u16 {
        match self {
            Ended::Refused(status) => status,
            _ => 487,
        }
    }
}
