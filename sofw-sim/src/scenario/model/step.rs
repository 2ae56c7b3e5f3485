//! What happens.

use sofw_core::base::Duration;

use super::Expectation;
use crate::link::profile::Line;

/// One thing that happens at a time.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// After the start. HRAC, HRAS and the phones start at zero.
    pub at: Duration,
    /// What.
    pub action: Action,
    /// Line of the scenario file, for messages; 0 if it came from elsewhere.
    pub line: usize,
}

/// Phones by index in [`super::Scenario::phones`], places by index in [`super::Scenario::places`].
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// A phone calls another, or any SIP URI; after the time given (from the answer on) the caller hangs up.
    Call {
        /// Who calls.
        from: usize,
        /// Whom: a phone's name, or a URI.
        to: String,
        /// How long they talk; `None`: until something else ends it.
        talk: Option<Duration>,
    },
    /// BYE, CANCEL or 603, whatever the call's state asks for.
    HangUp(usize),
    /// Answers the call that rings.
    Answer(usize),
    /// Refuses the call that rings.
    Decline(usize, u16),
    /// From now on does this with incoming calls.
    Manner(usize, super::AnswerSpec),
    /// Hold by re-INVITE, or back.
    Hold(usize, bool),
    /// Re-INVITE that changes nothing.
    Reinvite(usize),
    /// UPDATE.
    Update(usize),
    /// Blind transfer of the peer to another user.
    Transfer(usize, String),
    /// DTMF (RFC 4733).
    Dial(usize, String),
    /// Sends no voice, or does again.
    Mute(usize, bool),
    /// Registers, or takes the registration back.
    Register(usize, bool),
    /// Power off and, after this time, on again; it then registers.
    Crash(usize, Option<Duration>),
    /// A program is restarted; it is away for so long. With `power` nobody is told (no RST).
    Restart {
        /// Which.
        what: Target,
        /// How long it is away.
        away: Duration,
        /// Power cut instead of a clean end.
        power: bool,
    },
    /// All tunnel connections of a site are reset.
    Cut(usize),
    /// A middlebox or proxy loses its memory.
    Forget(Target),
    /// A place's line is dead for so long.
    Outage(usize, Duration),
    /// A line changes: to another line, or single values; back after the time given.
    Line {
        /// Which: a place, a phone's own line (`Err(phone)`), or the server's (`None`).
        which: Option<Result<usize, usize>>,
        /// To what.
        change: Change,
        /// For how long; `None`: for good.
        lasting: Option<Duration>,
    },
    /// Strangers send datagrams to the server's and the HRAC's ports.
    Strangers,
    /// Something must be true now.
    Expect(Expectation),
}

/// What is restarted or forgets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// HRAS.
    Hras,
    /// A site's HRAC.
    Hrac(usize),
    /// A site's proxy.
    Proxy(usize),
    /// The proxy before HRAS.
    ReverseProxy,
    /// A place's firewall.
    Firewall(usize),
    /// A place's NAT.
    Nat(usize),
}

/// What changes on a line, in both directions.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// All of it.
    To(Line),
    /// Only these.
    Values {
        /// Share of packets lost.
        loss: Option<f64>,
        /// One-way time.
        delay: Option<Duration>,
        /// Most extra time.
        jitter: Option<Duration>,
        /// Bits per second.
        rate: Option<u64>,
    },
}
