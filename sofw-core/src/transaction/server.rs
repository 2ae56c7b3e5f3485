//! Server transactions (RFC 3261 §17.2, RFC 6026 §7.1).

use super::{T1, T1_64, T2, T4};
use crate::base::{Duration, Instant, Payload};

/// A server transaction's state machine, with the last response sent.
#[derive(Clone, Debug)]
pub struct Server {
    invite: bool,
    reliable: bool,
    state: State,
    interval: Duration,
    retransmit_at: Option<Instant>,
    end_at: Option<Instant>,
    last: Option<Payload>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Trying or Proceeding.
    Proceeding,
    /// A 2xx to an INVITE was sent (RFC 6026 §7.1).
    Accepted,
    Completed,
    Confirmed,
    Terminated,
}

/// What a deadline means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerDue {
    /// Send the response again (timer G).
    Retransmit(Payload),
    /// No ACK came (timer H); the transaction is over.
    Unacknowledged,
    /// The transaction is over (timers I, J, L).
    Ended,
}

impl Server {
    /// A transaction for a request that has just arrived.
    pub fn new(invite: bool, reliable: bool) -> Self {
        Server {
            invite,
            reliable,
            state: State::Proceeding,
            interval: T1,
            retransmit_at: None,
            end_at: None,
            last: None,
        }
    }

    /// Takes a response of the proxy core; `true`: send it.
    pub fn respond(&mut self, now: Instant, status: u16, response: &Payload) -> bool {
        match (self.state, status) {
            (State::Proceeding, 100..=199) => self.last = Some(response.clone()),
            (State::Proceeding, 200..=299) if self.invite => {
                // RFC 6026 §7.1: not repeated by us; the 2xx are the callee's until its ACK arrives.
                self.last = None;
                self.finish(State::Accepted, now, T1_64);
            }
            (State::Proceeding, 200..) => {
                self.last = Some(response.clone());
                if self.invite {
                    self.finish(State::Completed, now, T1_64);
                    self.retransmit_at = (!self.reliable).then_some(now + T1);
                } else {
                    self.finish(State::Completed, now, if self.reliable { Duration::ZERO } else { T1_64 });
                }
            }
            (State::Accepted, 200..=299) => {}
            _ => return false,
        }
        true
    }

    /// The request arrived again: what to send, if anything.
    pub fn handle_retransmission(&self) -> Option<Payload> {
        match self.state {
            State::Proceeding | State::Completed => self.last.clone(),
            State::Accepted | State::Confirmed | State::Terminated => None,
        }
    }

    /// An ACK with this transaction's branch arrived; `false`: it belongs to a 2xx and is not ours (RFC 6026 §7.1).
    pub fn handle_ack(&mut self, now: Instant) -> bool {
        match self.state {
            State::Completed if self.invite => {
                self.finish(State::Confirmed, now, if self.reliable { Duration::ZERO } else { T4 });
                self.last = None;
                true
            }
            State::Accepted => false,
            _ => true,
        }
    }

    /// Lets a due deadline act. Call again until `None`.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<ServerDue> {
        if self.end_at.is_some_and(|at| at <= now) {
            let unacknowledged = self.invite && self.state == State::Completed;
            self.terminate();
            return Some(if unacknowledged { ServerDue::Unacknowledged } else { ServerDue::Ended });
        }
        if self.retransmit_at.is_some_and(|at| at <= now) {
            self.interval = (self.interval * 2).min(T2);
            self.retransmit_at = Some(now + self.interval);
            return self.last.clone().map(ServerDue::Retransmit);
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

    /// The owner gives up: nothing more will be sent.
    pub fn terminate(&mut self) {
        self.state = State::Terminated;
        self.retransmit_at = None;
        self.end_at = None;
        self.last = None;
    }

    /// Whether no final response was sent yet.
    pub fn is_pending(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Whether it is over.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    fn finish(&mut self, state: State, now: Instant, wait: Duration) {
        self.state = state;
        self.retransmit_at = None;
        self.end_at = Some(now + wait);
    }
}
