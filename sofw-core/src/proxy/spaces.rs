//! Our own addresses: how we write ourselves into Via and Record-Route, and how we recognise ourselves.

use core::net::{IpAddr, SocketAddr};

use crate::base::{Hop, OutsideAddr, SiteId, Transport};
use crate::config::{HrasConfig, SipListener};
use crate::sip::{Host, Uri};
use crate::tunnel::RaHeader;

/// An address space: where an address in a URI means something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Space {
    /// The public network.
    Outside,
    /// The private network of a site.
    Site(SiteId),
}

impl Space {
    pub(super) fn of(hop: &Hop) -> Space {
        hop.site().map_or(Space::Outside, Space::Site)
    }
}

/// The virtual SIP server's interfaces: our listeners, and each HRAC's on its LAN.
#[derive(Debug)]
pub(super) struct Spaces {
    domain: String,
    outside: Vec<SipListener>,
    sites: Vec<SiteInterfaces>,
}

#[derive(Debug)]
struct SiteInterfaces {
    name: String,
    /// Kept when the session ends: routes of dialogs name them still.
    interfaces: Vec<RaHeader>,
}

/// RFC 3261 §19.1.2.
pub(super) const DEFAULT_PORT: u16 = 5060;

impl Spaces {
    pub(super) fn new(config: &HrasConfig) -> Self {
        let site = |name: &String| SiteInterfaces { name: name.clone(), interfaces: Vec::new() };
        Spaces {
            domain: config.domain.clone(),
            outside: config.sip.clone(),
            sites: config.sites.iter().map(|s| site(&s.name)).collect(),
        }
    }

    pub(super) fn set_site(&mut self, site: SiteId, interfaces: &[RaHeader]) {
        if let Some(known) = self.sites.get_mut(usize::from(site.0)) {
            known.interfaces = interfaces.to_vec();
        }
    }

    /// The private networks.
    pub(super) fn sites(&self) -> impl Iterator<Item = Space> {
        (0..self.sites.len()).filter_map(|index| Some(Space::Site(SiteId(u16::try_from(index).ok()?))))
    }

    /// Our address facing `hop`; `None` while the site has announced none for this transport.
    pub(super) fn interface(&self, hop: &Hop) -> Option<SocketAddr> {
        match hop {
            Hop::Outside(outside) => self.outside.get(usize::from(outside.listener)).map(|l| l.addr),
            Hop::Inside(inside) => {
                let site = self.sites.get(usize::from(inside.site.0))?;
                site.interfaces.iter().find(|i| i.transport == inside.transport).map(|i| i.addr)
            }
        }
    }

    /// The way to a public address: through the first listener of the same transport and address family.
    pub(super) fn outside_hop(&self, transport: Transport, addr: SocketAddr) -> Option<Hop> {
        let fits = |l: &SipListener| l.transport == transport && l.addr.is_ipv4() == addr.is_ipv4();
        let listener = u16::try_from(self.outside.iter().position(fits)?).ok()?;
        Some(Hop::Outside(OutsideAddr { listener, transport, addr }))
    }

    /// A Via value for requests to `hop` (RFC 3261 §18.1.1; `rport` by RFC 3581 §3).
    pub(super) fn via(&self, hop: &Hop, branch: &str) -> Option<String> {
        let addr = self.interface(hop)?;
        Some(format!("SIP/2.0/{} {addr};rport;branch={branch}", hop.transport().as_via()))
    }

    /// The URI of a Record-Route value that leads back from `hop` (RFC 3261 §16.6 step 4, RFC 5658 §3).
    pub(super) fn record_route(&self, hop: &Hop) -> Option<String> {
        let addr = self.interface(hop)?;
        let transport = match hop.transport() {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
        };
        let site = match hop.site() {
            Some(site) => format!(";site={}", self.sites.get(usize::from(site.0))?.name),
            None => String::new(),
        };
        Some(format!("<sip:{addr};lr{transport}{site}>"))
    }

    /// Whether `uri`, read in `space`, names our domain or one of our interfaces there. Outside addresses of ours
    /// mean us everywhere. Without a port any of our ports is meant: phones leave it out of addresses-of-record.
    pub(super) fn is_ours(&self, space: Space, uri: &Uri<'_>) -> bool {
        let domain = Host::parse(&self.domain).is_some_and(|domain| domain.is_same(&uri.host()));
        match (uri.host().ip(), uri.port()) {
            (None, _) => domain,
            (Some(ip), Some(port)) => self.is_our_address(space, SocketAddr::new(ip, port)),
            (Some(ip), None) => domain || self.interfaces(space).any(|addr| addr.ip() == ip),
        }
    }

    /// Whether our outside is the loopback interface, as in demonstrations.
    pub(super) fn is_on_loopback(&self) -> bool {
        self.outside.iter().any(|listener| listener.addr.ip().is_loopback())
    }

    /// Whether `addr`, read in `space`, is one of our interfaces.
    pub(super) fn is_our_address(&self, space: Space, addr: SocketAddr) -> bool {
        self.interfaces(space).any(|ours| ours == addr)
    }

    fn interfaces(&self, space: Space) -> impl Iterator<Item = SocketAddr> {
        let inside = match space {
            Space::Outside => None,
            Space::Site(site) => self.sites.get(usize::from(site.0)),
        };
        let inside = inside.into_iter().flat_map(|site| site.interfaces.iter().map(|i| i.addr));
        self.outside.iter().map(|listener| listener.addr).chain(inside)
    }

    /// If `uri` is a Route of ours: the space on its far side. A site's interface is known by its `site` parameter,
    /// or, to a phone of that site that was configured with it as outbound proxy, without.
    pub(super) fn own_route(&self, from: Space, uri: &Uri<'_>) -> Option<Space> {
        if let Some(name) = uri.param("site") {
            let index = self.sites.iter().position(|site| site.name == name)?;
            let space = Space::Site(SiteId(u16::try_from(index).ok()?));
            let addr = address(uri.host().ip()?, uri.port());
            return self.is_our_address(space, addr).then_some(space);
        }
        let addr = uri.host().ip().map(|ip| address(ip, uri.port()));
        if !self.is_ours(from, uri) {
            return None;
        }
        match from {
            Space::Site(_) if addr.is_some_and(|addr| !self.outside.iter().any(|l| l.addr == addr)) => {
                Some(from)
            }
            _ => Some(Space::Outside),
        }
    }
}

fn address(ip: IpAddr, port: Option<u16>) -> SocketAddr {
    SocketAddr::new(ip, port.unwrap_or(DEFAULT_PORT))
}
