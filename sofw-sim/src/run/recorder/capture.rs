//! Packets kept for Wireshark.

use core::net::IpAddr;

use sofw_core::base::Instant;
use sofw_core::testing::phone::Stamp;

use super::calls::Calls;
use crate::link::Fate;
use crate::packet::{Packet, Protocol};
use crate::record::Capture;
use crate::run::{Map, SitePlace};
use crate::scenario::Scenario;
use crate::scenario::model::HomeOrSite;
use crate::world::{LinkId, Seen};

#[derive(Debug, Default)]
pub(super) struct Captures {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    link: LinkId,
    capture: Capture,
    /// `inner`: only what the tunnel carries, i.e. nothing to or from these.
    without: Vec<IpAddr>,
    comments: bool,
}

impl Captures {
    pub fn new(scenario: &Scenario, map: &Map) -> Self {
        let mut open = Vec::new();
        for name in &scenario.capture {
            match name.as_str() {
                "outer" | "inner" => open.extend(of_sites(name, map)),
                _ => open.extend(link_of(name, map).map(|link| Open {
                    link,
                    capture: empty(name.replace([' ', '/'], "-"), map.link_names[link].clone()),
                    without: Vec::new(),
                    comments: true,
                })),
            }
        }
        Captures { open }
    }

    /// Whether what passes a link is captured.
    pub fn watches(&self, link: LinkId) -> bool {
        self.open.iter().any(|open| open.link == link)
    }

    pub fn packet(&mut self, at: Instant, seen: Seen, packet: &Packet, calls: &Calls) {
        for open in self.open.iter_mut().filter(|open| open.link == seen.link) {
            let ends = [packet.source().ip(), packet.destination().ip()];
            if ends.iter().any(|end| open.without.contains(end)) {
                continue;
            }
            if open.capture.packets.len() >= PACKETS_MAX {
                open.capture.skipped += 1;
                continue;
            }
            let call = if open.comments { comment(packet, calls) } else { None };
            let lost = match seen.fate {
                Fate::Arrives(..) => None,
                Fate::Lost(reason) => Some(format!("lost on this link: {reason:?}")),
            };
            let comment = match (call, lost) {
                (Some(call), Some(lost)) => Some(format!("{call}; {lost}")),
                (call, lost) => call.or(lost),
            };
            open.capture.packets.push((at, packet.to_wire(), comment));
        }
    }

    pub fn finish(&mut self) -> Vec<Capture> {
        std::mem::take(&mut self.open).into_iter().map(|open| open.capture).collect()
    }
}

/// A place's line, a phone's link, or the server's or its proxy's.
fn link_of(name: &str, map: &Map) -> Option<LinkId> {
    let place = map.places.iter().find(|place| place.name == name).map(|place| place.line);
    let phone = || map.phones.iter().find(|phone| phone.name == name).map(|phone| phone.link);
    place.or_else(phone).or_else(|| map.link_names.iter().position(|link| link == name))
}

/// The captures of every site.
fn of_sites(kind: &str, map: &Map) -> Vec<Open> {
    let sites: Vec<&SitePlace> = map.places.iter().filter(|place| place.kind == HomeOrSite::Site).collect();
    let one = |place: &&SitePlace| {
        let file = if sites.len() > 1 { format!("{kind}-{}", place.name) } else { kind.to_owned() };
        let name = &place.name;
        let open = |link, about: String| Open {
            link,
            capture: empty(file.clone(), about),
            without: Vec::new(),
            comments: true,
        };
        match (kind, place.hrac.and_then(|(node, _)| map.link_of(node))) {
            ("outer", _) => Open { comments: false, ..open(place.line, format!("line of {name}")) },
            (_, Some(link)) => {
                let proxy = place.proxy.map(|(_, addr)| addr);
                Open {
                    without: map.server_addrs.iter().copied().chain(proxy).collect(),
                    ..open(link, format!("what the tunnel of {name} carries"))
                }
            }
            // Its phones speak for themselves, or by another system: all of it.
            (_, None) => open(place.inner, format!("what {name} sends to its firewall")),
        }
    };
    sites.iter().map(one).collect()
}

fn empty(name: String, link: String) -> Capture {
    Capture { name, link, ..Capture::default() }
}

/// The call that a packet belongs to.
fn comment(packet: &Packet, calls: &Calls) -> Option<String> {
    if let Some(stamp) = Stamp::of_rtp(packet.payload()) {
        return calls.call_id(stamp.call).map(|call_id| format!("call {call_id}, packet {}", stamp.number));
    }
    if packet.protocol() == Protocol::Tcp {
        return None;
    }
    let text = core::str::from_utf8(packet.payload()).ok()?;
    let line = text.lines().find(|line| line.len() > 8 && line[..8].eq_ignore_ascii_case("call-id:"))?;
    Some(format!("call {}", line[8..].trim()))
}

/// Most packets of one capture: a file that Wireshark still opens quickly.
const PACKETS_MAX: usize = 200_000;
