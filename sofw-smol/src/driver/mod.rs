//! Runs one machine on smol: sockets, connections and time on one side, the core's five methods on the other.
//!
//! ```text
//!            ┌── poller: one epoll set, one timer, one mailbox ──┐
//!  wake-up ─▶│ collect ▶ read in bounded rounds ▶ handle_input … │  one batch
//!            │ handle_timeout if due                             │
//!            │ poll_output … ▶ sendmmsg, one write per tunnel    │  one drain
//!            │ poll_timeout ▶ timer                              │
//!            └───────────────────────────────────────────────────┘
//! ```
//!
//! Invariants: one wake-up feeds one batch and drains once, so voice read together leaves in one tunnel write; work per
//! round is bounded, then the executor gets its turn; buffers are allocated once; nothing about a handle reaches the
//! machine after it was told that the handle is gone. Several drivers may live in one process, on one executor or many.

mod conns;
mod listeners;
mod mailbox;
mod mmsg;
mod observer;
mod poller;
mod resolve;
mod trouble;
mod tune;
mod udp;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

pub use listeners::open as open_tcp;
pub use mailbox::Handle;
pub use observer::{Ends, Observer, Way};
pub use resolve::addresses;
pub use sofw_core::Machine;
use sofw_core::base::{Duration, Instant};
use sofw_core::io::{ConnId, Endpoint, Input, Output};
pub use trouble::io_error;
pub use udp::open as open_udp;

use crate::clock::Clock;
use conns::Conns;
use listeners::{Incoming, Listeners};
use mailbox::{Letter, Mailbox};
use poller::{Poller, Ready, Token};
use udp::UdpSockets;

/// How a driver behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The clock; the machine must have been made with a time that this clock showed.
    pub clock: Clock,
    /// Media is read at most once in this time while it flows; the first packet after a pause is read at once. Longer
    /// means fewer wake-ups and larger tunnel writes, and half of it as mean delay. Zero switches it off.
    pub gather: Duration,
    /// Whether to mark media and SIP for routers that honour it.
    pub dscp: bool,
}

impl Options {
    /// The defaults, with this clock.
    pub fn new(clock: Clock) -> Self {
        Options { clock, gather: GATHER, dscp: true }
    }
}

/// What a driver has done, for measuring.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Rounds: batches fed and drained.
    pub rounds: u64,
    /// Datagrams read.
    pub datagrams_in: u64,
    /// Datagrams given to the kernel, dropped ones included.
    pub datagrams_out: u64,
    /// Datagrams that the kernel did not take.
    pub send_drops: u64,
    /// Datagrams longer than the bound of their kind, dropped.
    pub oversize: u64,
    /// Reads from connections.
    pub tcp_reads: u64,
    /// [`Output::Write`]s carried out.
    pub tcp_writes: u64,
    /// Inputs that the machine refused: a defect of the driver or of the machine.
    pub misuses: u64,
}

/// One machine and its sockets.
pub struct Driver<M, O = ()> {
    half: Half<M, O>,
    world: World,
    mailbox: Reader<M>,
    options: Options,
    ready: Vec<Ready>,
    /// When media was last read.
    media_read: Option<Instant>,
    /// While media gathers: when to read it next.
    media_resume: Option<Instant>,
}

/// What is left when a driver has ended. Dropping its sockets has closed them.
#[derive(Debug)]
pub struct Ended<M, O> {
    /// The machine.
    pub machine: M,
    /// The observer.
    pub observer: O,
    /// What was done.
    pub stats: Stats,
}

/// The machine's side.
pub(crate) struct Half<M, O> {
    machine: M,
    observer: O,
    stats: Stats,
}

/// The sockets' side.
struct World {
    poller: Poller,
    udp: UdpSockets,
    listeners: Listeners,
    conns: Conns,
    incoming: Vec<Incoming>,
    /// Answers to outputs, fed as the next batch.
    answers: VecDeque<Input<'static>>,
}

