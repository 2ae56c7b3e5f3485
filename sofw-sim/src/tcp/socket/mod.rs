//! One connection: its two halves, its path model and its timers.
//!
//! `arrive` takes segments, `acknowledge` what they say of ours, `steer` moves the window by it, `output` builds segments when asked, `timeouts` acts when time
//! passes. Nothing here sends by itself.

mod acknowledge;
mod arrive;
mod output;
mod steer;
mod timeouts;

pub(super) use arrive::Verdict;

use std::collections::VecDeque;
use std::net::SocketAddr;

use sofw_core::base::{Duration, Instant};

use super::congestion::{Control, Window};
use super::receive::Receiver;
use super::recovery::{Phase, Recovery};
use super::rtt::Rtt;
use super::segment::{Flags, Head, Options};
use super::send::Sender;
use super::timers::NEVER;
use super::{TcpConfig, TcpEvent, TcpId, TcpState, TcpStatus};

/// The two ends of a connection; ports first, so that comparisons end early.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Pair {
    ports: (u16, u16),
    local: SocketAddr,
    remote: SocketAddr,
}

impl Pair {
    pub fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        Pair { ports: (remote.port(), local.port()), local, remote }
    }

    /// A number that tells most pairs apart.
    pub fn hint(&self) -> u64 {
        u64::from(self.ports.0) << 16 | u64::from(self.ports.1)
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn remote(&self) -> SocketAddr {
        self.remote
    }
}

/// How far the connection is, apart from its FINs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    SynSent,
    SynReceived,
    Open,
    /// Only answers a repeated FIN; its owner knows it as closed.
    TimeWait,
    /// To be removed.
    Gone,
}

/// What the retransmission timer is set for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    TimeOut,
    TailProbe,
    Reorder,
    Persist,
}

#[derive(Debug)]
struct Alarms {
    resend: Instant,
    purpose: Purpose,
    delayed_ack: Instant,
    pacing: Instant,
    keepalive: Instant,
    linger: Instant,
}

/// What a socket tells its owner.
pub(super) type Events = VecDeque<TcpEvent>;

/// One connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub id: TcpId,
    pub pair: Pair,
    pub stage: Stage,
    /// Set on sockets that a listener made.
    pub listener: Option<SocketAddr>,
    /// In the stack's queue of sockets with output.
    pub queued: bool,
    config: TcpConfig,
    send: Sender,
    receive: Receiver,
    recovery: Recovery,
    rtt: Rtt,
    window: Window,
    control: Control,
    alarms: Alarms,
    /// SYN or SYN|ACK to be sent now.
    syn_due: bool,
    /// A probe to be sent beyond the congestion window now.
    tail_due: bool,
    /// A zero-length probe below `una` to be sent now.
    probe_due: bool,
    /// Peer speaks these options.
    sack: bool,
    timestamps: bool,
    /// Owner is gone; what arrives for it is answered by RST.
    orphan: bool,
    /// Our FIN left before the peer's arrived.
    first_to_close: bool,
    /// Pacing lets nothing leave before.
    paced_until: Instant,
    announced: bool,
    wants_writable: bool,
    /// Unanswered probes and time-outs in a row.
    attempts: u32,
    heard: Instant,
}

impl Socket {
    fn new(now: Instant, id: TcpId, pair: Pair, config: &TcpConfig, iss: u32) -> Self {
        let mut send = Sender::new(iss, now);
        send.mss = usize::from(config.mss);
        Socket {
            id,
            pair,
            stage: Stage::SynSent,
            listener: None,
            queued: false,
            config: *config,
            send,
            receive: Receiver::new(config.receive_buffer, config.mss),
            recovery: Recovery::new(),
            rtt: Rtt::new(config),
            window: Window::new(now, config.initial_window),
            control: Control::new(config, iss),
            alarms: Alarms {
                resend: NEVER,
                purpose: Purpose::TimeOut,
                delayed_ack: NEVER,
                pacing: NEVER,
                keepalive: NEVER,
                linger: NEVER,
            },
            syn_due: true,
            tail_due: false,
            probe_due: false,
            sack: true,
            timestamps: config.timestamps,
            orphan: false,
            first_to_close: false,
            paced_until: Instant::ZERO,
            announced: false,
            wants_writable: false,
            attempts: 0,
            heard: now,
        }
    }

    /// A socket about to send its SYN.
    pub fn connect(now: Instant, id: TcpId, pair: Pair, config: &TcpConfig, iss: u32) -> Self {
        Socket::new(now, id, pair, config, iss)
    }

    /// A socket about to answer the SYN `head`.
    pub fn accept(
        now: Instant,
        id: TcpId,
        head: &Head,
        config: &TcpConfig,
        iss: u32,
        listener: SocketAddr,
    ) -> Self {
        let mut socket = Socket::new(now, id, Pair::new(head.dst, head.src), config, iss);
        socket.stage = Stage::SynReceived;
        socket.listener = Some(listener);
        socket.receive.open(head.seq);
        socket.negotiate(head);
        socket
    }

