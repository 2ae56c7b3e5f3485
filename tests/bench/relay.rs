//! The plain baseline: one process, one epoll, one receive and one send per packet. No policy, no tunnel.

use std::io;
use std::net::UdpSocket;
use std::num::NonZeroUsize;

use polling::{Event, Events, PollMode, Poller};

use crate::peers::Ports;

/// Relays `calls` streams between the inside and the outside ports of [`Ports`] until killed.
pub fn run(calls: usize) -> io::Result<()> {
    let mut sockets = Vec::new();
    let mut targets = Vec::new();
    let poller = Poller::new()?;
    for call in 0..calls {
        for (own, peer) in [
            (Ports::relay_inside(call), Ports::load_outside(call)),
            (Ports::relay_outside(call), Ports::load_inside(call)),
        ] {
            let socket = UdpSocket::bind(own)?;
            socket.set_nonblocking(true)?;
            let key = sockets.len();
            // SAFETY: the sockets live in `sockets` until the process ends, longer than the poller.
            unsafe { poller.add_with_mode(&socket, Event::readable(key), PollMode::Level)? };
            sockets.push(socket);
            targets.push(peer);
        }
    }
    let mut events = Events::with_capacity(NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN));
    let mut buffer = [0u8; 2048];
    loop {
        events.clear();
        poller.wait(&mut events, None)?;
        for event in events.iter() {
            let own = event.key;
            // What comes in on one port of the pair leaves from the other one.
            let pair = own ^ 1;
            while let Ok((length, _)) = sockets[own].recv_from(&mut buffer) {
                let _ = sockets[pair].send_to(&buffer[..length], targets[own]);
            }
        }
    }
}
