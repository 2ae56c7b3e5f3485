//! Rules.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::packet::{Packet, Protocol};
use crate::world::PortId;

/// What happens to a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It passes, and so do the answers.
    Allow,
    /// It is dropped silently.
    Drop,
    /// It is refused aloud: TCP by RST, other protocols by ICMP "port unreachable".
    Reject,
}

/// A network: the addresses that share the first `prefix` bits with `addr`. Written `10.0.0.0/8`; without a prefix it is one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// An address of it.
    pub addr: IpAddr,
    /// Bits that count.
    pub prefix: u8,
}

impl Network {
    /// The network of one address.
    pub const fn one(addr: IpAddr) -> Network {
        Network { addr, prefix: if addr.is_ipv4() { 32 } else { 128 } }
    }

    /// Whether it holds this address.
    pub fn contains(&self, addr: IpAddr) -> bool {
        let shared = match (self.addr, addr) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => return false,
        };
        shared >= u32::from(self.prefix)
    }
}

impl FromStr for Network {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Network, &'static str> {
        let (addr, prefix) = match text.split_once('/') {
            Some((addr, prefix)) => (addr, Some(prefix)),
            None => (text, None),
        };
        let one =
            Network::one(addr.parse().map_err(|_| "expected an address or network such as 10.0.0.0/8")?);
        let Some(prefix) = prefix else { return Ok(one) };
        match prefix.parse() {
            Ok(prefix) if prefix <= one.prefix => Ok(Network { prefix, ..one }),
            _ => Err("expected a prefix length of at most 32 (IPv4) or 128 (IPv6)"),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// A rule. What is `None` matches everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The port at which the first packet of the flow arrives: `INSIDE` for flows going out.
    pub from: PortId,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// Where the flow begins.
    pub source: Option<Network>,
    /// Source ports, first and last.
    pub source_ports: Option<(u16, u16)>,
    /// Where it goes to.
    pub destination: Option<Network>,
    /// Destination ports, first and last.
    pub destination_ports: Option<(u16, u16)>,
    /// What happens to it.
    pub verdict: Verdict,
}

impl Rule {
    /// A rule for everything that arrives at `from`.
    pub const fn all(from: PortId, verdict: Verdict) -> Rule {
        Rule {
            from,
            protocol: None,
            source: None,
            source_ports: None,
            destination: None,
            destination_ports: None,
            verdict,
        }
    }

    /// A rule for one protocol and one destination port.
    pub const fn to_port(from: PortId, protocol: Protocol, port: u16, verdict: Verdict) -> Rule {
        Rule { protocol: Some(protocol), destination_ports: Some((port, port)), ..Rule::all(from, verdict) }
    }

    pub(super) fn matches(&self, from: PortId, packet: &Packet) -> bool {
        let (source, destination) = (packet.source(), packet.destination());
        let within = |ports: Option<(u16, u16)>, port| {
            ports.is_none_or(|(first, last)| (first..=last).contains(&port))
        };
        self.from == from
            && self.protocol.is_none_or(|protocol| protocol == packet.protocol())
            && self.source.is_none_or(|network| network.contains(source.ip()))
            && self.destination.is_none_or(|network| network.contains(destination.ip()))
            && within(self.source_ports, source.port())
            && within(self.destination_ports, destination.port())
    }
}
