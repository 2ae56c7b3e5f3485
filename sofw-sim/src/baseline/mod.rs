//! The systems that the paper compares SoFW with, over the same network and phones.
//!
//! All three are one idea: whole IP packets (or Ethernet frames) of phones with virtual addresses inside a TCP stream.
//! So there is one engine, and a [`Kind`] says how it looks.
//!
//! ```text
//! phone ─▶ port 1 ─▶ TunnelClient ─▶ ether ─▶ message ─▶ queue ─▶ carrier (http, tls, raw) ══ firewall ══▶ TunnelServer ─▶ port 0
//!                                                                                                      └─▶ another client
//! ```
//! What they lack is what SoFW has: packets wait without regard to their age, and the server lets through whatever comes.
//! While a tunnel is down its virtual interface is, too: packets are dropped, not kept.
//!
//! Nothing is encrypted here: a carrier only looks and weighs like the real one. Plain SIP needs no code.

mod carrier;
mod client;
mod ether;
mod message;
mod pipe;
mod queue;
mod server;
#[cfg(test)]
mod tests;

use core::time::Duration;

use sofw_core::base::Rng;

pub use client::{Proxy, TunnelClient, TunnelClientConfig};
pub use server::{TunnelServer, TunnelServerConfig};

/// How the stream looks on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Carrier {
    /// Down in the chunked response of a GET, up in a chunked POST: two connections.
    Http,
    /// Records of TLS, opened by a ClientHello and a ServerHello; through a proxy by CONNECT.
    Tls,
    /// Bare messages on a port that is meant for HTTP. No proxy understands it, so none is tried.
    Raw,
}

/// Who has a tunnel of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Per {
    /// Every phone.
    Terminal,
    /// A site: all its phones share one.
    Site,
}

/// One system: the engine's parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// The name that scenario files use.
    pub name: &'static str,
    /// How the stream looks.
    pub carrier: Carrier,
    /// Who has one.
    pub per: Per,
    /// Port of its server.
    pub port: u16,
    /// Bytes of link header before each IP packet: 14 for Ethernet, 0 for bare IP.
    pub frame_header: usize,
    /// Bytes before each message in the stream, at least 3.
    pub message_header: usize,
    /// Bytes before each batch of messages: 4 for a count, or 0.
    pub batch_header: usize,
    /// A keep-alive follows the last write of a direction after a time drawn from this range.
    pub keepalive: (Duration, Duration),
    /// Length of a keep-alive's body is drawn below this.
    pub keepalive_bytes_max: u16,
    /// How often each virtual address is asked for by broadcast (ARP); Ethernet only.
    pub chatter: Option<Duration>,
    /// A peer that is silent for so long is given up.
    pub silence_max: Duration,
    /// For people: what it stands for, and whose numbers these are.
    pub about: &'static str,
}

/// The system of this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Bytes that the carrier adds to one write of `length` bytes (below 16 KiB), without TCP and IP.
pub const fn carrier_bytes(carrier: Carrier, length: usize) -> usize {
    match carrier {
        Carrier::Http => carrier::http::chunk_bytes(length),
        Carrier::Tls => carrier::tls::OVERHEAD,
        Carrier::Raw => 0,
    }
}

impl Kind {
    /// Bytes in the stream for one IP packet of `length` bytes that is written alone, without TCP and IP.
    pub const fn stream_bytes(&self, length: usize) -> usize {
        let batch = self.batch_header + self.message_header + self.frame_header + length;
        batch + carrier_bytes(self.carrier, batch)
    }
}

/// When a keep-alive follows a write.
fn keepalive_after(kind: &Kind, rng: &mut Rng) -> Duration {
    let (shortest, longest) = kind.keepalive;
    let spread = u64::try_from((longest - shortest).as_millis()).unwrap_or(0);
    shortest + Duration::from_millis(rng.below(spread + 1))
}

/// The body of a keep-alive. What it says is never read.
fn keepalive_body(kind: &Kind, rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![0; rng.below(u64::from(kind.keepalive_bytes_max)) as usize];
    rng.fill(&mut body);
    body
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// All of them.
pub static KINDS: [Kind; 3] = [
    Kind {
        name: "hcap",
        carrier: Carrier::Http,
        per: Per::Terminal,
        port: 80,
        frame_header: 0,
        message_header: 3,
        batch_header: 0,
        // Below the shortest idle time of an HTTP proxy that is in use, 50 s, with room for one that gets lost.
        keepalive: (s(20), s(20)),
        keepalive_bytes_max: 1,
        chatter: None,
        silence_max: s(60),
        about: "an HTTP tunnel for every phone: response of a GET down, POST up (the paper's HCAP; its keep-alive is not known, 20 s assumed)",
    },
    Kind {
        name: "softether",
        carrier: Carrier::Tls,
        per: Per::Site,
        port: 443,
        frame_header: 14,
        message_header: 4,
        batch_header: 4,
        // SoftEther VPN, Cedar/Connection.c: between a fifth and half of the session's time-out, 30 s; up to 511 random bytes.
        keepalive: (s(6), s(15)),
        keepalive_bytes_max: 512,
        // One ARP question a minute and address, as hosts ask whose cache ran out; the virtual hub floods it.
        chatter: Some(s(60)),
        silence_max: s(30),
        about: "Ethernet frames of a site in one TLS connection to a virtual hub (SoftEther VPN's block format and keep-alive)",
    },
    Kind {
        name: "skype",
        carrier: Carrier::Raw,
        per: Per::Terminal,
        port: 80,
        frame_header: 0,
        message_header: 4,
        batch_header: 0,
        // Baset and Schulzrinne, "An Analysis of the Skype Peer-to-Peer Internet Telephony Protocol", 2004: a message a minute.
        keepalive: (s(60), s(60)),
        keepalive_bytes_max: 1,
        chatter: None,
        silence_max: s(180),
        about: "own binary protocol on port 80 for every phone, no HTTP on the wire (the paper's Skype)",
    },
];
