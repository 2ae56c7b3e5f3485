//! The nearer limit: two processes and one TCP connection that carries `length, id, datagram` both ways, with the
//! writes of one wake-up merged. No HTTP, no seal, no policy, no age limit.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroUsize;

use polling::{Event, Events, PollMode, Poller};

use crate::peers::Ports;
use crate::process::wait_for;

const TUNNEL: usize = usize::MAX - 1;

/// Runs one side of the mux until killed or until the other side ends.
pub fn run(side: &str, calls: usize) -> io::Result<()> {
    let inside = side == "inside";
    let mut tunnel = if inside {
        wait_for("mux server", || TcpStream::connect(Ports::mux()).ok())?
    } else {
        TcpListener::bind(Ports::mux())?.accept()?.0
    };
    tunnel.set_nodelay(true)?;
    tunnel.set_nonblocking(true)?;
    let poller = Poller::new()?;
    // SAFETY: the connection and all sockets live until the process ends, longer than the poller.
    unsafe { poller.add_with_mode(&tunnel, Event::readable(TUNNEL), PollMode::Level)? };
    let mut sockets = Vec::new();
    for call in 0..calls {
        let own = if inside { Ports::relay_inside(call) } else { Ports::relay_outside(call) };
        let socket = UdpSocket::bind(own)?;
        socket.set_nonblocking(true)?;
        // SAFETY: as above.
        unsafe { poller.add_with_mode(&socket, Event::readable(call), PollMode::Level)? };
        sockets.push(socket);
    }
    let mut events = Events::with_capacity(NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN));
    let mut out: Vec<u8> = Vec::with_capacity(1 << 20);
    let mut incoming: Vec<u8> = Vec::with_capacity(1 << 20);
    let mut chunk = vec![0u8; 256 * 1024];
    let mut wants_write = false;
    loop {
        events.clear();
        poller.wait(&mut events, None)?;
        for event in events.iter() {
            if event.key != TUNNEL {
                let mut buffer = [0u8; 2048];
                while let Ok((length, _)) = sockets[event.key].recv_from(&mut buffer) {
                    out.extend_from_slice(&(length as u16).to_be_bytes());
                    out.extend_from_slice(&(event.key as u16).to_be_bytes());
                    out.extend_from_slice(&buffer[..length]);
                }
            } else if event.readable {
                match tunnel.read(&mut chunk) {
                    Ok(0) => return Ok(()),
                    Ok(length) => incoming.extend_from_slice(&chunk[..length]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut at = 0;
        while let Some(head) = incoming.get(at..at + 4) {
            let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
            let call = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let Some(datagram) = incoming.get(at + 4..at + 4 + length) else { break };
            let to = if inside { Ports::load_inside(call) } else { Ports::load_outside(call) };
            let _ = sockets[call].send_to(datagram, to);
            at += 4 + length;
        }
        incoming.drain(..at);
        if !out.is_empty() {
            match tunnel.write(&out) {
                Ok(length) => drop(out.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if wants_write == out.is_empty() {
            wants_write = !out.is_empty();
            let interest = Event::new(TUNNEL, true, wants_write);
            poller.modify_with_mode(&tunnel, interest, PollMode::Level)?;
        }
    }
}
