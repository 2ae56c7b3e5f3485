//! A relay agent with open ports and two sites that both use 10.10.10.0/24.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use crate::base::{Hop, InsideAddr, Instant, OutsideAddr, SiteId, Transport};
use crate::config::limits::{MEDIA_SILENCE_MAX, VOICE_AGE_MAX};
use crate::config::{HrasConfig, MediaConfig};
use crate::event::Event;
use crate::io::{Output, SocketId};
use crate::media::Forward as MediaForward;
use crate::proxy::{BranchId, Forward, RelayModule};
use crate::rat::{RatOutput, RelayAgent};
use crate::sip::Message;
use crate::tunnel::{FlowId, Frame};

pub(super) const HQ: SiteId = SiteId(0);
pub(super) const BRANCH_OFFICE: SiteId = SiteId(1);

pub(super) struct World {
    pub(super) agent: RelayAgent,
    pub(super) now: Instant,
    pub(super) events: Vec<Event>,
    /// What HRAC of each site knows: by flow, its port and its phone.
    pub(super) hracs: BTreeMap<(SiteId, FlowId), (u16, Option<SocketAddr>)>,
    next_branch: u64,
}

/// Where a datagram came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// At a phone of a site, from this port of HRAC.
    Inside(SiteId, SocketAddr, u16),
    /// On the public network, from this port of HRAS.
    Outside(SocketAddr, u16),
    Nowhere,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_ports((20_000, 20_399), 100)
    }

    pub(super) fn with_ports(outside: (u16, u16), pairs_per_site: u16) -> Self {
        let address = ip("203.0.113.5");
        let config = HrasConfig {
            domain: "example.net".into(),
            sip: Vec::new(),
            media: MediaConfig { bind: address, address, ports: outside },
            tunnel: Vec::new(),
            sites: Vec::new(),
            users: Vec::new(),
            voice_age_max: VOICE_AGE_MAX,
            media_silence_max: MEDIA_SILENCE_MAX,
            outside_calls: false,
        };
        let mut world = World {
            agent: RelayAgent::new(&config, Instant::ZERO),
            now: Instant::ZERO,
            events: Vec::new(),
            hracs: BTreeMap::new(),
            next_branch: 0,
        };
        for site in [HQ, BRANCH_OFFICE] {
            world.agent.site_up(world.now, site, ip("10.10.10.2"));
            let ports: Vec<u16> = (0..pairs_per_site).map(|pair| 30_000 + 2 * pair).collect();
            world.agent.ports_ready(site, &ports);
        }
        world.drain();
        world
    }

    pub(super) fn branch(&mut self) -> BranchId {
        self.next_branch += 1;
        BranchId(self.next_branch)
    }

    /// A request on its way; the body that the reader gets.
    pub(super) fn request(
        &mut self,
        (from, to): (Hop, Hop),
        branch: BranchId,
        bytes: &str,
    ) -> Result<Option<String>, u16> {
        let message = Message::parse(bytes.as_bytes()).unwrap();
        let initial = message.to().tag().is_none();
        let leg = Forward { branch, from, to, initial, call_id: message.call_id() };
        let body = self.agent.request(self.now, &leg, &message);
        self.drain();
        body.map(|body| body.map(|body| String::from_utf8(body).unwrap()))
    }

    /// A response to a request that went from `from` to `to`.
    pub(super) fn response(
        &mut self,
        (from, to): (Hop, Hop),
        branch: BranchId,
        bytes: &str,
    ) -> Result<Option<String>, u16> {
        let message = Message::parse(bytes.as_bytes()).unwrap();
        let leg = Forward { branch, from, to, initial: false, call_id: message.call_id() };
        let body = self.agent.response(self.now, &leg, &message);
        self.drain();
        body.map(|body| body.map(|body| String::from_utf8(body).unwrap()))
    }

    pub(super) fn fail(&mut self, branch: BranchId) {
        self.agent.branch_failed(self.now, branch, "final error");
        self.drain();
    }

    pub(super) fn bye(&mut self, call: &str, tags: (&str, &str)) {
        self.agent.dialog_ended(self.now, call, tags, "bye");
        self.drain();
    }

    /// INVITE with an offer and 200 with an answer; the bodies that callee and caller get.
    pub(super) fn call(
        &mut self,
        call: &str,
        hops: (Hop, Hop),
        offer: &str,
        answer: &str,
    ) -> (String, String) {
        let branch = self.branch();
        let offer = self.request(hops, branch, &request("INVITE", call, "a", None, offer)).unwrap().unwrap();
        let answer =
            self.response(hops, branch, &response(200, "INVITE", call, "a", "b", answer)).unwrap().unwrap();
        (offer, answer)
    }

    /// A phone of a site sends from `from` to HRAC's `port`.
    pub(super) fn phone_sends(&mut self, site: SiteId, port: u16, bytes: &[u8]) -> Heard {
        let flow = self.hracs.iter().find(|((at, _), (open, _))| *at == site && *open == port & !1);
        let Some((&(_, flow), _)) = flow else { return Heard::Nowhere };
        let flow = if port % 2 == 1 { flow.rtcp() } else { flow };
        let forward = self.agent.relay.from_tunnel(self.now, site, flow, bytes);
        self.heard(forward)
    }

    /// A terminal outside sends to HRAS's `port`.
    pub(super) fn outside_sends(&mut self, from: &str, port: u16, bytes: &[u8]) -> Heard {
        let forward = self.agent.relay.from_socket(self.now, port, addr(from), bytes);
        self.heard(forward)
    }

    fn heard(&self, forward: MediaForward) -> Heard {
        match forward {
            MediaForward::Socket { port, to } => Heard::Outside(to, port),
            MediaForward::Drop(_) => Heard::Nowhere,
            MediaForward::Tunnel { site, flow, .. } => {
                match self.hracs.get(&(site, FlowId(flow.0 & !1))) {
                    Some(&(port, Some(phone))) => {
                        // The phone's RTCP is one higher in these tests.
                        let stream = u16::from(flow.is_rtcp());
                        Heard::Inside(site, SocketAddr::new(phone.ip(), phone.port() + stream), port + stream)
                    }
                    _ => Heard::Nowhere,
                }
            }
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                RatOutput::Io(Output::Bind { socket: SocketId::Media(port), .. }) => {
                    self.agent.handle_bound(self.now, port);
                }
                RatOutput::Io(Output::Unbind(_)) => {}
                RatOutput::Io(other) => panic!("{other:?}"),
                RatOutput::Event(event) => {
                    assert!(!matches!(event, Event::InvariantBroken(_)), "{event:?}");
                    self.events.push(event);
                }
                RatOutput::Frame(site, Frame::OpenFlow { flow, port, phone, .. }) => {
                    let taken = self
                        .hracs
                        .iter()
                        .any(|(&key, open)| key.0 == site && open.0 == port && key.1 != flow);
                    assert!(!taken, "HRAC's port {port} given twice");
                    self.hracs.insert((site, flow), (port, phone));
                }
                RatOutput::Frame(site, Frame::CloseFlow(flow)) => {
                    let (port, _) = self.hracs.remove(&(site, flow)).expect("a flow is closed once");
                    self.agent.ports_ready(site, &[port]);
                }
                RatOutput::Frame(_, other) => panic!("{other:?}"),
            }
        }
    }
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) fn inside(site: SiteId, at: &str) -> Hop {
    Hop::Inside(InsideAddr { site, transport: Transport::Udp, addr: addr(at) })
}

