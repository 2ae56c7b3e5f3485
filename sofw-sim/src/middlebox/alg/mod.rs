//! A SIP application-level gateway, as home routers have beside their address translation.
//!
//! ```text
//! SIP over UDP from inside:  Via, Contact, c=, o=: private host:port ─▶ public one; m=: a translation for the media ─▶ nat/
//! SIP over UDP from outside: Request-URI, Via, Contact: public host:port ─▶ private one ─▶ nat/
//! ```
//! It works on text and knows no dialogs, as the real ones do. SIP over TCP and the messages that it does not take for SIP pass untouched.

mod rewrite;
#[cfg(test)]
mod tests;

use core::net::{SocketAddr, SocketAddrV4};

use sofw_core::base::{Duration, Instant};

use super::nat::Nat;
use super::{INSIDE, Middlebox};
use crate::packet::{Packet, Protocol};
use crate::world::{Outbox, PortId};
use rewrite::{Names, Scope, rewritten};

/// What a gateway is told: which of the usual things it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AlgParams {
    /// Whether it rewrites the topmost Via.
    pub rewrites_via: bool,
    /// Whether it rewrites Contact, and Request-URIs back.
    pub rewrites_contact: bool,
    /// Whether it rewrites `c=`, `o=` and `m=`, and opens pinholes for the media.
    pub rewrites_sdp: bool,
    /// Whether it leaves Content-Length as it was although the body has changed.
    pub breaks_content_length: bool,
    /// Whether it looks at datagrams from or to port 5060 only; else at everything that looks like SIP.
    pub port_5060_only: bool,
    /// How long a pinhole for media waits for its first packet; Linux: 3 minutes (`nf_conntrack_sip`).
    pub pinhole: Duration,
}

impl Default for AlgParams {
    fn default() -> Self {
        AlgParams {
            rewrites_via: true,
            rewrites_contact: true,
            rewrites_sdp: true,
            breaks_content_length: false,
            port_5060_only: true,
            pinhole: Duration::from_secs(180),
        }
    }
}

/// A named gateway.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name that scenario files use.
    pub name: &'static str,
    /// What it stands for.
    pub about: &'static str,
    make: fn(AlgParams) -> AlgParams,
}

impl Preset {
    /// Its parameters.
    pub fn params(&self) -> AlgParams {
        (self.make)(AlgParams::default())
    }
}

/// The gateway of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// All of them.
pub static PRESETS: [Preset; 4] = [
    Preset { name: "right", about: "rewrites everything that it should", make: |params| params },
    Preset {
        name: "headers-only",
        about: "rewrites Via and Contact and forgets the SDP: calls without sound",
        make: |params| AlgParams { rewrites_sdp: false, ..params },
    },
    Preset {
        name: "sdp-only",
        about: "rewrites the SDP and leaves private addresses in Via and Contact",
        make: |params| AlgParams { rewrites_via: false, rewrites_contact: false, ..params },
    },
    Preset {
        name: "broken-length",
        about: "rewrites bodies without their Content-Length: messages cut short",
        make: |params| AlgParams { breaks_content_length: true, port_5060_only: false, ..params },
    },
];

/// What a gateway has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AlgCounters {
    /// Messages changed on their way out.
    pub out: u64,
    /// Messages changed on their way in.
    pub inward: u64,
    /// Ports opened for media.
    pub pinholes: u64,
}

/// A translator with a SIP gateway.
#[derive(Debug)]
pub struct SipAlg {
    params: AlgParams,
    nat: Nat,
    counters: AlgCounters,
}

impl SipAlg {
    /// A gateway in this translator.
    pub fn new(params: AlgParams, nat: Nat) -> SipAlg {
        SipAlg { params, nat, counters: AlgCounters::default() }
    }

    /// What it was told.
    pub fn params(&self) -> &AlgParams {
        &self.params
    }

    /// What it has counted.
    pub fn counters(&self) -> &AlgCounters {
        &self.counters
    }

    /// The translator in it.
    pub fn nat(&self) -> &Nat {
        &self.nat
    }

    fn is_sip(&self, packet: &Packet) -> bool {
        let on_port = packet.source().port() == SIP_PORT || packet.destination().port() == SIP_PORT;
        packet.protocol() == Protocol::Udp
            && packet.source().is_ipv4()
            && (on_port || !self.params.port_5060_only)
            && looks_like_sip(packet.payload())
    }

