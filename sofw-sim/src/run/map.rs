//! Where everything is in a built world: what recorders and checkers need to make sense of a packet.

use core::net::IpAddr;

use sofw_core::testing::phone::Stamp;

use crate::scenario::model::HomeOrSite;
use crate::world::{LinkId, NodeId, shares};

/// Which address space a link belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Zone {
    /// The public network.
    Public,
    /// The private network of a place: its index in the scenario.
    Private(usize),
}

/// A site or home in the world.
#[derive(Clone, PartialEq, Debug)]
pub struct SitePlace {
    /// Its name.
    pub name: String,
    /// Which kind of place.
    pub kind: HomeOrSite,
    /// Its network.
    pub network: (IpAddr, u8),
    /// The address that the public network sees.
    pub public: IpAddr,
    /// The line to the public network, whose `Way::Up` leads out: here the firewall's traffic is counted.
    pub line: LinkId,
    /// The link just inside the firewall and NAT, where inside addresses are still to be seen.
    pub inner: LinkId,
    /// HRAC's node and address.
    pub hrac: Option<(NodeId, IpAddr)>,
    /// The proxy's node and address.
    pub proxy: Option<(NodeId, IpAddr)>,
    /// Firewall, inspection and NAT, from inside to outside.
    pub boxes: Vec<(&'static str, NodeId)>,
    /// Index of the site at HRAS; `None` for a home, and for a site without HRAC: HRAS knows only sites that have one.
    pub site: Option<u16>,
}

/// A phone in the world.
#[derive(Clone, PartialEq, Debug)]
pub struct PhonePlace {
    /// Its user.
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// Its address.
    pub addr: IpAddr,
    /// Where it is.
    pub zone: Zone,
    /// Its link.
    pub link: LinkId,
    /// What its stamped voice names as the speaker.
    pub speaker: u32,
}

/// The map of a built world.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Map {
    /// Places in the order of the scenario.
    pub places: Vec<SitePlace>,
    /// Phones in the order of the scenario.
    pub phones: Vec<PhonePlace>,
    /// HRAS, or the SIP server: node and address.
    pub server: (NodeId, Option<IpAddr>),
    /// The server's link.
    pub server_link: LinkId,
    /// The proxy before HRAS.
    pub reverse_proxy: Option<NodeId>,
    /// Somebody on the public network who has no business here.
    pub stranger: NodeId,
    /// The zone of each link.
    pub zones: Vec<Zone>,
    /// The name of each link.
    pub link_names: Vec<String>,
    /// All addresses of the server and of the proxy before it: what tunnels lead to.
    pub server_addrs: Vec<IpAddr>,
    /// The phone at each node.
    pub phone_at: Vec<Option<usize>>,
    /// Whether each link is a phone's.
    pub is_phone_link: Vec<bool>,
    /// The place whose HRAC hangs on each link.
    pub hrac_at: Vec<Option<usize>>,
    /// The first link of each node.
    pub link_at: Vec<Option<LinkId>>,
}

impl Map {
    /// The phone at a node.
    pub fn phone(&self, node: NodeId) -> Option<usize> {
        self.phone_at.get(node).copied().flatten()
    }

    /// The phone whose stamped voice this is.
    pub fn speaker(&self, stamp: &Stamp) -> Option<usize> {
        let is = |phone: &PhonePlace| phone.speaker == stamp.speaker;
        // Phones are numbered as speakers, if nobody numbered them otherwise.
        let usual = stamp.speaker as usize;
        if self.phones.get(usual).is_some_and(is) { Some(usual) } else { self.phones.iter().position(is) }
    }

    /// The index at HRAS of the site that a phone is at.
    pub fn site_of(&self, phone: usize) -> Option<u16> {
        match self.phones.get(phone)?.zone {
            Zone::Private(place) => self.places.get(place)?.site,
            Zone::Public => None,
        }
    }

    /// Whether a phone stands in a site without HRAC: nobody promises that it is reached, or reaches anybody.
    pub fn is_on_its_own(&self, phone: usize) -> bool {
        let Some(Zone::Private(place)) = self.phones.get(phone).map(|phone| phone.zone) else { return false };
        self.places.get(place).is_some_and(|place| place.kind == HomeOrSite::Site && place.site.is_none())
    }

    /// Whether a link is a phone's.
    pub fn is_phone_link(&self, link: LinkId) -> bool {
        self.is_phone_link.get(link).copied().unwrap_or(false)
    }

    /// The link that a node hangs on.
    pub fn link_of(&self, node: NodeId) -> Option<LinkId> {
        self.link_at.get(node).copied().flatten()
    }

    /// The place whose private network `addr` lies in; several may: the first.
    pub fn place_of(&self, addr: IpAddr) -> Option<usize> {
        self.places.iter().position(|place| shares(place.network.0, addr, place.network.1))
    }

    /// Whether `addr` lies in any private network of this world and is not public.
    pub fn is_private(&self, addr: IpAddr) -> bool {
        self.place_of(addr).is_some()
    }
}
