//! The session of the present and its carriers.

use crate::base::{Duration, Instant};
use crate::event::Rung;
use crate::io::ConnId;
use crate::tunnel::session::Session;

/// A session and what carries it. It outlives its carriers.
#[derive(Debug)]
pub(super) struct Joined {
    /// Path of its exchanges: `/sofw/1/<session-id>`.
    pub path: String,
    pub session: Session,
    pub since: Instant,
    /// Round trip of the hello: the yard-stick for probes.
    pub hello_round_trip: Duration,
    /// The newest round trip through the whole tunnel.
    pub round_trip: Duration,
    /// The downlink that is open.
    pub down: Option<ConnId>,
    /// The downlink that is being opened.
    pub down_opening: Option<ConnId>,
    pub uplink: Uplink,
    /// Streaming POST that is to replace the present one.
    pub up_renewal: Option<ConnId>,
    /// Trial of a streaming POST while short ones carry the frames, and its ping once sent.
    pub climb: Option<(ConnId, Option<u64>)>,
    /// Frames flow both ways, since when.
    pub up_since: Option<Instant>,
    /// It was up before.
    pub was_up: bool,
    /// The ping whose echo proves both directions, counted from the last carrier that was opened.
    pub proof: u64,
    /// When an echo last came.
    pub echo_at: Instant,
    /// Answers 404 in a row to downlinks: the server knows the session no more.
    pub unknown: u32,
    /// Short POSTs that failed in a row.
    pub post_failures: u32,
}

/// How frames go up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Uplink {
    /// Not at the moment.
    None,
    /// By a streaming POST on this connection, since when. `proof_sent`: the ping of the probe was written, and
    /// nothing follows it until its echo is there.
    Stream { conn: ConnId, since: Instant, proof_sent: bool },
    /// By short POSTs.
    Post,
}

impl Uplink {
    /// Whether the streaming POST is on this connection.
    pub fn is_on(&self, conn: ConnId) -> bool {
        matches!(self, Uplink::Stream { conn: carrier, .. } if *carrier == conn)
    }
}

impl Joined {
    pub fn new(path: String, session: Session, hello_round_trip: Duration, now: Instant) -> Joined {
        Joined {
            path,
            session,
            since: now,
            hello_round_trip,
            round_trip: hello_round_trip,
            down: None,
            down_opening: None,
            uplink: Uplink::None,
            up_renewal: None,
            climb: None,
            up_since: None,
            was_up: false,
            proof: 0,
            echo_at: now,
            unknown: 0,
            post_failures: 0,
        }
    }

    pub const fn rung(&self) -> Rung {
        match self.uplink {
            Uplink::Post => Rung::Post,
            Uplink::None | Uplink::Stream { .. } => Rung::Stream,
        }
    }

    /// A carrier was opened: only an echo of a ping sent from now on proves that both directions work.
    pub fn ask_proof(&mut self, now: Instant) {
        self.proof = self.session.ping(now);
        if let Uplink::Stream { proof_sent, .. } = &mut self.uplink {
            *proof_sent = false;
        }
    }
}
