//! Client transactions (RFC 3261 §17.1, RFC 6026 §7.2).

use super::{T1, T1_64, T2, T4};
use crate::base::{Duration, Instant};

/// A client transaction's state machine. Its request is sent once by whoever creates it.
#[derive(Clone, Debug)]
pub struct Client {
    invite: bool,
    reliable: bool,
    state: State,
    interval: Duration,
    retransmit_at: Option<Instant>,
    end_at: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Calling or Trying: nothing heard.
    Waiting,
    Proceeding,
    /// A 2xx to an INVITE came; further ones may (RFC 6026 §7.2).
    Accepted,
    Completed,
    Terminated,
}

/// What a response means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// It is new: the proxy core shall see it.
    pub pass_up: bool,
    /// It is to be acknowledged within the transaction (§17.1.1.3).
    pub acknowledge: bool,
}

/// What a deadline means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientDue {
    /// Send the request again (timers A, E).
    Retransmit,
    /// Nobody answered (timers B, F); the transaction is over.
    TimedOut,
    /// The transaction is over (timers D, K, M).
    Ended,
}

impl Client {
    /// A transaction whose request is sent at `now`.
    pub fn new(invite: bool, reliable: bool, now: Instant) -> Self {
        // Timers A and E run on unreliable transports only, B and F on all (§17.1.1.2, §17.1.2.2).
        Client {
            invite,
            reliable,
            state: State::Waiting,
            interval: T1,
            retransmit_at: (!reliable).then_some(now + T1),
            end_at: Some(now + T1_64),
        }
    }

    /// Takes a response's status.
    pub fn handle_response(&mut self, now: Instant, status: u16) -> Heard {
        match (self.state, status) {
            (State::Waiting | State::Proceeding, 100..=199) => {
                self.provisional(now);
                Heard { pass_up: true, acknowledge: false }
            }
            (State::Waiting | State::Proceeding, 200..=299) if self.invite => {
                // RFC 6026 §7.2: timer M lets further 2xx of forked or retransmitting servers pass.
                self.finish(State::Accepted, now, T1_64);
                Heard { pass_up: true, acknowledge: false }
            }
            (State::Waiting | State::Proceeding, 200..) => {
                let wait = match (self.reliable, self.invite) {
                    (true, _) => Duration::ZERO,
                    (false, true) => T1_64,
                    (false, false) => T4,
                };
                self.finish(State::Completed, now, wait);
                Heard { pass_up: true, acknowledge: self.invite }
            }
            (State::Accepted, 200..=299) => Heard { pass_up: true, acknowledge: false },
            (State::Completed, 300..) if self.invite => Heard { pass_up: false, acknowledge: true },
            _ => Heard::default(),
        }
    }

    /// Lets a due deadline act. Call again until `None`.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<ClientDue> {
        if self.end_at.is_some_and(|at| at <= now) {
            let waited = matches!(self.state, State::Waiting | State::Proceeding);
            self.terminate();
            return Some(if waited { ClientDue::TimedOut } else { ClientDue::Ended });
        }
        if self.retransmit_at.is_some_and(|at| at <= now) {
            self.interval = match (self.invite, self.state) {
                (true, _) => self.interval * 2,
                (false, State::Proceeding) => T2,
                (false, _) => (self.interval * 2).min(T2),
            };
            self.retransmit_at = Some(now + self.interval);
            return Some(ClientDue::Retransmit);
        }
        None
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.retransmit_at, self.end_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The transport failed, or the owner gives up: nothing more will happen.
    pub fn terminate(&mut self) {
        self.state = State::Terminated;
        self.retransmit_at = None;
        self.end_at = None;
    }

    /// Whether its request is an INVITE.
    pub const fn is_invite(&self) -> bool {
        self.invite
    }

    /// Whether a final response is still awaited.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Waiting | State::Proceeding)
    }

    /// Whether a provisional, but no final response came: the only time at which CANCEL may be sent (§9.1).
    pub fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }

    fn provisional(&mut self, now: Instant) {
        if self.invite {
            // Timers A and B stop; the proxy's timer C takes over (§16.6 step 11).
            self.retransmit_at = None;
            self.end_at = None;
        } else if self.state == State::Waiting && !self.reliable {
            self.interval = T2;
            self.retransmit_at = Some(now + T2);
        }
        self.state = State::Proceeding;
    }

    fn finish(&mut self, state: State, now: Instant, wait: Duration) {
        self.state = state;
        self.retransmit_at = None;
        self.end_at = Some(now + wait);
    }
}
