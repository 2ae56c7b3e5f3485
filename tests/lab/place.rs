//! The places of the laboratory: the outside, company sites, a home.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use super::capture::{Capture, Packet, TCP};
use super::firewall::{self, DMZ, DROPPED, LAN, OUTER, Policy};
use super::net::{Lab, Node, Switch};
use super::phone::baresip::{Baresip, Setup};
use super::phone::sipp::Sipp;
use super::proxy::{Kind, Proxy};
use super::sofw::{DOMAIN, Hrac, HracSetup, Hras, PASSWORD, key};

/// HRAS's address.
pub const HRAS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 5);
/// Outside addresses of the firewalls of the first and the second site.
pub const FIREWALLS: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 10), Ipv4Addr::new(203, 0, 113, 40)];
/// The HRAC of every site.
pub const HRAC: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 2);
/// The first phone of every site.
pub const INSIDE_PHONE: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 10);
/// A phone outside.
pub const OUTSIDE_PHONE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);
/// The phone at home.
pub const HOME_PHONE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);

const PROXY_LAN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 3);
const PROXY_DMZ: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const ROUTER_LAN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);
const ROUTER_DMZ: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const HOME_ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const HOME_OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 30);

/// The public network.
pub struct Outside {
    /// The laboratory.
    pub lab: Lab,
    switch: Switch,
}

/// A company's network behind its firewall.
pub struct Site {
    name: &'static str,
    lab: Lab,
    switch: Switch,
    firewall: Node,
    address: Ipv4Addr,
    way: Way,
    proxy: Option<Proxy>,
}

/// How HRAC gets out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// By a proxy; the firewall lets out nothing else.
    Proxy(Kind),
    /// By a proxy and CONNECT to port 443, the only port that all proxies allow for it.
    Connect(Kind),
    /// Directly; the firewall lets out TCP 80 and 443, translated.
    Web,
}

/// How a phone is told of its SIP server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account {
    /// The domain, and the server as outbound proxy, by UDP.
    Udp,
    /// The same, but a call rings until somebody answers it.
    Manual,
    /// As [`Account::Udp`], but by TCP.
    Tcp,
    /// Nothing but the server's address, which is then also the host of the address-of-record.
    AddressOnly,
}

impl Outside {
    /// A new laboratory with a public network.
    pub fn new() -> Outside {
        let lab = Lab::new();
        let switch = lab.switch("wan");
        Outside { lab, switch }
    }

    /// A machine on the public network.
    pub fn host(&self, role: &str, address: Ipv4Addr) -> Node {
        let node = self.lab.node(role);
        node.plug("eth0", &format!("{address}/24"), &self.switch);
        node
    }

    /// A machine at [`HOME_PHONE`] behind a home router of its own.
    pub fn home(&self, role: &str) -> Node {
        let router = self.host_named("home", OUTER, HOME_OUTSIDE);
        let node = self.lab.node(role);
        node.plug_into("eth0", &format!("{HOME_PHONE}/24"), &router, LAN, &format!("{HOME_ROUTER}/24"));
        node.route_by(HOME_ROUTER);
        firewall::home_router(&router);
        node
    }

    /// A company site; `index` chooses its outside address.
    pub fn site(&self, name: &'static str, index: usize, way: Way) -> Site {
        let address = FIREWALLS[index];
        let firewall = self.host_named(&format!("{name}-fw"), OUTER, address);
        let switch = self.lab.switch(&format!("{name}-lan"));
        firewall.plug(LAN, &format!("{ROUTER_LAN}/24"), &switch);
        let mut site = Site { name, lab: self.lab.clone(), switch, firewall, address, way, proxy: None };
        match way {
            Way::Web => firewall::company(&site.firewall, Policy::WebOnly, PROXY_DMZ),
            Way::Proxy(kind) | Way::Connect(kind) => {
                firewall::company(&site.firewall, Policy::ProxyOnly, PROXY_DMZ);
                let node = self.lab.node(&format!("{name}-proxy"));
                node.plug("eth0", &format!("{PROXY_LAN}/24"), &site.switch);
                let (leg, gate) = (format!("{PROXY_DMZ}/30"), format!("{ROUTER_DMZ}/30"));
                node.plug_into("eth1", &leg, &site.firewall, DMZ, &gate);
                node.route_by(ROUTER_DMZ);
                site.proxy = Some(Proxy::start(kind, &node, PROXY_LAN));
            }
        }
        site
    }

    /// Starts HRAS for these sites and users.
    pub fn hras(&self, sites: &[&str], users: &[&str]) -> Hras {
        Hras::start(&self.host("hras", HRAS), HRAS, sites, users)
    }

    /// A phone on the public network, whose SIP server is HRAS.
    pub fn phone(&self, user: &str, hertz: u32) -> Baresip {
        self.phone_with(user, hertz, Account::Udp)
    }

    /// As [`Outside::phone`], with another kind of account.
    pub fn phone_with(&self, user: &str, hertz: u32, account: Account) -> Baresip {
        phone(&self.host(user, OUTSIDE_PHONE), OUTSIDE_PHONE, user, HRAS, hertz, account)
    }

    /// A phone at home, whose SIP server is HRAS.
    pub fn home_phone(&self, user: &str, hertz: u32) -> Baresip {
        phone(&self.home(user), HOME_PHONE, user, HRAS, hertz, Account::Udp)
    }

