//! The traffic: 172-byte RTP packets, 50 per second and direction of each call, calls spread evenly over the 20 ms.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use polling::{Event, Events, PollMode, Poller};

use crate::peers::Peer;

/// RTP header and 20 ms of G.711.
const PACKET: usize = 172;
const PERIOD: Duration = Duration::from_millis(20);
const WARM_UP: Duration = Duration::from_secs(2);

/// What one row of the table is made of.
#[derive(Clone, Debug)]
pub struct Measured {
    /// One-way delay in microseconds, sorted.
    pub delays_us: Vec<u32>,
    /// Packets sent in the measured time.
    pub sent: u64,
    /// Of these, packets that arrived.
    pub received: u64,
    /// Processor time of each relay process in that time.
    pub cpu: Vec<(&'static str, Duration)>,
    /// Bytes on the wire between the halves in that time, if there is a tunnel.
    pub wire_bytes: Option<u64>,
}

impl Measured {
    /// The delay below which the share `part` of all packets lies, in microseconds.
    pub fn delay_us(&self, part: f64) -> u32 {
        let at = ((self.delays_us.len() as f64 * part) as usize).min(self.delays_us.len().saturating_sub(1));
        self.delays_us.get(at).copied().unwrap_or(0)
    }

    /// Share of packets that never arrived.
    pub fn loss(&self) -> f64 {
        1.0 - self.received as f64 / self.sent.max(1) as f64
    }

    /// Processor microseconds per packet delivered, all processes together.
    pub fn cpu_us_per_packet(&self) -> f64 {
        self.cpu.iter().map(|(part, _)| self.part_us_per_packet(part)).sum()
    }

    /// Processor microseconds per packet delivered that one process took.
    pub fn part_us_per_packet(&self, part: &str) -> f64 {
        let cpu: Duration = self.cpu.iter().filter(|(name, _)| *name == part).map(|(_, cpu)| *cpu).sum();
        cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64
    }

    /// Bytes on the wire per packet delivered.
    pub fn bytes_per_packet(&self) -> Option<f64> {
        Some(self.wire_bytes? as f64 / self.received.max(1) as f64)
    }
}

/// Sends and receives for the warm-up and then for `length`; only packets sent in `length` count.
pub fn run(peer: &Peer, length: Duration) -> io::Result<Measured> {
    let start = Instant::now();
    let (from, to) = (start + WARM_UP, start + WARM_UP + length);
    let done = Arc::new(AtomicBool::new(false));
    let sent = AtomicU64::new(0);
    let (delays_us, (cpu, wire_bytes)) = std::thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(peer, start, from, to, &done));
        let result = send(peer, start, from, to, &sent);
        done.store(true, Ordering::Release);
        let delays = receiver.join().unwrap_or_else(|_| Err(io::Error::other("the receiver panicked")));
        result.and_then(|cost| Ok((delays?, cost)))
    })?;
    let received = delays_us.len() as u64;
    let mut delays_us = delays_us;
    delays_us.sort_unstable();
    Ok(Measured { delays_us, sent: sent.load(Ordering::Acquire), received, cpu, wire_bytes })
}

/// What a peer's processes and its tunnel took.
type Cost = (Vec<(&'static str, Duration)>, Option<u64>);

fn cost(peer: &Peer) -> io::Result<Cost> {
    Ok((peer.cpu()?, peer.wire_bytes()))
}

fn difference(before: Cost, after: Cost) -> Cost {
    let cpu = after.0.iter().zip(&before.0).map(|((part, after), (_, before))| (*part, *after - *before));
    (cpu.collect(), after.1.zip(before.1).map(|(after, before)| after.saturating_sub(before)))
}

fn send(peer: &Peer, start: Instant, from: Instant, to: Instant, sent: &AtomicU64) -> io::Result<Cost> {
    let calls = peer.streams.len();
    let mut packet = [0u8; PACKET];
    packet[0] = 0x80;
    let mut number: u64 = 0;
    let mut before = None;
    let mut counted = 0;
    // Each (period, call) has its own due time: calls are spread over the period, as independent phones are.
    for period in 0u32.. {
        for (index, stream) in peer.streams.iter().enumerate() {
            let due = start + PERIOD * period + PERIOD.mul_f64(index as f64 / calls as f64);
            let now = Instant::now();
            if due > now {
                std::thread::park_timeout(due - now);
            }
            let now = Instant::now();
            if now >= from && before.is_none() {
                before = Some(cost(peer)?);
            }
            if now >= to {
                sent.store(counted, Ordering::Release);
                let after = cost(peer)?;
                return Ok(difference(before.unwrap_or_default(), after));
            }
            for (socket, target) in [(&stream.inside, stream.inside_to), (&stream.outside, stream.outside_to)]
            {
                number += 1;
                let stamp = Instant::now();
                fill(&mut packet, number, stamp - start);
                if socket.send_to(&packet, target).is_ok() && (from..to).contains(&stamp) {
                    counted += 1;
                }
            }
        }
    }
    unreachable!("the loop returns when the time is over")
}

/// RTP sequence and time stamp for the relays, our own send time for us.
fn fill(packet: &mut [u8; PACKET], number: u64, stamp: Duration) {
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&((number * 160) as u32).to_be_bytes());
    packet[12..20].copy_from_slice(&(stamp.as_nanos() as u64).to_be_bytes());
}

fn receive(
    peer: &Peer,
    start: Instant,
    from: Instant,
    to: Instant,
    done: &AtomicBool,
) -> io::Result<Vec<u32>> {
    let poller = Poller::new()?;
    let sockets: Vec<&UdpSocket> = peer.streams.iter().flat_map(|s| [&s.inside, &s.outside]).collect();
    for (key, socket) in sockets.iter().enumerate() {
        // SAFETY: `peer` outlives this function and with it the poller.
        unsafe { poller.add_with_mode(*socket, Event::readable(key), PollMode::Level)? };
    }
    let window = (from - start).as_nanos() as u64..(to - start).as_nanos() as u64;
    let mut events = Events::with_capacity(NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN));
    let mut delays = Vec::new();
    let mut buffer = [0u8; 2048];
    let mut ended = None;
    loop {
        events.clear();
        poller.wait(&mut events, Some(Duration::from_millis(50)))?;
        for event in events.iter() {
            while let Ok((length, _)) = sockets[event.key].recv_from(&mut buffer) {
                let now = start.elapsed().as_nanos() as u64;
                let Some(stamp) = buffer[..length].get(12..20).and_then(|b| b.try_into().ok()) else {
                    continue;
                };
                let stamp = u64::from_be_bytes(stamp);
                if window.contains(&stamp) {
                    delays.push((now.saturating_sub(stamp) / 1_000) as u32);
                }
            }
        }
        // Packets under way when the sending ended get one more second.
        if done.load(Ordering::Acquire)
            && ended.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(1)
        {
            return Ok(delays);
        }
    }
}

/// One call: a socket inside and one outside, and where each sends.
pub struct Stream {
    /// The inside phone's RTP socket.
    pub inside: UdpSocket,
    /// The relay port that the inside phone sends to.
    pub inside_to: SocketAddr,
    /// The outside phone's RTP socket.
    pub outside: UdpSocket,
    /// The relay port that the outside phone sends to.
    pub outside_to: SocketAddr,
}
