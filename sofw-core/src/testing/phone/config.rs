//! What a phone needs to know.

use core::net::{IpAddr, SocketAddr};

use crate::base::{Duration, Transport};

/// What a phone does with an incoming call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Rings until [`super::Phone::answer`] or [`super::Phone::decline`].
    OnCommand,
    /// Rings for so long, then answers.
    After(Duration),
    /// Answers this final status at once, e.g. 486 (busy) or 603 (decline).
    Refuse(u16),
}

/// Configuration of a [`super::Phone`]. [`PhoneConfig::new`] gives an ordinary phone; tests change single fields.
#[derive(Clone, Debug)]
pub struct PhoneConfig {
    /// User part of the address-of-record, and name for digest authentication.
    pub user: String,
    /// Password for digest authentication.
    pub password: String,
    /// Host part of the address-of-record: the provider's domain, or HRAC's address.
    pub domain: String,
    /// Where every request outside a dialog goes: the SIP server (inside: HRAC).
    pub server: SocketAddr,
    /// The transport to it.
    pub transport: Transport,
    /// This phone's address.
    pub addr: IpAddr,
    /// Port for SIP.
    pub sip_port: u16,
    /// Port for RTP; RTCP uses the next one.
    pub rtp_port: u16,
    /// Seconds asked for in REGISTER; it is refreshed at half of what was granted.
    pub expires_s: u32,
    /// What to do with incoming calls.
    pub answer: Answer,
    /// Sends its tone before the answer, too: 183 with SDP instead of 180.
    pub early_media: bool,
    /// Calls with an INVITE that has no SDP: the callee offers (RFC 3261 §13.2.1).
    pub delayed_offer: bool,
    /// Frequency of the tone that this phone sends, in hertz. Distinct per phone.
    pub tone_hz: f64,
    /// Its level relative to a full-scale sine.
    pub tone_dbfs: f64,
    /// Looks for a tone in what it hears, once per half second until it found one ([`super::PhoneEvent::ToneHeard`]).
    pub detect_tone: bool,
    /// Sends RTCP sender reports every 5 s.
    pub rtcp: bool,
    /// Retransmission timer T1 (RFC 3261 §17.1.1.1).
    pub t1: Duration,
    /// How much of what it hears is kept, per call.
    pub record_max: Duration,
    /// How many packets' times are kept, per call and direction: for one-way delays.
    pub packet_log_max: usize,
}

impl PhoneConfig {
    /// An ordinary phone of `user` at `addr`: UDP, port 5060, RTP 4000, answers after ringing for half a second.
    pub fn new(user: &str, password: &str, domain: &str, addr: IpAddr, server: SocketAddr) -> Self {
        PhoneConfig {
            user: user.into(),
            password: password.into(),
            domain: domain.into(),
            server,
            transport: Transport::Udp,
            addr,
            sip_port: 5060,
            rtp_port: 4000,
            expires_s: 3_600,
            answer: Answer::After(Duration::from_millis(500)),
            early_media: false,
            delayed_offer: false,
            tone_hz: 440.0,
            tone_dbfs: -12.0,
            detect_tone: true,
            rtcp: true,
            t1: Duration::from_millis(500),
            record_max: Duration::from_secs(60),
            packet_log_max: 6_000,
        }
    }

    /// The address-of-record.
    pub fn aor(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }

    /// Own SIP address.
    pub fn sip_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr, self.sip_port)
    }

    /// Own RTP address.
    pub fn rtp_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr, self.rtp_port)
    }

    /// Own RTCP port.
    pub fn rtcp_port(&self) -> u16 {
        self.rtp_port + 1
    }

    /// The Contact URI.
    pub(super) fn contact_uri(&self) -> String {
        match self.transport {
            Transport::Udp => format!("sip:{}@{}", self.user, self.sip_addr()),
            Transport::Tcp => format!("sip:{}@{};transport=tcp", self.user, self.sip_addr()),
        }
    }
}