    fn host_named(&self, role: &str, interface: &str, address: Ipv4Addr) -> Node {
        let node = self.lab.node(role);
        node.plug(interface, &format!("{address}/24"), &self.switch);
        node
    }
}

impl Site {
    /// A machine of the site, with the firewall as its router.
    pub fn host(&self, role: &str, address: Ipv4Addr) -> Node {
        let node = self.lab.node(&format!("{}-{role}", self.name));
        node.plug("eth0", &format!("{address}/24"), &self.switch);
        node.route_by(ROUTER_LAN);
        node
    }

    /// A phone of the site, whose SIP server is HRAC (P3). `index` chooses its address, from [`INSIDE_PHONE`] on.
    pub fn phone(&self, user: &str, index: u8, hertz: u32) -> Baresip {
        self.phone_with(user, index, hertz, Account::Udp)
    }

    /// As [`Site::phone`], with another kind of account.
    pub fn phone_with(&self, user: &str, index: u8, hertz: u32, account: Account) -> Baresip {
        let [a, b, c, d] = INSIDE_PHONE.octets();
        let address = Ipv4Addr::new(a, b, c, d + index);
        phone(&self.host(user, address), address, user, HRAC, hertz, account)
    }

    /// Starts HRAC with the right key and waits for its tunnel.
    pub fn hrac(&self) -> Hrac {
        let hrac = self.hrac_with_key(key(self.name));
        hrac.is_up();
        hrac
    }

    /// Starts HRAC with some key.
    pub fn hrac_with_key(&self, key: String) -> Hrac {
        let node = self.host("hrac", HRAC);
        let proxy = match self.way {
            Way::Web => None,
            Way::Proxy(kind) | Way::Connect(kind) => {
                Some(proxy_url(kind, SocketAddr::from((PROXY_LAN, 3128))))
            }
        };
        let (hras, connect) = (self.tunnel(), matches!(self.way, Way::Connect(_)));
        Hrac::start(&node, &HracSetup { site: self.name, key, address: HRAC, hras, proxy, connect })
    }

    /// The tunnel port that this site uses.
    fn tunnel(&self) -> SocketAddrV4 {
        SocketAddrV4::new(HRAS, if matches!(self.way, Way::Connect(_)) { 443 } else { 80 })
    }

    /// The site's proxy.
    pub fn proxy(&mut self) -> &mut Proxy {
        self.proxy.as_mut().expect("this site has a proxy")
    }

    /// How many packets the firewall did not let out.
    pub fn dropped(&self) -> u64 {
        self.firewall.counted(DROPPED)
    }

    /// Looks at the firewall's outer link.
    pub fn capture(&self) -> Capture {
        Capture::start(&self.firewall, OUTER, "not arp")
    }

    /// Fails the test unless all that crossed the firewall was TCP to HRAS's tunnel port and back, all voice of the test
    /// among it, and nothing of it readable.
    #[track_caller]
    pub fn only_the_tunnel_crossed(&self, packets: &[Packet], voice: usize) {
        let bytes: usize = packets.iter().map(|packet| packet.payload.len()).sum();
        assert!(bytes >= voice, "only {bytes} bytes crossed the firewall, in {} packets", packets.len());
        let tunnel = self.tunnel();
        for packet in packets {
            let to_hras = packet.to == tunnel && *packet.from.ip() == self.address;
            let from_hras = packet.from == tunnel && *packet.to.ip() == self.address;
            assert!(
                packet.protocol == TCP && (to_hras || from_hras),
                "this crossed the firewall: {packet:?}"
            );
        }
    }
}

/// A phone's account, as its owner would set it up.
fn phone(
    node: &Node,
    address: Ipv4Addr,
    user: &str,
    server: Ipv4Addr,
    hertz: u32,
    account: Account,
) -> Baresip {
    let (user, more) = match account {
        Account::Udp | Account::Manual => (format!("{user}@{DOMAIN}"), format!(";outbound=\"sip:{server}\"")),
        Account::Tcp => {
            (format!("{user}@{DOMAIN};transport=tcp"), format!(";outbound=\"sip:{server};transport=tcp\""))
        }
        Account::AddressOnly => (format!("{user}@{server}"), String::new()),
    };
    let answer = account != Account::Manual;
    let setup =
        Setup { address, user: &user, password: PASSWORD, more: &more, register: true, answer, hertz };
    Baresip::start(node, &setup)
}

/// One end of SIPp's calls, whose SIP server is HRAC or HRAS.
pub fn sipp<'a>(node: &'a Node, address: Ipv4Addr, user: &'a str, server: Ipv4Addr) -> Sipp<'a> {
    Sipp { node, address, user, domain: DOMAIN, password: PASSWORD, server: SocketAddr::from((server, 5060)) }
}

fn proxy_url(kind: Kind, listen: SocketAddr) -> String {
    match kind {
        Kind::SquidWithPassword | Kind::SquidWithDigest => {
            let (name, password) = super::proxy::CREDENTIALS;
            format!("http://{name}:{password}@{listen}")
        }
        Kind::Squid | Kind::Tinyproxy => format!("http://{listen}"),
    }
}
