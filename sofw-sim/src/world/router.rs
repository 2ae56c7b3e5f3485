//! Forwards packets by destination: a LAN's switch, the public network.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::{Memo, PortId};
use crate::packet::{AddrBits, Packet};

/// A router. Hosts are known by address; everything else goes the default way, if there is one.
#[derive(Clone, Debug)]
pub struct Router {
    hosts: BTreeMap<IpAddr, PortId>,
    networks: Vec<(IpAddr, u8, PortId)>,
    default: Option<PortId>,
    /// Ways found before: most packets go where others went.
    found: Memo<AddrBits, PortId>,
    /// Packets for which there was no way.
    pub unroutable: u64,
}

impl Default for Router {
    fn default() -> Self {
        Router {
            hosts: BTreeMap::new(),
            networks: Vec::new(),
            default: None,
            found: Memo::new(FOUND_MAX),
            unroutable: 0,
        }
    }
}

impl Router {
    /// A router that knows no way yet.
    pub fn new() -> Self {
        Router::default()
    }

    /// The host `addr` is at `port`.
    pub fn host(&mut self, addr: IpAddr, port: PortId) {
        self.hosts.insert(addr, port);
        self.found.clear();
    }

    /// The addresses that share the first `prefix` bits with `network` are at `port`. Longer prefixes win.
    pub fn network(&mut self, network: IpAddr, prefix: u8, port: PortId) {
        self.networks.push((network, prefix, port));
        self.networks.sort_by_key(|&(_, prefix, _)| core::cmp::Reverse(prefix));
        self.found.clear();
    }

    /// Everything else goes to `port`.
    pub fn default_way(&mut self, port: PortId) {
        self.default = Some(port);
        self.found.clear();
    }

    /// The port by which a packet that came by `from` goes on; counts those that cannot.
    pub(super) fn way(&mut self, from: PortId, packet: &Packet) -> Option<PortId> {
        let to = packet.destination_bits();
        let look = || {
            let to = packet.destination().ip();
            let network = || self.networks.iter().find(|(network, prefix, _)| shares(*network, to, *prefix));
            self.hosts.get(&to).copied().or_else(|| network().map(|&(_, _, port)| port)).or(self.default)
        };
        let port = self.found.get_or(to as u64, to, look).filter(|&port| port != from);
        self.unroutable += u64::from(port.is_none());
        port
    }
}

const FOUND_MAX: usize = 256;

/// Whether two addresses share their first `prefix` bits.
pub fn shares(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let differs = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
        _ => return false,
    };
    differs >= u32::from(prefix)
}
