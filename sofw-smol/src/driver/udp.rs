//! All UDP sockets of one machine.

use core::net::SocketAddr;
use std::io;
use std::os::fd::AsFd;

use rustix::net::RecvFlags;
use socket2::{Domain, Protocol, Socket, Type};
use sofw_core::Payload;
use sofw_core::base::Instant;
use sofw_core::config::limits;
use sofw_core::io::{Input, SocketId};

use super::mmsg::{ReceiveBatch, SendBatch};
use super::observer::{Ends, Observer, Way};
use super::poller::{Poller, READ, Token};
use super::{Half, Machine, Options, Stats};

/// The sockets, their receive buffers and the datagrams that wait for one `sendmmsg`.
pub struct UdpSockets {
    /// By port.
    media: Vec<Option<UdpSocket>>,
    /// By index in the configuration.
    sip: Vec<Option<UdpSocket>>,
    /// One datagram and a byte, by which one that is too long shows. A call brings one per 20 ms, so a media socket rarely
    /// holds a second one, and a plain receive is cheaper than a batch of one.
    media_buffer: Box<[u8]>,
    sip_batch: ReceiveBatch,
    outgoing: SendBatch,
    outgoing_socket: SocketId,
}

struct UdpSocket {
    socket: Socket,
    local: SocketAddr,
}

impl UdpSockets {
    pub fn new() -> Self {
        UdpSockets {
            media: Vec::new(),
            sip: Vec::new(),
            media_buffer: vec![0; limits::MEDIA_DATAGRAM_MAX + 1].into(),
            sip_batch: ReceiveBatch::new(SIP_BATCH, limits::SIP_MESSAGE_MAX),
            outgoing: SendBatch::new(SEND_BATCH),
            outgoing_socket: SocketId::Media(0),
        }
    }

    /// Opens a socket and adds it to the poller; its local address.
    pub fn bind(
        &mut self,
        poller: &Poller,
        options: &Options,
        id: SocketId,
        addr: SocketAddr,
    ) -> io::Result<SocketAddr> {
        let socket = open(addr)?;
        let mark = match id {
            SocketId::Media(_) => DSCP_EXPEDITED,
            SocketId::Sip(_) => {
                // A registration storm arrives within milliseconds; the kernel caps this to its own maximum.
                let _ = socket.set_recv_buffer_size(SIP_BUFFER);
                let _ = socket.set_send_buffer_size(SIP_BUFFER);
                DSCP_SIGNALLING
            }
        };
        if options.dscp {
            set_dscp(&socket, addr, mark);
        }
        let local = socket.local_addr()?.as_socket().unwrap_or(addr);
        poller.add(&socket, token(id), READ)?;
        let (table, index) = self.table(id);
        if table.len() <= index {
            table.resize_with(index + 1, || None);
        }
        table[index] = Some(UdpSocket { socket, local });
        Ok(local)
    }

    /// Closes a socket; closing takes it out of the poller.
    pub fn unbind(&mut self, id: SocketId) {
        let (table, index) = self.table(id);
        if let Some(slot) = table.get_mut(index) {
            *slot = None;
        }
    }

    /// Reads one batch from a SIP socket into the machine. What is left shows again in the next round.
    pub fn receive<M: Machine, O: Observer>(&mut self, index: u16, now: Instant, half: &mut Half<M, O>) {
        let Some(Some(socket)) = self.sip.get(usize::from(index)) else { return };
        let id = SocketId::Sip(index);
        if let Err(error) = self.sip_batch.receive(socket.socket.as_fd()) {
            return not_received(id, &error);
        }
        for received in self.sip_batch.iter() {
            if received.truncated {
                half.oversize();
            } else {
                half.datagram(now, id, socket.local, received.from, received.bytes);
            }
        }
    }

