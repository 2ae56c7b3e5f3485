//! The paper's relay module: RAT, relay ports and media relay as one, for HRAS.

use core::net::IpAddr;
use std::collections::VecDeque;

use super::group::{CALLEE, CALLER, Group, GroupLeg, Heard, Line};
use super::record::{Record, Space};
use super::removal;
use super::spaces::Spaces;
use super::table::{Key, Table};
use crate::base::{Deadline, Duration, Hop, Instant, SiteId};
use crate::config::HrasConfig;
use crate::config::limits::{DIALOGS_MAX, OUTSIDE_UNANSWERED_MAX, SDP_MEDIA_LINES_MAX};
use crate::event::Event;
use crate::io::Output;
use crate::media::{Accept, Leg, Relay, Remote};
use crate::proxy::BranchId;
use crate::tunnel::Frame;

/// HRAS's relay module. Hand it to [`crate::proxy::SipServer`] as its `RelayModule`; after each call drain
/// [`RelayAgent::poll`] *before* sending what the SIP server gave, so that `OpenFlow` precedes the SDP that needs it.
#[derive(Debug)]
pub struct RelayAgent {
    /// The media plane: give it every media datagram and voice frame.
    pub relay: Relay,
    pub(super) table: Table,
    pub(super) spaces: Spaces,
    pub(super) out: VecDeque<RatOutput>,
    pub(super) silence_max: Duration,
}

/// What the relay module wants.
#[derive(Clone, Debug)]
pub enum RatOutput {
    /// A frame for a site.
    Frame(SiteId, Frame),
    /// A relay socket to open or close.
    Io(Output),
    /// For the operator.
    Event(Event),
}

impl RelayAgent {
    /// An empty table; asks for its first relay ports.
    pub fn new(config: &HrasConfig, _now: Instant) -> Self {
        RelayAgent {
            relay: Relay::new(Some(config.media_silence_max)),
            table: Table::default(),
            spaces: Spaces::new(&config.media),
            out: VecDeque::new(),
            silence_max: config.media_silence_max,
        }
    }

    /// A relay socket is open.
    pub fn handle_bound(&mut self, now: Instant, port: u16) {
        self.spaces.bound(now, port);
        self.drain_keeper();
    }

    /// A relay socket could not be opened.
    pub fn handle_bind_failed(&mut self, now: Instant, port: u16) {
        self.spaces.keeper().handle_bind_failed(now, port);
        self.drain_keeper();
    }

    /// A site's `Announce`: a session began. Its pool is emptied until `PortsReady`, and the flows of calls still alive
    /// are opened again.
    pub fn site_up(&mut self, _now: Instant, site: SiteId, media: IpAddr) {
        self.spaces.site_up(site, media);
        for (_, group) in self.table.iter() {
            for facing in group.lines.iter().flat_map(|line| line.facing.iter().flatten()) {
                if let (Some((at, _)), Some(frame)) = (facing.flow, &facing.said) {
                    if at == site {
                        self.out.push_back(RatOutput::Frame(site, frame.clone()));
                    }
                }
            }
        }
    }

    /// A site's `PortsReady`.
    pub fn ports_ready(&mut self, site: SiteId, ports: &[u16]) {
        self.spaces.ports_ready(site, ports);
    }

    /// A site's session is over: all its records end.
    pub fn site_ended(&mut self, _now: Instant, site: SiteId) {
        self.spaces.site_ended(site);
        let space = Space::Site(site);
        let lost: Vec<Key> = self
            .table
            .iter()
            .filter(|(_, group)| group.side_in(space).is_some())
            .map(|(key, _)| key)
            .collect();
        for key in lost {
            self.remove(key, removal::TUNNEL_LOST);
        }
    }

