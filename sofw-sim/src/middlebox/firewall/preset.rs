//! Named firewalls.

use core::net::IpAddr;

use super::rule::{Network, Rule, Verdict};
use super::{FirewallParams, INSIDE};
use crate::packet::Protocol;

/// A named firewall.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name that scenario files use.
    pub name: &'static str,
    /// What it stands for.
    pub about: &'static str,
    /// Whether it lets out nobody but a proxy, whose address it must be told.
    pub needs_proxy: bool,
    rules: fn(Option<IpAddr>) -> (Vec<Rule>, Verdict),
}

impl Preset {
    /// Its parameters. `proxy` is the address of the HTTP proxy; without one `proxy-only` lets out nobody.
    pub fn params(&self, proxy: Option<IpAddr>) -> FirewallParams {
        let (rules, default_out) = (self.rules)(proxy);
        FirewallParams { rules, default_out, ..FirewallParams::default() }
    }
}

/// The firewall of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// All of them. From outside nothing comes in but answers.
pub static PRESETS: [Preset; 5] = [
    Preset {
        name: "open",
        about: "lets everything out, as at home",
        needs_proxy: false,
        rules: |_| (Vec::new(), Verdict::Allow),
    },
    Preset {
        name: "web-only",
        about: "lets out TCP to ports 80 and 443 and nothing else",
        needs_proxy: false,
        rules: |_| (web(None), Verdict::Drop),
    },
    Preset {
        name: "proxy-only",
        about: "lets out nobody but the HTTP proxy, and that to TCP ports 80 and 443: the company of the paper",
        needs_proxy: true,
        rules: |proxy| (proxy.map(|proxy| web(Some(Network::one(proxy)))).unwrap_or_default(), Verdict::Drop),
    },
    Preset {
        name: "no-udp",
        about: "lets out all TCP and no UDP",
        needs_proxy: false,
        rules: |_| {
            let udp = Rule { protocol: Some(Protocol::Udp), ..Rule::all(INSIDE, Verdict::Drop) };
            (vec![udp], Verdict::Allow)
        },
    },
    Preset {
        name: "closed",
        about: "lets nothing out",
        needs_proxy: false,
        rules: |_| (Vec::new(), Verdict::Drop),
    },
];

fn web(source: Option<Network>) -> Vec<Rule> {
    let to = |port| Rule { source, ..Rule::to_port(INSIDE, Protocol::Tcp, port, Verdict::Allow) };
    vec![to(80), to(443)]
}
