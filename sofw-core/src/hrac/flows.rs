//! Media flows as HRAS ordered them, within what phones announced.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use super::called::{CallId, Called};
use super::phones::Phones;
use crate::base::{Deadline, Instant, SiteId};
use crate::config::MediaConfig;
use crate::config::limits::{ORPHAN_PORT_LIFE, SDP_MEDIA_LINES_MAX};
use crate::event::DropReason;
use crate::io::Output;
use crate::media::{Accept, Leg, LinkId, Relay, Remote};
use crate::rat::ports::{KeeperOutput, PortKeeper};
use crate::tunnel::{FlowId, Frame, RaHeader, Urgent};

/// Relay ports and the flows that use them.
#[derive(Debug)]
pub(super) struct Flows {
    pub(super) keeper: PortKeeper,
    pub(super) relay: Relay,
    open: BTreeMap<FlowId, Open>,
    /// Relay ports of flows whose phone nobody announced, and who HRAS says it is.
    mute: BTreeMap<u16, (FlowId, Remote)>,
    /// Relay ports that phones were told of, whose own addresses HRAS has yet to name.
    called: Called,
    /// Ports of flows that a former session had, and to whom they led.
    orphans: BTreeMap<u16, Option<Remote>>,
    orphans_until: Option<Instant>,
    /// Ports to announce.
    ready: Vec<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    port: u16,
    link: LinkId,
    remote: Option<Remote>,
}

/// Why a flow, or its phone's address, was refused.
type Refusal = (DropReason, Option<SocketAddr>);

impl Flows {
    pub(super) fn new(config: &MediaConfig) -> Self {
        Flows {
            keeper: PortKeeper::new(config),
            relay: Relay::new(None),
            open: BTreeMap::new(),
            mute: BTreeMap::new(),
            called: Called::default(),
            orphans: BTreeMap::new(),
            orphans_until: None,
            ready: Vec::new(),
        }
    }

    /// `OpenFlow`. A phone's address that no phone announced is refused, but the flow is open: it stays mute.
    pub(super) fn open(
        &mut self,
        now: Instant,
        phones: &mut Phones,
        flow: FlowId,
        port: u16,
        (phone, phone_rtcp): (Option<SocketAddr>, Option<SocketAddr>),
        urgent: Urgent,
    ) -> Result<(), Refusal> {
        if flow.is_rtcp() || flow.0 > FlowId::MAX {
            return Err((DropReason::NoFlow, None));
        }
        if self.open.get(&flow).is_some_and(|open| open.port != port) {
            self.close(flow);
        }
        let former =
            self.open.get(&flow).map(|open| open.remote).or_else(|| self.orphans.get(&port).copied());
        let wanted = phone.map(|rtp| Remote { rtp, rtcp: phone_rtcp.unwrap_or(rtp) });
        let remote = wanted.filter(|&remote| phones.announced(now, remote) || former == Some(Some(remote)));
        let leg = Leg::Socket { port, remote, accept: Accept::Inside };
        let link = match self.open.get(&flow) {
            Some(open) => {
                self.relay.set_remote(open.link, 0, remote, Accept::Inside);
                self.relay.set_urgent(open.link, urgent);
                open.link
            }
            None => {
                if self.orphans.remove(&port).is_none() && !self.keeper.claim(port) {
                    return Err((DropReason::NoFlow, None));
                }
                let tunnel = Leg::Tunnel { site: SiteId(0), flow };
                let Some(link) = self.relay.open(now, [leg, tunnel], urgent) else {
                    self.keeper.release(port);
                    return Err((DropReason::NoFlow, None));
                };
                link
            }
        };
        self.open.insert(flow, Open { port, link, remote });
        self.mute.remove(&port);
        if wanted.is_some() {
            self.called.forget(port);
        }
        match wanted {
            Some(wanted) if remote.is_none() => {
                self.mute.insert(port, (flow, wanted));
                Err((DropReason::UnannouncedInside, Some(wanted.rtp)))
            }
            _ => Ok(()),
        }
    }