    /// Reads one datagram from a media socket into the machine. If there is another, the socket shows again.
    pub fn receive_media<M: Machine, O: Observer>(&mut self, port: u16, now: Instant, half: &mut Half<M, O>) {
        let Some(Some(socket)) = self.media.get(usize::from(port)) else { return };
        let id = SocketId::Media(port);
        match rustix::net::recvfrom(&socket.socket, &mut self.media_buffer[..], RecvFlags::DONTWAIT) {
            Ok((len, ..)) if len == self.media_buffer.len() => half.oversize(),
            Ok((len, _, from)) => {
                let Some(Ok(from)) = from.map(SocketAddr::try_from) else { return };
                half.datagram(now, id, socket.local, from, &self.media_buffer[..len]);
            }
            Err(error) => not_received(id, &error.into()),
        }
    }

    /// Queues one datagram; consecutive ones of a socket leave together.
    pub fn send<O: Observer>(
        &mut self,
        now: Instant,
        (id, to, payload): (SocketId, SocketAddr, Payload),
        observer: &mut O,
        stats: &mut Stats,
    ) {
        if self.outgoing_socket != id || self.outgoing.is_full() {
            self.flush(stats);
            self.outgoing_socket = id;
        }
        let (table, index) = self.table(id);
        let Some(Some(socket)) = table.get(index) else {
            stats.send_drops += 1;
            return;
        };
        let ends = Ends { local: socket.local, remote: to };
        observer.datagram(now, Way::Out, id, ends, &payload);
        stats.datagrams_out += 1;
        self.outgoing.push(to, payload);
    }

    /// Sends what is queued.
    pub fn flush(&mut self, stats: &mut Stats) {
        if self.outgoing.is_empty() {
            return;
        }
        let (table, index) = match self.outgoing_socket {
            SocketId::Media(port) => (&self.media, usize::from(port)),
            SocketId::Sip(index) => (&self.sip, usize::from(index)),
        };
        let Some(Some(socket)) = table.get(index) else { return };
        let (dropped, reason) = self.outgoing.send(socket.socket.as_fd());
        if dropped > 0 {
            stats.send_drops += dropped as u64;
            tracing::debug!(socket = ?self.outgoing_socket, dropped, ?reason, "datagrams not sent");
        }
    }

    fn table(&mut self, id: SocketId) -> (&mut Vec<Option<UdpSocket>>, usize) {
        match id {
            SocketId::Media(port) => (&mut self.media, usize::from(port)),
            SocketId::Sip(index) => (&mut self.sip, usize::from(index)),
        }
    }
}

impl<M: Machine, O: Observer> Half<M, O> {
    fn datagram(&mut self, now: Instant, id: SocketId, local: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        self.stats.datagrams_in += 1;
        self.observer.datagram(now, Way::In, id, Ends { local, remote: from }, bytes);
        self.feed(now, Input::Datagram { socket: id, from, bytes });
    }

    fn oversize(&mut self) {
        self.stats.datagrams_in += 1;
        self.stats.oversize += 1;
    }
}

fn not_received(id: SocketId, error: &io::Error) {
    if error.kind() != io::ErrorKind::WouldBlock {
        tracing::debug!(?id, %error, "receiving a datagram failed");
    }
}

/// A nonblocking UDP socket on `addr`.
pub fn open(addr: SocketAddr) -> io::Result<Socket> {
    let socket =
        Socket::new(Domain::for_address(addr), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    Ok(socket)
}

/// Marks what the socket sends (RFC 4594 §2.3). Networks may ignore it and so do we if it fails.
pub fn set_dscp(socket: &Socket, addr: SocketAddr, mark: u32) {
    let _ = if addr.is_ipv4() { socket.set_tos_v4(mark << 2) } else { socket.set_tclass_v6(mark << 2) };
}

fn token(id: SocketId) -> Token {
    match id {
        SocketId::Media(port) => Token::Media(port),
        SocketId::Sip(index) => Token::SipUdp(index),
    }
}

/// Expedited forwarding, for telephony media (RFC 4594 §4.1).
const DSCP_EXPEDITED: u32 = 46;
/// Assured forwarding 31, for signalling as most phones mark it.
pub const DSCP_SIGNALLING: u32 = 26;
/// Datagrams read from one SIP socket per round.
const SIP_BATCH: usize = 16;
/// Datagrams sent by one system call.
const SEND_BATCH: usize = 32;
/// Kernel buffer of a SIP socket: 500 phones registering at once.
const SIP_BUFFER: usize = 1024 * 1024;
