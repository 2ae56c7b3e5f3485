//! Copies leave (RFC 3261 §16.6).

use super::SipServer;
use super::relay::{BranchId, Forward, RelayModule};
use super::route::Path;
use super::state::{Branch, Cancel, Final, Role, Timer};
use super::target::Target;
use crate::base::{Hop, Instant, Payload};
use crate::config::limits::TIMER_C;
use crate::event::{Event, SipPassage};
use crate::sip::{Editor, HeaderName, Message, Method, NameAddr};
use crate::transaction::{Client, ClientKey, MAGIC_COOKIE};

impl SipServer {
    /// Sends one copy to each target.
    pub(super) fn forward(
        &mut self,
        now: Instant,
        id: u64,
        request: &Message<'_>,
        path: &Path,
        targets: Vec<Target>,
        relay: &mut dyn RelayModule,
    ) {
        for target in &targets {
            let started = self.start_branch(now, id, request, path, target, relay);
            if let (Err(status), Some(context)) = (started, self.contexts.get_mut(&id)) {
                context.finals.push(Final { status, received: None, ours: true });
            }
        }
        self.conclude(now, id, relay);
    }

    fn start_branch(
        &mut self,
        now: Instant,
        id: u64,
        request: &Message<'_>,
        path: &Path,
        target: &Target,
        relay: &mut dyn RelayModule,
    ) -> Result<(), u16> {
        let from = self.contexts.get(&id).ok_or(500_u16)?.from;
        let (branch, name, bytes) = self.prepare(now, from, request, path, target, relay)?;
        let invite = request.method() == Method::Invite;
        let role = Role::Forward { context: id, from, initial: request.to().tag().is_none() };
        let key = ClientKey::new(&name, request.method().as_str());
        self.open_branch(now, branch, key, role, invite, target.to, bytes);
        if let Some(context) = self.contexts.get_mut(&id) {
            context.pending.push(branch);
            context.branches.push(branch);
        }
        if invite {
            self.timers.set(Timer::C(branch.0), now + TIMER_C);
        }
        Ok(())
    }

    /// An ACK for a 2xx has no transaction: each copy is forwarded once (§16.6 step 10, §16.11).
    pub(super) fn forward_ack(
        &mut self,
        now: Instant,
        from: Hop,
        request: &Message<'_>,
        path: &Path,
        target: &Target,
        relay: &mut dyn RelayModule,
    ) {
        if let Ok((_, _, bytes)) = self.prepare(now, from, request, path, target, relay) {
            self.send(target.to, bytes);
        }
    }

    /// The copy for `target`: relay rewriting, then our own marks.
    fn prepare(
        &mut self,
        now: Instant,
        from: Hop,
        request: &Message<'_>,
        path: &Path,
        target: &Target,
        relay: &mut dyn RelayModule,
    ) -> Result<(BranchId, String, Payload), u16> {
        let branch = self.next_branch_id();
        // §16.6 step 8: a unique part, and one by which we recognise the request if it comes back.
        let name = format!("{MAGIC_COOKIE}{}.{}", self.rng.token(16), self.loop_hash(&from, request));
        // Nothing to send from: the site has announced no interface, or none of this transport.
        let via = self.spaces.via(&target.to, &name).ok_or(503_u16)?;
        let initial = request.to().tag().is_none();
        let leg = Forward { branch, from, to: target.to, initial, call_id: request.call_id() };
        let body = relay.request(now, &leg, request)?;
        let mut editor = Editor::new(request);
        self.edit_route(&mut editor, request, path, target);
        match request.max_forwards() {
            Some(hops) => editor.set(HeaderName::MaxForwards, hops.saturating_sub(1).to_string()),
            None => editor.push_back(HeaderName::MaxForwards, "70"),
        };
        if initial && makes_dialog(request.method()) {
            // RFC 5658 §3: one for each side, the next hop's on top; one is enough if both are the same.
            let (back, on) = (self.spaces.record_route(&from), self.spaces.record_route(&target.to));
            if let Some(back) = back.as_ref().filter(|back| Some(*back) != on.as_ref()) {
                editor.push_front(HeaderName::RecordRoute, back);
            }
            if let Some(on) = &on {
                editor.push_front(HeaderName::RecordRoute, on);
            }
        }
        for line in request.lines(HeaderName::ProxyAuthorization) {
            // §22.3: credentials for us are for nobody else.
            if self.auth.is_for_us(line.text()) {
                editor.replace(line.line_range, b"");
            }
        }
        if from.site().is_none() {
            // RFC 3325 §5: nobody outside is trusted to assert who he is, and phones show it instead of From.
            for name in [HeaderName::PAssertedIdentity, HeaderName::Other("Remote-Party-ID")] {
                editor.remove_all(name);
            }
        }
        editor.push_front(HeaderName::Via, via);
        tell_length(&mut editor, request, &target.to);
        if let Some(body) = body {
            editor.set_body(&body);
        }
        self.event(Event::Sip(Box::new(SipPassage {
            from,
            to: target.to,
            start_line: request.start_line().to_owned(),
            call_id: request.call_id().to_owned(),
        })));
        Ok((branch, name, Payload::from(editor.finish())))
    }

