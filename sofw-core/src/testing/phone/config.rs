//! What a phone needs to know.

use core::net::{IpAddr, SocketAddr};

use super::media::MediaKind;
use crate::base::{Duration, Transport};

/// What a phone does with an incoming call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Rings until [`super::Phone::answer`] or [`super::Phone::decline`].
    OnCommand,
    /// Rings for so long, then answers.
    After(Duration),
    /// Answers this final status at once, e.g. 486 (busy) or 603 (decline).
    Refuse(u16),
    /// Answers 302 with this contact at once: a SIP URI, or a user of the own domain.
    Forward(String),
}

/// What a phone says in its calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// A tone of [`PhoneConfig::tone_hz`]. What is heard is kept and searched for the other end's tone.
    Tone,
    /// Silence that begins with a [`super::Stamp`] in every packet. Nothing that is heard is kept; a packet costs next to
    /// nothing.
    Stamped {
        /// Number of this phone in its stamps.
        speaker: u32,
    },
}

/// Faults and habits that real phones have. The default is none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Quirks {
    /// Via without `rport` (RFC 3581): whoever answers must take the port from `sent-by`.
    pub no_rport: bool,
    /// Sends RTP from [`Ports::SOURCE_OFFSET`] above the port at which it wants to receive.
    pub asymmetric_rtp: bool,
    /// Takes no notice of BYE: neither answers nor ends its call, until its own user hangs up.
    pub ignores_bye: bool,
    /// Sends no ACK for a 2xx.
    pub never_acks: bool,
    /// Writes header names of requests in their compact forms (RFC 3261 §7.3.3).
    pub compact_headers: bool,
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
    /// Port for RTP; see [`Ports`] for all that follow from it.
    pub rtp_port: u16,
    /// Seconds asked for in REGISTER; it is refreshed at half of what was granted.
    pub expires_s: u32,
    /// What to do with incoming calls.
    pub answer: Answer,
    /// Sends its tone before the answer, too: 183 with SDP instead of 180.
    pub early_media: bool,
    /// Calls with an INVITE that has no SDP: the callee offers (RFC 3261 §13.2.1).
    pub delayed_offer: bool,
    /// What it says.
    pub voice: Voice,
    /// Offers and takes video (H.264, stamped packets) beside the voice.
    pub video: bool,
    /// Length of a voice packet in milliseconds: 10, 20, 30, 40.
    pub ptime_ms: u8,
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
    /// How long it waits with the next attempt after a registration that failed for now (408, 5xx), unless the server
    /// says when.
    pub register_retry: Duration,
    /// RFC 4028: its INVITEs carry this Session-Expires in seconds, and it refreshes its calls at half of that; it agrees to what others
    /// ask for.
    pub session_expires_s: Option<u32>,
    /// Sends CRLFCRLF to the server so often in seconds, over UDP: keeps a NAT open (RFC 5626 §3.5.1).
    pub keepalive_s: Option<u32>,
    /// Its faults.
    pub quirks: Quirks,
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
            voice: Voice::Tone,
            video: false,
            ptime_ms: 20,
            tone_hz: 440.0,
            tone_dbfs: -12.0,
            detect_tone: true,
            rtcp: true,
            t1: Duration::from_millis(500),
            register_retry: Duration::from_secs(30),
            session_expires_s: None,
            keepalive_s: None,
            quirks: Quirks::default(),
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

    /// The ports of the first call at a time.
    pub fn ports(&self) -> Ports {
        Ports { rtp: self.rtp_port }
    }

    /// The media lines of its calls.
    pub(super) fn media_kinds(&self) -> &'static [MediaKind] {
        if self.video { &[MediaKind::Audio, MediaKind::Video] } else { &[MediaKind::Audio] }
    }

    /// The Contact URI.
    pub(super) fn contact_uri(&self) -> String {
        match self.transport {
            Transport::Udp => format!("sip:{}@{}", self.user, self.sip_addr()),
            Transport::Tcp => format!("sip:{}@{};transport=tcp", self.user, self.sip_addr()),
        }
    }
}

/// The UDP ports of one call's media.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    /// The voice's RTP port.
    pub rtp: u16,
}

impl Ports {
    /// Distance from a receiving port to the one that a phone with [`Quirks::asymmetric_rtp`] sends from.
    pub const SOURCE_OFFSET: u16 = 10;
    /// Distance to the ports of a second call, which a transfer makes.
    pub const NEXT_CALL: u16 = 20;

    /// RTP of a media line.
    pub fn rtp(self, kind: MediaKind) -> u16 {
        match kind {
            MediaKind::Audio => self.rtp,
            MediaKind::Video => self.rtp + 2,
        }
    }

    /// RTCP of a media line.
    pub fn rtcp(self, kind: MediaKind) -> u16 {
        self.rtp(kind) + 1
    }

    /// Those of the call number `slot` at the same time.
    pub(super) fn of_call(self, slot: u16) -> Ports {
        Ports { rtp: self.rtp + slot * Ports::NEXT_CALL }
    }

    /// All that a phone with `config` opens for one call.
    pub(super) fn all(self, config: &PhoneConfig) -> Vec<u16> {
        let mut ports = Vec::new();
        for &kind in config.media_kinds() {
            ports.extend([self.rtp(kind), self.rtcp(kind)]);
            if config.quirks.asymmetric_rtp {
                ports.push(self.rtp(kind) + Ports::SOURCE_OFFSET);
            }
        }
        ports
    }
}
