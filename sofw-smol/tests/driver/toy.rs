//! A toy machine that a closure makes up, and what it takes to run it.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use smol::future::FutureExt;
use sofw_core::base::{Deadline, Instant};
use sofw_core::io::{Input, ListenerId, Output, SocketId};
use sofw_core::{Misuse, Payload};
use sofw_smol::clock::Clock;
use sofw_smol::driver::{Driver, Ended, Handle, Machine, Observer, Options};

type Behave = Box<dyn FnMut(Instant, Input<'_>, &mut VecDeque<Output>) + Send>;

/// Answers each input as its closure says.
pub struct Toy {
    behave: Behave,
    pub out: VecDeque<Output>,
    pub deadline: Option<Deadline>,
    pub fired: Vec<Instant>,
}

impl Toy {
    pub fn new(
        out: impl IntoIterator<Item = Output>,
        behave: impl FnMut(Instant, Input<'_>, &mut VecDeque<Output>) + Send + 'static,
    ) -> Toy {
        Toy { behave: Box::new(behave), out: out.into_iter().collect(), deadline: None, fired: Vec::new() }
    }
}

impl Machine for Toy {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        (self.behave)(now, input, &mut self.out);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline.at <= now) {
            self.deadline = None;
            self.fired.push(now);
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        self.deadline
    }
}

/// Tells the test where sockets were opened.
pub struct Places(Sender<Place>);

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Place {
    Udp(SocketId, SocketAddr),
    Tcp(ListenerId, SocketAddr),
}

impl Observer for Places {
    fn bound(&mut self, _now: Instant, socket: SocketId, local: SocketAddr) {
        let _ = self.0.send(Place::Udp(socket, local));
    }

    fn listening(&mut self, _now: Instant, listener: ListenerId, local: SocketAddr) {
        let _ = self.0.send(Place::Tcp(listener, local));
    }
}

/// A toy at work on a thread of its own.
pub struct Running {
    pub handle: Handle<Toy>,
    places: Receiver<Place>,
    thread: std::thread::JoinHandle<Ended<Toy, Places>>,
}

pub fn start(toy: Toy) -> Running {
    start_with(toy, Options::new(Clock::start()))
}

pub fn start_with(toy: Toy, options: Options) -> Running {
    let (tell, places) = channel();
    let (driver, handle) = Driver::new(toy, Places(tell), options).expect("a poller");
    let thread = std::thread::spawn(move || driver.run_alone().expect("the loop"));
    Running { handle, places, thread }
}

impl Running {
    pub fn place(&self) -> SocketAddr {
        match self.places.recv_timeout(PATIENCE).expect("a socket is opened") {
            Place::Udp(_, addr) | Place::Tcp(_, addr) => addr,
        }
    }

    pub fn stop(self) -> Ended<Toy, Places> {
        self.handle.stop();
        self.thread.join().expect("the driver's thread")
    }
}

/// Fails a test that would hang.
pub fn bounded<T>(what: impl Future<Output = T>) -> T {
    smol::block_on(what.or(async {
        smol::Timer::after(PATIENCE).await;
        panic!("took longer than {PATIENCE:?}");
    }))
}

pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub fn payload(bytes: &[u8]) -> Payload {
    Payload::from(bytes.to_vec())
}

pub const PATIENCE: Duration = Duration::from_secs(20);
