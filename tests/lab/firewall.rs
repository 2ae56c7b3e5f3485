//! A company's firewall, and a home router.

use std::net::Ipv4Addr;

use super::net::Node;

/// What a company's firewall lets out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Only the proxy, to TCP 80 and 443.
    ProxyOnly,
    /// Everybody, by address translation (NAPT), to TCP 80 and 443 only.
    WebOnly,
}

/// Interfaces of the firewall.
pub const LAN: &str = "lan";
/// Where the proxy's second leg is.
pub const DMZ: &str = "dmz";
/// Towards the outside.
pub const OUTER: &str = "outer";

/// The counter of dropped packets.
pub const DROPPED: &str = "dropped";

/// Makes a machine the firewall. What is not let out is dropped without a word.
pub fn company(node: &Node, policy: Policy, proxy: Ipv4Addr) {
    let pass = match policy {
        Policy::ProxyOnly => format!("iifname {DMZ} ip saddr {proxy} tcp dport {{ 80, 443 }} accept"),
        Policy::WebOnly => format!("iifname {LAN} tcp dport {{ 80, 443 }} accept"),
    };
    node.route_with(&format!(
        "table inet lab {{
            counter {DROPPED} {{ }}
            chain forward {{
                type filter hook forward priority filter; policy drop;
                ct state established,related accept
                {pass}
                counter name {DROPPED} drop
            }}
            chain input {{
                type filter hook input priority filter; policy drop;
                ct state established,related accept
            }}
            chain leave {{
                type nat hook postrouting priority srcnat;
                oifname {OUTER} masquerade
            }}
        }}"
    ));
}

/// Makes a machine a home router: everything out is translated, nothing comes in unasked.
pub fn home_router(node: &Node) {
    node.route_with(&format!(
        "table inet lab {{
            chain forward {{
                type filter hook forward priority filter; policy drop;
                ct state established,related accept
                iifname {LAN} accept
            }}
            chain leave {{
                type nat hook postrouting priority srcnat;
                oifname {OUTER} masquerade
            }}
        }}"
    ));
}
