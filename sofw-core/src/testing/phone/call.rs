//! One call: its dialog (RFC 3261 §12) and its media.

use super::config::{PhoneConfig, Ports};
use super::media::{MediaKind, MediaStream};
use super::message::{Received, Request, tag, uri_of};
use super::sdp::{self, Direction, Line, Local, Remote};
use crate::base::{Deadline, Instant, Rng};

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
    pub audio: MediaStream,
    pub video: Option<MediaStream>,
    /// Which of the phone's calls at a time it is, for its ports.
    pub slot: u16,
    /// Our m-lines, in the order of the first offer.
    lines: Vec<Line>,
    /// What we want: both ways, or hold.
    pub direction: Direction,
    pub session_id: u32,
    pub version: u32,
    /// Set when we offered in a 2xx: the answer comes in the ACK.
    pub answer_due: bool,
    pub cancel_wanted: bool,
    /// When to answer an incoming call.
    pub answer_at: Option<Instant>,
    /// When to refresh the session (RFC 4028).
    pub refresh_at: Option<Instant>,
    /// CSeq number and bytes of the last ACK, for repeated 2xx.
    pub ack: Option<(u32, Vec<u8>)>,
    pub remote_sdp: Option<Remote>,
    /// A 3xx was followed.
    pub redirected: bool,
    /// Call-ID of the call whose other end asked for this one by REFER and waits for news.
    pub referrer: Option<String>,
}

impl Call {
    pub fn outgoing(config: &PhoneConfig, rng: &mut Rng, slot: u16, target: &str) -> Self {
        let local = format!("<{}>;tag={}", config.aor(), rng.token(10));
        let call_id = format!("{}@{}", rng.token(20), config.addr);
        let mut call = Call::new(config, rng, CallState::Calling, call_id, local, format!("<{target}>"));
        call.remote_target = target.into();
        call.slot = slot;
        call
    }

