//! A built-in phone: an ordinary SIP user agent (RFC 3261) with G.711 voice (RFC 3551) that sends a tone and measures what
//! it hears, or stamps every packet. It knows nothing of SoFW.
//!
//! ```text
//! commands ─▶ Phone ─▶ calls (dialog, SDP) ─▶ transactions ─▶ wire ─▶ Output     registration, credentials: beside
//!               └────▶ media: tone or stamps ─▶ RTP ─▶ Output    Input ─▶ RTP ─▶ report, audio, tone
//! ```
//!
//! It has the five methods of [`crate::Hrac`] with the same [`Input`] and [`Output`], so that the same driver, simulator or
//! in-memory world carries it: `SocketId::Sip(0)` and `SocketId::Media(port)` for each port of [`Ports`]. What it tells
//! its owner comes from [`Phone::poll_event`]. One call at a time: a second one gets 486. Only a phone that is being
//! transferred has two for a moment; the new one has ports of its own.

mod auth;
mod call;
mod client;
mod commands;
mod config;
mod event;
pub mod g711;
mod media;
mod message;
mod responses;
pub mod rtp;
mod sdp;
mod server;
pub mod tone;
mod transaction;
mod transfer;
pub mod wav;
mod wire;

pub use call::CallState;
pub use config::{Answer, PhoneConfig, Ports, Quirks, Voice};
pub use event::{Ended, PhoneEvent};
pub use media::{MediaKind, MediaReport, Stamp, call_hash};
pub use tone::Tone;

use std::collections::VecDeque;

use crate::base::{Deadline, Duration, Instant, Rng, Seed, Transport};
use crate::io::{Input, ListenerId, Output, SocketId};
use auth::Challenge;
use call::Calls;
use media::PacketPool;
use message::Received;
use transaction::{ClientTransaction, Due, Purpose, ServerTransaction, Timers};
use wire::{Peer, Wire};

/// The phone. See the module's documentation.
#[derive(Debug)]
pub struct Phone {
    config: PhoneConfig,
    rng: Rng,
    wire: Wire,
    out: VecDeque<Output>,
    /// With the Call-ID that each belongs to.
    events: VecDeque<(Option<String>, PhoneEvent)>,
    clients: Vec<ClientTransaction>,
    servers: Vec<ServerTransaction>,
    challenges: Vec<Challenge>,
    registration: Registration,
    calls: Calls,
    packets: PacketPool,
    keepalive_at: Option<Instant>,
    last: Option<LastCall>,
}

/// What is left of a call.
#[derive(Debug)]
struct LastCall {
    call_id: String,
    report: MediaReport,
    video: Option<MediaReport>,
}

#[derive(Debug)]
struct Registration {
    call_id: String,
    tag: String,
    cseq: u32,
    active: bool,
    refresh_at: Option<Instant>,
}

impl Phone {
    /// A phone that is switched on: its first outputs ask for its sockets. It does nothing else until commanded.
    pub fn new(config: PhoneConfig, seed: Seed, now: Instant) -> Self {
        let mut rng = Rng::new(seed);
        let registration = Registration {
            call_id: format!("{}@{}", rng.token(20), config.addr),
            tag: rng.token(10),
            cseq: 0,
            active: false,
            refresh_at: None,
        };
        let mut out = VecDeque::new();
        match config.transport {
            Transport::Udp => {
                out.push_back(Output::Bind { socket: SocketId::Sip(0), addr: config.sip_addr() })
            }
            Transport::Tcp => {
                out.push_back(Output::Listen { listener: ListenerId::Sip(0), addr: config.sip_addr() })
            }
        }
        for port in config.ports().all(&config) {
            let addr = (config.addr, port).into();
            out.push_back(Output::Bind { socket: SocketId::Media(port), addr });
        }
        let keepalive_s = config.keepalive_s.filter(|_| config.transport == Transport::Udp);
        Phone {
            packets: PacketPool::new(if config.video { VIDEO_BLOCK } else { VOICE_BLOCK }),
            keepalive_at: keepalive_s.map(|s| now + Duration::from_secs(s.max(1).into())),
            wire: Wire::new(config.transport),
            config,
            rng,
            out,
            events: VecDeque::new(),
            clients: Vec::new(),
            servers: Vec::new(),
            challenges: Vec::new(),
            registration,
            calls: Calls::default(),
            last: None,
        }
    }

