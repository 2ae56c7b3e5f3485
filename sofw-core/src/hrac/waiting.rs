//! Requests that wait for the tunnel's return in the session's queue.

use std::collections::BTreeSet;

use crate::base::{Instant, Payload};
use crate::config::limits::{TUNNEL_GRACE, WAITING_BYTES_MAX, WAITING_REQUESTS_MAX};
use crate::fill::Fill;
use crate::sip::{Message, Method};
use crate::tunnel::RaHeader;

/// Who waits. A request that waits already must not be refused when it comes again: the caller would believe that the call
/// failed, and the callee would answer nobody.
#[derive(Debug)]
pub(super) struct Waiting {
    down_since: Option<Instant>,
    /// Source, branch and CSeq (RFC 3261 §17.2.3; the branch is empty for RFC 2543 phones).
    requests: BTreeSet<Request>,
    /// What ends calls, while there is no session that could keep it, and how many bytes that is.
    held: Vec<(RaHeader, Payload)>,
    held_bytes: usize,
}

type Request = (RaHeader, String, String);

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Admission {
    /// It goes into the tunnel, or into its queue.
    Pass,
    /// It waits there already.
    Repeated,
    /// It is kept until a session begins.
    Held,
    /// It would wait too long.
    Refused,
}

impl Waiting {
    pub(super) const fn new(now: Instant) -> Self {
        Waiting { down_since: Some(now), requests: BTreeSet::new(), held: Vec::new(), held_bytes: 0 }
    }

    /// Whether the tunnel carries frames now.
    pub(super) fn tunnel_is_up(&mut self, now: Instant, up: bool) {
        if up {
            self.down_since = None;
            self.requests.clear();
        } else {
            self.down_since.get_or_insert(now);
        }
    }

    /// The session ended, and with it its queue.
    pub(super) fn session_ended(&mut self) {
        self.requests.clear();
    }

    /// Within a session nothing is lost, so a short outage is waited out; what ends a transaction or a call may always wait:
    /// a refused BYE would leave the other end talking to nobody.
    pub(super) fn admit(&mut self, now: Instant, source: RaHeader, message: &Message<'_>) -> Admission {
        let Some(since) = self.down_since else { return Admission::Pass };
        if !message.is_request() || message.method() == Method::Ack {
            return Admission::Pass;
        }
        let key = key(source, message);
        if self.requests.contains(&key) {
            return Admission::Repeated;
        }
        let has_room = self.requests.len() < WAITING_REQUESTS_MAX;
        if !ends_something(message) && (now.since(since) > TUNNEL_GRACE || !has_room) {
            return Admission::Refused;
        }
        if has_room {
            self.requests.insert(key);
        }
        Admission::Pass
    }

    /// A message without a session. What ends a call is kept for the next one, in which HRAS knows the call still; all
    /// else is refused.
    pub(super) fn hold(&mut self, source: RaHeader, message: &Message<'_>) -> Admission {
        let key = key(source, message);
        if !ends_something(message) {
            return Admission::Refused;
        }
        if self.requests.contains(&key) {
            return Admission::Repeated;
        }
        let bytes = self.held_bytes + message.bytes().len();
        if bytes > WAITING_BYTES_MAX || self.requests.len() >= WAITING_REQUESTS_MAX {
            return Admission::Refused;
        }
        self.held_bytes = bytes;
        self.held.push((source, message.bytes().to_vec().into()));
        self.requests.insert(key);
        Admission::Held
    }

    /// A session began: what it is to carry first.
    pub(super) fn take_held(&mut self) -> Vec<(RaHeader, Payload)> {
        self.held_bytes = 0;
        core::mem::take(&mut self.held)
    }

    /// How full it is.
    pub(super) fn fills(&self) -> [Fill; 2] {
        [
            Fill::new("requests waiting for the tunnel", self.requests.len(), WAITING_REQUESTS_MAX),
            Fill::new("requests held without a session, bytes", self.held_bytes, WAITING_BYTES_MAX),
        ]
    }

    #[cfg(test)]
    pub(super) fn set_down_since(&mut self, since: Instant) {
        self.down_since = Some(since);
    }
}

fn ends_something(message: &Message<'_>) -> bool {
    message.is_request() && matches!(message.method(), Method::Bye | Method::Cancel)
}

fn key(source: RaHeader, message: &Message<'_>) -> Request {
    let branch = message.via().transaction_branch().unwrap_or_default().to_owned();
    let (number, method) = message.cseq();
    (source, branch, format!("{number} {} {}", method.as_str(), message.call_id()))
}
