//! Voice over one TCP connection through a pipe with delay and random loss: the numbers to hold against a real kernel.
//!
//! What the kernel said (Linux, two network namespaces, a TUN pair with delay and loss made in user space, round trip 85 ms,
//! p50 / p95 / p99):
//!
//! | calls, loss, control | 10 s | 30 s |
//! |---|---|---|
//! | 5, 1 %, CUBIC | 47–52 / 108–181 / 141–320 | |
//! | 20, 1 %, CUBIC | 84–172 / 697–1413 / 753–1564 | 911–2780 / 2055–6472 / 2138–6575 |
//! | 20, 3 %, CUBIC | 5994 / 11489 / 11716 and 6420 / 11566 / 11908 | 17961 / 28498 / 29315 and 11844 / 27012 / 28024 |
//! | 20, 1 %, BBR | 64 / 130 / 178 | 62–69 / 129–130 / 207 |
//!
//! The length matters: twenty calls need about as much as CUBIC's window carries at 1 % loss and more than it carries at 3 %,
//! so queues grow with time. What the first slow start sends before the first loss is a large part of ten seconds.
//!
//! Each call makes a frame every 20 ms and writes it when made; all calls share one connection. What the socket does not take
//! waits in an unbounded queue. The pipe delays and loses, it does not reorder; acknowledgements are lost like data.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sofw_core::base::{Duration, Instant, Rng};

use super::{Congestion, Head, Stack, TcpConfig, TcpEvent, TcpId};

/// One set of conditions.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Calls sharing the connection.
    pub calls: u32,
    /// Chance of loss per segment, each way, parts per 1000.
    pub loss_per_mille: u32,
    /// Sender's congestion control.
    pub congestion: Congestion,
    /// Delay each way.
    pub delay: Duration,
    /// Simulated time in which frames are made.
    pub length: Duration,
    /// Runs, each with its own seed; a row holds the medians of their percentiles.
    pub runs: u64,
    /// First seed.
    pub seed: u64,
}

/// One-way latencies, milliseconds from made to readable.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row {
    /// 50th percentile.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Frames measured.
    pub frames: usize,
    /// Segments that the sender repeated.
    pub retransmissions: u64,
    /// Segments on the pipe, both ways.
    pub segments: u64,
}

/// A 172-byte RTP packet with what a tunnel adds.
const FRAME: usize = 200;
const FRAME_EVERY: Duration = Duration::from_millis(20);

/// Runs one case.
pub fn calibrate(case: &Case) -> Row {
    let mut rows = Vec::new();
    for run in 0..case.runs {
        let mut run = Run::new(case, case.seed + run);
        run.play();
        rows.push(run.row());
    }
    let median = |of: fn(&Row) -> f64| {
        let mut values: Vec<f64> = rows.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Row {
        p50: median(|row| row.p50),
        p95: median(|row| row.p95),
        p99: median(|row| row.p99),
        frames: rows.iter().map(|row| row.frames).sum(),
        retransmissions: rows.iter().map(|row| row.retransmissions).sum(),
        segments: rows.iter().map(|row| row.segments).sum(),
    }
}

struct Run<'a> {
    case: &'a Case,
    now: Instant,
    near: Stack,
    far: Stack,
    id: TcpId,
    accepted: Option<TcpId>,
    to_far: Pipe,
    to_near: Pipe,
    /// Next frame of each call.
    due: VecDeque<Instant>,
    waiting: VecDeque<u8>,
    made: VecDeque<Instant>,
    received: usize,
    latencies: Vec<Duration>,
}

