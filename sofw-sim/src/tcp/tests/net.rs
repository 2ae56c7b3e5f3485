//! Two stacks joined by a path whose every segment a test may lose, delay or repeat.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sofw_core::base::{Duration, Instant, Rng};

use crate::tcp::{Head, Stack, TcpConfig, TcpEvent, TcpId, TcpStatus};

/// Which stack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    Near,
    Far,
}

/// A segment as it left.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    pub at: Instant,
    pub from: Side,
    pub head: Head,
    pub len: usize,
}

/// Delays at which copies of a segment arrive; empty: lost.
pub type Fate = Vec<Duration>;

/// What a test makes of the path.
pub type Path = Box<dyn FnMut(&Wire) -> Fate>;

pub struct Net {
    pub now: Instant,
    pub near: Stack,
    pub far: Stack,
    pub fate: Path,
    pub log: Vec<Wire>,
    pub events: Vec<(Instant, Side, TcpEvent)>,
    /// Bytes read of each socket.
    pub read: BTreeMap<(Side, TcpId), Vec<u8>>,
    /// Whether a side reads what becomes readable.
    pub reads: [bool; 2],
    travelling: BTreeMap<(Instant, u64), (Side, Head, Vec<u8>)>,
    sent: u64,
}

pub const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), 443);
pub const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// One way.
pub const DELAY: Duration = Duration::from_millis(40);

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Net {
    pub fn new(config: TcpConfig) -> Net {
        Net::seeded(config, 7)
    }

    pub fn seeded(config: TcpConfig, seed: u8) -> Net {
        let rng = Rng::new([seed; 32]);
        let mut far = Stack::new(config, rng.fork("far"));
        far.listen(SERVER);
        Net {
            now: Instant::ZERO,
            near: Stack::new(config, rng.fork("near")),
            far,
            fate: Box::new(|_| vec![DELAY]),
            log: Vec::new(),
            events: Vec::new(),
            read: BTreeMap::new(),
            reads: [true; 2],
            travelling: BTreeMap::new(),
            sent: 0,
        }
    }

    /// A connection in order, both ends idle and every acknowledgement paid.
    pub fn open(config: TcpConfig) -> (Net, TcpId, TcpId) {
        let mut net = Net::new(config);
        let near = net.near.connect(net.now, CLIENT, SERVER);
        net.run(ms(500));
        let far = net.accepted();
        (net, near, far)
    }

    pub fn accepted(&self) -> TcpId {
        let found = self.events.iter().find_map(|(_, _, event)| match event {
            TcpEvent::Accepted { id, .. } => Some(*id),
            _ => None,
        });
        found.expect("a connection was accepted")
    }

    /// Lets `span` pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        self.drain();
        while let Some(next) = self.next().filter(|next| *next <= end) {
            assert!(next >= self.now, "time goes back");
            self.now = next;
            while let Some(entry) = self.travelling.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (from, head, payload) = entry.remove();
                let to = if from == Side::Near { &mut self.far } else { &mut self.near };
                to.handle_segment(self.now, &head, &payload);
                self.drain();
            }
            self.near.handle_timeout(self.now);
            self.far.handle_timeout(self.now);
            self.drain();
            for stack in [&self.near, &self.far] {
                assert!(
                    stack.poll_timeout().is_none_or(|at| at > self.now),
                    "a deadline is not later than now"
                );
            }
        }
        self.now = end;
    }

    pub fn stack(&mut self, side: Side) -> &mut Stack {
        match side {
            Side::Near => &mut self.near,
            Side::Far => &mut self.far,
        }
    }

    /// Writes to the near end and lets the segments leave.
    pub fn write(&mut self, id: TcpId, bytes: &[u8]) -> usize {
        let taken = self.near.write(self.now, id, bytes);
        self.drain();
        taken
    }

    pub fn drain(&mut self) {
        loop {
            let before = (self.sent, self.events.len());
            self.send(Side::Near);
            self.send(Side::Far);
            self.hear(Side::Near);
            self.hear(Side::Far);
            if before == (self.sent, self.events.len()) {
                return;
            }
        }
    }

    /// Data segments that left `side` since `from`.
    pub fn data(&self, side: Side, from: Instant) -> Vec<&Wire> {
        self.log.iter().filter(|wire| wire.from == side && wire.len > 0 && wire.at >= from).collect()
    }

    pub fn has(&self, side: Side, wanted: TcpEvent) -> bool {
        self.when(side, wanted).is_some()
    }

    pub fn when(&self, side: Side, wanted: TcpEvent) -> Option<Instant> {
        self.events.iter().find(|(_, at, event)| *at == side && *event == wanted).map(|(when, ..)| *when)
    }

    pub fn status(&self, id: TcpId) -> TcpStatus {
        self.near.status(id).expect("the near socket lives")
    }

    pub fn received(&self, side: Side, id: TcpId) -> &[u8] {
        self.read.get(&(side, id)).map_or(&[], Vec::as_slice)
    }

    fn next(&self) -> Option<Instant> {
        let arrival = self.travelling.first_key_value().map(|(key, _)| key.0);
        [arrival, self.near.poll_timeout(), self.far.poll_timeout()].into_iter().flatten().min()
    }

    fn send(&mut self, side: Side) {
        loop {
            let mut payload = Vec::new();
            let now = self.now;
            let Some(head) = self.stack(side).poll_segment(now, &mut payload) else { return };
            assert!(payload.len() <= 1460, "{} bytes in one segment", payload.len());
            let wire = Wire { at: now, from: side, head, len: payload.len() };
            for delay in (self.fate)(&wire) {
                self.travelling.insert((now + delay, self.sent), (side, head, payload.clone()));
                self.sent += 1;
            }
            self.sent += 1;
            self.log.push(wire);
        }
    }

    fn hear(&mut self, side: Side) {
        while let Some(event) = self.stack(side).poll_event() {
            self.events.push((self.now, side, event));
            if let TcpEvent::Readable(id) = event
                && self.reads[side as usize]
            {
                let mut bytes = Vec::new();
                let now = self.now;
                self.stack(side).read(now, id, &mut bytes);
                self.read.entry((side, id)).or_default().extend(bytes);
            }
        }
    }
}

/// Loses the data segments of the near side whose numbers, counted from 0 from now on, are in `lost`.
pub fn lose_data(lost: Vec<usize>) -> Path {
    let mut count = 0;
    Box::new(move |wire| {
        if wire.from == Side::Near && wire.len > 0 {
            count += 1;
            if lost.contains(&(count - 1)) {
                return vec![];
            }
        }
        vec![DELAY]
    })
}
