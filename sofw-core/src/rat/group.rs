//! One branch of one dialog, and its media lines.

use core::net::IpAddr;

use super::record::Space;
use super::spaces::Facing;
use crate::base::Instant;
use crate::media::{LinkId, Remote};
use crate::proxy::BranchId;
use crate::tunnel::Urgent;

/// Caller's side of all pairs in this module; the callee's is 1.
pub(super) const CALLER: usize = 0;
pub(super) const CALLEE: usize = 1;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) call_id: String,
    pub(super) caller_tag: String,
    pub(super) callee_tag: Option<String>,
    /// The request that made the group.
    pub(super) branch: BranchId,
    pub(super) legs: [GroupLeg; 2],
    pub(super) lines: Vec<Line>,
    /// What to return to if a request under way fails.
    pub(super) pending: Vec<(BranchId, Vec<LineState>)>,
    /// A 2xx made the dialog: its branch cannot fail any more.
    pub(super) confirmed: bool,
    pub(super) created: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct GroupLeg {
    pub(super) space: Space,
    /// The IP that the terminal's SIP messages come from, or go to.
    pub(super) signalling: IpAddr,
}

/// An m-line: what signalling said, and what it was given.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) state: LineState,
    /// By the leg whose terminal sees the port.
    pub(super) facing: [Option<Facing>; 2],
    pub(super) link: Option<LinkId>,
    /// `Event::MediaOpen` was said.
    pub(super) reported: bool,
}

/// The part of a line that a failed re-INVITE takes back (RFC 3261 §14.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LineState {
    /// By the leg whose terminal announced it.
    pub(super) terminals: [Option<Remote>; 2],
    pub(super) held: [bool; 2],
    pub(super) urgent: Urgent,
}

/// What an SDP body says about one m-line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// Port 0: refused or ended (RFC 3264 §6, §8.2).
    Refused,
    /// Wanted.
    Wanted {
        /// Where the speaker receives; unknown with a host name or with `c=0.0.0.0`.
        terminal: Option<Remote>,
        /// Not both directions wanted.
        held: bool,
        /// What the speaker wants to lose nothing of.
        urgent: Urgent,
    },
}

impl Group {
    /// Whether this is the dialog with these tags, in either order.
    pub(super) fn is_dialog(&self, (one, other): (&str, &str)) -> bool {
        let callee = self.callee_tag.as_deref();
        (self.caller_tag == one && callee == Some(other)) || (self.caller_tag == other && callee == Some(one))
    }

    /// The side that lives in `space`; the two sides never live in the same one.
    pub(super) fn side_in(&self, space: Space) -> Option<usize> {
        self.legs.iter().position(|leg| leg.space == space)
    }

    /// The lines as they are now, to return to.
    pub(super) fn snapshot(&self) -> Vec<LineState> {
        self.lines.iter().map(|line| line.state).collect()
    }
}

impl LineState {
    /// Takes what the terminal at `side` said.
    pub(super) fn hear(&mut self, side: usize, heard: Heard) {
        match heard {
            Heard::Refused => {
                self.terminals[side] = None;
                self.held[side] = false;
            }
            Heard::Wanted { terminal, held, urgent } => {
                // Hold by c=0.0.0.0 (RFC 3264 §8.4) says nothing about the address: the former one stays.
                if terminal.is_some() {
                    self.terminals[side] = terminal;
                }
                self.held[side] = held;
                if urgent != Urgent::None {
                    self.urgent = urgent;
                }
            }
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.contains(&true)
    }
}
