//! CANCEL, from the caller and to the callees (RFC 3261 §9, §16.10).

use super::SipServer;
use super::relay::{BranchId, RelayModule};
use super::state::{Answer, Cancel, Role, Timer, reason};
use crate::base::{Hop, Instant};
use crate::sip::{Message, build};
use crate::transaction::{ClientKey, ServerKey, T1_64};

impl SipServer {
    /// Answers the CANCEL in its own transaction `id`, and cancels what it is meant for.
    pub(super) fn on_cancel(
        &mut self,
        now: Instant,
        id: u64,
        invite: &ServerKey,
        request: &Message<'_>,
        relay: &mut dyn RelayModule,
    ) {
        let found = self.by_server_key.get(invite).copied();
        let Some((target, context)) = found.and_then(|id| Some((id, self.contexts.get_mut(&id)?))) else {
            return self.answer(now, id, request, &Answer::new(481), relay);
        };
        // §9.2: the same tag as in the responses to the INVITE.
        let response = build::response(request, 200, reason(200), Some(&context.to_tag), &[]);
        let pending = context.server.is_pending();
        context.cancelled |= pending;
        self.respond(now, id, 200, response.into(), relay);
        if pending {
            self.cancel_branches(now, target, None);
        }
    }

    /// Nobody needs the other branches any more.
    pub(super) fn cancel_others(&mut self, now: Instant, context: u64, winner: BranchId) {
        self.cancel_branches(now, context, Some(winner));
    }

    pub(super) fn cancel_branches(&mut self, now: Instant, context: u64, except: Option<BranchId>) {
        let Some(context) = self.contexts.get(&context).filter(|context| context.invite) else { return };
        for id in context.pending.clone() {
            if Some(id) != except {
                self.cancel_branch(now, id);
            }
        }
    }

    /// §9.1: a CANCEL goes out once a provisional response has come; before, the INVITE may not have arrived.
    pub(super) fn cancel_branch(&mut self, now: Instant, id: BranchId) {
        let Some(branch) = self.branches.get_mut(&id) else { return };
        if branch.cancel != Cancel::No || !branch.client.is_pending() {
            return;
        }
        branch.cancel = Cancel::Wanted;
        if branch.client.is_proceeding() {
            self.send_cancel(now, id);
        }
    }

    /// The INVITE of a branch that was given up may arrive yet, and the phone would ring for a call that is over. §9.1 wants a CANCEL to
    /// wait for a provisional response because it could overtake the INVITE; where order is kept, it cannot.
    pub(super) fn cancel_behind(&mut self, now: Instant, to: Hop, invite: &[u8]) {
        let Ok(sent) = Message::parse(invite) else { return };
        let key = ClientKey::new(sent.via().branch().unwrap_or_default(), "CANCEL");
        let cancel = build::cancel(&sent);
        let own = self.next_branch_id();
        self.open_branch(now, own, key, Role::Own, false, to, cancel.into());
    }

    pub(super) fn send_cancel(&mut self, now: Instant, id: BranchId) {
        let Some(branch) = self.branches.get_mut(&id) else { return };
        let Ok(sent) = Message::parse(&branch.sent) else { return };
        branch.cancel = Cancel::Sent;
        let to = branch.to;
        let key = ClientKey::new(sent.via().branch().unwrap_or_default(), "CANCEL");
        let cancel = build::cancel(&sent);
        // §9.1: without a final response within 64·T1 the INVITE counts as cancelled.
        self.timers.set(Timer::C(id.0), now + T1_64);
        let own = self.next_branch_id();
        self.open_branch(now, own, key, Role::Own, false, to, cancel.into());
    }
}