    /// Takes what the world did.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Datagram { socket: SocketId::Sip(_), from, bytes } => {
                self.handle_message(now, Peer::Udp(from), from, bytes);
            }
            Input::Datagram { socket: SocketId::Media(port), bytes, .. } => {
                self.handle_media(now, port, bytes)
            }
            Input::Accepted { conn, peer, .. } => self.wire.accepted(&mut self.out, conn, peer),
            Input::Connected { conn, .. } => self.wire.connected(&mut self.out, conn),
            Input::Written(conn) => self.wire.written(&mut self.out, conn),
            Input::Closed(conn, _) | Input::ConnectFailed(conn, _) => self.wire.closed(conn),
            Input::Received { conn, bytes } => {
                if let Some((from, messages)) = self.wire.received(&mut self.out, conn, bytes) {
                    for message in messages {
                        self.handle_message(now, Peer::Tcp(conn), from, &message);
                    }
                }
            }
            Input::Bound(_) | Input::BindFailed(..) | Input::Listening(_) | Input::ListenFailed(..) => {}
        }
    }

    /// Lets due deadlines act.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.registration.refresh_at.is_some_and(|at| at <= now) {
            self.registration.refresh_at = None;
            self.send_register(now, self.config.expires_s);
        }
        if self.calls.iter().any(|call| call.answer_at.is_some_and(|at| at <= now)) {
            self.answer(now);
        }
        if self.keepalive_at.is_some_and(|at| at <= now) {
            self.keep_alive(now);
        }
        self.refresh_sessions(now);
        self.drive_clients(now);
        self.drive_servers(now);
        self.drive_media(now);
    }

    /// What the world must do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Phone::handle_timeout`] is wanted next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let mut next = None;
        let mut due = |at: Option<Instant>, why| {
            next = Deadline::earlier(next, at.map(|at| Deadline::new(at, why)));
        };
        due(self.registration.refresh_at, "phone: refresh registration");
        due(self.keepalive_at, "phone: keep alive");
        self.clients.iter().for_each(|transaction| due(Some(transaction.deadline()), TRANSACTION));
        self.servers.iter().for_each(|transaction| due(transaction.deadline(), TRANSACTION));
        self.calls.iter().fold(next, |next, call| Deadline::earlier(next, call.next_deadline()))
    }

    /// What the phone has to tell.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front().map(|(_, event)| event)
    }

    /// What the phone has to tell, with the Call-ID that it is about; `None` outside calls.
    pub fn poll_call_event(&mut self) -> Option<(Option<String>, PhoneEvent)> {
        self.events.pop_front()
    }

    /// Its configuration.
    pub fn config(&self) -> &PhoneConfig {
        &self.config
    }

    /// Changes what it does with the next incoming call.
    pub fn set_answer(&mut self, answer: Answer) {
        self.config.answer = answer;
    }

    /// Whether the server granted a registration that was not removed since.
    pub fn is_registered(&self) -> bool {
        self.registration.active
    }

    /// How far the present call is; `None` without one.
    pub fn call_state(&self) -> Option<CallState> {
        self.calls.present().map(|call| call.state)
    }

    /// The Call-ID of the present call.
    pub fn call_id(&self) -> Option<&str> {
        self.calls.present().map(|call| call.call_id.as_str())
    }

    /// The Call-IDs of all calls: two while it is being transferred.
    pub fn call_ids(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|call| call.call_id.as_str())
    }

    /// The Call-ID of the present call, else of the last one.
    pub fn last_call_id(&self) -> Option<&str> {
        self.call_id().or(self.last.as_ref().map(|last| last.call_id.as_str()))
    }

    /// The Call-ID of the call that ended last, also while another goes on.
    pub fn ended_call_id(&self) -> Option<&str> {
        self.last.as_ref().map(|last| last.call_id.as_str())
    }

    /// What was sent and heard in the present call, else in the last one.
    pub fn report(&self) -> Option<&MediaReport> {
        self.calls.present().map(|call| &call.audio.report).or(self.last.as_ref().map(|last| &last.report))
    }

    /// What video was sent and seen in the present call, else in the last one; `None` for a phone without video.
    pub fn video_report(&self) -> Option<&MediaReport> {
        match self.calls.present() {
            Some(call) => call.video.as_ref().map(|video| &video.report),
            None => self.last.as_ref()?.video.as_ref(),
        }
    }

    fn timers(&self) -> Timers {
        Timers { t1: self.config.t1, reliable: self.config.transport.is_reliable() }
    }

    fn handle_message(&mut self, now: Instant, peer: Peer, from: core::net::SocketAddr, bytes: &[u8]) {
        let Some(message) = Received::parse(bytes) else {
            return;
        };
        match message.status {
            Some(status) => self.handle_response(now, status, message),
            None => self.handle_request(now, peer, from, message),
        }
    }

    fn keep_alive(&mut self, now: Instant) {
        let interval = self.config.keepalive_s.unwrap_or(0).max(1);
        self.keepalive_at = Some(now + Duration::from_secs(interval.into()));
        let payload = self.packets.packet(KEEPALIVE.len(), |out| out.extend_from_slice(KEEPALIVE));
        self.out.push_back(Output::Send { socket: SocketId::Sip(0), to: self.config.server, payload });
    }

    fn tell(&mut self, call_id: Option<&str>, event: PhoneEvent) {
        self.events.push_back((call_id.map(Into::into), event));
    }

    fn end_call(&mut self, now: Instant, call_id: &str, how: Ended) {
        self.tell_referrer(now, call_id, how.as_status());
        let Some(call) = self.calls.remove(call_id) else {
            return;
        };
        if call.slot > 0 {
            let ports = call.ports(&self.config).all(&self.config);
            self.out.extend(ports.into_iter().map(|port| Output::Unbind(SocketId::Media(port))));
        }
        self.tell(Some(call_id), PhoneEvent::Ended(how));
        self.last = Some(LastCall {
            call_id: call.call_id,
            report: call.audio.report,
            video: call.video.map(|video| video.report),
        });
    }
}

const TRANSACTION: &str = "phone: transaction";
/// Half a second of voice, of video: as long as packets are under way.
const VOICE_BLOCK: usize = 4_096;
const VIDEO_BLOCK: usize = 16_384;
/// RFC 5626 §3.5.1.
const KEEPALIVE: &[u8] = b"\r\n\r\n";

impl crate::machine::Machine for Phone {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), crate::Misuse> {
        self.handle_input(now, input);
        Ok(())
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }
    fn poll_output(&mut self) -> Option<Output> {
        self.poll_output()
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        self.poll_timeout()
    }
}

#[cfg(test)]
mod tests;
