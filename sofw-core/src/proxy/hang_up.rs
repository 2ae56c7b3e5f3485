//! Calls that end without a BYE of their own: their tunnel is lost, or their media cannot be relayed.

use super::SipServer;
use super::dialogs::{Dialog, Leg};
use super::relay::{BranchId, RelayModule};
use super::state::{Final, Role};
use crate::base::{Instant, Payload, SiteId};
use crate::sip::{HeaderName, Message};
use crate::transaction::{ClientKey, MAGIC_COOKIE};

impl SipServer {
    pub(super) fn on_site_ended(&mut self, now: Instant, site: SiteId, relay: &mut dyn RelayModule) {
        for id in self.dialogs.through(site) {
            let Some(dialog) = self.end_dialog(now, id, "tunnel lost", relay) else { continue };
            for side in 0..2 {
                self.hang_up_side(now, &dialog, side, site);
            }
        }
        let callers: Vec<u64> = self
            .contexts
            .iter()
            .filter(|(_, context)| context.from.site() == Some(site) && context.server.is_pending())
            .map(|(id, _)| *id)
            .collect();
        for id in callers {
            if let Some(context) = self.contexts.get_mut(&id) {
                context.cancelled = true;
            }
            self.cancel_branches(now, id, None);
        }
        let lost: Vec<BranchId> =
            self.branches.iter().filter(|(_, b)| b.to.site() == Some(site)).map(|(id, _)| *id).collect();
        self.fail_branches(now, &lost, relay);
    }

    /// Sends BYE to one side of a dialog on behalf of the other, unless it is in the lost site itself.
    fn hang_up_side(&mut self, now: Instant, dialog: &Dialog, side: usize, lost: SiteId) {
        let [caller, callee] = &dialog.legs;
        let (to, from) = if side == 0 { (caller, callee) } else { (callee, caller) };
        if to.hop.site() == Some(lost) || !dialog.invite || !dialog.confirmed {
            return;
        }
        // RFC 3261 §12.2.1.1: the next number of the side that the BYE seems to come from.
        self.send_own(now, "BYE", &dialog.call_id, from, to, from.cseq.saturating_add(1));
    }

    /// The relay module refuses the media of a 2xx. The callee must not believe in a call that nobody made: its 2xx is
    /// acknowledged, and a new call is hung up again (RFC 3261 §13.2.2.4 tells UAs to do the same).
    pub(super) fn hang_up_refused(
        &mut self,
        now: Instant,
        branch: BranchId,
        context: u64,
        response: &Message<'_>,
    ) {
        let Some(bytes) = self.contexts.get(&context).filter(|c| c.invite).map(|c| c.request.clone()) else {
            return;
        };
        let Ok(request) = Message::parse(&bytes) else { return };
        self.learn_dialog(now, branch, context, response);
        let tags = (request.from().tag().unwrap_or_default(), response.to().tag().unwrap_or_default());
        let Some(id) = self.dialogs.find(request.call_id(), tags) else { return };
        let Some(dialog) = self.dialogs.get(id).cloned() else { return };
        let Some(side) = dialog.side(tags.0) else { return };
        let [caller, callee] = &dialog.legs;
        let (from, to) = if side == 0 { (caller, callee) } else { (callee, caller) };
        let cseq = request.cseq().0;
        self.send_own(now, "ACK", &dialog.call_id, from, to, cseq);
        if request.to().tag().is_none() {
            self.send_own(now, "BYE", &dialog.call_id, from, to, cseq.saturating_add(1));
            self.dialogs.remove(id);
        }
    }

    /// Requests under way to these branches found nobody there.
    pub(super) fn fail_branches(&mut self, now: Instant, ids: &[BranchId], relay: &mut dyn RelayModule) {
        for id in ids {
            let Some(branch) = self.branches.get_mut(id).filter(|b| b.client.is_pending()) else { continue };
            branch.client.terminate();
            if let Role::Forward { context, .. } = branch.role {
                // §16.9: as if a 503 had come.
                let failure = Final { status: 503, received: None, ours: false };
                self.on_failure(now, *id, context, failure, relay);
            }
            self.close_branch(*id);
        }
    }

    fn send_own(&mut self, now: Instant, method: &str, call_id: &str, from: &Leg, to: &Leg, cseq: u32) {
        let branch = format!("{MAGIC_COOKIE}{}.own", self.rng.token(16));
        let Some(via) = self.spaces.via(&to.hop, &branch) else { return };
        let route = match to.routes.is_empty() {
            true => String::new(),
            false => format!("Route: {}\r\n", to.routes.join(", ")),
        };
        let Leg { address: from, .. } = from;
        let Leg { address, contact, hop, .. } = to;
        let text = format!(
            "{method} {contact} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n{route}From: {from}\r\nTo: {address}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{}: 0\r\n\r\n",
            HeaderName::ContentLength
        );
        let sent = Payload::from(text.into_bytes());
        if method == "ACK" {
            return self.send(*hop, sent);
        }
        let id = self.next_branch_id();
        self.open_branch(now, id, ClientKey::new(&branch, method), Role::Own, false, *hop, sent);
    }
}
