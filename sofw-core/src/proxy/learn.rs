//! Dialogs are learnt from what passes, and forgotten (RFC 3261 §12, RFC 4028, RFC 6665).

use super::SipServer;
use super::dialogs::{Dialog, Leg};
use super::forward::makes_dialog;
use super::relay::{BranchId, RelayModule};
use super::spaces::Space;
use super::target::Target;
use crate::base::{Duration, Hop, Instant};
use crate::config::limits::BRANCH_DIALOGS_MAX;
use crate::sip::{HeaderName, Message, Method, NameAddr, Uri};

impl SipServer {
    /// A provisional or 2xx response of `branch` makes a dialog, confirms it, or refreshes its targets.
    pub(super) fn learn_dialog(
        &mut self,
        now: Instant,
        branch: BranchId,
        context: u64,
        response: &Message<'_>,
    ) {
        let Some((to, made)) = self.branches.get(&branch).map(|b| (b.to, b.made.len())) else { return };
        let Some((from, bytes)) = self.contexts.get(&context).map(|c| (c.from, c.request.clone())) else {
            return;
        };
        let Ok(request) = Message::parse(&bytes) else { return };
        let (Some(from_tag), Some(to_tag)) = (request.from().tag(), response.to().tag()) else { return };
        let success = response.status() >= Some(200);
        let known = self.dialogs.find(request.call_id(), (from_tag, to_tag));
        let invite = request.method() == Method::Invite;
        let id = match known {
            Some(id) => {
                self.refresh(id, &request, from, response, to, success);
                id
            }
            None => {
                let begins = request.to().tag().is_none() && makes_dialog(request.method());
                let unconfirmed = !success && !invite;
                // A call older than this server, whose phone inside has just renewed it: the other end may speak in it again.
                let is_renewed = success && from.site().is_some() && negotiates_call(request.method());
                if !(begins || is_renewed) || unconfirmed || made >= BRANCH_DIALOGS_MAX {
                    return;
                }
                let invite = invite || is_renewed;
                let legs = [self.caller_leg(&request, from), self.callee_leg(response, to)];
                let call_id = request.call_id().to_owned();
                let dialog = Dialog { call_id, legs, invite, confirmed: success, session: None };
                let Some(id) = self.dialogs.add(now, dialog) else { return };
                if let Some(branch) = self.branches.get_mut(&branch) {
                    branch.made.push(id);
                }
                id
            }
        };
        if success && matches!(request.method(), Method::Invite | Method::Update) {
            if let Some(dialog) = self.dialogs.get_mut(id) {
                // RFC 4028 §8.1: the 2xx decides; without the header there is no session timer.
                dialog.session = seconds(response.header(HeaderName::SessionExpires));
            }
        }
        self.dialogs.touch(now, id, seconds(response.header(HeaderName::Expires)));
    }

    /// §12.2: target refresh requests and their 2xx move the remote targets.
    fn refresh(
        &mut self,
        id: u64,
        request: &Message<'_>,
        from: Hop,
        response: &Message<'_>,
        to: Hop,
        ok: bool,
    ) {
        let caller = self.caller_leg(request, from);
        let callee = self.callee_leg(response, to);
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let initial = request.to().tag().is_none();
        let refreshes = makes_dialog(request.method()) || request.method() == Method::Update;
        dialog.confirmed |= ok && initial;
        // §12.2.1.2: a failed or unfinished refresh of an established dialog changes nothing.
        if !refreshes || (dialog.confirmed && !ok) {
            return;
        }
        for (message, new) in [(request, caller), (response, callee)] {
            let Some(leg) = dialog.legs.iter_mut().find(|leg| leg.tag == new.tag) else { continue };
            if initial && ok {
                // §12.1: the 2xx has the last word on routes.
                leg.routes.clone_from(&new.routes);
            }
            if message.has(HeaderName::Contact) {
                leg.contact = new.contact;
                if leg.routes.is_empty() {
                    leg.hop = new.hop;
                }
            }
        }
    }

    /// A SUBSCRIBE or REFER leaves: the NOTIFY may be here before its response (RFC 6665 §4.1.2.4).
    pub(super) fn expect_notify(
        &mut self,
        now: Instant,
        from: Hop,
        request: &Message<'_>,
        targets: &[Target],
    ) {
        let Some(target) = targets.first() else { return };
        if !matches!(request.method(), Method::Subscribe | Method::Refer) || request.from().tag().is_none() {
            return;
        }
        let callee = Leg {
            tag: String::new(),
            address: request.header(HeaderName::To).unwrap_or_default().to_owned(),
            hop: target.to,
            contact: String::new(),
            routes: Vec::new(),
            cseq: 0,
        };
        let legs = [self.caller_leg(request, from), callee];
        let call_id = request.call_id().to_owned();
        self.dialogs.add(now, Dialog { call_id, legs, invite: false, confirmed: true, session: None });
    }