pub(super) fn outside(at: &str) -> Hop {
    Hop::Outside(OutsideAddr { listener: 0, transport: Transport::Udp, addr: addr(at) })
}

pub(super) fn request(method: &str, call: &str, from_tag: &str, to_tag: Option<&str>, body: &str) -> String {
    let to_tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    finish(&format!("{method} sip:bob@example.net SIP/2.0"), method, call, from_tag, &to_tag, body)
}

pub(super) fn response(
    status: u16,
    method: &str,
    call: &str,
    from_tag: &str,
    to_tag: &str,
    body: &str,
) -> String {
    finish(&format!("SIP/2.0 {status} Whatever"), method, call, from_tag, &format!(";tag={to_tag}"), body)
}

fn finish(start: &str, method: &str, call: &str, from_tag: &str, to_tag: &str, body: &str) -> String {
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@example.net>;tag={from_tag}\r\nTo: <sip:bob@example.net>{to_tag}\r\n\
         Call-ID: {call}\r\nCSeq: 1 {method}\r\nContact: <sip:x@192.0.2.1>\r\n{content_type}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// An SDP body with one c-line and these m-lines (each may carry attribute lines).
pub(super) fn sdp(host: &str, media: &[&str]) -> String {
    let family = if host.contains(':') { "IP6" } else { "IP4" };
    let mut body = format!("v=0\r\no=- 1 1 IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n");
    for line in media {
        body.push_str(&format!("m={line}\r\n"));
    }
    body
}

pub(super) fn audio(port: u16) -> String {
    format!("audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000")
}

/// The address of the first c-line and the ports of all m-lines.
pub(super) fn told(body: &str) -> (IpAddr, Vec<u16>) {
    let host = body.lines().find_map(|line| line.strip_prefix("c=IN IP")).unwrap();
    let ports = body
        .lines()
        .filter_map(|line| line.strip_prefix("m="))
        .map(|line| line.split(' ').nth(1).unwrap().parse().unwrap())
        .collect();
    (ip(host.get(2..).unwrap()), ports)
}
