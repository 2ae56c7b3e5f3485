//! Opens relay ports ahead of need and closes them after use.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use crate::base::{Deadline, Instant};
use crate::config::MediaConfig;
use crate::config::limits::{RELAY_PORT_RESERVE, RELAY_PORT_RETRY};
use crate::io::{Output, SocketId};

/// Holds a reserve of open pairs. A closed pair goes to the back of the queue, so that late media of an ended call
/// finds a closed port for as long as possible.
#[derive(Debug)]
pub struct PortKeeper {
    bind: IpAddr,
    ports: (u16, u16),
    free: VecDeque<u16>,
    /// Could not be opened; tried again at `retry_at`.
    failed: Vec<u16>,
    retry_at: Option<Instant>,
    pairs: BTreeMap<u16, Pair>,
    /// Pairs in `pairs` that are not in use: ready, or about to be.
    spare: usize,
    out: VecDeque<KeeperOutput>,
}

/// What a keeper wants or says.
#[derive(Clone, Debug)]
pub enum KeeperOutput {
    /// A socket to open or close.
    Io(Output),
    /// The pair with this even port is open and not in use.
    Ready(u16),
}

impl PortKeeper {
    /// A keeper of the even-odd pairs within the range. It asks for its first sockets at once.
    pub fn new(config: &MediaConfig) -> Self {
        let (first, last) = config.ports;
        let first_even = first.saturating_add(first % 2);
        let free = (first_even..last).step_by(2).filter(|&port| port != 0).collect();
        let mut keeper = PortKeeper {
            bind: config.bind,
            ports: config.ports,
            free,
            failed: Vec::new(),
            retry_at: None,
            pairs: BTreeMap::new(),
            spare: 0,
            out: VecDeque::new(),
        };
        keeper.refill();
        keeper
    }

    /// A socket of ours is open.
    pub fn handle_bound(&mut self, now: Instant, port: u16) {
        self.answer(now, port, Half::Open);
    }

    /// A socket of ours could not be opened: the pair is skipped.
    pub fn handle_bind_failed(&mut self, now: Instant, port: u16) {
        self.answer(now, port, Half::Failed);
    }

    /// Pairs that failed may be tried again when they are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.free.extend(self.failed.drain(..));
            self.refill();
        }
    }

    /// When to try failed pairs again.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.retry_at.map(|at| Deadline::new(at, "relay port retry"))
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<KeeperOutput> {
        self.out.pop_front()
    }

    /// Puts a pair to use, opening it if it is not open. False if it is no pair of the range, or in use already.
    pub fn claim(&mut self, port: u16) -> bool {
        let (first, last) = self.ports;
        if port == 0 || port % 2 == 1 || port < first || port >= last {
            return false;
        }
        match self.pairs.get_mut(&port) {
            Some(pair) if pair.used || pair.closing => return false,
            Some(pair) => {
                pair.used = true;
                self.spare -= 1;
            }
            None => {
                self.free.retain(|&free| free != port);
                self.failed.retain(|&failed| failed != port);
                self.open(port, true);
            }
        }
        self.refill();
        true
    }

    /// A pair is in use no more: it is closed and rests.
    pub fn release(&mut self, port: u16) {
        if let Some(pair) = self.pairs.get_mut(&port).filter(|pair| pair.used && !pair.closing) {
            pair.closing = true;
            self.settle(port);
        }
    }

    /// All pairs that are open and not in use.
    pub fn ready(&self) -> impl Iterator<Item = u16> + '_ {
        self.pairs.iter().filter(|(_, pair)| pair.is_open() && !pair.used).map(|(&port, _)| port)
    }

    /// Pairs in use.
    pub fn in_use(&self) -> usize {
        self.pairs.values().filter(|pair| pair.used && !pair.closing).count()
    }

    fn open(&mut self, port: u16, used: bool) {
        self.pairs.insert(port, Pair { halves: [Half::Asked; 2], used, closing: false });
        for port in [port, port + 1] {
            let addr = SocketAddr::new(self.bind, port);
            self.out.push_back(KeeperOutput::Io(Output::Bind { socket: SocketId::Media(port), addr }));
        }
    }

    fn refill(&mut self) {
        while self.spare < RELAY_PORT_RESERVE {
            let Some(port) = self.free.pop_front() else { break };
            self.spare += 1;
            self.open(port, false);
        }
    }

    fn answer(&mut self, now: Instant, port: u16, answer: Half) {
        let even = port & !1;
        let Some(pair) = self.pairs.get_mut(&even) else { return };
        let Some(half) = pair.halves.get_mut(usize::from(port & 1)).filter(|half| **half == Half::Asked)
        else {
            return;
        };
        *half = answer;
        if pair.closing {
            self.settle(even);
        } else if pair.is_open() && !pair.used {
            self.out.push_back(KeeperOutput::Ready(even));
        } else if pair.is_answered() && !pair.is_open() && !pair.used {
            self.spare -= 1;
            self.close(even);
            self.failed.push(even);
            if self.retry_at.is_none() {
                self.retry_at = Some(now + RELAY_PORT_RETRY);
            }
            self.refill();
        }
    }

    /// Closes a pair that is over, once it is known which of its sockets are open.
    fn settle(&mut self, port: u16) {
        if self.pairs.get(&port).is_some_and(Pair::is_answered) {
            self.close(port);
            self.free.push_back(port);
            self.refill();
        }
    }

    fn close(&mut self, port: u16) {
        let Some(pair) = self.pairs.remove(&port) else { return };
        for (port, half) in (port..).zip(pair.halves) {
            if half == Half::Open {
                self.out.push_back(KeeperOutput::Io(Output::Unbind(SocketId::Media(port))));
            }
        }
    }
}

#[derive(Debug)]
struct Pair {
    /// RTP, RTCP.
    halves: [Half; 2],
    used: bool,
    /// Released while a socket's answer was under way.
    closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Half {
    Asked,
    Open,
    Failed,
}

impl Pair {
    fn is_open(&self) -> bool {
        self.halves == [Half::Open; 2]
    }

    fn is_answered(&self) -> bool {
        !self.halves.contains(&Half::Asked)
    }
}
