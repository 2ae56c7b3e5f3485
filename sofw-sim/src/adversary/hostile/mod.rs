//! A HRAS that knows the sites' keys and uses its tunnels to make HRAC harm the inside.
//!
//! ```text
//! phones ─▶ HRAC ══ a real session ══▶ TunnelServer ─▶ learn: who spoke, which ports, which media addresses
//!             ▲══════════════════════════════════════ attack, every 20 ms, drawn from a seed
//! ```
//! It answers phones well enough that they go on speaking, and calls them, so that HRAC has something to be talked out of.

mod attack;
#[cfg(test)]
mod tests;
mod words;

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sofw_core::base::{Deadline, Duration, Instant, Rng, Seed, SiteId};
use sofw_core::config::HrasConfig;
use sofw_core::io::{Input, ListenerId, Output};
use sofw_core::sdp::{Sdp, find};
use sofw_core::sip::{HeaderName, Message, Method};
use sofw_core::tunnel::{FlowId, Frame, RaHeader, TunnelOutput, TunnelServer};

use crate::host::{Act, Application};
use attack::Attack;

/// The adversary. It listens where the configuration says that HRAS's tunnels do, and nowhere else.
#[derive(Debug)]
pub struct HostileHras {
    tunnel: TunnelServer,
    victims: BTreeMap<SiteId, Victim>,
    rng: Rng,
    out: VecDeque<Act>,
    next_attack: Option<Instant>,
    now: Instant,
    flushed: bool,
    counters: BTreeMap<&'static str, u64>,
}

/// What it knows of a site.
#[derive(Clone, Debug)]
struct Victim {
    /// HRAC's address on the LAN.
    hrac: IpAddr,
    /// Relay ports that HRAC offered.
    ports: Vec<u16>,
    /// Who spoke SIP.
    phones: Vec<RaHeader>,
    /// Media addresses that phones announced.
    media: BTreeSet<SocketAddr>,
    /// Flows that were opened.
    flows: Vec<FlowId>,
}

