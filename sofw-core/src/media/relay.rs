//! The table of links and the two look-ups of the hot path.

use core::net::SocketAddr;

use slab::Slab;

use super::latch::Latch;
use super::leg::{Accept, Forward, Leg, Remote};
use super::link::{DirectionStats, End, Link, LinkStats};
use crate::base::{Deadline, Duration, Expiring, Instant, SiteId};
use crate::event::DropReason;
use crate::tunnel::{FlowId, Urgent};

/// A link of a [`Relay`]: RTP of one media line and its RTCP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct LinkId(u32);

/// Decides for every media datagram where it goes.
#[derive(Debug)]
pub struct Relay {
    links: Slab<Link>,
    /// By UDP port. `u32::MAX` is none; else link key × 2 + side.
    ports: Vec<u32>,
    /// By site, then by flow index / 2.
    flows: Vec<Vec<u32>>,
    silence: Expiring<LinkId>,
    silence_max: Option<Duration>,
    drops: [u64; DropReason::ALL.len()],
}

impl Relay {
    /// An empty relay. With `silence_max`, links without a packet for so long come out of [`Relay::pop_silent`].
    pub fn new(silence_max: Option<Duration>) -> Self {
        Relay {
            links: Slab::new(),
            ports: Vec::new(),
            flows: Vec::new(),
            silence: Expiring::new("media silence"),
            silence_max,
            drops: [0; DropReason::ALL.len()],
        }
    }

    /// Joins two legs. `None` if a leg's port or flow is in use by another link, or a port is odd or a flow id is.
    pub fn open(&mut self, now: Instant, legs: [Leg; 2], urgent: Urgent) -> Option<LinkId> {
        if legs.iter().any(|leg| !leg.is_even() || self.slot(leg) != NONE) || legs[0].same_slot(&legs[1]) {
            return None;
        }
        let ends =
            legs.map(|leg| End { leg, latches: [Latch::default(); 2], stats: DirectionStats::default() });
        let key =
            self.links.insert(Link { ends, urgent, last_activity: now, opened: now, held: false }) as u32;
        for (side, leg) in (0..).zip(&legs) {
            self.set_slot(leg, key * 2 + side);
        }
        if let Some(max) = self.silence_max {
            self.silence.set(LinkId(key), now + max);
        }
        Some(LinkId(key))
    }

    /// Signalling said something new about the terminal behind socket leg `side`. An unchanged SDP leaves the latch
    /// locked. Tunnel legs and unknown links are left alone.
    pub fn set_remote(&mut self, link: LinkId, side: usize, new: Option<Remote>, new_accept: Accept) {
        let Some(end) = self.links.get_mut(link.key()).and_then(|link| link.ends.get_mut(side)) else {
            return;
        };
        if let Leg::Socket { remote, accept, .. } = &mut end.leg {
            if *remote != new {
                end.latches.iter_mut().for_each(Latch::reset);
                end.stats.learned = None;
            }
            *remote = new;
            *accept = new_accept;
        }
    }

    /// Sets which datagrams must not be dropped for age.
    pub fn set_urgent(&mut self, link: LinkId, urgent: Urgent) {
        if let Some(link) = self.links.get_mut(link.key()) {
            link.urgent = urgent;
        }
    }

    /// A held link may be silent for any time.
    pub fn set_held(&mut self, now: Instant, link: LinkId, held: bool) {
        if let Some(link) = self.links.get_mut(link.key()) {
            if link.held && !held {
                link.last_activity = now;
            }
            link.held = held;
        }
    }

    /// Removes a link; the last word about it.
    pub fn close(&mut self, link: LinkId) -> Option<LinkStats> {
        let closed = self.links.try_remove(link.key())?;
        for end in &closed.ends {
            self.set_slot(&end.leg, NONE);
        }
        self.silence.clear(link);
        Some(closed.stats())
    }

    /// Counters of a link.
    pub fn stats(&self, link: LinkId) -> Option<LinkStats> {
        self.links.get(link.key()).map(Link::stats)
    }

    /// The legs of a link as signalling set them.
    pub fn legs(&self, link: LinkId) -> Option<[Leg; 2]> {
        self.links.get(link.key()).map(|link| link.ends.each_ref().map(|end| end.leg))
    }