    fn outbound(&mut self, now: Instant, packet: &Packet) -> Option<Packet> {
        let (SocketAddr::V4(inside), SocketAddr::V4(outside)) = (packet.source(), packet.destination())
        else {
            return None;
        };
        let SipAlg { params, nat, counters } = self;
        // First of all, so that the phone's own port does not depend on what the message holds.
        nat.external(now, Protocol::Udp, inside, outside)?;
        let mut names = Outward { now, nat, inside, outside, time: params.pinhole, pinholes: 0 };
        let payload = rewritten(packet.payload(), params, Scope::OUT, &mut names)?;
        counters.pinholes += names.pinholes;
        counters.out += 1;
        Some(packet.with_payload(&payload))
    }

    fn inbound(&mut self, now: Instant, packet: &Packet) -> Option<Packet> {
        let mut names = Inward { now, nat: &mut self.nat };
        let payload = rewritten(packet.payload(), &self.params, Scope::IN, &mut names)?;
        self.counters.inward += 1;
        Some(packet.with_payload(&payload))
    }
}

impl Middlebox for SipAlg {
    fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet, out: &mut Outbox) {
        let changed = if !self.is_sip(&packet) {
            None
        } else if port == INSIDE {
            self.outbound(now, &packet)
        } else {
            self.inbound(now, &packet)
        };
        self.nat.handle_packet(now, port, changed.unwrap_or(packet), out);
    }

    fn forget(&mut self) {
        self.nat.forget();
    }

    fn remembered(&self, now: Instant) -> usize {
        self.nat.remembered(now)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let AlgCounters { out, inward, pinholes } = self.counters;
        let mut counts = self.nat.counts();
        counts.extend([("alg changed out", out), ("alg changed in", inward), ("alg pinholes", pinholes)]);
        counts
    }
}

/// Private endpoints of one sender become public ones.
struct Outward<'a> {
    now: Instant,
    nat: &'a mut Nat,
    inside: SocketAddrV4,
    outside: SocketAddrV4,
    time: Duration,
    pinholes: u64,
}

impl Names for Outward<'_> {
    fn host(&self) -> core::net::Ipv4Addr {
        *self.inside.ip()
    }

    fn other_host(&self) -> core::net::Ipv4Addr {
        self.nat.params().public
    }

    fn endpoint(&mut self, port: u16) -> Option<SocketAddrV4> {
        let inside = SocketAddrV4::new(*self.inside.ip(), port);
        self.nat.external(self.now, Protocol::Udp, inside, self.outside)
    }

    fn media(&mut self, port: u16) -> Option<u16> {
        let inside = |port| SocketAddrV4::new(*self.inside.ip(), port);
        let open = self.nat.open(self.now, Protocol::Udp, inside(port), Some(port), self.time)?.port();
        self.pinholes += 1;
        // RTCP beside it (RFC 3550 §11); if that port is taken, RTCP is lost.
        if let (Some(rtcp), Some(wanted)) = (port.checked_add(1), open.checked_add(1)) {
            self.nat.open(self.now, Protocol::Udp, inside(rtcp), Some(wanted), self.time);
            self.pinholes += 1;
        }
        Some(open)
    }
}

/// Public endpoints become private ones.
struct Inward<'a> {
    now: Instant,
    nat: &'a mut Nat,
}

impl Names for Inward<'_> {
    fn host(&self) -> core::net::Ipv4Addr {
        self.nat.params().public
    }

    fn other_host(&self) -> core::net::Ipv4Addr {
        self.nat.params().public
    }

    fn endpoint(&mut self, port: u16) -> Option<SocketAddrV4> {
        self.nat.internal(self.now, Protocol::Udp, port)
    }

    fn media(&mut self, _: u16) -> Option<u16> {
        None
    }
}

/// Whether these bytes begin with a request line or status line of SIP/2.0 (RFC 3261 §7.1, §7.2).
fn looks_like_sip(bytes: &[u8]) -> bool {
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
        return false;
    }
    let line = &bytes[..bytes.iter().position(|&byte| byte == b'\r').unwrap_or(0)];
    line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0")
}

const SIP_PORT: u16 = 5060;
