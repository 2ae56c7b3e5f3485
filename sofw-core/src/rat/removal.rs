//! How records end (paper P10): BYE, CANCEL, final error, silence, loss of the tunnel.

use super::agent::{RatOutput, RelayAgent};
use super::group::{CALLEE, CALLER, Group, Line};
use super::record::{End, Record};
use super::table::Key;
use crate::base::Instant;
use crate::event::Event;
use crate::media::{LinkStats, Relay};
use crate::proxy::BranchId;
use crate::tunnel::Frame;

pub(super) const TUNNEL_LOST: &str = "tunnel lost";
const SILENCE: &str = "silence";

impl RelayAgent {
    /// Ends a group: closes its links and flows and gives its ports back.
    pub(super) fn remove(&mut self, key: Key, reason: &'static str) {
        let Some(group) = self.table.remove(key) else { return };
        for (index, line) in group.lines.into_iter().enumerate() {
            self.close_line(&group.call_id, index, line, reason);
        }
        self.drain_keeper();
    }

    /// A branch failed: the group that it made ends, or the media state before the request returns.
    pub(super) fn fail_branch(&mut self, now: Instant, branch: BranchId, reason: &'static str) {
        let Some(key) = self.table.by_branch(branch) else { return };
        let Some(group) = self.table.get_mut(key) else { return };
        if group.branch == branch && !group.confirmed {
            return self.remove(key, reason);
        }
        let Some(at) = group.pending.iter().position(|(pending, _)| *pending == branch) else { return };
        let (_, former) = group.pending.remove(at);
        // Lines that only the failed request added go; ports given to older lines stay for the dialog's life.
        let added = group.lines.split_off(former.len().min(group.lines.len()));
        for (line, state) in group.lines.iter_mut().zip(&former) {
            line.state = *state;
        }
        let call_id = group.call_id.clone();
        self.table.forget_branch(branch);
        for (index, line) in (former.len()..).zip(added) {
            if let Some(link) = line.link {
                self.table.remove_link(link);
            }
            self.close_line(&call_id, index, line, reason);
        }
        self.apply(now, key);
        self.drain_keeper();
    }

    /// Ends the groups of which every line has been silent too long.
    pub(super) fn remove_silent(&mut self, now: Instant) {
        while let Some(link) = self.relay.pop_silent(now) {
            let Some(key) = self.table.by_link(link) else { continue };
            let Some(group) = self.table.get(key) else { continue };
            let alive = group.lines.iter().any(|line| {
                let stats = line.link.and_then(|link| self.relay.stats(link));
                line.state.is_held()
                    || stats.is_some_and(|stats| stats.last_activity + self.silence_max > now)
            });
            if !alive {
                self.remove(key, SILENCE);
            }
        }
    }

    fn close_line(&mut self, call_id: &str, media_line: usize, line: Line, reason: &'static str) {
        let stats = line.link.and_then(|link| self.relay.close(link));
        for facing in line.facing.iter().flatten() {
            if let (Some((site, flow)), Some(_)) = (facing.flow, &facing.said) {
                self.out.push_back(RatOutput::Frame(site, Frame::CloseFlow(flow)));
            }
            self.spaces.release(facing);
        }
        if line.reported {
            let packets = stats.map_or([0; 2], |stats: LinkStats| stats.from.map(|from| from.packets));
            let call_id = call_id.to_owned();
            self.out.push_back(RatOutput::Event(Event::MediaClosed { call_id, media_line, reason, packets }));
        }
    }
}

impl Group {
    /// What the table says about this group.
    pub(super) fn records<'a>(&'a self, relay: &'a Relay) -> impl Iterator<Item = Record<'a>> + 'a {
        self.lines.iter().enumerate().map(move |(media_line, line)| {
            let stats = line.link.and_then(|link| relay.stats(link));
            let end = |side: usize| End {
                space: self.legs[side].space,
                terminal: line.state.terminals[side].map(|terminal| terminal.rtp),
                relay_port: line.facing[side].as_ref().map(|facing| facing.port),
                flow: line.facing[side].as_ref().and_then(|facing| Some(facing.flow?.1)),
                received: stats.map(|stats| stats.from[side]).unwrap_or_default(),
            };
            Record {
                call_id: &self.call_id,
                from_tag: &self.caller_tag,
                to_tag: self.callee_tag.as_deref(),
                media_line,
                ends: [end(CALLER), end(CALLEE)],
                held: line.state.is_held(),
                created: self.created,
                last_activity: stats.map(|stats| stats.last_activity),
            }
        })
    }
}
