//! The nearer limit: two processes and one TCP connection that carries `length, id, datagram` both ways, with the
//! writes of one wake-up merged. No HTTP, no seal, no policy, no age limit, and no system call that it can do without.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use rustix::event::epoll::EventFlags;

use crate::epoll::Epoll;
use crate::peers::Ports;
use crate::process::wait_for;

const TUNNEL: usize = u32::MAX as usize;

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
    let mut epoll = Epoll::new()?;
    epoll.add(&tunnel, TUNNEL)?;
    let mut sockets = Vec::new();
    for call in 0..calls {
        let own = if inside { Ports::relay_inside(call) } else { Ports::relay_outside(call) };
        let socket = UdpSocket::bind(own)?;
        socket.set_nonblocking(true)?;
        epoll.add(&socket, call)?;
        sockets.push(socket);
    }
    let mut out: Vec<u8> = Vec::with_capacity(1 << 20);
    let mut incoming: Vec<u8> = Vec::with_capacity(1 << 20);
    let mut chunk = vec![0u8; 256 * 1024];
    let mut buffer = [0u8; 2048];
    let mut wants_write = false;
    loop {
        for key in epoll.wait()? {
            if key != TUNNEL {
                // Level-triggered: what is left shows again.
                if let Ok((length, _)) = sockets[key].recv_from(&mut buffer) {
                    out.extend_from_slice(&(length as u16).to_be_bytes());
                    out.extend_from_slice(&(key as u16).to_be_bytes());
                    out.extend_from_slice(&buffer[..length]);
                }
                continue;
            }
            match tunnel.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => incoming.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
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
            let interest = if wants_write { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            epoll.change(&tunnel, TUNNEL, interest)?;
        }
    }
}