    /// Lets silence and port retries act.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.spaces.keeper().handle_timeout(now);
        self.drain_keeper();
        self.remove_silent(now);
    }

    /// When to call [`RelayAgent::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earlier(self.relay.poll_timeout(), self.spaces.keeper_ref().poll_timeout())
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<RatOutput> {
        if self.out.is_empty() {
            self.drain_keeper();
        }
        self.out.pop_front()
    }

    /// All records, by dialog and media line.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.table.iter().flat_map(|(_, group)| group.records(&self.relay))
    }

    /// Dialog groups, relay port pairs and flows in use: zero when no call is.
    pub fn in_use(&self) -> usize {
        self.table.len() + self.spaces.in_use() + self.relay.len()
    }

    pub(super) fn drain_keeper(&mut self) {
        while let Some(output) = self.spaces.poll_keeper() {
            self.out.push_back(RatOutput::Io(output));
        }
    }

    /// A new group; `Err` when there are too many.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        branch: BranchId,
        (caller, callee): (Hop, Hop),
        call_id: &str,
        (caller_tag, callee_tag): (&str, Option<&str>),
    ) -> Result<Key, u16> {
        let outside = Space::of(caller) == Space::Outside;
        if self.table.len() >= DIALOGS_MAX || (outside && self.unanswered_outside() >= OUTSIDE_UNANSWERED_MAX)
        {
            return Err(503);
        }
        Ok(self.table.insert(Group {
            call_id: call_id.to_owned(),
            caller_tag: caller_tag.to_owned(),
            callee_tag: callee_tag.map(str::to_owned),
            branch,
            legs: [GroupLeg::of(caller), GroupLeg::of(callee)],
            lines: Vec::new(),
            pending: Vec::new(),
            confirmed: false,
            created: now,
        }))
    }

    fn unanswered_outside(&self) -> usize {
        let unanswered = |group: &Group| !group.confirmed && group.legs[CALLER].space == Space::Outside;
        self.table.iter().filter(|(_, group)| unanswered(group)).count()
    }

    /// The terminal at `side` describes its media. Gives, per m-line, what the other terminal is to believe.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        key: Key,
        side: usize,
        heard: &[Heard],
    ) -> Result<Vec<Option<Remote>>, u16> {
        if heard.len() > SDP_MEDIA_LINES_MAX {
            return Err(488);
        }
        let told = self.face(key, side, heard)?;
        let Some(group) = self.table.get_mut(key) else { return Ok(told) };
        for (line, &heard) in group.lines.iter_mut().zip(heard) {
            line.state.hear(side, heard);
        }
        self.apply(now, key);
        Ok(told)
    }

    /// As [`Self::hear`], but changes nothing: for a second answer to one offer (a fork beyond us).
    pub(super) fn overhear(
        &mut self,
        key: Key,
        side: usize,
        heard: &[Heard],
    ) -> Result<Vec<Option<Remote>>, u16> {
        if heard.len() > SDP_MEDIA_LINES_MAX {
            return Err(488);
        }
        self.face(key, side, heard)
    }

    /// Gives each wanted line a relay port towards the listener, and says which.
    fn face(&mut self, key: Key, speaker: usize, heard: &[Heard]) -> Result<Vec<Option<Remote>>, u16> {
        let listener = CALLEE - speaker;
        let Some(group) = self.table.get_mut(key) else { return Err(481) };
        let space = group.legs[listener].space;
        if group.lines.len() < heard.len() {
            group.lines.resize_with(heard.len(), Line::default);
        }
        let mut told = Vec::with_capacity(heard.len());
        for (line, heard) in group.lines.iter_mut().zip(heard) {
            if *heard == Heard::Refused {
                told.push(None);
                continue;
            }
            if line.facing[listener].is_none() {
                line.facing[listener] = Some(self.spaces.take(space).ok_or(503_u16)?);
            }
            let address =
                line.facing[listener].as_ref().and_then(|facing| self.spaces.address(space, facing));
            told.push(Some(address.ok_or(503_u16)?));
        }
        self.drain_keeper();
        Ok(told)
    }

    /// Makes flows and links what the group's lines say.
    pub(super) fn apply(&mut self, now: Instant, key: Key) {
        let Some(group) = self.table.get_mut(key) else { return };
        let mut opened = Vec::new();
        for (index, line) in group.lines.iter_mut().enumerate() {
            for side in [CALLER, CALLEE] {
                if let Some((site, frame)) = line.say(side) {
                    self.out.push_back(RatOutput::Frame(site, frame));
                }
            }
            let state = line.state;
            let Some(legs) = line.legs(&group.legs) else { continue };
            match line.link {
                None => {
                    line.link = self.relay.open(now, legs, state.urgent);
                    match line.link {
                        Some(link) => opened.push(link),
                        // Ports and flows in use are never given twice, so this is a defect of ours.
                        None => {
                            self.out.push_back(RatOutput::Event(Event::InvariantBroken("relay port in use")))
                        }
                    }
                }
                Some(link) => {
                    for (side, leg) in legs.iter().enumerate() {
                        if let Leg::Socket { remote, accept, .. } = *leg {
                            self.relay.set_remote(link, side, remote, accept);
                        }
                    }
                    self.relay.set_urgent(link, state.urgent);
                }
            }
            if let Some(link) = line.link {
                self.relay.set_held(now, link, state.is_held());
            }
            if line.link.is_some() && !line.reported && !state.terminals.contains(&None) {
                line.reported = true;
                let call_id = group.call_id.clone();
                self.out.push_back(RatOutput::Event(Event::MediaOpen { call_id, media_line: index }));
            }
        }
        for link in opened {
            self.table.add_link(link, key);
        }
    }
}

impl Line {
    /// The `OpenFlow` that HRAC at `side` does not know yet.
    fn say(&mut self, side: usize) -> Option<(SiteId, Frame)> {
        let facing = self.facing[side].as_mut()?;
        let (site, flow) = facing.flow?;
        let terminal = self.state.terminals[side];
        let frame = Frame::OpenFlow {
            flow,
            port: facing.port,
            phone: terminal.map(|terminal| terminal.rtp),
            phone_rtcp: terminal.map(|terminal| terminal.rtcp),
            urgent: self.state.urgent,
        };
        if facing.said.as_ref() == Some(&frame) {
            return None;
        }
        facing.said = Some(frame.clone());
        Some((site, frame))
    }

    /// The legs of its link, once both terminals have been given a port.
    fn legs(&self, legs: &[GroupLeg; 2]) -> Option<[Leg; 2]> {
        let leg = |side: usize| {
            let facing = self.facing[side].as_ref()?;
            Some(match facing.flow {
                Some((site, flow)) => Leg::Tunnel { site, flow },
                None => Leg::Socket {
                    port: facing.port,
                    remote: self.state.terminals[side],
                    accept: Accept::Outside { signalling: legs[side].signalling },
                },
            })
        };
        Some([leg(CALLER)?, leg(CALLEE)?])
    }
}

impl GroupLeg {
    pub(super) fn of(hop: Hop) -> Self {
        GroupLeg { space: Space::of(hop), signalling: hop.addr().ip() }
    }
}

impl Space {
    /// The space of a SIP hop.
    pub fn of(hop: Hop) -> Self {
        hop.site().map_or(Space::Outside, Space::Site)
    }
}
