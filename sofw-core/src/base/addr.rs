//! Addresses of the two worlds. They are different types, and nothing converts one into the other: only the RAT and
//! the location service know pairs of them (paper P9: the two address spaces never meet).

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// Transport protocol of a SIP hop (RFC 3261 §18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Transport {
    /// As in a Via header: `UDP`, `TCP`.
    pub const fn as_via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }

    /// As in a URI parameter: `udp`, `tcp`.
    pub const fn as_param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    /// Whether the transport itself retransmits (RFC 3261 §17: timers A, E, G, … are off).
    pub const fn is_reliable(self) -> bool {
        matches!(self, Transport::Tcp)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_param())
    }
}

/// A site of this HRAS: its index in the configuration. Two sites may use the same private addresses, so every
/// inside address carries one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct SiteId(pub u16);

/// An address in the private network of one site: the content of the paper's RA header, qualified by the site.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct InsideAddr {
    /// Whose private network.
    pub site: SiteId,
    /// The transport of the hop between HRAC and the phone.
    pub transport: Transport,
    /// The phone's address as HRAC sees it.
    pub addr: SocketAddr,
}

/// An address on the public network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct OutsideAddr {
    /// Index of our SIP listener that this hop uses. A phone behind its own NAT can only be reached from the address
    /// and port that it spoke to (RFC 3581 §4), so the listener belongs to the address.
    pub listener: u16,
    /// The transport of the hop.
    pub transport: Transport,
    /// The address as HRAS sees it.
    pub addr: SocketAddr,
}

/// Where a SIP message came from or goes to, seen from HRAS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Hop {
    /// Through a site's tunnel.
    Inside(InsideAddr),
    /// Straight over the public network.
    Outside(OutsideAddr),
}

impl Hop {
    /// The site, if the hop is inside one.
    pub const fn site(&self) -> Option<SiteId> {
        match self {
            Hop::Inside(inside) => Some(inside.site),
            Hop::Outside(_) => None,
        }
    }

    /// The transport of the hop next to the phone.
    pub const fn transport(&self) -> Transport {
        match self {
            Hop::Inside(inside) => inside.transport,
            Hop::Outside(outside) => outside.transport,
        }
    }

    /// The socket address, for display and for Via's `received`. It means nothing without the site.
    pub const fn addr(&self) -> SocketAddr {
        match self {
            Hop::Inside(inside) => inside.addr,
            Hop::Outside(outside) => outside.addr,
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hop::Inside(a) => write!(f, "site{}/{}:{}", a.site.0, a.transport, a.addr),
            Hop::Outside(a) => write!(f, "{}:{}", a.transport, a.addr),
        }
    }
}

/// Whether `ip` may be reached over the public network: not of a private one behind somebody's NAT (RFC 1918, RFC 6598,
/// RFC 4193), of a link, of the host itself, or none. An IPv4 address may be written as an IPv6 one.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b); // RFC 6598
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            !(v6.is_loopback() || v6.is_unspecified() || local)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_not_public() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for ip in
            ["10.0.0.1", "172.31.0.1", "192.168.1.10", "100.64.0.1", "169.254.1.1", "127.0.0.1", "0.0.0.0"]
        {
            assert!(!public(ip), "{ip}");
            assert!(!public(&format!("::ffff:{ip}")), "{ip} as IPv6");
        }
        for ip in ["::1", "::", "fe80::1", "fd00::1", "fc00::1"] {
            assert!(!public(ip), "{ip}");
        }
        for ip in
            ["203.0.113.5", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2001:db8::5", "::ffff:203.0.113.5"]
        {
            assert!(public(ip), "{ip}");
        }
    }
}
