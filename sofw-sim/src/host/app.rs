//! What runs on a host.

use core::fmt::Debug;
use core::net::SocketAddr;

use sofw_core::base::{Deadline, Instant};
use sofw_core::io::{ConnId, Input, Output};
use sofw_core::testing::phone::Phone;
use sofw_core::{Hrac, Hras, Machine};

use crate::packet::Packet;
use crate::world::PortId;

/// What an application wants. The halves and phones speak in [`Output`]; proxies and tunnels of other systems want more.
#[derive(Debug)]
pub enum Act {
    /// As a machine of the core.
    Do(Output),
    /// Read no more from a connection: its sender will be slowed down.
    Pause(ConnId),
    /// Read again.
    Resume(ConnId),
    /// End a connection at once, by RST.
    Reset(ConnId),
    /// End the own half of a connection by FIN; go on reading.
    ShutWrite(ConnId),
    /// A whole packet leaves the host by a port, as from a virtual network interface.
    Packet(PortId, Packet),
}

/// Any other program: proxies, other systems' tunnels, attackers. The same verbs as [`Machine`], and the contract of it.
pub trait Application: Debug {
    /// Takes what the world did. A peer that ends its half of a connection is [`Input::Closed`] without an error: the host
    /// then ends the other half when what was written has left.
    fn handle_input(&mut self, now: Instant, input: Input<'_>);
    /// A packet that is not for the host's own addresses: it came by another port than 0, or for an address that the host
    /// answers for ([`super::Host::adopt`]).
    fn handle_packet(&mut self, _now: Instant, _port: PortId, _packet: Packet) {}
    /// Lets due deadlines act.
    fn handle_timeout(&mut self, now: Instant);
    /// What it wants; drain to `None`.
    fn poll_act(&mut self) -> Option<Act>;
    /// When [`Application::handle_timeout`] is wanted.
    fn poll_timeout(&self) -> Option<Deadline>;
    /// Loses its state but not its sockets, as a proxy whose tables are flushed. Connections become black holes: what arrives on them
    /// is swallowed.
    fn forget(&mut self) {}
    /// For statistics: what it counted, by name.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// The program of a host.
#[derive(Debug)]
pub enum App {
    /// Nothing runs: the host is up, its programs are not.
    Idle,
    /// The outside half.
    Hras(Box<Hras>),
    /// The inside half.
    Hrac(Box<Hrac>),
    /// A phone.
    Phone(Box<Phone>),
    /// Anything else.
    Other(Box<dyn Application>),
}

impl App {
    pub(super) fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let taken = match self {
            App::Idle => Ok(()),
            App::Hras(hras) => hras.handle_input(now, input),
            App::Hrac(hrac) => hrac.handle_input(now, input),
            App::Phone(phone) => {
                phone.handle_input(now, input);
                Ok(())
            }
            App::Other(other) => {
                other.handle_input(now, input);
                Ok(())
            }
        };
        assert_eq!(taken, Ok(()), "the world keeps the contract");
    }

    pub(super) fn handle_packet(&mut self, now: Instant, port: PortId, packet: Packet) {
        if let App::Other(other) = self {
            other.handle_packet(now, port, packet);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            App::Idle => {}
            App::Hras(hras) => hras.handle_timeout(now),
            App::Hrac(hrac) => hrac.handle_timeout(now),
            App::Phone(phone) => phone.handle_timeout(now),
            App::Other(other) => other.handle_timeout(now),
        }
    }

    pub(super) fn poll_act(&mut self) -> Option<Act> {
        match self {
            App::Idle => None,
            App::Hras(hras) => hras.poll_output().map(Act::Do),
            App::Hrac(hrac) => hrac.poll_output().map(Act::Do),
            App::Phone(phone) => phone.poll_output().map(Act::Do),
            App::Other(other) => other.poll_act(),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let deadline = match self {
            App::Idle => None,
            App::Hras(hras) => hras.poll_timeout(),
            App::Hrac(hrac) => hrac.poll_timeout(),
            App::Phone(phone) => phone.poll_timeout(),
            App::Other(other) => other.poll_timeout(),
        };
        deadline.map(|deadline| deadline.at)
    }

    /// Whether media is gathered for it, as the production driver does ([`super::Host::gather`]).
    pub(super) fn gathers(&self) -> bool {
        matches!(self, App::Hras(_) | App::Hrac(_))
    }

    /// A phone's media port, for observers.
    pub(super) fn phone(&self) -> Option<&Phone> {
        match self {
            App::Phone(phone) => Some(phone),
            _ => None,
        }
    }
}

/// Any [`Machine`] as an [`Application`].
#[derive(Debug)]
pub struct Plain<M>(pub M);

impl<M: Machine + Debug> Application for Plain<M> {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let taken = self.0.handle_input(now, input);
        assert_eq!(taken, Ok(()), "the world keeps the contract");
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }
    fn poll_act(&mut self) -> Option<Act> {
        self.0.poll_output().map(Act::Do)
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        self.0.poll_timeout()
    }
}

/// A datagram that waits to be read with others.
#[derive(Debug)]
pub(super) struct Gathered {
    pub port: u16,
    pub from: SocketAddr,
    pub packet: Packet,
}