impl HostileHras {
    /// With the keys of this configuration.
    pub fn new(config: &HrasConfig, seed: Seed) -> Self {
        let rng = Rng::new(seed);
        let listeners = (0..).zip(&config.tunnel);
        let listen = |(index, &addr)| Act::Do(Output::Listen { listener: ListenerId::Tunnel(index), addr });
        HostileHras {
            tunnel: TunnelServer::new(config, rng.fork("tunnel"), Instant::ZERO),
            victims: BTreeMap::new(),
            rng: rng.fork("attacks"),
            out: listeners.map(listen).collect(),
            next_attack: None,
            now: Instant::ZERO,
            flushed: false,
            counters: BTreeMap::new(),
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.tunnel.poll() {
            match output {
                TunnelOutput::Io(output) => self.out.push_back(Act::Do(output)),
                TunnelOutput::Frame(site, frame) => self.learn(site, frame),
                // What a phone says comes back to it on the RTCP flow, and on one that does not exist.
                TunnelOutput::Voice(site, flow, voice) => {
                    for flow in [flow.rtcp(), FlowId(flow.0 ^ 0x4000)] {
                        self.tunnel.send_voice(self.now, site, flow, false, &voice);
                    }
                }
                TunnelOutput::Started(site) | TunnelOutput::Ended(site) => {
                    self.victims.remove(&site);
                }
            }
        }
    }

    fn learn(&mut self, site: SiteId, frame: Frame) {
        match frame {
            Frame::Announce { media, .. } => {
                let victim = Victim {
                    hrac: media,
                    ports: Vec::new(),
                    phones: Vec::new(),
                    media: BTreeSet::new(),
                    flows: Vec::new(),
                };
                self.victims.insert(site, victim);
                self.next_attack.get_or_insert(self.now + ATTACK_EVERY);
            }
            Frame::PortsReady(ports) => {
                if let Some(victim) = self.victims.get_mut(&site) {
                    victim.ports.extend(ports);
                    let surplus = victim.ports.len().saturating_sub(KNOWN_MAX);
                    victim.ports.drain(..surplus);
                }
            }
            Frame::Sip { phone, message } => self.learn_from(site, phone, &message),
            Frame::Undelivered { .. } => self.count("undelivered"),
            Frame::OpenFlow { .. } | Frame::CloseFlow(_) => {}
        }
    }

    fn learn_from(&mut self, site: SiteId, phone: RaHeader, bytes: &[u8]) {
        let (Some(victim), Ok(message)) = (self.victims.get_mut(&site), Message::parse(bytes)) else {
            return;
        };
        if !victim.phones.contains(&phone) && victim.phones.len() < KNOWN_MAX {
            victim.phones.push(phone);
        }
        let kind = message.header(HeaderName::ContentType).unwrap_or_default();
        let body = find(kind, message.body()).and_then(|place| message.body().get(place));
        if let Some(sdp) = body.and_then(|body| Sdp::parse(body).ok()) {
            victim.media.extend(sdp.media().iter().filter_map(|line| line.rtp).take(KNOWN_MAX));
        }
        let answer = match (message.is_request(), message.method()) {
            (true, Method::Ack) => return,
            (true, method) => words::answer(&message, if method == Method::Invite { 486 } else { 200 }),
            (false, Method::Invite) if message.status().is_some_and(|status| status >= 200) => {
                words::ack(&mut self.rng, phone, victim.hrac, &message)
            }
            (false, _) => return,
        };
        self.tunnel.send(self.now, site, Frame::Sip { phone, message: answer.into() });
    }

    fn count(&mut self, what: &'static str) {
        *self.counters.entry(what).or_insert(0) += 1;
    }

    /// One attack on each site.
    fn attack(&mut self) {
        for site in self.victims.keys().copied().collect::<Vec<_>>() {
            let attack = Attack::ALL[self.rng.below(Attack::ALL.len() as u64) as usize];
            if let Some(victim) = self.victims.get_mut(&site) {
                let mut means =
                    attack::Means { now: self.now, site, rng: &mut self.rng, tunnel: &mut self.tunnel };
                attack.carry_out(&mut means, victim);
                self.count(attack.name());
            }
        }
    }
}

impl Application for HostileHras {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        (self.now, self.flushed) = (now, false);
        match input {
            Input::Accepted { listener: ListenerId::Tunnel(_), conn, peer } => {
                self.tunnel.handle_accepted(now, conn, peer);
            }
            Input::Received { conn, bytes } => self.tunnel.handle_received(now, conn, bytes),
            Input::Written(conn) => self.tunnel.handle_written(now, conn),
            Input::Closed(conn, error) => self.tunnel.handle_closed(now, conn, error),
            _ => {}
        }
        self.drain();
    }

    fn handle_timeout(&mut self, now: Instant) {
        (self.now, self.flushed) = (now, false);
        self.tunnel.handle_timeout(now);
        if self.next_attack.is_some_and(|at| at <= now) {
            self.next_attack = Some(now + ATTACK_EVERY);
            self.attack();
        }
        self.drain();
    }

    fn poll_act(&mut self) -> Option<Act> {
        if self.out.is_empty() && !self.flushed {
            self.flushed = true;
            self.tunnel.flush(self.now);
            self.drain();
        }
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let attack = self.next_attack.map(|at| Deadline::new(at, "attack"));
        Deadline::earlier(self.tunnel.poll_timeout(), attack)
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        self.counters.iter().map(|(&what, &count)| (what, count)).collect()
    }
}

/// Fifty a second: many of each kind in a scenario of a minute, without filling the line.
const ATTACK_EVERY: Duration = Duration::from_millis(20);
/// Phones, ports and media lines of one message that it remembers.
const KNOWN_MAX: usize = 64;