impl<M: Machine + 'static, O: Observer> Driver<M, O> {
    /// A driver of `machine`, and the handle to speak to it. Nothing happens before [`Driver::run`].
    ///
    /// Errors are the system's: no descriptors left.
    pub fn new(machine: M, observer: O, options: Options) -> io::Result<(Self, Handle<M>)> {
        let poller = Poller::new(options.gather > Duration::ZERO)?;
        let mailbox = Arc::new(Mailbox::new(poller.signal()));
        let world = World {
            poller,
            udp: UdpSockets::new(),
            listeners: Listeners::new(),
            conns: Conns::new(),
            incoming: Vec::new(),
            answers: VecDeque::new(),
        };
        let half = Half { machine, observer, stats: Stats::default() };
        let handle = Handle::new(Arc::clone(&mailbox));
        let mailbox = Reader(mailbox);
        Ok((
            Driver { half, world, mailbox, options, ready: Vec::new(), media_read: None, media_resume: None },
            handle,
        ))
    }

    /// Runs until [`Handle::stop`]. Errors are those of the poller itself: nothing of a peer's doing.
    pub async fn run(mut self) -> io::Result<Ended<M, O>> {
        let mut now = self.options.clock.now();
        loop {
            let more = self.drain(now);
            self.arm()?;
            // Both go through the executor, so that its other tasks get their turn after each round.
            if more {
                smol::future::yield_now().await;
            } else {
                self.world.poller.wait().await?;
            }
            now = self.options.clock.now();
            self.world.poller.collect(&mut self.ready)?;
            if !self.round(now)? {
                return Ok(self.end());
            }
        }
    }

    /// As [`Driver::run`], for a driver that has the thread to itself: it blocks in the poller, which costs a tenth of the
    /// system calls of a wait through the reactor.
    pub fn run_alone(mut self) -> io::Result<Ended<M, O>> {
        let mut now = self.options.clock.now();
        loop {
            if self.drain(now) {
                self.world.poller.collect(&mut self.ready)?;
            } else {
                self.arm()?;
                self.world.poller.block(&mut self.ready)?;
            }
            now = self.options.clock.now();
            if !self.round(now)? {
                return Ok(self.end());
            }
        }
    }

    fn end(self) -> Ended<M, O> {
        let Half { machine, observer, stats } = self.half;
        Ended { machine, observer, stats }
    }

    /// Reads what is ready into the machine. `false` if the loop is to end.
    fn round(&mut self, now: Instant) -> io::Result<bool> {
        self.half.stats.rounds += 1;
        let mut ready = std::mem::take(&mut self.ready);
        let mut read_media = self.media_resume.is_some_and(|at| at <= now);
        let mut go_on = true;
        for ready in ready.drain(..) {
            match ready.token {
                Token::Timer => self.world.poller.timer_fired(),
                Token::Mailbox => go_on &= self.read_mailbox(now),
                Token::MediaSet => read_media = true,
                Token::Listener(slot) => self.accept(slot, now),
                Token::Conn(..) => self.world.conns.ready(&self.world.poller, ready, now, &mut self.half),
                Token::SipUdp(index) => self.world.udp.receive(index, now, &mut self.half),
                Token::Media(port) => self.world.udp.receive_media(port, now, &mut self.half),
            }
        }
        if read_media {
            self.read_media(now, &mut ready)?;
        }
        self.ready = ready;
        self.world.listeners.handle_timeout(now, &self.world.poller);
        self.world.conns.handle_timeout(&self.world.poller, now, &mut self.half);
        if self.half.machine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.half.machine.handle_timeout(now);
        }
        Ok(go_on)
    }

    /// Reads every ready media socket, then decides whether to let them gather before the next time.
    fn read_media(&mut self, now: Instant, ready: &mut Vec<Ready>) -> io::Result<()> {
        let mut idle = true;
        // One datagram at a time; mostly the second look finds nothing left.
        for _ in 0..MEDIA_PASSES {
            self.world.poller.collect_media(ready)?;
            if ready.is_empty() {
                break;
            }
            idle = false;
            for ready in ready.drain(..) {
                if let Token::Media(port) = ready.token {
                    self.world.udp.receive_media(port, now, &mut self.half);
                }
            }
        }
        let flows =
            !idle && self.media_read.is_some_and(|last| now.since(last) < self.options.gather * BUSY_FACTOR);
        if !idle {
            self.media_read = Some(now);
        }
        self.media_resume = flows.then(|| now + self.options.gather);
        self.world.poller.silence_media(flows)
    }

    fn accept(&mut self, slot: u32, now: Instant) {
        let mut incoming = std::mem::take(&mut self.world.incoming);
        self.world.listeners.accept(slot, now, &self.world.poller, &mut incoming);
        for incoming in incoming.drain(..) {
            let (listener, peer) = (incoming.listener, incoming.peer);
            match self.world.conns.accepted(&self.world.poller, incoming) {
                Ok((conn, ends)) => {
                    self.half.observer.connected(now, Way::In, conn, ends);
                    self.half.feed(now, Input::Accepted { listener, conn, peer });
                }
                Err(error) => tracing::warn!(%peer, %error, "cannot keep an accepted connection"),
            }
        }
        self.world.incoming = incoming;
    }

    fn read_mailbox(&mut self, now: Instant) -> bool {
        for letter in self.mailbox.0.take() {
            match letter {
                Letter::Call(call) => call(&mut self.half.machine, now, &self.half.stats),
                Letter::Resolved(conn, _) if !self.world.conns.is_resolving(conn) => {}
                Letter::Resolved(conn, result) => {
                    let result = match result {
                        Ok(addrs) => self.world.conns.connect(&self.world.poller, now, conn, addrs),
                        Err(error) => {
                            self.world.conns.unresolved(conn);
                            Err(error)
                        }
                    };
                    if let Err(error) = result {
                        self.half.feed(now, Input::ConnectFailed(conn, error));
                    }
                }
                Letter::Stop => return false,
            }
        }
        true
    }

    /// Carries out what the machine wants, and feeds the answers, until it wants nothing. `true` if it still did when
    /// the bound was reached.
    fn drain(&mut self, now: Instant) -> bool {
        for _ in 0..DRAINS_PER_ROUND {
            while let Some(output) = self.half.machine.poll_output() {
                self.perform(now, output);
            }
            self.world.udp.flush(&mut self.half.stats);
            if self.world.answers.is_empty() {
                return false;
            }
            while let Some(answer) = self.world.answers.pop_front() {
                self.half.feed(now, answer);
            }
        }
        true
    }

    fn perform(&mut self, now: Instant, output: Output) {
        let (world, half) = (&mut self.world, &mut self.half);
        if let Output::Send { socket, to, payload } = output {
            return world.udp.send(now, (socket, to, payload), &mut half.observer, &mut half.stats);
        }
        world.udp.flush(&mut half.stats);
        match output {
            Output::Send { .. } => {}
            Output::Bind { socket, addr } => {
                world.answers.push_back(match world.udp.bind(&world.poller, &self.options, socket, addr) {
                    Ok(local) => {
                        half.observer.bound(now, socket, local);
                        Input::Bound(socket)
                    }
                    Err(error) => Input::BindFailed(socket, io_error(&error)),
                });
            }
            Output::Unbind(socket) => world.udp.unbind(socket),
            Output::Listen { listener, addr } => {
                world.answers.push_back(
                    match world.listeners.listen(&world.poller, &self.options, listener, addr) {
                        Ok(local) => {
                            half.observer.listening(now, listener, local);
                            Input::Listening(listener)
                        }
                        Err(error) => Input::ListenFailed(listener, io_error(&error)),
                    },
                );
            }
            Output::Connect { conn, to } => self.connect(now, conn, to),
            Output::Write { conn, payload } => {
                let watch = (&mut half.observer, &mut half.stats);
                if world.conns.write(&world.poller, now, (conn, payload), watch) {
                    world.answers.push_back(Input::Written(conn));
                }
            }
            Output::Close(conn) => {
                world.conns.close(&world.poller, now, conn, &mut half.observer);
                world.answers.retain(|answer| !concerns(answer, conn));
            }
            Output::Event(event) => half.observer.event(now, &event),
        }
    }

    fn connect(&mut self, now: Instant, conn: ConnId, to: Endpoint) {
        let world = &mut self.world;
        if let Some(addr) = resolve::literal(&to) {
            if let Err(error) = world.conns.connect(&world.poller, now, conn, vec![addr]) {
                world.answers.push_back(Input::ConnectFailed(conn, error));
            }
            return;
        }
        let Endpoint::Name(name, port) = to else { return };
        world.conns.resolving(now, conn);
        let mailbox = Arc::clone(&self.mailbox.0);
        smol::unblock(move || mailbox.post(Letter::Resolved(conn, resolve::resolve(&name, port)))).detach();
    }

    /// Sets the timer for the earliest of all deadlines.
    fn arm(&mut self) -> io::Result<()> {
        let deadlines = [
            self.half.machine.poll_timeout().map(|deadline| deadline.at),
            self.world.conns.deadline(),
            self.world.listeners.deadline(),
            self.media_resume,
        ];
        match deadlines.into_iter().flatten().min() {
            Some(at) => self.world.poller.wake_at(self.options.clock.now(), at),
            None => Ok(()),
        }
    }
}

/// The driver's end of its mailbox: closed when the driver ends, in whatever way.
struct Reader<M>(Arc<Mailbox<M>>);

impl<M> Drop for Reader<M> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<M: Machine, O> Half<M, O> {
    pub(crate) fn feed(&mut self, now: Instant, input: Input<'_>) {
        if let Err(misuse) = self.machine.handle_input(now, input) {
            self.stats.misuses += 1;
            tracing::error!(%misuse, "the machine refused an input: a defect, please report it");
        }
    }
}

/// Whether an answer is about a connection that the core has just closed.
fn concerns(answer: &Input<'_>, closed: ConnId) -> bool {
    matches!(answer, Input::Written(conn) | Input::ConnectFailed(conn, _) if *conn == closed)
}

/// See [`Options::gather`].
const GATHER: Duration = Duration::from_millis(1);
/// Media that comes again within so many gathering times flows; else a packet is a lone one and is not made to wait.
const BUSY_FACTOR: u32 = 3;
/// Datagrams read from one gathering media socket per round. One call brings one per 20 ms; more after a stall.
const MEDIA_PASSES: usize = 8;
/// Answers fed and drained again within one round before the sockets get their turn.
const DRAINS_PER_ROUND: usize = 16;
