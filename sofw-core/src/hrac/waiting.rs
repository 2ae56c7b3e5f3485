//! Requests that wait for HRAS, some of them in the session's queue for the tunnel's return.

use std::collections::BTreeMap;

use crate::base::{Deadline, Instant, Payload};
use crate::config::limits::{TUNNEL_GRACE, WAITING_BYTES_MAX, WAITING_REQUESTS_MAX};
use crate::fill::Fill;
use crate::sip::{Message, Method};
use crate::transaction::T1_64;
use crate::tunnel::RaHeader;

/// Which requests HRAS has not answered. One that waits already must not be refused when it comes again: the caller would believe that the
/// call failed, and the callee would answer nobody. What was passed on before the tunnel's end was noticed waits, too.
#[derive(Debug)]
pub(super) struct Waiting {
    down_since: Option<Instant>,
    /// Those of the present span of [`T1_64`], and of the one before: nobody repeats older ones (RFC 3261 §17.1).
    requests: BTreeMap<Request, Asked>,
    former: BTreeMap<Request, Asked>,
    span_began: Instant,
    invite_bytes: usize,
    /// When the first of the INVITEs kept may be late, or sooner.
    late_at: Option<Instant>,
    /// What ends calls, while there is no session that could keep it, and how many bytes that is.
    held: Vec<(RaHeader, Payload)>,
    held_bytes: usize,
}

/// Sent-by, branch and CSeq (RFC 3261 §17.2.3; the branch is empty for RFC 2543 phones) with Call-ID.
type Request = (String, String, String);

#[derive(Debug)]
struct Asked {
    at: Instant,
    phone: RaHeader,
    /// An INVITE to which nothing at all was answered.
    invite: Option<Payload>,
}

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
        Waiting {
            down_since: Some(now),
            requests: BTreeMap::new(),
            former: BTreeMap::new(),
            span_began: now,
            invite_bytes: 0,
            late_at: None,
            held: Vec::new(),
            held_bytes: 0,
        }
    }

    /// Whether the tunnel carries frames now.
    pub(super) fn tunnel_is_up(&mut self, now: Instant, up: bool) {
        if up {
            self.down_since = None;
        } else {
            self.down_since.get_or_insert(now);
        }
    }

    /// INVITEs of which nothing was heard until their callers gave up (RFC 3261 §17.1.1.2, timer B). They must be cancelled, or phones ring
    /// for nobody when the tunnel is back; and at once, so that the CANCEL comes right behind.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<(RaHeader, Payload)> {
        if self.late_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut late = Vec::new();
        self.late_at = None;
        for asked in self.former.values_mut().chain(self.requests.values_mut()) {
            let at = asked.at + T1_64;
            match asked.invite.take_if(|_| at <= now) {
                Some(invite) => late.push((asked.phone, invite)),
                None if asked.invite.is_some() => {
                    self.late_at = Some(self.late_at.map_or(at, |other| other.min(at)));
                }
                None => {}
            }
        }
        self.invite_bytes -= late.iter().map(|(_, invite)| invite.len()).sum::<usize>();
        late
    }

    /// When to call [`Waiting::take_late`].
    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        self.late_at.map(|at| Deadline::new(at, "INVITE that nobody answers"))
    }

    /// The session ended, and with it its queue.
    pub(super) fn session_ended(&mut self) {
        self.requests.clear();
        self.former.clear();
        (self.invite_bytes, self.late_at) = (0, None);
    }

    /// Within a session nothing is lost, so a short outage is waited out; what ends a transaction or a call may always wait:
    /// a refused BYE would leave the other end talking to nobody.
    pub(super) fn admit(&mut self, now: Instant, source: RaHeader, message: &Message<'_>) -> Admission {
        if !message.is_request() || message.method() == Method::Ack {
            return Admission::Pass;
        }
        let key = key(message);
        let is_known = self.requests.contains_key(&key) || self.former.contains_key(&key);
        match self.down_since {
            None => self.begin_span(now),
            Some(_) if is_known => return Admission::Repeated,
            Some(since) => {
                let is_long = now.since(since) > TUNNEL_GRACE;
                if !ends_something(message) && (is_long || self.len() >= WAITING_REQUESTS_MAX) {
                    return Admission::Refused;
                }
            }
        }
        if !is_known {
            self.remember(now, key, source, message);
        }
        Admission::Pass
    }

    /// HRAS answers.
    pub(super) fn answered(&mut self, response: &Message<'_>) {
        let key = key(response);
        let Some(asked) = self.requests.get_mut(&key).or(self.former.get_mut(&key)) else { return };
        self.invite_bytes -= asked.invite.take().map_or(0, |invite| invite.len());
        if response.status() >= Some(200) {
            self.requests.remove(&key);
            self.former.remove(&key);
        }
    }

    fn begin_span(&mut self, now: Instant) {
        if now.since(self.span_began) < T1_64 {
            return;
        }
        let over = core::mem::replace(&mut self.former, core::mem::take(&mut self.requests));
        self.invite_bytes -=
            over.values().filter_map(|asked| asked.invite.as_ref()).map(|invite| invite.len()).sum::<usize>();
        self.span_began = now;
    }

    fn remember(&mut self, now: Instant, key: Request, phone: RaHeader, message: &Message<'_>) {
        if self.len() >= WAITING_REQUESTS_MAX {
            return;
        }
        let bytes = message.bytes();
        let keeps =
            message.method() == Method::Invite && self.invite_bytes + bytes.len() <= WAITING_BYTES_MAX;
        let invite = keeps.then(|| Payload::from(bytes.to_vec()));
        self.invite_bytes += invite.as_ref().map_or(0, |invite| invite.len());
        if invite.is_some() {
            self.late_at.get_or_insert(now + T1_64);
        }
        self.requests.insert(key, Asked { at: now, phone, invite });
    }

    fn len(&self) -> usize {
        self.requests.len() + self.former.len()
    }

    /// A message without a session. What ends a call is kept for the next one, in which HRAS knows the call still; all
    /// else is refused.
    pub(super) fn hold(&mut self, now: Instant, source: RaHeader, message: &Message<'_>) -> Admission {
        let key = key(message);
        if !ends_something(message) {
            return Admission::Refused;
        }
        if self.requests.contains_key(&key) {
            return Admission::Repeated;
        }
        let bytes = self.held_bytes + message.bytes().len();
        if bytes > WAITING_BYTES_MAX || self.len() >= WAITING_REQUESTS_MAX {
            return Admission::Refused;
        }
        self.held_bytes = bytes;
        self.held.push((source, message.bytes().to_vec().into()));
        self.remember(now, key, source, message);
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
            Fill::new("requests waiting for an answer", self.len(), WAITING_REQUESTS_MAX),
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

fn key(message: &Message<'_>) -> Request {
    let via = message.via();
    let branch = via.transaction_branch().unwrap_or_default().to_owned();
    let (number, method) = message.cseq();
    let sent_by = format!("{} {:?}", via.host(), via.port());
    (sent_by, branch, format!("{number} {} {}", method.as_str(), message.call_id()))
}
