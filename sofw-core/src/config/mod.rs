//! Configuration of the two halves, already validated by the runtime, and the table of all bounds.

mod hrac;
mod hras;
pub mod limits;

pub use hrac::{HracConfig, Proxy, TunnelVia};
pub use hras::{HrasConfig, Site, User};

use core::net::{IpAddr, SocketAddr};

use crate::base::Transport;

/// A site's shared secret: 32 bytes. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SiteKey(pub [u8; 32]);

impl core::fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SiteKey(…)")
    }
}

/// One SIP listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SipListener {
    /// Transport.
    pub transport: Transport,
    /// Local address and port. It also goes into Via, Record-Route and Contact, so it is never the wildcard address.
    pub addr: SocketAddr,
}

/// Where this half relays media.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaConfig {
    /// The address that the relay sockets bind to.
    pub bind: IpAddr,
    /// The address that goes into SDP; differs from `bind` behind a one-to-one NAT.
    pub address: IpAddr,
    /// First and last port, both included. Pairs are even (RTP) and odd (RTCP).
    pub ports: (u16, u16),
}