    /// The link and side that media on `port` (RTP or RTCP) belongs to.
    pub fn by_port(&self, port: u16) -> Option<(LinkId, usize)> {
        unpack(self.ports.get(usize::from(port & !1)).copied().unwrap_or(NONE))
    }

    /// The link and side of a site's flow, if that very generation is open.
    pub fn by_flow(&self, site: SiteId, flow: FlowId) -> Option<(LinkId, usize)> {
        let slot = self.flows.get(usize::from(site.0))?.get(flow.index() / 2).copied()?;
        let (link, side) = unpack(slot)?;
        let end = self.links.get(link.key())?.ends.get(side)?;
        matches!(end.leg, Leg::Tunnel { flow: open, .. } if open.0 == flow.0 & !1).then_some((link, side))
    }

    /// Links open.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether no link is open.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Datagrams dropped for a reason, since the start.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or(0)
    }

    /// A datagram arrived on a relay port.
    pub fn from_socket(&mut self, now: Instant, port: u16, from: SocketAddr, bytes: &[u8]) -> Forward {
        let stream = usize::from(port & 1);
        let decision =
            match self.by_port(port).and_then(|(id, side)| Some((self.links.get_mut(id.key())?, side))) {
                Some((link, side)) => link.relay(now, side, stream, Some(from), bytes),
                None => Forward::Drop(DropReason::NoFlow),
            };
        self.count(decision)
    }

    /// A voice frame arrived from a site's tunnel.
    pub fn from_tunnel(&mut self, now: Instant, site: SiteId, flow: FlowId, bytes: &[u8]) -> Forward {
        let stream = usize::from(flow.is_rtcp());
        let found =
            self.by_flow(site, flow).and_then(|(id, side)| Some((self.links.get_mut(id.key())?, side)));
        let decision = match found {
            Some((link, side)) => link.relay(now, side, stream, None, bytes),
            None => Forward::Drop(DropReason::NoFlow),
        };
        self.count(decision)
    }

    /// Takes a link that has been silent too long. It stays open and is reported again after another such time.
    pub fn pop_silent(&mut self, now: Instant) -> Option<LinkId> {
        let max = self.silence_max?;
        while let Some(id) = self.silence.pop_due(now) {
            let Some(link) = self.links.get(id.key()) else { continue };
            // Packets do not touch the timer; whoever spoke meanwhile gets a later one here.
            let due = if link.held { now + max } else { link.last_activity + max };
            if due > now {
                self.silence.set(id, due);
            } else {
                self.silence.set(id, now + max);
                return Some(id);
            }
        }
        None
    }

    /// When to call [`Relay::pop_silent`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.silence.next()
    }

    fn count(&mut self, decision: Forward) -> Forward {
        if let Forward::Drop(reason) = decision {
            if let Some(counter) = self.drops.get_mut(reason as usize) {
                *counter += 1;
            }
        }
        decision
    }

    fn slot(&self, leg: &Leg) -> u32 {
        let slot = match leg {
            Leg::Socket { port, .. } => self.ports.get(usize::from(*port)),
            Leg::Tunnel { site, flow } => {
                self.flows.get(usize::from(site.0)).and_then(|flows| flows.get(flow.index() / 2))
            }
        };
        slot.copied().unwrap_or(NONE)
    }

    fn set_slot(&mut self, leg: &Leg, value: u32) {
        let (table, index) = match leg {
            Leg::Socket { port, .. } => (&mut self.ports, usize::from(*port)),
            Leg::Tunnel { site, flow } => {
                let site = usize::from(site.0);
                if self.flows.len() <= site {
                    self.flows.resize_with(site + 1, Vec::new);
                }
                (&mut self.flows[site], flow.index() / 2)
            }
        };
        if table.len() <= index {
            table.resize(index + 1, NONE);
        }
        table[index] = value;
    }
}

const NONE: u32 = u32::MAX;

fn unpack(slot: u32) -> Option<(LinkId, usize)> {
    (slot != NONE).then_some((LinkId(slot / 2), (slot % 2) as usize))
}

impl LinkId {
    const fn key(self) -> usize {
        self.0 as usize
    }
}
