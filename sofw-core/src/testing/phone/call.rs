//! One call: its dialog (RFC 3261 §12) and its media.

use super::config::PhoneConfig;
use super::media::MediaStream;
use super::message::{Received, Request, tag, uri_of};
use super::sdp::{Direction, Local, Remote};
use crate::base::{Instant, Rng};

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CallState {
    /// We call; nobody answered yet.
    Calling,
    /// Somebody calls us and hears it ring.
    Incoming,
    /// Both talk (or we wait for the ACK).
    Established,
    /// We sent BYE or CANCEL and wait for its end.
    Ending,
}

#[derive(Debug)]
pub(super) struct Call {
    pub state: CallState,
    pub call_id: String,
    /// Our From or To value, with tag.
    pub local: String,
    /// The other end's; with tag once it is known.
    pub remote: String,
    pub remote_target: String,
    pub routes: Vec<String>,
    pub cseq: u32,
    pub media: MediaStream,
    /// What we want: both ways, or hold.
    pub direction: Direction,
    pub session_id: u32,
    pub version: u32,
    /// Set when we offered in a 2xx: the answer comes in the ACK.
    pub answer_due: bool,
    pub cancel_wanted: bool,
    /// When to answer an incoming call.
    pub answer_at: Option<Instant>,
    /// CSeq number and bytes of the last ACK, for repeated 2xx.
    pub ack: Option<(u32, Vec<u8>)>,
    /// The status with which we refused, or how the call ended, is told once.
    pub remote_sdp: Option<Remote>,
}

impl Call {
    pub fn outgoing(config: &PhoneConfig, rng: &mut Rng, target: &str) -> Self {
        let local = format!("<{}>;tag={}", config.aor(), rng.token(10));
        let call_id = format!("{}@{}", rng.token(20), config.addr);
        Call::new(config, rng, CallState::Calling, call_id, local, format!("<{target}>"), target.into())
    }

    pub fn incoming(config: &PhoneConfig, rng: &mut Rng, invite: &Received) -> Option<Self> {
        let local = format!("{};tag={}", invite.header("to")?, rng.token(10));
        let remote = invite.header("from")?.to_owned();
        let target = invite.contact_uri().unwrap_or_else(|| uri_of(&remote).to_owned());
        let call_id = invite.call_id().to_owned();
        let mut call = Call::new(config, rng, CallState::Incoming, call_id, local, remote, target);
        // RFC 3261 §12.1.1: the callee keeps the order.
        call.routes = invite.values("record-route");
        Some(call)
    }

    fn new(
        config: &PhoneConfig,
        rng: &mut Rng,
        state: CallState,
        call_id: String,
        local: String,
        remote: String,
        remote_target: String,
    ) -> Self {
        Call {
            state,
            call_id,
            local,
            remote,
            remote_target,
            routes: Vec::new(),
            cseq: 1 + rng.below(1_000) as u32,
            media: MediaStream::new(config, rng),
            direction: Direction::BOTH,
            session_id: rng.u32() >> 1,
            version: 1,
            answer_due: false,
            cancel_wanted: false,
            answer_at: None,
            ack: None,
            remote_sdp: None,
        }
    }

    pub fn local_tag(&self) -> &str {
        tag(&self.local).unwrap_or("")
    }

    /// Takes the dialog's remote half from a response to our INVITE (§12.1.2).
    pub fn learn(&mut self, response: &Received) {
        if let Some(to) = response.header("to") {
            self.remote = to.to_owned();
        }
        self.routes = response.values("record-route");
        self.routes.reverse();
        self.refresh_target(response);
    }

    /// A re-INVITE, UPDATE or their 2xx may move the other end (§12.2.1.2).
    pub fn refresh_target(&mut self, message: &Received) {
        if let Some(target) = message.contact_uri() {
            self.remote_target = target;
        }
    }

    /// Whether a request with these identifiers is in this dialog.
    pub fn owns(&self, request: &Received) -> bool {
        request.call_id() == self.call_id
            && request.tag_in_to() == Some(self.local_tag())
            && (tag(&self.remote).is_none() || request.tag_in_from() == tag(&self.remote))
    }

    /// A request in this dialog (§12.2.1.1).
    pub fn request(&self, method: &'static str, cseq: u32) -> Request {
        Request {
            method,
            uri: self.remote_target.clone(),
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            cseq,
            routes: self.routes.clone(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn next_request(&mut self, method: &'static str) -> Request {
        self.cseq += 1;
        self.request(method, self.cseq)
    }

    fn local_sdp<'a>(&self, config: &'a PhoneConfig) -> Local<'a> {
        Local {
            user: &config.user,
            rtp: config.rtp_addr(),
            session_id: self.session_id,
            version: self.version,
            direction: self.direction,
        }
    }

    /// Our offer as a message body.
    pub fn offer(&mut self, config: &PhoneConfig) -> (String, Vec<u8>) {
        let body = self.local_sdp(config).offer();
        self.version += 1;
        (SDP.into(), body)
    }

    /// Takes the other end's offer and answers it; `None` if there is nothing in it for us.
    pub fn answer(&mut self, config: &PhoneConfig, offer: &[u8]) -> Option<(String, Vec<u8>)> {
        let remote = super::sdp::read(offer)?;
        let body = self.local_sdp(config).answer(offer, &remote);
        self.version += 1;
        self.accept(remote);
        Some((SDP.into(), body))
    }

    pub fn accept(&mut self, remote: Remote) {
        self.media.set(remote, self.direction);
        self.remote_sdp = Some(remote);
    }
}

const SDP: &str = "application/sdp";
