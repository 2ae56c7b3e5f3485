//! Listeners of the configuration: asked for at start; ready when all are open.

use std::collections::BTreeMap;

use core::net::SocketAddr;

use crate::base::Transport;
use crate::config::HrasConfig;
use crate::event::Event;
use crate::io::{IoError, ListenerId, Output, SocketId};

/// What was asked for and has not answered yet.
#[derive(Debug)]
pub(super) struct Listeners {
    sockets: BTreeMap<SocketId, SocketAddr>,
    listeners: BTreeMap<ListenerId, SocketAddr>,
    failed: bool,
}

impl Listeners {
    pub(super) fn new(config: &HrasConfig) -> Self {
        let mut sockets = BTreeMap::new();
        let mut listeners = BTreeMap::new();
        for (index, listener) in (0..).zip(&config.sip) {
            match listener.transport {
                Transport::Udp => drop(sockets.insert(SocketId::Sip(index), listener.addr)),
                Transport::Tcp => drop(listeners.insert(ListenerId::Sip(index), listener.addr)),
            }
        }
        listeners.extend((0..).zip(&config.tunnel).map(|(index, &addr)| (ListenerId::Tunnel(index), addr)));
        Listeners { sockets, listeners, failed: false }
    }

    /// The outputs that ask for all of them.
    pub(super) fn ask(&self) -> Vec<Output> {
        let sockets = self.sockets.iter().map(|(&socket, &addr)| Output::Bind { socket, addr });
        let listeners = self.listeners.iter().map(|(&listener, &addr)| Output::Listen { listener, addr });
        sockets.chain(listeners).collect()
    }

    pub(super) fn bound(&mut self, socket: SocketId) -> Option<Output> {
        self.sockets.remove(&socket)?;
        self.ready()
    }

    pub(super) fn listening(&mut self, listener: ListenerId) -> Option<Output> {
        self.listeners.remove(&listener)?;
        self.ready()
    }

    pub(super) fn bind_failed(&mut self, socket: SocketId, error: IoError) -> Option<Output> {
        let addr = self.sockets.remove(&socket)?;
        self.failed = true;
        Some(Output::Event(Event::SocketFailed(socket, addr, error)))
    }

    pub(super) fn listen_failed(&mut self, listener: ListenerId, error: IoError) -> Option<Output> {
        let addr = self.listeners.remove(&listener)?;
        self.failed = true;
        Some(Output::Event(Event::ListenerFailed(listener, addr, error)))
    }

    fn ready(&self) -> Option<Output> {
        let all = self.sockets.is_empty() && self.listeners.is_empty() && !self.failed;
        all.then_some(Output::Event(Event::Ready))
    }
}
