//! Deadlines, and what could not be delivered.

use super::SipServer;
use super::relay::{BranchId, RelayModule};
use super::state::{Cancel, Final, Role, Timer};
use crate::base::{Hop, Instant};
use crate::event::Event;
use crate::transaction::{ClientDue, ServerDue};

impl SipServer {
    pub(super) fn on_timeout(&mut self, now: Instant, relay: &mut dyn RelayModule) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Server(id) => self.on_server_due(now, id),
                Timer::Client(id) => self.on_client_due(now, BranchId(id), relay),
                Timer::C(id) => self.on_timer_c(now, BranchId(id), relay),
            }
        }
        while let Some((user, binding)) = self.location.handle_timeout(now) {
            self.event(Event::Registered { user, hop: binding.hop, expires_s: 0 });
        }
        while let Some(id) = self.dialogs.pop_due(now) {
            let timed = self.dialogs.get(id).is_some_and(|dialog| dialog.session.is_some());
            self.end_dialog(now, id, if timed { "session timer" } else { "idle" }, relay);
        }
    }

    pub(super) fn on_undelivered(&mut self, now: Instant, to: Hop, relay: &mut dyn RelayModule) {
        let range = (to, BranchId(0))..=(to, BranchId(u64::MAX));
        let ids: Vec<BranchId> = self.by_hop.range(range).map(|(_, id)| *id).collect();
        self.fail_branches(now, &ids, relay);
    }

    pub(super) fn arm_server(&mut self, id: u64) {
        let next = self.contexts.get(&id).and_then(|context| context.server.poll_timeout());
        match next {
            Some(at) => self.timers.set(Timer::Server(id), at),
            None => self.timers.clear(Timer::Server(id)),
        }
    }

    pub(super) fn arm_client(&mut self, id: BranchId) {
        let next = self.branches.get(&id).and_then(|branch| branch.client.poll_timeout());
        match next {
            Some(at) => self.timers.set(Timer::Client(id.0), at),
            None => self.timers.clear(Timer::Client(id.0)),
        }
    }

    fn on_server_due(&mut self, now: Instant, id: u64) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let to = context.reply_to;
        match context.server.handle_timeout(now) {
            Some(ServerDue::Retransmit(response)) => self.send(to, response),
            Some(ServerDue::Unacknowledged | ServerDue::Ended) => return self.close_context(id),
            None => {}
        }
        self.arm_server(id);
    }

    fn on_client_due(&mut self, now: Instant, id: BranchId, relay: &mut dyn RelayModule) {
        let Some(branch) = self.branches.get_mut(&id) else { return };
        let (to, role) = (branch.to, branch.role);
        match branch.client.handle_timeout(now) {
            Some(ClientDue::Retransmit) => {
                let sent = branch.sent.clone();
                self.send(to, sent);
            }
            Some(ClientDue::TimedOut) => {
                let unanswered = branch.client.is_invite().then(|| branch.sent.clone());
                self.time_out(now, id, role, relay);
                if let Some(invite) = unanswered.filter(|_| keeps_order(&to)) {
                    self.cancel_behind(now, to, &invite);
                }
                return;
            }
            Some(ClientDue::Ended) => return self.close_branch(id),
            None => {}
        }
        self.arm_client(id);
    }

    /// RFC 3261 §16.8: a callee that rings for too long is cancelled; one that does not even answer that, given up.
    fn on_timer_c(&mut self, now: Instant, id: BranchId, relay: &mut dyn RelayModule) {
        let Some(branch) = self.branches.get_mut(&id).filter(|b| b.client.is_pending()) else { return };
        if branch.cancel == Cancel::No && branch.client.is_proceeding() {
            return self.cancel_branch(now, id);
        }
        branch.client.terminate();
        let role = branch.role;
        self.time_out(now, id, role, relay);
    }

    /// Nobody answered: as if a 408 had come (§16.7 step 1, §16.8).
    fn time_out(&mut self, now: Instant, id: BranchId, role: Role, relay: &mut dyn RelayModule) {
        if let Role::Forward { context, .. } = role {
            let failure = Final { status: 408, received: None, ours: true };
            self.on_failure(now, id, context, failure, relay);
        }
        self.close_branch(id);
    }
}

/// Whether what is sent to a hop waits in a queue, if it is not there: in the session of a tunnel that is away, or for a TCP connection.
fn keeps_order(to: &Hop) -> bool {
    to.site().is_some() || to.transport().is_reliable()
}