    pub fn incoming(config: &PhoneConfig, rng: &mut Rng, invite: &Received) -> Option<Self> {
        let local = format!("{};tag={}", invite.header("to")?, rng.token(10));
        let remote = invite.header("from")?.to_owned();
        let target = invite.contact_uri().unwrap_or_else(|| uri_of(&remote).to_owned());
        let call_id = invite.call_id().to_owned();
        let mut call = Call::new(config, rng, CallState::Incoming, call_id, local, remote);
        call.remote_target = target;
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
    ) -> Self {
        Call {
            state,
            local,
            remote,
            remote_target: String::new(),
            routes: Vec::new(),
            cseq: 1 + rng.below(1_000) as u32,
            audio: MediaStream::new(config, rng, &call_id, MediaKind::Audio),
            video: config.video.then(|| MediaStream::new(config, rng, &call_id, MediaKind::Video)),
            call_id,
            slot: 0,
            lines: config.media_kinds().iter().copied().map(Line::Ours).collect(),
            direction: Direction::BOTH,
            session_id: rng.u32() >> 1,
            version: 1,
            answer_due: false,
            cancel_wanted: false,
            answer_at: None,
            refresh_at: None,
            ack: None,
            remote_sdp: None,
            redirected: false,
            referrer: None,
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

    /// The session description that we send, as an offer or as the answer to `remote`.
    fn describe(&mut self, config: &PhoneConfig, remote: Option<&Remote>) -> Body {
        let local = Local {
            user: &config.user,
            addr: config.addr,
            ports: self.ports(config),
            ptime_ms: config.ptime_ms,
            session_id: self.session_id,
            version: self.version,
            direction: self.direction,
        };
        let body = local.describe(&self.lines, remote);
        self.version += 1;
        (SDP.into(), body)
    }

    /// Our offer as a message body.
    pub fn offer(&mut self, config: &PhoneConfig) -> Body {
        self.describe(config, None)
    }

    /// Takes the other end's offer and answers it; `None` if there is nothing in it for us.
    pub fn answer(&mut self, config: &PhoneConfig, offer: &[u8]) -> Option<Body> {
        let remote = sdp::read(offer)?;
        self.lines = sdp::take_lines(offer, config.media_kinds());
        let body = self.describe(config, Some(&remote));
        self.accept(remote);
        Some(body)
    }

    pub fn accept(&mut self, remote: Remote) {
        self.audio.set(Some(remote.audio), self.direction);
        if let Some(video) = &mut self.video {
            video.set(remote.video, self.direction);
        }
        self.remote_sdp = Some(remote);
    }

    /// Whether the other end does not want to hear us.
    pub fn is_held(&self) -> bool {
        self.remote_sdp.is_some_and(|remote| !remote.audio.direction.receive)
    }

    pub fn streams_mut(&mut self) -> impl Iterator<Item = (MediaKind, &mut MediaStream)> {
        let audio = core::iter::once((MediaKind::Audio, &mut self.audio));
        audio.chain(self.video.as_mut().map(|video| (MediaKind::Video, video)))
    }

    /// Both ends talk from now on.
    pub fn start_media(&mut self, now: Instant) {
        self.streams_mut().for_each(|(_, stream)| stream.start(now));
    }

    pub fn stop_media(&mut self) {
        self.streams_mut().for_each(|(_, stream)| stream.stop());
    }

    pub fn ports(&self, config: &PhoneConfig) -> Ports {
        config.ports().of_call(self.slot)
    }

    /// What is due next, and which timer it is.
    pub fn next_deadline(&self) -> Option<Deadline> {
        let due = |at: Option<Instant>, why| at.map(|at| Deadline::new(at, why));
        let voice = due(self.audio.next_deadline(), "phone: voice");
        let video = due(self.video.as_ref().and_then(MediaStream::next_deadline), "phone: video");
        let answer = due(self.answer_at, "phone: answer");
        let refresh = due(self.refresh_at, "phone: refresh session");
        let media = Deadline::earlier(voice, video);
        Deadline::earlier(media, Deadline::earlier(answer, refresh))
    }
}

/// The calls of a phone: one, or two while a transferred phone calls the new party. The last is the present one, which
/// the user's commands are for.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

impl Calls {
    /// Most calls at a time.
    pub const MAX: usize = 2;

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn present(&self) -> Option<&Call> {
        self.0.last()
    }

    pub fn present_mut(&mut self) -> Option<&mut Call> {
        self.0.last_mut()
    }

    /// The present call, if it is up.
    pub fn established_mut(&mut self) -> Option<&mut Call> {
        self.present_mut().filter(|call| call.state == CallState::Established)
    }

    pub fn get(&self, call_id: &str) -> Option<&Call> {
        self.0.iter().find(|call| call.call_id == call_id)
    }

    pub fn get_mut(&mut self, call_id: &str) -> Option<&mut Call> {
        self.0.iter_mut().find(|call| call.call_id == call_id)
    }

    /// The one whose dialog a request is in.
    pub fn owning(&self, request: &Received) -> Option<&Call> {
        self.0.iter().find(|call| call.owns(request))
    }

    pub fn iter(&self) -> core::slice::Iter<'_, Call> {
        self.0.iter()
    }

    pub fn iter_mut(&mut self) -> core::slice::IterMut<'_, Call> {
        self.0.iter_mut()
    }

    /// The smallest number that no call has.
    pub fn free_slot(&self) -> u16 {
        u16::from(self.0.iter().any(|call| call.slot == 0))
    }

    pub fn push(&mut self, call: Call) {
        self.0.push(call);
    }

    pub fn remove(&mut self, call_id: &str) -> Option<Call> {
        let at = self.0.iter().position(|call| call.call_id == call_id)?;
        Some(self.0.remove(at))
    }
}

/// A message body and its Content-Type.
pub(super) type Body = (String, Vec<u8>);

const SDP: &str = "application/sdp";
