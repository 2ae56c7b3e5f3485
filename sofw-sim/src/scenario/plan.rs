//! The address plan, and whatever else holds when a file says nothing.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sofw_core::base::{Duration, Transport};
use sofw_core::config::limits::{REGISTER_EXPIRES_DEFAULT_S, VOICE_AGE_MAX};

use crate::link::profile::{self, Line};

use super::model::{AnswerSpec, HomeOrSite, PhoneSpec, Place, ServerSpec, WayOut};
use super::values;

/// Host numbers within a place.
pub const ROUTER: u32 = 1;
/// See above.
pub const HRAC: u32 = 2;
/// See above.
pub const PROXY: u32 = 3;
/// The first phone, in a place.
pub const FIRST_PHONE: u32 = 10;
/// The kind of NAT before a private network.
pub const DEFAULT_NAT: &str = "port-restricted";
/// How long a program is away when it is restarted.
pub const AWAY: Duration = Duration::from_secs(2);
/// Status of a call declined by hand (RFC 3261 §21.6.2).
pub const DECLINE: u16 = 603;
/// The first of the calls that `[[calls]]` makes: the phones have registered by then.
pub const FIRST_CALL: Duration = Duration::from_secs(5);
/// How long the timeline goes on after its last step.
pub const AFTERGLOW: Duration = Duration::from_secs(10);

/// The network of a place that names none.
pub fn network(kind: HomeOrSite) -> (IpAddr, u8) {
    match kind {
        HomeOrSite::Site => (Ipv4Addr::new(10, 10, 10, 0).into(), 24),
        HomeOrSite::Home => (Ipv4Addr::new(192, 168, 1, 0).into(), 24),
    }
}

/// The line of a place that names none.
pub fn line(kind: HomeOrSite) -> Line {
    named_line(match kind {
        HomeOrSite::Site => "office",
        HomeOrSite::Home => "home",
    })
}

/// A line that exists.
pub fn named_line(name: &str) -> Line {
    profile::find(name).expect("a profile of link::profile").line
}

/// What the public network sees of the nth place of its kind: 198.51.100.1… for sites, 198.51.100.101… for homes
/// (RFC 5737), beyond that 198.19.0.0/16 (RFC 2544).
pub fn public_address(kind: HomeOrSite, v6: bool, index: usize) -> IpAddr {
    let (first, room, beyond) = match kind {
        HomeOrSite::Site => (1, 100, 0),
        HomeOrSite::Home => (101, 154, 0x8000),
    };
    let index = index as u32;
    match (v6, index < room) {
        (true, _) => {
            Ipv6Addr::new(0x2001, 0xdb8, 0xffff, beyond as u16, 0, 0, 0, first as u16 + index as u16).into()
        }
        (false, true) => Ipv4Addr::from_bits(0xc633_6400 + first + index).into(),
        (false, false) => Ipv4Addr::from_bits(0xc613_0000 + beyond + index).into(),
    }
}

/// The nth phone of the public network: 203.0.113.20… (RFC 5737), beyond that 198.18.0.0/16 (RFC 2544).
pub fn public_phone(v6: bool, index: u32) -> IpAddr {
    match (v6, index) {
        (true, _) => Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0x20 + index as u16).into(),
        (false, 0..=234) => Ipv4Addr::from_bits(0xcb00_7114 + index).into(),
        (false, _) => Ipv4Addr::from_bits(0xc612_0000 + index).into(),
    }
}

/// The public host of a file that says nothing of it.
pub fn server() -> ServerSpec {
    ServerSpec {
        addr: Ipv4Addr::new(203, 0, 113, 5).into(),
        line: named_line("datacenter"),
        proxy: None,
        domain: "example.net".to_owned(),
        voice_age_max: VOICE_AGE_MAX,
        hostile: false,
    }
}

/// A phone of which the file says only the name. Its address is given out later.
pub fn phone(name: &str, place: Option<usize>) -> PhoneSpec {
    PhoneSpec {
        name: name.to_owned(),
        place,
        addr: Ipv4Addr::UNSPECIFIED.into(),
        line: named_line(if place.is_some() { "wire" } else { "datacenter" }),
        transport: Transport::Udp,
        answer: AnswerSpec::After(Duration::from_millis(500)),
        registers: true,
        expires_s: REGISTER_EXPIRES_DEFAULT_S,
        quirks: Vec::new(),
        ptime_ms: 20,
        video: false,
        wrong_password: false,
    }
}

/// Whether addresses of this network are nobody's on the public network (RFC 1918), so that it needs a NAT.
pub fn is_private(network: IpAddr) -> bool {
    matches!(network, IpAddr::V4(addr) if addr.is_private())
}

/// The way out that is tried when the file names none.
pub fn default_way(has_proxy: bool) -> WayOut {
    if has_proxy { WayOut::Forward } else { WayOut::Direct }
}

/// The port of HRAS that these ways lead to: proxies let CONNECT through to 443 only.
pub fn default_port(ways: &[WayOut]) -> u16 {
    let only_connect = ways.contains(&WayOut::Connect) && !ways.contains(&WayOut::Forward);
    if only_connect { 443 } else { 80 }
}

/// Gives every phone without an address the next free one of its network.
pub fn give_addresses(places: &[Place], server: IpAddr, phones: &mut [PhoneSpec]) {
    let mut next = vec![FIRST_PHONE; places.len()];
    let mut next_public = 0;
    let mut taken: Vec<(Option<usize>, IpAddr)> =
        phones.iter().map(|phone| (phone.place, phone.addr)).collect();
    taken.push((None, server));
    for (index, place) in places.iter().enumerate() {
        taken.extend(place.fixed().into_iter().map(|(_, addr)| (Some(index), addr)));
    }
    taken.sort();
    for phone in phones.iter_mut().filter(|phone| phone.addr.is_unspecified()) {
        phone.addr = loop {
            let addr = match phone.place {
                Some(place) => {
                    next[place] += 1;
                    values::nth(places[place].network, next[place] - 1)
                }
                None => {
                    next_public += 1;
                    public_phone(server.is_ipv6(), next_public - 1)
                }
            };
            if taken.binary_search(&(phone.place, addr)).is_err() {
                break addr;
            }
        };
    }
}

impl Place {
    /// The router's address within the place.
    pub fn router_addr(&self) -> IpAddr {
        values::nth(self.network, ROUTER)
    }

    /// The proxy's address within the place, whether it has one or not.
    pub fn proxy_addr(&self) -> IpAddr {
        values::nth(self.network, PROXY)
    }

    /// What stands at a fixed address, with its name.
    pub(super) fn fixed(&self) -> Vec<(&'static str, IpAddr)> {
        let mut fixed = vec![("the router", self.router_addr())];
        fixed.extend(self.proxy.is_some().then(|| ("the proxy", self.proxy_addr())));
        fixed.extend(self.hrac.as_ref().map(|hrac| ("HRAC", hrac.addr)));
        fixed
    }
}

impl ServerSpec {
    /// The address of the reverse proxy before HRAS: the next one after the server's.
    pub fn proxy_addr(&self) -> IpAddr {
        values::nth((self.addr, 0), 1)
    }
}