    /// Takes the options of the peer's SYN.
    fn negotiate(&mut self, head: &Head) {
        /// Without the option (RFC 9293 §3.7.1).
        const MSS_DEFAULT: u16 = 536;
        const SCALE_MAX: u8 = 14;
        const TIMESTAMPS_LEN: usize = 12;
        let options = &head.options;
        self.timestamps &= options.timestamps.is_some();
        self.receive.echo = options.timestamps.map_or(0, |(value, _)| value);
        self.sack = options.sack_permitted;
        match options.window_scale {
            Some(scale) => self.send.scale = scale.min(SCALE_MAX),
            None => self.receive.scale = 0,
        }
        let mss = usize::from(options.mss.unwrap_or(MSS_DEFAULT).min(self.config.mss));
        self.send.mss = mss.saturating_sub(if self.timestamps { TIMESTAMPS_LEN } else { 0 }).max(1);
        self.send.offer(u64::from(head.window));
    }

    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.send.fin || self.orphan || self.stage == Stage::TimeWait {
            return 0;
        }
        if self.send.unsent() < self.send.mss
            && self.send.in_flight() < self.window.size
            && self.send.lost <= self.send.resent
        {
            self.send.app_limited = (self.send.delivered + u64::from(self.send.in_flight())).max(1);
        }
        let taken = self.send.push(bytes, self.config.send_buffer);
        if taken < bytes.len() || !self.is_writable() {
            self.wants_writable = true;
        }
        taken
    }

    pub fn unsent(&self) -> usize {
        self.send.unsent()
    }

    pub fn is_writable(&self) -> bool {
        !self.send.fin
            && self.send.unsent() < self.config.not_sent_low_water
            && self.send.held() < self.config.send_buffer
    }

    pub fn read(&mut self, into: &mut Vec<u8>) -> usize {
        self.announced = false;
        self.receive.read(into)
    }

    pub fn shut_write(&mut self) {
        self.send.fin = true;
        self.wants_writable = false;
    }

    /// The owner leaves. Returns whether unread data makes that an abort, as in Linux (RFC 2525 §2.17).
    pub fn close(&mut self, now: Instant) -> bool {
        if self.stage == Stage::SynSent || self.receive.unread() > 0 {
            return true;
        }
        self.shut_write();
        self.orphan = true;
        self.alarms.linger = if self.send.fin_done() { now + self.config.fin_timeout } else { NEVER };
        false
    }

    /// The RST that tells the peer the connection is no more; `None` if the peer knows nothing of it.
    pub fn reset(&self) -> Option<Head> {
        if self.stage == Stage::SynSent {
            return None;
        }
        Some(Head {
            src: self.pair.local,
            dst: self.pair.remote,
            seq: self.wire(self.send.nxt),
            ack: Some(self.receive.irs.wrapping_add(self.receive.nxt as u32)),
            flags: Flags { rst: true, ..Flags::default() },
            window: 0,
            options: Options::default(),
        })
    }

    /// When time matters next.
    pub fn deadline(&self) -> Instant {
        let alarms = &self.alarms;
        alarms.resend.min(alarms.delayed_ack).min(alarms.pacing).min(alarms.keepalive).min(alarms.linger)
    }

    pub fn status(&self) -> TcpStatus {
        TcpStatus {
            state: self.state(),
            window: self.window.size,
            threshold: self.window.threshold,
            in_flight: self.send.in_flight(),
            unsent: self.send.unsent(),
            unread: self.receive.unread(),
            srtt: self.rtt.smoothed(),
            rto: self.rtt.backed_off(self.recovery.backoff),
            retransmissions: self.send.resent_ever,
            in_recovery: self.recovery.phase >= Phase::Recovery,
        }
    }

    fn state(&self) -> TcpState {
        let sent = self.send.fin && !self.send.fin_due();
        match self.stage {
            Stage::SynSent => TcpState::SynSent,
            Stage::SynReceived => TcpState::SynReceived,
            Stage::TimeWait => TcpState::TimeWait,
            Stage::Gone => TcpState::Closed,
            Stage::Open => match (sent, self.send.fin_done(), self.receive.finished()) {
                (false, _, false) => TcpState::Established,
                (false, _, true) => TcpState::CloseWait,
                (true, false, false) => TcpState::FinWait1,
                (true, true, false) => TcpState::FinWait2,
                (true, _, true) if self.first_to_close => TcpState::Closing,
                (true, _, true) => TcpState::LastAck,
            },
        }
    }

    fn wire(&self, at: u64) -> u32 {
        self.send.iss.wrapping_add(at as u32)
    }

    /// The socket is over; `event` is the last its owner hears.
    fn finish(&mut self, events: &mut Events, event: TcpEvent) {
        if self.stage != Stage::Gone && self.stage != Stage::TimeWait && !self.silent() {
            events.push_back(event);
        }
        self.stage = Stage::Gone;
    }

    /// Whether the owner does not know of the socket yet.
    fn silent(&self) -> bool {
        self.stage == Stage::SynReceived
    }

    fn tell_writable(&mut self, events: &mut Events) {
        if self.wants_writable && self.is_writable() && !self.orphan {
            self.wants_writable = false;
            events.push_back(TcpEvent::Writable(self.id));
        }
    }

    /// Milliseconds of our timestamp clock.
    fn clock(now: Instant) -> u32 {
        now.as_millis() as u32
    }

    fn rto(&self) -> Duration {
        self.rtt.backed_off(self.recovery.backoff)
    }
}
