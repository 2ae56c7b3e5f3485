//! The phone's transactions (RFC 3261 §17), independent of [`crate::transaction`]: a foreign phone's view.

use core::net::SocketAddr;

use super::message::{Received, Request};
use super::wire::Peer;
use crate::base::{Duration, Instant};

/// The timers that all transactions share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    pub t1: Duration,
    pub reliable: bool,
}

impl Timers {
    const T2: Duration = Duration::from_secs(4);
    const T4: Duration = Duration::from_secs(5);

    /// Timers B, F, H, J.
    pub fn long(&self) -> Duration {
        self.t1 * 64
    }
}

/// Why a request was sent: what its response is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Register,
    Invite,
    /// A re-INVITE; whether it holds.
    Reinvite(bool),
    /// A re-INVITE that only keeps the session alive (RFC 4028).
    Refresh,
    Refer,
    Notify,
    Bye,
    Cancel,
    Other,
}

#[derive(Debug)]
pub(super) struct ClientTransaction {
    pub branch: String,
    pub request: Request,
    pub purpose: Purpose,
    pub to: SocketAddr,
    /// How often it was sent again with credentials.
    pub attempts: u8,
    pub state: ClientState,
    pub bytes: Vec<u8>,
    /// For a non-2xx INVITE response.
    pub ack: Option<Vec<u8>>,
    resend_at: Option<Instant>,
    interval: Duration,
    ends_at: Instant,
    timers: Timers,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClientState {
    Calling,
    Proceeding,
    Completed,
}

/// What a due transaction wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    Resend,
    /// Nobody answered: as a 408 (§8.1.3.1).
    TimedOut,
    /// Over; forget it.
    Over,
}

impl ClientTransaction {
    pub fn new(
        now: Instant,
        branch: String,
        request: Request,
        purpose: Purpose,
        to: SocketAddr,
        bytes: Vec<u8>,
        timers: Timers,
    ) -> Self {
        ClientTransaction {
            branch,
            request,
            purpose,
            to,
            attempts: 0,
            state: ClientState::Calling,
            bytes,
            ack: None,
            // Timers A and E.
            resend_at: (!timers.reliable).then(|| now + timers.t1),
            interval: timers.t1,
            ends_at: now + timers.long(),
            timers,
        }
    }

    pub fn is_invite(&self) -> bool {
        self.request.method == "INVITE"
    }

    /// Whether the response is new to the phone.
    pub fn handle_response(&mut self, now: Instant, status: u16) -> bool {
        if self.state == ClientState::Completed {
            return false;
        }
        if status < 200 {
            self.state = ClientState::Proceeding;
            if self.is_invite() {
                // A ringing phone may ring long: the caller's patience, not a timer, ends it (§17.1.1.2).
                self.resend_at = None;
                self.ends_at = now + RING_MAX;
            }
            return true;
        }
        self.state = ClientState::Completed;
        self.resend_at = None;
        // Timers D and K. A 2xx ends an INVITE transaction at once.
        let linger = match (self.timers.reliable, self.is_invite()) {
            (true, _) => Duration::ZERO,
            (false, true) if status < 300 => Duration::ZERO,
            (false, true) => Duration::from_secs(32),
            (false, false) => Timers::T4,
        };
        self.ends_at = now + linger;
        true
    }

    /// The caller gave up: the final response must come soon (§9.1).
    pub fn expect_end(&mut self, now: Instant) {
        self.ends_at = self.ends_at.min(now + self.timers.long());
    }

    pub fn deadline(&self) -> Instant {
        self.resend_at.map_or(self.ends_at, |at| at.min(self.ends_at))
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        if self.ends_at <= now {
            return Some(if self.state == ClientState::Completed { Due::Over } else { Due::TimedOut });
        }
        self.resend_at.filter(|&at| at <= now)?;
        self.interval = match (self.is_invite(), self.state) {
            (true, _) => self.interval * 2,
            (false, ClientState::Calling) => (self.interval * 2).min(Timers::T2),
            (false, _) => Timers::T2,
        };
        self.resend_at = Some(now + self.interval);
        Some(Due::Resend)
    }
}

/// Longest time between a provisional and the final response.
const RING_MAX: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct ServerTransaction {
    pub request: Received,
    pub peer: Peer,
    pub source: SocketAddr,
    /// The last response and its status; 0 before any.
    pub response: Vec<u8>,
    pub status: u16,
    acked: bool,
    resend_at: Option<Instant>,
    interval: Duration,
    ends_at: Option<Instant>,
    timers: Timers,
}

impl ServerTransaction {
    pub fn new(request: Received, peer: Peer, source: SocketAddr, timers: Timers) -> Self {
        ServerTransaction {
            request,
            peer,
            source,
            response: Vec::new(),
            status: 0,
            acked: false,
            resend_at: None,
            interval: timers.t1,
            ends_at: None,
            timers,
        }
    }

    pub fn is_invite(&self) -> bool {
        self.request.method.as_deref() == Some("INVITE")
    }

    /// Whether `other` is this request again (§17.2.3).
    pub fn is_repeat(&self, other: &Received) -> bool {
        self.request.method == other.method
            && self.request.branch() == other.branch()
            && self.request.call_id() == other.call_id()
    }

    pub fn respond(&mut self, now: Instant, status: u16, response: Vec<u8>) {
        self.status = status;
        self.response = response;
        if status < 200 {
            return;
        }
        self.ends_at = Some(now + self.timers.long());
        // Timer G; a 2xx is sent again on any transport, since the ACK comes from the other end (§13.3.1.4).
        if self.is_invite() && (!self.timers.reliable || status < 300) {
            self.resend_at = Some(now + self.interval);
        }
    }

    /// The ACK came.
    pub fn acknowledge(&mut self) -> bool {
        self.resend_at = None;
        !core::mem::replace(&mut self.acked, true)
    }

    pub fn deadline(&self) -> Option<Instant> {
        match (self.resend_at, self.ends_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        if self.ends_at.is_some_and(|at| at <= now) {
            return Some(if self.is_invite() && !self.acked { Due::TimedOut } else { Due::Over });
        }
        self.resend_at.filter(|&at| at <= now)?;
        self.interval = (self.interval * 2).min(Timers::T2);
        self.resend_at = Some(now + self.interval);
        Some(Due::Resend)
    }
}
