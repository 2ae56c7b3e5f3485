//! A redirected port 80: what hosts inside begin with a web server outside goes to the site's proxy, and neither of them is told.
//!
//! ```text
//!   host ── SYN to server:80 ──▶ [redirect] ── from the router's own port ──▶ proxy          (both are inside)
//!   host ◀── as if from server:80 ── [redirect] ◀── answer to the router's port ── proxy
//! ```
//!
//! The proxy is asked in the router's name, so that its answers pass here again on their way back.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use sofw_core::base::{Duration, Instant};

use super::{INSIDE, Middlebox, OUTSIDE};
use crate::packet::{Packet, Protocol};
use crate::world::{Outbox, PortId};

/// Redirects TCP to port 80.
#[derive(Debug)]
pub struct Redirect {
    /// The router's address inside.
    own: IpAddr,
    proxy: SocketAddr,
    /// By the router's port.
    flows: BTreeMap<u16, Flow>,
    ports: BTreeMap<Ends, u16>,
    next: u16,
}

/// A host inside, and the server that it means to talk to.
type Ends = (SocketAddr, SocketAddr);

#[derive(Debug)]
struct Flow {
    ends: Ends,
    last: Instant,
}

impl Redirect {
    /// To this proxy, by a router with the address `own`.
    pub fn new(own: IpAddr, proxy: SocketAddr) -> Redirect {
        Redirect { own, proxy, flows: BTreeMap::new(), ports: BTreeMap::new(), next: FIRST_PORT }
    }

    /// The router's port for a conversation; `None` if all are taken by others that still talk.
    fn port(&mut self, now: Instant, ends: Ends) -> Option<u16> {
        if let Some(&port) = self.ports.get(&ends) {
            return Some(port);
        }
        let is_free = |flow: Option<&Flow>| flow.is_none_or(|flow| now.since(flow.last) > IDLE);
        for _ in 0..TRIES {
            let port = self.next;
            self.next = if port == u16::MAX { FIRST_PORT } else { port + 1 };
            if is_free(self.flows.get(&port)) {
                if let Some(old) = self.flows.insert(port, Flow { ends, last: now }) {
                    self.ports.remove(&old.ends);
                }
                self.ports.insert(ends, port);
                return Some(port);
            }
        }
        None
    }
}

impl Middlebox for Redirect {
    fn handle_packet(&mut self, now: Instant, port: PortId, mut packet: Packet, out: &mut Outbox) {
        let (from, to) = (packet.source(), packet.destination());
        if port != INSIDE || packet.protocol() != Protocol::Tcp {
            return out.send(INSIDE + OUTSIDE - port, packet);
        }
        if from == self.proxy && to.ip() == self.own {
            let Some(flow) = self.flows.get_mut(&to.port()) else { return };
            flow.last = now;
            let (host, server) = flow.ends;
            packet.set_source(server);
            packet.set_destination(host);
            return out.send(INSIDE, packet);
        }
        if to.port() != WEB || from.ip() == self.proxy.ip() || to.ip() == self.own {
            return out.send(OUTSIDE, packet);
        }
        let Some(own) = self.port(now, (from, to)) else { return };
        if let Some(flow) = self.flows.get_mut(&own) {
            flow.last = now;
        }
        packet.set_source(SocketAddr::new(self.own, own));
        packet.set_destination(self.proxy);
        out.send(INSIDE, packet);
    }

    fn forget(&mut self) {
        self.flows.clear();
        self.ports.clear();
    }
}

const WEB: u16 = 80;
/// Ports of the router that stand for conversations: all that belong to no service.
const FIRST_PORT: u16 = 1_024;
/// A conversation silent for longer may lose its port to another.
const IDLE: Duration = Duration::from_secs(3_600);
/// Ports that are looked at for a new conversation.
const TRIES: u32 = 64;
