//! What the server remembers about messages under way: a context per request, a branch per forwarded copy.

use super::relay::BranchId;
use crate::base::{Hop, Payload};
use crate::transaction::{Client, ClientKey, Server, ServerKey};

/// A request that we answer or forward (RFC 3261 §16.2: the response context), with its server transaction.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) key: ServerKey,
    pub(super) server: Server,
    /// Who sent the request.
    pub(super) from: Hop,
    /// Where responses go (§18.2.2, RFC 3581 §4).
    pub(super) reply_to: Hop,
    /// The request, its top Via completed.
    pub(super) request: Payload,
    pub(super) invite: bool,
    /// Names our own responses: the same tag in all of them (§8.2.6.2).
    pub(super) to_tag: String,
    /// Copies whose final response is awaited.
    pub(super) pending: Vec<BranchId>,
    /// Copies whose transaction lives.
    pub(super) branches: Vec<BranchId>,
    /// Final responses that were not forwarded at once.
    pub(super) finals: Vec<Final>,
    /// A CANCEL came.
    pub(super) cancelled: bool,
    /// The request is a BYE within a dialog: its end ends that.
    pub(super) ends: bool,
}

/// A final response of a branch, ready to be sent on.
#[derive(Debug)]
pub(super) struct Final {
    pub(super) status: u16,
    /// Received and stripped of our Via; `None`: our own conclusion.
    pub(super) received: Option<Payload>,
    /// It says something about ourselves, so that a 503 may go upstream (§16.7 step 6).
    pub(super) ours: bool,
}

/// A copy of a request that we sent, with its client transaction.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) key: ClientKey,
    pub(super) client: Client,
    pub(super) role: Role,
    pub(super) to: Hop,
    /// The bytes as sent, for retransmission, CANCEL and ACK.
    pub(super) sent: Payload,
    pub(super) cancel: Cancel,
    /// Dialogs that its responses made.
    pub(super) made: Vec<u64>,
}

/// Why a request was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// It is a copy of this context's request.
    Forward { context: u64, from: Hop, initial: bool },
    /// Our own: CANCEL, or BYE of a call that we end. Nobody waits for its response.
    Own,
}

/// RFC 3261 §9.1: a CANCEL waits for a provisional response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cancel {
    No,
    Wanted,
    Sent,
}

/// What a deadline belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    Server(u64),
    Client(u64),
    /// RFC 3261 §16.6 step 11.
    C(u64),
}

/// What a response of our own says; mostly a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(super) const fn new(status: u16) -> Self {
        Answer { status, reason: reason(status), headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The reason phrases of RFC 3261 §21 that we use.
pub(super) const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        _ => "Refused",
    }
}
