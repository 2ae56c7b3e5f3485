//! The plain baseline: one process, one epoll, one receive and one send per packet. No policy, no tunnel.

use std::io;
use std::net::UdpSocket;

use crate::epoll::Epoll;
use crate::peers::Ports;

/// Relays `calls` streams between the inside and the outside ports of [`Ports`] until killed.
pub fn run(calls: usize) -> io::Result<()> {
    let mut sockets = Vec::new();
    let mut targets = Vec::new();
    let mut epoll = Epoll::new()?;
    for call in 0..calls {
        for (own, peer) in [
            (Ports::relay_inside(call), Ports::load_outside(call)),
            (Ports::relay_outside(call), Ports::load_inside(call)),
        ] {
            let socket = UdpSocket::bind(own)?;
            socket.set_nonblocking(true)?;
            epoll.add(&socket, sockets.len())?;
            sockets.push(socket);
            targets.push(peer);
        }
    }
    let mut buffer = [0u8; 2048];
    loop {
        for own in epoll.wait()? {
            // What comes in on one port of the pair leaves from the other one. Level-triggered: what is left shows again.
            if let Ok((length, _)) = sockets[own].recv_from(&mut buffer) {
                let _ = sockets[own ^ 1].send_to(&buffer[..length], targets[own]);
            }
        }
    }
}