impl<'a> Run<'a> {
    fn new(case: &'a Case, number: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let rng = Rng::new(seed);
        let config = TcpConfig { congestion: case.congestion, ..TcpConfig::default() };
        let mut near = Stack::new(config, rng.fork("near"));
        let mut far = Stack::new(config, rng.fork("far"));
        let server = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 443);
        far.listen(server);
        let id = near.connect(Instant::ZERO, IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), server);
        let mut phases = rng.fork("phases");
        let every = FRAME_EVERY.as_nanos() as u64;
        let mut due: Vec<Instant> = (0..case.calls)
            .map(|_| Instant::from_millis(1000) + Duration::from_nanos(phases.below(every)))
            .collect();
        due.sort();
        Run {
            case,
            now: Instant::ZERO,
            near,
            far,
            id,
            accepted: None,
            to_far: Pipe::new(case, rng.fork("to far")),
            to_near: Pipe::new(case, rng.fork("to near")),
            due: due.into(),
            waiting: VecDeque::new(),
            made: VecDeque::new(),
            received: 0,
            latencies: Vec::new(),
        }
    }

    fn play(&mut self) {
        /// Time after the last frame for what is queued.
        const REST: Duration = Duration::from_secs(300);
        let stop = Instant::ZERO + self.case.length;
        let mut buffer = Vec::new();
        loop {
            self.make(stop);
            self.drain(&mut buffer);
            let idle = self.due.is_empty() && self.made.is_empty();
            let Some(next) = self.next().filter(|next| !idle && *next < stop + REST) else { break };
            self.now = next.max(self.now);
            self.near.handle_timeout(self.now);
            self.far.handle_timeout(self.now);
            while let Some((head, payload)) = self.to_far.pop(self.now) {
                self.far.handle_segment(self.now, &head, &payload);
                self.to_far.spare.push(payload);
            }
            while let Some((head, payload)) = self.to_near.pop(self.now) {
                self.near.handle_segment(self.now, &head, &payload);
                self.to_near.spare.push(payload);
            }
        }
    }

    fn row(&mut self) -> Row {
        self.latencies.sort();
        let at = |share: f64| {
            let index = (self.latencies.len() as f64 * share) as usize;
            self.latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
        };
        Row {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            frames: self.latencies.len(),
            retransmissions: self.near.status(self.id).map_or(0, |status| status.retransmissions),
            segments: self.to_far.count + self.to_near.count,
        }
    }

    /// Makes the frames due and writes what the socket takes.
    fn make(&mut self, stop: Instant) {
        while self.due.front().is_some_and(|at| *at <= self.now) {
            let Some(at) = self.due.pop_front() else { break };
            self.waiting.extend([0; FRAME]);
            self.made.push_back(at);
            if at + FRAME_EVERY < stop {
                self.due.push_back(at + FRAME_EVERY);
            }
            self.write();
        }
        self.write();
    }

    fn write(&mut self) {
        while !self.waiting.is_empty() && self.near.is_writable(self.id) {
            let (bytes, _) = self.waiting.as_slices();
            let taken = self.near.write(self.now, self.id, bytes);
            self.waiting.drain(..taken);
        }
    }

    fn drain(&mut self, buffer: &mut Vec<u8>) {
        self.to_far.fill(self.now, &mut self.near);
        while self.near.poll_event().is_some() {}
        self.read(buffer);
        self.to_near.fill(self.now, &mut self.far);
    }

    fn read(&mut self, buffer: &mut Vec<u8>) {
        while let Some(event) = self.far.poll_event() {
            if let TcpEvent::Accepted { id, .. } = event {
                self.accepted = Some(id);
            }
        }
        let Some(id) = self.accepted else { return };
        buffer.clear();
        self.received += self.far.read(self.now, id, buffer);
        while self.received >= FRAME {
            self.received -= FRAME;
            if let Some(made) = self.made.pop_front() {
                self.latencies.push(self.now.since(made));
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        [
            self.due.front().copied(),
            self.near.poll_timeout(),
            self.far.poll_timeout(),
            self.to_far.next(),
            self.to_near.next(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// One direction of the path.
struct Pipe {
    delay: Duration,
    loss_per_mille: u64,
    rng: Rng,
    queue: VecDeque<(Instant, Head, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
    count: u64,
}

impl Pipe {
    fn new(case: &Case, rng: Rng) -> Self {
        Pipe {
            delay: case.delay,
            loss_per_mille: u64::from(case.loss_per_mille),
            rng,
            queue: VecDeque::new(),
            spare: Vec::new(),
            count: 0,
        }
    }

    fn fill(&mut self, now: Instant, stack: &mut Stack) {
        loop {
            let mut payload = self.spare.pop().unwrap_or_default();
            payload.clear();
            let Some(head) = stack.poll_segment(now, &mut payload) else {
                self.spare.push(payload);
                return;
            };
            self.count += 1;
            if self.rng.below(1000) < self.loss_per_mille {
                self.spare.push(payload);
            } else {
                self.queue.push_back((now + self.delay, head, payload));
            }
        }
    }

    fn pop(&mut self, now: Instant) -> Option<(Head, Vec<u8>)> {
        if self.queue.front()?.0 > now {
            return None;
        }
        self.queue.pop_front().map(|(_, head, payload)| (head, payload))
    }

    fn next(&self) -> Option<Instant> {
        self.queue.front().map(|entry| entry.0)
    }
}
