//! The outside half (paper: Half Relay Agent Server).
//!
//! ```text
//!  tunnels ══▶ TunnelServer ──Frame::Sip──▶ SipServer ◀──▶ outside (UDP, Connections for TCP)
//!                   │                          │ RelayModule (P7, P8)
//!                   └──voice──▶ media::Relay ◀─┴─ RelayAgent ──OpenFlow──▶ TunnelServer
//! ```
//!
//! This machine only joins its parts and keeps their order: what the relay agent wants said to a site (`OpenFlow`) leaves before the
//! SIP message that depends on it. No SIP, RAT or tunnel behaviour is decided here.

mod listeners;
mod status;
#[cfg(test)]
mod tests;

pub use status::{HrasStatus, SiteStatus};

use std::collections::{BTreeSet, VecDeque};

use core::net::SocketAddr;

use crate::base::{
    Deadline, Hop, InsideAddr, Instant, OutsideAddr, Payload, PayloadPool, Rng, Seed, SiteId, Transport,
};
use crate::config::HrasConfig;
use crate::error::Misuse;
use crate::event::{DropReason, Event};
use crate::fill::Fill;
use crate::io::{ConnNames, Input, ListenerId, Output, SocketId};
use crate::media::Forward;
use crate::proxy::{SipOutput, SipServer};
use crate::rat::{RatOutput, Record, RelayAgent};
use crate::sip::is_keep_alive;
use crate::transport::{Arrived, Connections};
use crate::tunnel::{FlowId, Frame, RaHeader, TunnelOutput, TunnelServer};

use listeners::Listeners;

/// The outside half: SIP server, relay agent table, and the public end of the tunnels of all sites.
#[derive(Debug)]
pub struct Hras {
    now: Instant,
    config: HrasConfig,
    listeners: Listeners,
    tunnel: TunnelServer,
    server: SipServer,
    agent: RelayAgent,
    connections: Connections,
    pool: PayloadPool,
    out: VecDeque<Output>,
    /// Sites whose session ended, until the drain is over.
    ended: BTreeSet<SiteId>,
    drops: [u64; DropReason::ALL.len()],
    media_failure_reported: bool,
    /// The tunnels were flushed since the last input.
    flushed: bool,
}

impl Hras {
    /// Starts the machine; the first outputs ask for its sockets. `seed` must come from the operating system in production.
    ///
    /// # Errors
    /// [`Misuse::Config`] if the configuration cannot work.
    pub fn new(config: HrasConfig, seed: Seed, now: Instant) -> Result<Self, Misuse> {
        if config.sip.is_empty() {
            return Err(Misuse::Config("[sip] listen: at least one listener is needed"));
        }
        if config.tunnel.is_empty() {
            return Err(Misuse::Config("[tunnel] listen: at least one listener is needed"));
        }
        let rng = Rng::new(seed);
        let mut hras = Hras {
            now,
            listeners: Listeners::new(&config),
            tunnel: TunnelServer::new(&config, rng.fork("tunnel"), now),
            server: SipServer::new(&config, rng.fork("sip"), now),
            agent: RelayAgent::new(&config, now),
            connections: Connections::new(ConnNames::new(0, 1)),
            pool: PayloadPool::new(DATAGRAM_BLOCK),
            out: VecDeque::new(),
            ended: BTreeSet::new(),
            drops: [0; DropReason::ALL.len()],
            media_failure_reported: false,
            flushed: false,
            config,
        };
        hras.out.extend(hras.listeners.ask());
        hras.drain();
        Ok(hras)
    }

