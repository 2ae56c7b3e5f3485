//! Who has which address.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::scenario::Scenario;
use crate::scenario::model::Place;

/// The server's address, and one of the other family if somebody needs it.
pub(in crate::run) fn server_addrs(scenario: &Scenario) -> Vec<IpAddr> {
    let mut addrs = vec![scenario.server.addr];
    let is_v6 = |place: &Place| place.network.0.is_ipv6();
    if scenario.places.iter().any(is_v6) && scenario.server.addr.is_ipv4() {
        addrs.push(IpAddr::V6(SERVER_V6));
    }
    addrs
}

pub(in crate::run) fn server_addr_for(scenario: &Scenario, client: IpAddr) -> IpAddr {
    let addrs = server_addrs(scenario);
    addrs.iter().copied().find(|addr| addr.is_ipv4() == client.is_ipv4()).unwrap_or(addrs[0])
}

/// The site's proxy: host 3 of its network.
pub(in crate::run) fn proxy_addr(place: &Place) -> IpAddr {
    host_of(place.network.0, 3)
}

/// Host `number` of a network.
pub(in crate::run) fn host_of(network: IpAddr, number: u32) -> IpAddr {
    match network {
        IpAddr::V4(network) => IpAddr::V4(Ipv4Addr::from(u32::from(network) | number)),
        IpAddr::V6(network) => IpAddr::V6(Ipv6Addr::from(u128::from(network) | u128::from(number))),
    }
}

pub(in crate::run) fn reverse_proxy_addr() -> IpAddr {
    IpAddr::from([203, 0, 113, 4])
}

/// Somebody on the public network who has no business here.
pub(in crate::run) fn stranger_addr() -> IpAddr {
    IpAddr::from([203, 0, 113, 66])
}

/// The public end of other systems' tunnels.
pub(in crate::run) fn relay_addr() -> IpAddr {
    IpAddr::from([203, 0, 113, 6])
}

/// The public address that other systems give to a phone inside (RFC 2544's range, so that it meets nobody).
pub(in crate::run) fn virtual_addr(phone: usize) -> IpAddr {
    IpAddr::from([198, 18, (phone / 250) as u8, (phone % 250 + 1) as u8])
}

pub(in crate::run) const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5);
pub(in crate::run) const SIP_PORT: u16 = 5060;
/// Where proxies listen (Squid's default).
pub(in crate::run) const PROXY_PORT: u16 = 3128;
pub(in crate::run) const RELAY_PORTS: (u16, u16) = (20_000, 29_999);
/// As the production driver sets `TCP_NOTSENT_LOWAT`.
pub(in crate::run) const UNSENT_MAX: usize = 16 * 1024;
