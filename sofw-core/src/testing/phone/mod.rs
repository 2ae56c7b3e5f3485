//! A built-in phone: an ordinary SIP user agent (RFC 3261) with G.711 voice (RFC 3551) that sends a tone and measures what
//! it hears. It knows nothing of SoFW.
//!
//! ```text
//! commands ─▶ Phone ─▶ call (dialog, SDP) ─▶ transactions ─▶ wire ─▶ Output      registration, credentials: beside
//!               └────▶ media: tone ─▶ G.711 ─▶ RTP ─▶ Output     Input ─▶ RTP ─▶ report, audio, tone
//! ```
//!
//! It has the five methods of [`crate::Hrac`] with the same [`Input`] and [`Output`], so that the same driver, simulator or
//! in-memory world carries it: `SocketId::Sip(0)`, `SocketId::Media(rtp port)` and the next one for RTCP. What it tells
//! its owner comes from [`Phone::poll_event`]. One call at a time: a second one gets 486.

mod auth;
mod call;
mod client;
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
pub mod wav;
mod wire;

pub use call::CallState;
pub use config::{Answer, PhoneConfig};
pub use event::{Ended, PhoneEvent};
pub use media::MediaReport;
pub use tone::Tone;

use std::collections::VecDeque;

use crate::base::{Deadline, Instant, Rng, Seed, Transport};
use crate::io::{Input, ListenerId, Output, SocketId};
use auth::Challenge;
use call::Call;
use media::{Heard, ToSend};
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
    events: VecDeque<PhoneEvent>,
    clients: Vec<ClientTransaction>,
    servers: Vec<ServerTransaction>,
    challenges: Vec<Challenge>,
    registration: Registration,
    call: Option<Call>,
    last_report: Option<MediaReport>,
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
    pub fn new(config: PhoneConfig, seed: Seed, _now: Instant) -> Self {
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
        for port in [config.rtp_port, config.rtcp_port()] {
            let addr = (config.addr, port).into();
            out.push_back(Output::Bind { socket: SocketId::Media(port), addr });
        }
        Phone {
            wire: Wire::new(config.transport),
            config,
            rng,
            out,
            events: VecDeque::new(),
            clients: Vec::new(),
            servers: Vec::new(),
            challenges: Vec::new(),
            registration,
            call: None,
            last_report: None,
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
        if self.call.as_ref().and_then(|c| c.answer_at).is_some_and(|at| at <= now) {
            self.answer(now);
        }
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
        let call = self.call.as_ref();
        let transactions = self
            .clients
            .iter()
            .map(|t| t.deadline())
            .chain(self.servers.iter().filter_map(|t| t.deadline()))
            .min();
        [
            (self.registration.refresh_at, "phone: refresh registration"),
            (call.and_then(|c| c.answer_at), "phone: answer"),
            (call.and_then(|c| c.media.next_deadline()), "phone: voice"),
            (transactions, "phone: transaction"),
        ]
        .into_iter()
        .filter_map(|(at, why)| Some(Deadline::new(at?, why)))
        .min()
    }

    /// What the phone has to tell.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
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
        self.call.as_ref().map(|c| c.state)
    }

    /// The Call-ID of the present call.
    pub fn call_id(&self) -> Option<&str> {
        self.call.as_ref().map(|c| c.call_id.as_str())
    }

    /// What was sent and heard in the present call, else in the last one.
    pub fn report(&self) -> Option<&MediaReport> {
        self.call.as_ref().map(|c| &c.media.report).or(self.last_report.as_ref())
    }

    /// Presses keys (RFC 4733), each for 100 ms. Characters that no dial pad has are skipped.
    pub fn dial(&mut self, keys: &str) {
        if let Some(call) = &mut self.call {
            keys.chars().filter_map(rtp::TelephoneEvent::code).for_each(|event| call.media.press(event));
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

    fn handle_media(&mut self, now: Instant, port: u16, bytes: &[u8]) {
        let Some(call) = &mut self.call else {
            return;
        };
        if port == self.config.rtcp_port() {
            call.media.handle_rtcp();
            return;
        }
        match call.media.handle_rtp(now, bytes) {
            Some(Heard::Tone(tone)) => self.events.push_back(PhoneEvent::ToneHeard(tone)),
            Some(Heard::Key(key)) => self.events.push_back(PhoneEvent::Dtmf(key)),
            None => {}
        }
    }

    fn drive_media(&mut self, now: Instant) {
        let Some(call) = &mut self.call else {
            return;
        };
        let mut packets = Vec::new();
        call.media.handle_timeout(now, &mut packets);
        for packet in packets {
            let (port, to, bytes) = match packet {
                ToSend::Rtp(to, bytes) => (self.config.rtp_port, to, bytes),
                ToSend::Rtcp(to, bytes) => (self.config.rtcp_port(), to, bytes),
            };
            self.out.push_back(Output::Send { socket: SocketId::Media(port), to, payload: bytes.into() });
        }
    }

    fn end_call(&mut self, how: Ended) {
        if let Some(call) = self.call.take() {
            self.last_report = Some(call.media.report);
            self.events.push_back(PhoneEvent::Ended(how));
        }
    }
}

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