    /// Takes what the world did.
    ///
    /// # Errors
    /// [`Misuse::TimeWentBack`]; the input was ignored. Inputs about connections that are gone are no misuse.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        self.advance(now)?;
        match input {
            // The hot path first: nothing but the relay, and the frame or datagram that it decides on.
            Input::Datagram { socket: SocketId::Media(port), from, bytes } => {
                self.media_from_socket(port, from, bytes);
                return Ok(());
            }
            Input::Datagram { socket: SocketId::Sip(listener), from, bytes } => {
                let hop = OutsideAddr { listener, transport: Transport::Udp, addr: from };
                if !is_keep_alive(bytes) {
                    self.sip_from_outside(hop, bytes);
                }
            }
            Input::Bound(SocketId::Media(port)) => self.agent.handle_bound(now, port),
            Input::BindFailed(SocketId::Media(port), error) => {
                self.agent.handle_bind_failed(now, port);
                // One is worth a line (a wrong address, most likely); all thousand would hide it.
                if !core::mem::replace(&mut self.media_failure_reported, true) {
                    let addr = SocketAddr::new(self.config.media.bind, port);
                    self.event(Event::SocketFailed(SocketId::Media(port), addr, error));
                }
            }
            Input::Bound(socket) => self.out.extend(self.listeners.bound(socket)),
            Input::BindFailed(socket, error) => self.out.extend(self.listeners.bind_failed(socket, error)),
            Input::Listening(listener) => self.out.extend(self.listeners.listening(listener)),
            Input::ListenFailed(listener, error) => {
                self.out.extend(self.listeners.listen_failed(listener, error));
            }
            Input::Accepted { listener: ListenerId::Tunnel(_), conn, peer } => {
                self.tunnel.handle_accepted(now, conn, peer);
            }
            Input::Accepted { listener: ListenerId::Sip(listener), conn, peer } => {
                self.connections.handle_accepted(now, conn, listener, peer);
            }
            Input::Connected { conn, .. } => self.connections.handle_connected(now, conn),
            Input::ConnectFailed(conn, _) => self.connections.handle_closed(conn),
            Input::Received { conn, bytes } if self.tunnel.owns(conn) => {
                self.tunnel.handle_received(now, conn, bytes);
            }
            Input::Received { conn, bytes } => self.connections.handle_received(now, conn, bytes),
            Input::Written(conn) if self.tunnel.owns(conn) => self.tunnel.handle_written(now, conn),
            Input::Written(conn) => self.connections.handle_written(conn),
            Input::Closed(conn, error) if self.tunnel.owns(conn) => {
                self.tunnel.handle_closed(now, conn, error);
            }
            Input::Closed(conn, _) => self.connections.handle_closed(conn),
        }
        self.drain();
        Ok(())
    }

    /// Lets due deadlines act. Early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.advance(now).is_err() {
            return;
        }
        self.tunnel.handle_timeout(now);
        self.server.handle_timeout(now, &mut self.agent);
        self.agent.handle_timeout(now);
        self.connections.handle_timeout(now);
        self.drain();
    }

    /// What the world must do next. Drain it to `None`: the tunnels' writes are made when all else is said, so that
    /// everything that one batch of inputs caused shares one write per connection.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.out.pop_front() {
            return Some(output);
        }
        if !self.flushed {
            self.flushed = true;
            self.tunnel.flush(self.now);
            self.drain();
        }
        self.out.pop_front()
    }

    /// When to call [`Hras::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Deadline> {
        [
            self.tunnel.poll_timeout(),
            self.server.poll_timeout(),
            self.agent.poll_timeout(),
            self.connections.poll_timeout(),
        ]
        .into_iter()
        .fold(None, Deadline::earlier)
    }

    /// What an operator wants to see.
    pub fn status(&self) -> HrasStatus<'_> {
        status::status(self)
    }

    /// The RAT (P7), by dialog and media line.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.agent.records()
    }

    /// Whether the location service has a binding of `user` that has not expired.
    pub fn has_binding(&self, user: &str) -> bool {
        self.server.has_binding(self.now, user)
    }

    /// SIP dialogs remembered.
    pub fn dialogs(&self) -> usize {
        self.server.dialogs()
    }

    /// SIP transactions under way.
    pub fn transactions(&self) -> usize {
        self.server.transactions()
    }

    /// Dialog groups of the RAT, relay port pairs and flows in use: zero when no call is.
    pub fn media_in_use(&self) -> usize {
        self.agent.in_use()
    }

    /// How many of the SIP transactions are registrations, which have nothing to do with calls.
    pub fn registering(&self) -> usize {
        self.server.registering()
    }

    /// How full queues and tables are.
    pub fn fills(&self) -> Vec<Fill> {
        self.server.fills().into_iter().chain(self.connections.fills()).chain(self.tunnel.fills()).collect()
    }

    fn advance(&mut self, now: Instant) -> Result<(), Misuse> {
        if now < self.now {
            return Err(Misuse::TimeWentBack);
        }
        self.now = now;
        self.flushed = false;
        Ok(())
    }

    fn media_from_socket(&mut self, port: u16, from: SocketAddr, bytes: &[u8]) {
        match self.agent.relay.from_socket(self.now, port, from, bytes) {
            Forward::Tunnel { site, flow, urgent } => {
                self.tunnel.send_voice(self.now, site, flow, urgent, bytes);
            }
            Forward::Socket { port, to } => {
                let payload = self.pool.copy(bytes);
                self.out.push_back(Output::Send { socket: SocketId::Media(port), to, payload });
            }
            Forward::Drop(reason) => self.dropped(reason, Some(from)),
        }
    }

    fn media_from_tunnel(&mut self, site: SiteId, flow: FlowId, payload: Payload) {
        match self.agent.relay.from_tunnel(self.now, site, flow, &payload) {
            Forward::Tunnel { site, flow, urgent } => {
                self.tunnel.send_voice(self.now, site, flow, urgent, &payload);
            }
            Forward::Socket { port, to } => {
                self.out.push_back(Output::Send { socket: SocketId::Media(port), to, payload });
            }
            Forward::Drop(reason) => self.dropped(reason, None),
        }
    }

    /// Counted here and in the status; the event says who, for the log.
    fn dropped(&mut self, reason: DropReason, from: Option<SocketAddr>) {
        self.count_drop(reason);
        self.out.push_back(Output::Event(Event::Dropped(reason, from)));
    }

    fn count_drop(&mut self, reason: DropReason) {
        let at = DropReason::ALL.iter().position(|&known| known == reason);
        if let Some(counter) = at.and_then(|at| self.drops.get_mut(at)) {
            *counter += 1;
        }
    }

    fn sip_from_outside(&mut self, hop: OutsideAddr, bytes: &[u8]) {
        self.server.handle_message(self.now, Hop::Outside(hop), bytes, &mut self.agent);
    }

    /// Carries what the parts want from one to the other until nothing is left.
    fn drain(&mut self) {
        loop {
            let mut idle = true;
            while let Some(output) = self.tunnel.poll() {
                idle = false;
                self.handle_tunnel(output);
            }
            while let Some(site) = self.ended.pop_first() {
                self.agent.site_ended(self.now, site);
                self.server.site_ended(self.now, site, &mut self.agent);
            }
            while let Some(arrived) = self.connections.poll() {
                idle = false;
                self.handle_arrived(arrived);
            }
            // The relay agent before the SIP server: OpenFlow precedes the SDP that names its port.
            while let Some(output) = self.agent.poll() {
                idle = false;
                match output {
                    RatOutput::Frame(site, frame) => self.tunnel.send(self.now, site, frame),
                    RatOutput::Io(output) => self.out.push_back(output),
                    RatOutput::Event(event) => self.event(event),
                }
            }
            while let Some(output) = self.server.poll() {
                idle = false;
                match output {
                    SipOutput::Send { to, message } => self.send_sip(to, message),
                    SipOutput::Event(event) => self.event(event),
                }
            }
            if idle {
                return;
            }
        }
    }

    fn event(&mut self, event: Event) {
        if let Event::Dropped(reason, _) = event {
            self.count_drop(reason);
        }
        self.out.push_back(Output::Event(event));
    }

    fn handle_tunnel(&mut self, output: TunnelOutput) {
        match output {
            TunnelOutput::Io(Output::Event(event)) => self.event(event),
            TunnelOutput::Io(output) => self.out.push_back(output),
            TunnelOutput::Voice(site, flow, payload) => self.media_from_tunnel(site, flow, payload),
            // A HRAC that restarted ends its session and begins a new one in one breath: its calls go on, their flows are
            // opened again when it announces itself. Only a site that stayed away beyond the resume window loses them.
            TunnelOutput::Ended(site) => drop(self.ended.insert(site)),
            TunnelOutput::Started(site) => drop(self.ended.remove(&site)),
            TunnelOutput::Frame(site, frame) => self.handle_frame(site, frame),
        }
    }

    fn handle_frame(&mut self, site: SiteId, frame: Frame) {
        let now = self.now;
        match frame {
            Frame::Announce { sip, media } => {
                self.server.site_up(now, site, &sip);
                self.agent.site_up(now, site, media);
            }
            Frame::PortsReady(ports) => self.agent.ports_ready(site, &ports),
            Frame::Sip { phone, message } => {
                self.server.handle_message(now, inside(site, phone), &message, &mut self.agent);
            }
            Frame::Undelivered { phone } => {
                self.server.handle_undelivered(now, inside(site, phone), &mut self.agent);
            }
            // Frames of the other direction: nothing to do with them.
            Frame::OpenFlow { .. } | Frame::CloseFlow(_) => {}
        }
    }

    fn handle_arrived(&mut self, arrived: Arrived) {
        let tcp = |listener, addr| OutsideAddr { listener, transport: Transport::Tcp, addr };
        match arrived {
            Arrived::Message { listener, peer, bytes } => self.sip_from_outside(tcp(listener, peer), &bytes),
            Arrived::Failed { listener, peer } => {
                let hop = Hop::Outside(tcp(listener, peer));
                self.server.handle_undelivered(self.now, hop, &mut self.agent);
            }
            Arrived::Io(Output::Event(event)) => self.event(event),
            Arrived::Io(output) => self.out.push_back(output),
        }
    }

    fn send_sip(&mut self, to: Hop, message: Payload) {
        match to {
            Hop::Inside(InsideAddr { site, transport, addr }) => {
                let phone = RaHeader { transport, addr };
                self.tunnel.send(self.now, site, Frame::Sip { phone, message });
            }
            Hop::Outside(OutsideAddr { listener, transport: Transport::Udp, addr }) => {
                let socket = SocketId::Sip(listener);
                self.out.push_back(Output::Send { socket, to: addr, payload: message });
            }
            Hop::Outside(OutsideAddr { listener, transport: Transport::Tcp, addr }) => {
                if !self.connections.send(self.now, listener, addr, message, true) {
                    self.server.handle_undelivered(self.now, to, &mut self.agent);
                }
            }
        }
    }
}

fn inside(site: SiteId, phone: RaHeader) -> Hop {
    Hop::Inside(InsideAddr { site, transport: phone.transport, addr: phone.addr })
}

/// Memory asked for at a time for datagrams copied from one relay socket to another.
const DATAGRAM_BLOCK: usize = 64 * 1024;
