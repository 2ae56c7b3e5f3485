//! Does what the program of a host wants.

use core::net::SocketAddr;

use sofw_core::base::Instant;
use sofw_core::io::{Endpoint, Input, IoError, Output, SocketId};

use super::{Act, App, Host};
use crate::packet::Packet;
use crate::world::{NodeId, Observer, Outbox};

impl Host {
    pub(super) fn perform<O: Observer>(
        &mut self,
        now: Instant,
        node: NodeId,
        act: Act,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        match act {
            Act::Do(output) => self.do_output(now, node, output, out, observer),
            Act::Packet(port, packet) => out.send(port, packet),
            Act::Pause(conn) => self.streams.pause(conn),
            Act::Resume(conn) => self.streams.resume(conn),
            Act::Reset(conn) => self.streams.reset(now, &mut self.tcp, conn),
            Act::ShutWrite(conn) => self.streams.shut_write(now, &mut self.tcp, conn),
        }
    }

    fn do_output<O: Observer>(
        &mut self,
        now: Instant,
        node: NodeId,
        output: Output,
        out: &mut Outbox,
        observer: &mut O,
    ) {
        match output {
            Output::Send { socket, to, payload } => {
                let Some(from) = self.udp.addr(&self.addrs, socket) else { return };
                // EAFNOSUPPORT and EMSGSIZE: a real socket refuses these, too.
                if from.is_ipv4() != to.is_ipv4() || payload.len() > DATAGRAM_MAX {
                    self.counters.unsendable += 1;
                    return;
                }
                match (socket, &self.app) {
                    (SocketId::Media(_), App::Phone(_)) => observer.spoke(now, node, to, &payload),
                    _ => observer.datagram(now, node, from, to, &payload),
                }
                out.send(0, Packet::udp(from, to, &payload));
            }
            Output::Write { conn, payload } => {
                self.counters.written += payload.len() as u64;
                self.streams.write(now, &mut self.tcp, conn, payload);
            }
            Output::Event(event) => observer.event(now, node, &event),
            seldom => self.do_seldom(now, seldom),
        }
    }

    /// What no packet causes. Apart, so that what every packet causes is short.
    #[cold]
    fn do_seldom(&mut self, now: Instant, output: Output) {
        match output {
            Output::Bind { socket, addr } => {
                let result = self.bind(socket, addr);
                self.answers.push_back(match result {
                    Ok(()) => Input::Bound(socket),
                    Err(error) => Input::BindFailed(socket, error),
                });
            }
            Output::Unbind(socket) => self.udp.unbind(socket),
            Output::Listen { listener, addr } => {
                self.uses_tcp = true;
                self.tcp.listen(addr);
                self.streams.listen(listener, addr);
                self.answers.push_back(Input::Listening(listener));
            }
            Output::Connect { conn, to } => match self.resolve(&to) {
                Some(to) => {
                    let local = self.addrs.iter().find(|addr| addr.is_ipv4() == to.is_ipv4());
                    let local = local.copied().unwrap_or(self.addrs[0]);
                    self.uses_tcp = true;
                    self.streams.connect(now, &mut self.tcp, conn, local, to);
                }
                None => self.answers.push_back(Input::ConnectFailed(conn, IoError::Unreachable)),
            },
            Output::Close(conn) => self.streams.close(now, &mut self.tcp, conn),
            Output::Send { .. } | Output::Write { .. } | Output::Event(_) => {}
        }
    }

    fn bind(&mut self, socket: SocketId, addr: SocketAddr) -> Result<(), IoError> {
        if !self.addrs.contains(&addr.ip()) {
            return Err(IoError::AddressNotLocal);
        }
        self.udp.bind(&self.addrs, socket, addr).then_some(()).ok_or(IoError::AddressInUse)
    }

    fn resolve(&self, to: &Endpoint) -> Option<SocketAddr> {
        match to {
            Endpoint::Addr(addr) => Some(*addr),
            Endpoint::Name(name, port) => {
                let addr = self.names.get(name).copied().or_else(|| name.parse().ok())?;
                Some(SocketAddr::new(addr, *port))
            }
        }
    }
}

/// Longest payload of a datagram (RFC 768 and the IPv4 header).
const DATAGRAM_MAX: usize = 65_507;