    /// §16.6 steps 2 and 6: the new Request-URI and what is left of Route.
    fn edit_route(&self, editor: &mut Editor<'_>, request: &Message<'_>, path: &Path, target: &Target) {
        let mut uri = target.uri.clone().unwrap_or_else(|| path.uri.clone());
        let mut routes = path.routes.clone();
        let strict = routes.first().and_then(|first| NameAddr::parse_str(first)).map(|first| first.uri());
        let strict = strict.filter(|next| next.param("lr").is_none()).map(|next| next.as_str().to_owned());
        let changed = path.changed || strict.is_some();
        if let Some(next) = strict {
            routes.remove(0);
            routes.push(format!("<{uri}>"));
            uri = next;
        }
        if request.request_uri().is_some_and(|old| old.as_str() != uri) {
            editor.set_request_uri(&uri);
        }
        if changed {
            editor.remove_all(HeaderName::Route);
            if !routes.is_empty() {
                editor.push_front(HeaderName::Route, routes.join(", "));
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "it fills a record")]
    pub(super) fn open_branch(
        &mut self,
        now: Instant,
        branch: BranchId,
        key: ClientKey,
        role: Role,
        invite: bool,
        to: Hop,
        sent: Payload,
    ) {
        if role == Role::Own && self.transactions() >= self.transactions_max {
            return self.send(to, sent); // Once must do.
        }
        let client = Client::new(invite, to.transport().is_reliable(), now);
        self.by_client_key.insert(key.clone(), branch);
        self.by_hop.insert((to, branch));
        let record =
            Branch { key, client, role, to, sent: sent.clone(), cancel: Cancel::No, made: Vec::new() };
        self.kept_bytes += record.sent.len();
        self.branches.insert(branch, record);
        self.arm_client(branch);
        self.send(to, sent);
    }

    pub(super) fn close_branch(&mut self, id: BranchId) {
        let Some(branch) = self.branches.remove(&id) else { return };
        self.kept_bytes -= branch.sent.len();
        self.by_client_key.remove(&branch.key);
        self.by_hop.remove(&(branch.to, id));
        self.timers.clear(Timer::Client(id.0));
        self.timers.clear(Timer::C(id.0));
        self.forget_early(&branch.made);
        if let Role::Forward { context, .. } = branch.role {
            if let Some(context) = self.contexts.get_mut(&context) {
                context.branches.retain(|other| *other != id);
                context.pending.retain(|other| *other != id);
            }
        }
    }

    pub(super) fn next_branch_id(&mut self) -> BranchId {
        self.next_branch += 1;
        BranchId(self.next_branch)
    }
}

/// A datagram may leave its Content-Length out, a message on a stream may not (RFC 3261 §18.3): its body would be read
/// as a message of its own, one that nobody has checked. Call it before `set_body`.
pub(super) fn tell_length(editor: &mut Editor<'_>, message: &Message<'_>, to: &Hop) {
    if to.transport().is_reliable() && !message.has(HeaderName::ContentLength) {
        editor.push_back(HeaderName::ContentLength, message.body().len().to_string());
    }
}

/// Requests that begin a dialog, and so must come back through us (§16.6 step 4; RFC 6665 §4.3, RFC 3515).
pub(super) fn makes_dialog(method: Method<'_>) -> bool {
    matches!(method, Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
}
