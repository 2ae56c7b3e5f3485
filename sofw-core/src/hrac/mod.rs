//! The inside half (paper: Half Relay Agent Client): relays, and decides nothing but whom it may speak to.
//!
//! ```text
//! phone ──SIP──▶ phones ──Frame::Sip──▶ ┌────────┐
//!       ◀──SIP── (announced only) ◀──── │ tunnel │ ══ HTTP ══▶
//! phone ──RTP──▶ relay ──voice────────▶ │ client │
//!       ◀──RTP── (announced only) ◀──── └────────┘
//! ```
//!
//! Registration, routing, RAT and SDP rewriting are HRAS's. Here is the policy that protects the inside from a hostile
//! HRAS: SIP goes only to addresses that spoke SIP, media only to addresses that a phone's SDP announced.

mod called;
mod flows;
mod phones;
mod sip;
#[cfg(test)]
mod tests;
mod waiting;

use core::net::SocketAddr;
use std::collections::VecDeque;

use crate::base::{Deadline, Instant, PayloadPool, Rng, Seed, SiteId, Transport};
use crate::config::HracConfig;
use crate::config::limits::SIP_MESSAGE_MAX;
use crate::error::Misuse;
use crate::event::{DropReason, Event};
use crate::fill::Fill;
use crate::io::{ConnNames, Input, ListenerId, Output, SocketId};
use crate::media::Forward;
use crate::transport::Connections;
use crate::tunnel::{Frame, RaHeader, TunnelClient, TunnelOutput, TunnelStatus};
use flows::Flows;
use phones::Phones;
use waiting::Waiting;

/// The inside half.
#[derive(Debug)]
pub struct Hrac {
    config: HracConfig,
    now: Instant,
    tunnel: TunnelClient,
    /// Between `Started` and `Ended`: what is sent arrives, now or when the tunnel is back.
    in_session: bool,
    waiting: Waiting,
    flows: Flows,
    phones: Phones,
    connections: Connections,
    /// SIP listeners not yet open.
    opening: usize,
    media_failure_reported: bool,
    pool: PayloadPool,
    out: VecDeque<Output>,
    /// An input came since the tunnel was last flushed.
    dirty: bool,
    drops: [u64; DropReason::ALL.len()],
    /// What went to HRAS.
    #[cfg(test)]
    said: Vec<Frame>,
}

impl Hrac {
    /// Starts the machine. The first outputs ask for its sockets and for the tunnel's connections.
    ///
    /// # Errors
    /// [`Misuse::Config`] if the configuration names no SIP listener.
    pub fn new(config: HracConfig, seed: Seed, now: Instant) -> Result<Self, Misuse> {
        if config.sip.is_empty() {
            return Err(Misuse::Config("sip.listen: at least one listener is needed"));
        }
        let rng = Rng::new(seed);
        // The two series of connection names never meet.
        let tunnel = TunnelClient::new(&config, rng.fork("tunnel"), ConnNames::new(0, 2), now);
        let mut hrac = Hrac {
            now,
            tunnel,
            in_session: false,
            waiting: Waiting::new(now),
            flows: Flows::new(&config.media),
            phones: Phones::new(),
            connections: Connections::new(ConnNames::new(1, 2)),
            opening: config.sip.len(),
            media_failure_reported: false,
            pool: PayloadPool::new(SIP_MESSAGE_MAX),
            out: VecDeque::new(),
            dirty: true,
            drops: [0; DropReason::ALL.len()],
            config,
            #[cfg(test)]
            said: Vec::new(),
        };
        hrac.open_listeners();
        hrac.drain_parts();
        Ok(hrac)
    }

