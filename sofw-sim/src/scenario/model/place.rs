//! Places: a company's site, or somebody's home.

use core::net::IpAddr;

use sofw_core::base::Duration;

use crate::link::profile::Line;

/// A private network and the way out of it.
///
/// ```text
/// phones ─ switch ─ [inspection] ─ [firewall] ─ [NAT (+ALG)] ─ line ─ public network
///   HRAC ─┘  └─ proxy
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Place {
    /// Its name; for a site also the name that HRAS knows.
    pub name: String,
    /// Which of the two.
    pub kind: HomeOrSite,
    /// Network address and prefix, e.g. 10.10.10.0/24.
    pub network: (IpAddr, u8),
    /// The line to the public network.
    pub line: Line,
    /// The address that the public network sees.
    pub public: IpAddr,
    /// Packet filter.
    pub firewall: Option<FirewallSpec>,
    /// Protocol inspection.
    pub inspect: Option<InspectSpec>,
    /// Address translation; without it the place's addresses are routed.
    pub nat: Option<NatSpec>,
    /// SIP gateway in the NAT.
    pub alg: Option<AlgSpec>,
    /// HTTP proxy in the site.
    pub proxy: Option<ProxySpec>,
    /// HRAC, in a site.
    pub hrac: Option<HracSpec>,
}

/// Which kind of place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HomeOrSite {
    /// A company's site: phones speak to HRAC.
    Site,
    /// A home: phones speak to HRAS, through the home router.
    Home,
}

/// The packet filter: a preset and what differs from it.
#[derive(Clone, PartialEq, Debug)]
pub struct FirewallSpec {
    /// Name of the preset.
    pub preset: String,
    /// Rules before the preset's.
    pub rules: Vec<Rule>,
    /// Reject instead of drop.
    pub reject: Option<bool>,
    /// Idle times: UDP, established TCP.
    pub idle_udp: Option<Duration>,
    /// See above.
    pub idle_tcp: Option<Duration>,
}

/// A rule of a firewall: `allow out tcp 80 443`, `deny out udp`, `allow in udp 5060 from 203.0.113.0/24`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Allow, or deny.
    pub allow: bool,
    /// Out, or in.
    pub out: bool,
    /// TCP, UDP; `None`: both.
    pub tcp: Option<bool>,
    /// Destination ports; empty: all.
    pub ports: Vec<(u16, u16)>,
    /// Source network.
    pub from: Option<(IpAddr, u8)>,
    /// Destination network.
    pub to: Option<(IpAddr, u8)>,
}

/// Protocol inspection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InspectSpec {
    /// Port 443 must look like TLS.
    pub tls: bool,
    /// CONNECT is cut, too.
    pub deny_connect: bool,
}

/// Address translation: a preset and what differs from it.
#[derive(Clone, PartialEq, Debug)]
pub struct NatSpec {
    /// Name of the preset.
    pub preset: String,
    /// Idle time of a UDP mapping.
    pub idle_udp: Option<Duration>,
    /// Idle time of an established TCP mapping.
    pub idle_tcp: Option<Duration>,
    /// Whether hosts inside reach each other by the public address.
    pub hairpin: Option<bool>,
}

/// SIP gateway. All true by default.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlgSpec {
    /// Rewrites Via.
    pub via: bool,
    /// Rewrites Contact.
    pub contact: bool,
    /// Rewrites SDP.
    pub sdp: bool,
    /// Forgets to correct Content-Length.
    pub breaks_content_length: bool,
}

/// An HTTP proxy: a preset and what differs from it.
#[derive(Clone, PartialEq, Debug)]
pub struct ProxySpec {
    /// Name of the preset.
    pub preset: String,
    /// Asks for credentials.
    pub auth: Option<ProxyAuth>,
    /// HRAC's credentials are wrong.
    pub wrong_password: bool,
    /// Extra time for each message.
    pub latency: Option<Duration>,
    /// Idle limit of a request or tunnel.
    pub idle: Option<Duration>,
    /// Absolute limit of a request or tunnel.
    pub lifetime: Option<Duration>,
    /// Most connections of one client.
    pub connections: Option<u32>,
    /// Bytes a second and direction.
    pub rate: Option<u64>,
    /// Ports to which CONNECT may lead.
    pub connect_ports: Option<Vec<u16>>,
}

impl ProxySpec {
    /// Whether it stands behind a redirected port 80, so that nobody is told of it.
    pub fn is_transparent(&self) -> bool {
        crate::proxy::find(&self.preset).is_some_and(|preset| preset.config().intercepts)
    }
}

impl Place {
    /// The proxy that programs inside are told of.
    pub fn told_proxy(&self) -> Option<&ProxySpec> {
        self.proxy.as_ref().filter(|proxy| !proxy.is_transparent())
    }
}

/// How a proxy asks for credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyAuth {
    /// RFC 7617.
    Basic,
    /// RFC 7616.
    Digest,
    /// A scheme that HRAC does not speak.
    Ntlm,
}

/// HRAC in a site.
#[derive(Clone, PartialEq, Debug)]
pub struct HracSpec {
    /// Its address.
    pub addr: IpAddr,
    /// Ways out, in order.
    pub ways: Vec<WayOut>,
    /// Port of HRAS that it goes to: 80 or 443.
    pub port: u16,
    /// Age at which voice is dropped.
    pub voice_age_max: Duration,
    /// BBR, or CUBIC where the kernel has no BBR.
    pub bbr: bool,
    /// Wrong key.
    pub wrong_key: bool,
}

/// A way out for the tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WayOut {
    /// Straight to HRAS.
    Direct,
    /// Through the site's proxy by absolute-form requests.
    Forward,
    /// Through the site's proxy by CONNECT.
    Connect,
}
