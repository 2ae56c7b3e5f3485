//! Packets kept for Wireshark.

use core::net::IpAddr;

use sofw_core::base::Instant;
use sofw_core::testing::phone::Stamp;

use super::calls::Calls;
use crate::link::Fate;
use crate::packet::{Packet, Protocol};
use crate::record::Capture;
use crate::run::Map;
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
            for place in &map.places {
                let many = map.places.iter().filter(|place| place.hrac.is_some()).count() > 1;
                let file = |kind: &str| if many { format!("{kind}-{}", place.name) } else { kind.to_owned() };
                match (name.as_str(), place.hrac) {
                    ("outer", _) if place.kind == HomeOrSite::Site => open.push(Open {
                        link: place.line,
                        capture: empty(file("outer"), format!("line of {}", place.name)),
                        without: Vec::new(),
                        comments: false,
                    }),
                    ("inner", Some((node, _))) => {
                        let Some(link) = map.link_of(node) else { continue };
                        let proxy = place.proxy.map(|(_, addr)| addr);
                        open.push(Open {
                            link,
                            capture: empty(
                                file("inner"),
                                format!("what the tunnel of {} carries", place.name),
                            ),
                            without: map.server_addrs.iter().copied().chain(proxy).collect(),
                            comments: true,
                        });
                    }
                    _ => {}
                }
            }
            if let Some(link) = map.link_names.iter().position(|link| link == name) {
                open.push(Open {
                    link,
                    capture: empty(name.replace([' ', '/'], "-"), name.clone()),
                    without: Vec::new(),
                    comments: true,
                });
            }
        }
        Captures { open }
    }

    /// Whether anything is captured.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
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