    /// A datagram came to the relay port of a mute flow from the very address and port that HRAS names: the phone has
    /// announced itself. So calls go on after a restart of HRAC, which has seen none of their SDP.
    pub(super) fn announces_itself(&mut self, port: u16, from: SocketAddr) -> bool {
        let Some(&(flow, wanted)) = self.mute.get(&(port & !1)) else { return false };
        // Who speaks vouches for his own pair of ports (RFC 3550 §11). Another address that HRAS puts beside it may be anybody's:
        // it is not used, and RTCP goes where RTP goes.
        let remote = if is_pair(wanted) { wanted } else { Remote { rtcp: wanted.rtp, ..wanted } };
        let named = if port & 1 == 0 { remote.rtp } else { remote.rtcp };
        let Some(open) = self.open.get_mut(&flow).filter(|_| from == named) else { return false };
        open.remote = Some(remote);
        self.relay.set_remote(open.link, 0, Some(remote), Accept::Inside);
        self.mute.remove(&(port & !1));
        true
    }

    /// HRAS's SDP tells a phone of these relay ports, by m-line: what it answers in that call belongs to them.
    pub(super) fn told(&mut self, phone: RaHeader, call: CallId, media: impl Iterator<Item = Option<u16>>) {
        for (line, port) in media.enumerate().take(SDP_MEDIA_LINES_MAX) {
            let Some(port) =
                port.filter(|&port| self.open_on(port).is_some_and(|open| open.remote.is_none()))
            else {
                continue;
            };
            self.called.tell(phone, call, line, port);
        }
    }

    /// The SDP of a phone: the media of the call that it was told of may pass at once. HRAS names the same address as soon
    /// as it has read the same message, but the phone speaks before that.
    pub(super) fn answered(&mut self, phone: RaHeader, call: CallId, media: &[Option<Remote>]) {
        for (line, port) in self.called.take(phone, call) {
            let Some(&Some(remote)) = media.get(line) else { continue };
            let Some(open) = self.open_on(port).filter(|open| open.remote.is_none()) else { continue };
            open.remote = Some(remote);
            let link = open.link;
            self.relay.set_remote(link, 0, Some(remote), Accept::Inside);
        }
    }

    /// The flow of a relay port that HRAS has named no phone for.
    fn open_on(&mut self, port: u16) -> Option<&mut Open> {
        if port % 2 == 1 || self.mute.contains_key(&port) {
            return None;
        }
        let (link, _) = self.relay.by_port(port)?;
        let flow = self.relay.legs(link)?.into_iter().find_map(|leg| match leg {
            Leg::Tunnel { flow, .. } => Some(flow),
            Leg::Socket { .. } => None,
        })?;
        self.open.get_mut(&flow)
    }

    /// `CloseFlow`.
    pub(super) fn close(&mut self, flow: FlowId) {
        if let Some(open) = self.open.remove(&flow) {
            self.relay.close(open.link);
            self.mute.remove(&open.port);
            self.called.forget(open.port);
            self.keeper.release(open.port);
        }
    }

    /// The session is over. The ports stay open for a while: if calls live on, HRAS opens their flows again.
    pub(super) fn orphan_all(&mut self, now: Instant) {
        self.mute.clear();
        self.called = Called::default();
        for open in core::mem::take(&mut self.open).into_values() {
            self.relay.close(open.link);
            self.orphans.insert(open.port, open.remote);
        }
        if !self.orphans.is_empty() {
            self.orphans_until = Some(now + ORPHAN_PORT_LIFE);
        }
    }

    /// All ports that are open and free are to be announced (again).
    pub(super) fn announce_all(&mut self) {
        self.ready = self.keeper.ready().collect();
    }

    /// What became ready since the last call.
    pub(super) fn ports_ready(&mut self) -> Option<Frame> {
        (!self.ready.is_empty()).then(|| Frame::PortsReady(core::mem::take(&mut self.ready)))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.keeper.handle_timeout(now);
        if self.orphans_until.is_some_and(|at| at <= now) {
            self.orphans_until = None;
            for (port, _) in core::mem::take(&mut self.orphans) {
                self.keeper.release(port);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        let orphans = self.orphans_until.map(|at| Deadline::new(at, "ports of a lost session"));
        Deadline::earlier(self.keeper.poll_timeout(), orphans)
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        loop {
            match self.keeper.poll()? {
                KeeperOutput::Io(output) => return Some(output),
                KeeperOutput::Ready(port) => self.ready.push(port),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

fn is_pair(remote: Remote) -> bool {
    let next = remote.rtp.port().checked_add(1).map(|port| SocketAddr::new(remote.rtp.ip(), port));
    remote.rtcp == remote.rtp || Some(remote.rtcp) == next
}
