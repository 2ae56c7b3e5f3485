//! What must be true: `setup_ms < 500`, `mos of alice->bob >= 3.8`, `rat_empty`.

/// One expectation.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    /// As written in the file.
    pub text: String,
    /// Line of the file; 0 if it came from elsewhere.
    pub line: usize,
    /// What is looked at.
    pub metric: Metric,
    /// Of which calls or phones.
    pub scope: Scope,
    /// How it is compared; a flag is compared with 1.
    pub compare: Compare,
    /// With what.
    pub value: f64,
}

/// How a measured value is compared with the expected one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Compare {
    /// Whether `measured` stands in this relation to `expected`.
    pub fn holds(self, measured: f64, expected: f64) -> bool {
        match self {
            Compare::Less => measured < expected,
            Compare::LessOrEqual => measured <= expected,
            Compare::Greater => measured > expected,
            Compare::GreaterOrEqual => measured >= expected,
            Compare::Equal => (measured - expected).abs() < 1e-9,
            Compare::NotEqual => (measured - expected).abs() >= 1e-9,
        }
    }
}

/// Whose value. With several calls the worst one counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// All calls, or the whole run.
    All,
    /// Calls from this phone to that user.
    Call(String, String),
    /// A phone: what it hears, its registration.
    Phone(String),
    /// A place.
    Place(String),
}

/// What can be looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Metric {
    /// INVITE to 2xx without the time that the callee lets it ring, milliseconds.
    SetupMs,
    /// INVITE to the first 18x, milliseconds.
    RingMs,
    /// Mean opinion score (ITU-T G.107) of the worst listener.
    Mos,
    /// Share of packets too late for the jitter buffer or never come, of those sent: 0 to 1.
    MissedShare,
    /// Share of packets that came too late.
    LateShare,
    /// Share of packets that never came.
    LostShare,
    /// Median one-way time, milliseconds.
    DelayP50Ms,
    /// 99th percentile of it.
    DelayP99Ms,
    /// Longest of it.
    DelayMaxMs,
    /// Longest silence of a listener who should hear, milliseconds.
    GapMs,
    /// Calls made, answered, refused, up at the moment.
    CallsMade,
    /// See above.
    CallsAnswered,
    /// See above.
    CallsFailed,
    /// See above.
    CallsUp,
    /// Final status of a call that failed, e.g. 486; 0 without one.
    Status,
    /// Phones registered at the moment.
    Registered,
    /// First REGISTER to its 200, milliseconds.
    RegisterMs,
    /// Start (or the last loss) to a tunnel that carries, milliseconds.
    TunnelUpMs,
    /// How often a tunnel went down.
    TunnelLosses,
    /// Connections in the firewall's or NAT's memory, at most.
    Connections,
    /// Bytes that crossed the site's line, both ways.
    FirewallBytes,
    /// The same per RTP packet heard.
    BytesPerPacket,
    /// DTMF keys heard.
    Keys,
    /// 1 if the named thing is true, 0 if not: all RAT records, ports, flows and transactions gone.
    RatEmpty,
    /// No UDP passed the site's firewall.
    NoDirectUdp,
    /// Voice of the call went directly between the phones.
    DirectMedia,
    /// The call is up and was never interrupted.
    CallAlive,
    /// All phones are registered.
    AllRegistered,
    /// All tunnels are up.
    TunnelUp,
    /// The tunnel is on the rung `post`, else 0.
    RungPost,
    /// The proxy asked for credentials that HRAC does not have.
    ProxyAuthRequired,
    /// A HELLO was refused.
    HelloRefused,
}