    /// Takes what the world did.
    ///
    /// # Errors
    /// [`Misuse::TimeWentBack`]; [`Misuse::UnknownHandle`] for a listener or SIP socket that is not in the configuration.
    /// Late inputs about what was closed meanwhile are ignored.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        if now < self.now {
            return Err(Misuse::TimeWentBack);
        }
        self.now = now;
        self.dirty = true;
        match input {
            Input::Datagram { socket: SocketId::Media(port), from, bytes } => {
                self.media_in(port, from, bytes)
            }
            Input::Datagram { socket: SocketId::Sip(listener), from, bytes } => {
                self.check_listener(listener, Transport::Udp)?;
                self.datagram_from_phone(listener, from, bytes);
            }
            Input::Received { conn, bytes } if self.tunnel.owns(conn) => {
                self.tunnel.handle_received(now, conn, bytes);
            }
            Input::Received { conn, bytes } => self.connections.handle_received(now, conn, bytes),
            Input::Written(conn) if self.tunnel.owns(conn) => self.tunnel.handle_written(now, conn),
            Input::Written(conn) => self.connections.handle_written(conn),
            Input::Bound(SocketId::Media(port)) => self.flows.keeper.handle_bound(now, port),
            Input::BindFailed(SocketId::Media(port), error) => {
                self.flows.keeper.handle_bind_failed(now, port);
                if !core::mem::replace(&mut self.media_failure_reported, true) {
                    let addr = SocketAddr::new(self.config.media.bind, port);
                    self.event(Event::SocketFailed(SocketId::Media(port), addr, error));
                }
            }
            Input::Bound(SocketId::Sip(listener)) => {
                self.check_listener(listener, Transport::Udp)?;
                self.listener_opened();
            }
            Input::BindFailed(socket @ SocketId::Sip(listener), error) => {
                let addr = self.check_listener(listener, Transport::Udp)?;
                self.event(Event::SocketFailed(socket, addr, error));
            }
            Input::Listening(ListenerId::Sip(listener)) => {
                self.check_listener(listener, Transport::Tcp)?;
                self.listener_opened();
            }
            Input::ListenFailed(id @ ListenerId::Sip(listener), error) => {
                let addr = self.check_listener(listener, Transport::Tcp)?;
                self.event(Event::ListenerFailed(id, addr, error));
            }
            Input::Accepted { listener: ListenerId::Sip(listener), conn, peer } => {
                self.check_listener(listener, Transport::Tcp)?;
                self.connections.handle_accepted(now, conn, listener, peer);
            }
            Input::Listening(_) | Input::ListenFailed(..) | Input::Accepted { .. } => {
                return Err(Misuse::UnknownHandle);
            }
            Input::Connected { conn, local } if self.tunnel.owns(conn) => {
                self.tunnel.handle_connected(now, conn, local);
            }
            Input::Connected { conn, .. } => self.connections.handle_connected(now, conn),
            Input::ConnectFailed(conn, error) if self.tunnel.owns(conn) => {
                self.tunnel.handle_connect_failed(now, conn, error);
            }
            Input::ConnectFailed(conn, _) => self.connections.handle_closed(conn),
            Input::Closed(conn, error) if self.tunnel.owns(conn) => {
                self.tunnel.handle_closed(now, conn, error)
            }
            Input::Closed(conn, _) => self.connections.handle_closed(conn),
        }
        self.drain_parts();
        Ok(())
    }

    /// Lets due deadlines act. Early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.dirty = true;
        let now = self.now;
        self.tunnel.handle_timeout(now);
        self.flows.handle_timeout(now);
        self.phones.handle_timeout(now);
        self.connections.handle_timeout(now);
        self.drain_parts();
    }

    /// What the world must do next. Drain it to `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.out.pop_front() {
            return Some(output);
        }
        // Once per drain, so that all voice of a batch of inputs leaves in one write.
        if core::mem::take(&mut self.dirty) {
            if let Some(frame) = self.flows.ports_ready().filter(|_| self.in_session) {
                self.say(frame);
            }
            self.tunnel.flush(self.now);
            self.drain_parts();
        }
        self.out.pop_front()
    }

    /// When to call [`Hrac::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let own = [
            self.waiting.poll_timeout(),
            self.flows.poll_timeout(),
            self.phones.poll_timeout(),
            self.connections.poll_timeout(),
        ];
        own.into_iter().fold(self.tunnel.poll_timeout(), Deadline::earlier)
    }

    /// The tunnel, if there is one.
    pub fn tunnel_status(&self) -> Option<TunnelStatus> {
        self.tunnel.status()
    }

    /// What was dropped for a reason since the start.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or(0)
    }

    /// Media flows open: zero when no call is.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Relay port pairs claimed: zero when no call is, some seconds after a session that had calls was lost.
    pub fn ports_in_use(&self) -> usize {
        self.flows.keeper.in_use()
    }

    /// How full queues and tables are.
    pub fn fills(&self) -> Vec<Fill> {
        let own = self.waiting.fills().into_iter().chain(self.phones.fills()).chain(self.connections.fills());
        own.chain(self.tunnel.fills()).collect()
    }

    /// Inside addresses that may be spoken to by SIP.
    pub fn phones(&self) -> usize {
        self.phones.len()
    }

    fn open_listeners(&mut self) {
        for (index, listener) in (0..).zip(&self.config.sip) {
            let addr = listener.addr;
            self.out.push_back(match listener.transport {
                Transport::Udp => Output::Bind { socket: SocketId::Sip(index), addr },
                Transport::Tcp => Output::Listen { listener: ListenerId::Sip(index), addr },
            });
        }
    }

    fn check_listener(&self, index: u16, transport: Transport) -> Result<SocketAddr, Misuse> {
        let listener =
            self.config.sip.get(usize::from(index)).filter(|listener| listener.transport == transport);
        listener.map(|listener| listener.addr).ok_or(Misuse::UnknownHandle)
    }

    fn listener_opened(&mut self) {
        self.opening = self.opening.saturating_sub(1);
        if self.opening == 0 {
            self.event(Event::Ready);
        }
    }

    fn media_in(&mut self, port: u16, from: SocketAddr, bytes: &[u8]) {
        match self.flows.relay.from_socket(self.now, port, from, bytes) {
            Forward::Tunnel { flow, urgent, .. } if self.in_session => {
                self.tunnel.send_voice(self.now, flow, urgent, bytes);
            }
            Forward::Drop(_) if self.flows.announces_itself(port, from) => self.media_in(port, from, bytes),
            Forward::Drop(reason) => self.dropped_from(reason, Some(from)),
            _ => self.dropped_from(DropReason::TunnelDown, Some(from)),
        }
    }

    /// Carries out what the parts want. The tunnel's own queue keeps its order; its bytes wait for `flush`.
    fn drain_parts(&mut self) {
        while let Some(output) = self.tunnel.poll() {
            match output {
                TunnelOutput::Io(Output::Event(Event::Dropped(reason, from))) => {
                    self.dropped_from(reason, from)
                }
                TunnelOutput::Io(output) => self.out.push_back(output),
                TunnelOutput::Started(_) => self.session_started(),
                TunnelOutput::Ended(_) => {
                    self.in_session = false;
                    self.waiting.session_ended();
                    self.flows.orphan_all(self.now);
                }
                TunnelOutput::Frame(_, frame) => self.frame_in(frame),
                TunnelOutput::Voice(_, flow, payload) => {
                    match self.flows.relay.from_tunnel(self.now, SiteId(0), flow, &payload) {
                        Forward::Socket { port, to } => {
                            self.out.push_back(Output::Send { socket: SocketId::Media(port), to, payload });
                        }
                        Forward::Drop(reason) => self.dropped_from(reason, None),
                        Forward::Tunnel { .. } => self.dropped_from(DropReason::NoFlow, None),
                    }
                }
            }
        }
        while let Some(arrived) = self.connections.poll() {
            self.arrived(arrived);
        }
        while let Some(output) = self.flows.poll() {
            self.out.push_back(output);
        }
        self.waiting.tunnel_is_up(self.now, self.tunnel.is_up());
        for (phone, invite) in self.waiting.take_late(self.now) {
            self.cancel(phone, &invite);
        }
    }

    /// HRAS knows nothing of before: it is told who we are and which ports it may name, and opens its flows again.
    fn session_started(&mut self) {
        self.in_session = true;
        self.flows.orphan_all(self.now);
        let first = |transport| {
            let listener = self.config.sip.iter().find(|listener| listener.transport == transport)?;
            Some(RaHeader { transport, addr: listener.addr })
        };
        let sip = [first(Transport::Udp), first(Transport::Tcp)].into_iter().flatten().collect();
        self.say(Frame::Announce { sip, media: self.config.media.address });
        self.flows.announce_all();
        for (phone, message) in self.waiting.take_held() {
            self.say(Frame::Sip { phone, message });
        }
    }

    fn frame_in(&mut self, frame: Frame) {
        match frame {
            Frame::Sip { phone, message } => self.sip_to_phone(phone, message),
            Frame::OpenFlow { flow, port, phone, phone_rtcp, urgent } => {
                let refused = self
                    .flows
                    .open(self.now, &mut self.phones, flow, port, (phone, phone_rtcp), urgent)
                    .err();
                if let Some((reason, addr)) = refused {
                    self.dropped_from(reason, addr);
                }
            }
            Frame::CloseFlow(flow) => self.flows.close(flow),
            // Only HRAC says these.
            Frame::Announce { .. } | Frame::PortsReady(_) | Frame::Undelivered { .. } => {}
        }
    }

    fn undelivered(&mut self, phone: RaHeader) {
        if self.in_session {
            self.say(Frame::Undelivered { phone });
        }
    }

    fn say(&mut self, frame: Frame) {
        #[cfg(test)]
        self.said.push(frame.clone());
        self.tunnel.send(self.now, frame);
    }

    fn dropped_from(&mut self, reason: DropReason, from: Option<SocketAddr>) {
        if let Some(counter) = self.drops.get_mut(reason as usize) {
            *counter += 1;
        }
        self.event(Event::Dropped(reason, from));
    }

    fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}
