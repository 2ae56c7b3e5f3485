//! What a socket is told at its birth.

use sofw_core::base::Duration;

/// Settings of one socket. The defaults are those of Linux 6 where it has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpConfig {
    /// Largest TCP payload without options, bytes (RFC 9293 §3.7.1). Timestamps take 12 of them.
    pub mss: u16,
    /// Bytes written but not yet acknowledged that a socket holds.
    pub send_buffer: usize,
    /// Bytes received but not yet read that a socket holds; bounds the window it offers.
    pub receive_buffer: usize,
    /// The socket counts as writable only while its unsent bytes are fewer (Linux `TCP_NOTSENT_LOWAT`).
    pub not_sent_low_water: usize,
    /// Congestion control.
    pub congestion: Congestion,
    /// Sends small segments at once; `false` holds one back while another small one is unacknowledged (Nagle).
    pub nodelay: bool,
    /// Congestion window of a new connection, segments (RFC 6928).
    pub initial_window: u32,
    /// Carries timestamps (RFC 7323); they let the sender recognise a needless retransmission.
    pub timestamps: bool,
    /// Retransmission time-out before the first measurement (RFC 6298 §2.1).
    pub rto_initial: Duration,
    /// Least time-out beyond the smoothed round trip; Linux 200 ms, RFC 6298 says 1 s.
    pub rto_min: Duration,
    /// Largest time-out after doubling.
    pub rto_max: Duration,
    /// Longest an acknowledgement waits for data to ride on.
    pub delayed_ack: Duration,
    /// Retransmissions of a SYN before the attempt ends in `TimedOut`.
    pub syn_retries: u32,
    /// Retransmissions of data or unanswered probes in a row before an open connection ends in `TimedOut`.
    pub retries: u32,
    /// Ends in `TimedOut` when data stays unacknowledged this long, whatever `retries` says (RFC 5482).
    pub user_timeout: Option<Duration>,
    /// Probes of an idle connection; `None`: never.
    pub keepalive: Option<Keepalive>,
    /// How long a closed pair of addresses still answers a repeated FIN. Much below RFC 9293's four minutes: ports
    /// of a long run would else run out.
    pub time_wait: Duration,
    /// How long a socket closed by its owner waits for the peer's FIN (Linux `tcp_fin_timeout`).
    pub fin_timeout: Duration,
}

impl Default for TcpConfig {
    fn default() -> Self {
        TcpConfig {
            mss: 1460,
            send_buffer: 256 << 10,
            receive_buffer: 256 << 10,
            not_sent_low_water: usize::MAX,
            congestion: Congestion::Cubic,
            nodelay: true,
            initial_window: 10,
            timestamps: true,
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(120),
            delayed_ack: Duration::from_millis(40),
            syn_retries: 6,
            retries: 15,
            user_timeout: None,
            keepalive: None,
            time_wait: Duration::from_secs(2),
            fin_timeout: Duration::from_secs(60),
        }
    }
}

/// Which congestion control a socket runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Congestion {
    /// RFC 9438: loss shrinks the window.
    Cubic,
    /// A model of bottleneck rate and least round trip with pacing, after BBR version 1: random loss hardly matters.
    Bbr,
}

/// Probes of an idle connection (RFC 9293 §3.8.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keepalive {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between unanswered probes.
    pub interval: Duration,
    /// Unanswered probes that end the connection.
    pub count: u32,
}