    /// The dialog that a NOTIFY makes, if one is expected.
    pub(super) fn dialog_by_notify(&mut self, now: Instant, from: Hop, request: &Message<'_>) -> Option<u64> {
        let (notifier, subscriber) = (request.from().tag()?, request.to().tag()?);
        if request.method() != Method::Notify || notifier.is_empty() {
            return None;
        }
        let expected = self.dialogs.find(request.call_id(), (subscriber, ""))?;
        let mut dialog = self.dialogs.get(expected)?.clone();
        let [_, callee] = &mut dialog.legs;
        if callee.hop.site() != from.site() {
            return None;
        }
        *callee = self.caller_leg(request, from);
        self.dialogs.add(now, dialog)
    }

    /// An in-dialog request passes: the dialog is in use.
    pub(super) fn dialogs_in_use(&mut self, now: Instant, id: u64, request: &Message<'_>) {
        let timed = self.dialogs.get(id).is_none_or(|dialog| dialog.session.is_some() || !dialog.invite);
        if !timed {
            self.dialogs.touch(now, id, None);
        }
        // RFC 6665 §4.1.3: a NOTIFY says how long the subscription lasts.
        let state = request.header(HeaderName::SubscriptionState);
        let left = state.and_then(|state| state.split(';').find_map(|p| p.trim().strip_prefix("expires=")));
        if request.method() == Method::Notify && left.is_some() {
            self.dialogs.touch(now, id, seconds(left));
        }
    }

    pub(super) fn forget_early(&mut self, ids: &[u64]) {
        for id in ids {
            if self.dialogs.get(*id).is_some_and(|dialog| !dialog.confirmed) {
                self.dialogs.remove(*id);
            }
        }
    }

    pub(super) fn end_dialog(
        &mut self,
        now: Instant,
        id: u64,
        reason: &'static str,
        relay: &mut dyn RelayModule,
    ) -> Option<Dialog> {
        let dialog = self.dialogs.remove(id)?;
        if dialog.invite {
            let [caller, callee] = &dialog.legs;
            self.dialogs.bury(now, &dialog.call_id, (&caller.tag, &callee.tag));
            relay.dialog_ended(now, &dialog.call_id, (&caller.tag, &callee.tag), reason);
        }
        Some(dialog)
    }

    /// The side that sent `request`. Other proxies on its side put their Record-Routes there before us.
    fn caller_leg(&self, request: &Message<'_>, from: Hop) -> Leg {
        let space = Space::of(&from);
        let foreign =
            request.record_routes().filter(|route| self.spaces.own_route(space, &route.uri()).is_none());
        let routes = foreign.map(|route| format!("<{}>", route.uri())).collect();
        self.leg(request.from(), HeaderName::From, request, routes, from, request.cseq().0)
    }

    /// The side that sent `response`. Proxies on its side stand above our own Record-Routes.
    fn callee_leg(&self, response: &Message<'_>, to: Hop) -> Leg {
        let space = Space::of(&to);
        let above = response.record_routes().take_while(|r| self.spaces.own_route(space, &r.uri()).is_none());
        let mut routes: Vec<String> = above.map(|route| format!("<{}>", route.uri())).collect();
        routes.reverse();
        self.leg(response.to(), HeaderName::To, response, routes, to, 0)
    }

    fn leg(
        &self,
        side: NameAddr<'_>,
        header: HeaderName<'_>,
        message: &Message<'_>,
        routes: Vec<String>,
        neighbour: Hop,
        cseq: u32,
    ) -> Leg {
        let contact = message.contacts().next().map(|contact| contact.uri().as_str().to_owned());
        let mut leg = Leg {
            tag: side.tag().unwrap_or_default().to_owned(),
            address: message.header(header).unwrap_or_default().to_owned(),
            hop: neighbour,
            contact: contact.unwrap_or_default(),
            routes,
            cseq,
        };
        if let Some(next) = Uri::parse(leg.next_uri()) {
            leg.hop = self.neighbour(neighbour, &next);
        }
        leg
    }
}

/// Whether a request with a To tag belongs to a call that an INVITE made (RFC 3261 §14, RFC 3311).
fn negotiates_call(method: Method<'_>) -> bool {
    matches!(method, Method::Invite | Method::Update)
}

/// The number that a header value begins with.
fn seconds(value: Option<&str>) -> Option<Duration> {
    let digits = value?.trim().split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok().map(|s| Duration::from_secs(s.into()))
}
