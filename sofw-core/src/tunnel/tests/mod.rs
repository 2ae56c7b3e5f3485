//! A tunnel client and a tunnel server joined by memory, in virtual time, with something between them.

mod carry;
mod middle;
mod strangers;
mod survive;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use self::middle::{Middle, Side};
use super::{Frame, TunnelClient, TunnelOutput, TunnelServer};
use crate::base::{Duration, Instant, Rng, SiteId};
use crate::config::{HracConfig, HrasConfig, MediaConfig, Proxy, Site, SiteKey, TunnelVia};
use crate::event::{Event, Rung};
use crate::io::{ConnId, ConnNames, Endpoint, IoError, Output};

/// What happens next in the world.
#[derive(Clone, Debug)]
enum Happening {
    Connected(u64),
    Refused(u64),
    Written(Side, u64),
    Bytes(Side, u64, Vec<u8>),
    Closed(Side, u64),
}

/// Both ends, and what is between them.
pub(super) struct World {
    pub now: Instant,
    pub client: TunnelClient,
    pub server: TunnelServer,
    pub middle: Middle,
    pub one_way: Duration,
    queue: BTreeMap<(Instant, u64), Happening>,
    order: u64,
    pub live: BTreeSet<u64>,
    /// Bytes on these vanish.
    pub black_holes: BTreeSet<u64>,
    pub network_is_down: bool,
    pub at_client: Vec<u16>,
    pub at_server: Vec<u16>,
    pub voice_at_server: Vec<(Instant, Vec<u8>)>,
    pub voice_at_client: Vec<(Instant, Vec<u8>)>,
    pub events: Vec<(Instant, Side, Event)>,
    pub sessions: Vec<(Instant, Side, &'static str)>,
    /// Bytes that strangers' connections got back.
    pub answers: BTreeMap<u64, Vec<u8>>,
    pub closed: BTreeSet<u64>,
    pub connects: u64,
    /// The first write of each end on each connection.
    pub first_writes: BTreeMap<(u64, bool), Vec<u8>>,
}

pub(super) fn hras_config() -> HrasConfig {
    let site = |name: &str, byte| Site { name: name.into(), key: SiteKey([byte; 32]) };
    HrasConfig {
        domain: "example.net".into(),
        sip: vec![],
        media: media(),
        tunnel: vec![],
        sites: vec![site("hq", 7), site("branch", 8)],
        users: vec![],
        voice_age_max: Duration::from_millis(150),
        media_silence_max: Duration::from_secs(300),
        outside_calls: false,
    }
}

pub(super) fn hrac_config(via: Vec<TunnelVia>) -> HracConfig {
    HracConfig {
        site: "hq".into(),
        key: SiteKey([7; 32]),
        server: Endpoint::Name("relay.example.net".into(), 80),
        authority: "relay.example.net".into(),
        via,
        sip: vec![],
        media: media(),
        voice_age_max: Duration::from_millis(150),
    }
}

fn media() -> MediaConfig {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    MediaConfig { bind: address, address, ports: (20_000, 20_999) }
}

pub(super) fn proxy(credentials: Option<(&str, &str)>) -> Proxy {
    let credentials = credentials.map(|(name, password)| (name.to_owned(), password.to_owned()));
    Proxy { endpoint: Endpoint::Name("proxy".into(), 3128), credentials }
}

impl World {
    pub fn new(middle: Middle, via: Vec<TunnelVia>) -> World {
        World::with(middle, &hrac_config(via), 1)
    }

    pub fn with(middle: Middle, config: &HracConfig, seed: u8) -> World {
        let now = Instant::from_millis(1_000);
        let rng = Rng::new([seed; 32]);
        World {
            now,
            client: TunnelClient::new(config, rng.fork("client"), ConnNames::new(0, 2), now),
            server: TunnelServer::new(&hras_config(), rng.fork("server"), now),
            middle,
            one_way: Duration::from_millis(20),
            queue: BTreeMap::new(),
            order: 0,
            live: BTreeSet::new(),
            black_holes: BTreeSet::new(),
            network_is_down: false,
            at_client: vec![],
            at_server: vec![],
            voice_at_server: vec![],
            voice_at_client: vec![],
            events: vec![],
            sessions: vec![],
            answers: BTreeMap::new(),
            closed: BTreeSet::new(),
            connects: 0,
            first_writes: BTreeMap::new(),
        }
    }

    /// Replaces the client by a new one, as after a restart.
    pub fn restart_client(&mut self, config: &HracConfig, first_name: u64) {
        for conn in core::mem::take(&mut self.live) {
            self.later(Duration::ZERO, Happening::Closed(Side::Server, conn));
        }
        let rng = Rng::new([first_name as u8; 32]);
        self.client = TunnelClient::new(config, rng, ConnNames::new(first_name, 2), self.now);
    }

    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.drain();
            let deadlines = [self.client.poll_timeout(), self.server.poll_timeout()];
            let due = deadlines.into_iter().flatten().min();
            if let Some(due) = due {
                assert!(due.at > self.now, "{due:?} is not later than {:?}", self.now);
            }
            let next = self.queue.first_key_value().map(|(&(at, _), _)| at);
            let at = next.into_iter().chain(due.map(|due| due.at)).min().unwrap_or(end).min(end);
            self.now = self.now.max(at);
            let mut happened = false;
            while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let happening = entry.remove();
                self.happen(happening);
                happened = true;
            }
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            if self.now >= end && !happened {
                self.drain();
                return;
            }
        }
    }

    pub fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    /// Runs until the client is up; gives how long that took.
    pub fn run_until_up(&mut self, within: Duration) -> Duration {
        let start = self.now;
        while !self.client.is_up() || !self.server.is_up(SiteId(0)) {
            assert!(self.now.since(start) < within, "not up after {within:?}: {:#?}", self.events);
            self.run_ms(1);
        }
        self.now.since(start)
    }

    pub fn rung(&self) -> Option<Rung> {
        self.client.status().map(|status| status.rung)
    }

    pub fn send_up(&mut self, number: u16) {
        self.client.send(self.now, Frame::PortsReady(vec![number]));
    }

    pub fn send_down(&mut self, number: u16) {
        self.server.send(self.now, SiteId(0), Frame::PortsReady(vec![number]));
    }

    pub fn count(&self, side: Side, matches: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, at, event)| *at == side && matches(event)).count()
    }

    /// Kills a connection in both directions, as a firewall does.
    pub fn kill(&mut self, conn: u64) {
        if self.live.remove(&conn) {
            self.later(Duration::ZERO, Happening::Closed(Side::Client, conn));
            self.later(Duration::ZERO, Happening::Closed(Side::Server, conn));
        }
    }

    /// A connection that is not our client's sends bytes to the server.
    pub fn stranger(&mut self, conn: u64, bytes: &[u8]) {
        if self.live.insert(conn) {
            self.answers.insert(conn, vec![]);
            let peer = SocketAddr::from(([192, 0, 2, 1], 40_000));
            self.server.handle_accepted(self.now, ConnId::Accepted(conn), peer);
        }
        self.server.handle_received(self.now, ConnId::Accepted(conn), bytes);
        self.drain();
    }

    fn later(&mut self, after: Duration, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.now + after, self.order), happening);
    }

    fn drain(&mut self) {
        loop {
            self.client.flush(self.now);
            self.server.flush(self.now);
            if let Some(output) = self.client.poll() {
                self.carry_out(Side::Client, output);
            } else if let Some(output) = self.server.poll() {
                self.carry_out(Side::Server, output);
            } else {
                return;
            }
        }
    }

    fn carry_out(&mut self, side: Side, output: TunnelOutput) {
        match output {
            TunnelOutput::Started(_) => self.sessions.push((self.now, side, "started")),
            TunnelOutput::Ended(_) => self.sessions.push((self.now, side, "ended")),
            TunnelOutput::Frame(_, Frame::PortsReady(numbers)) => match side {
                Side::Client => self.at_client.extend(numbers),
                Side::Server => self.at_server.extend(numbers),
            },
            TunnelOutput::Frame(..) => {}
            TunnelOutput::Voice(_, _, datagram) => match side {
                Side::Client => self.voice_at_client.push((self.now, datagram.to_vec())),
                Side::Server => self.voice_at_server.push((self.now, datagram.to_vec())),
            },
            TunnelOutput::Io(Output::Event(event)) => self.events.push((self.now, side, event)),
            TunnelOutput::Io(Output::Connect { conn: ConnId::Opened(conn), to }) => {
                self.connects += 1;
                if self.network_is_down || self.middle.refuses(&to) {
                    self.later(self.one_way * 2, Happening::Refused(conn));
                } else {
                    self.later(self.one_way * 2, Happening::Connected(conn));
                }
            }
            TunnelOutput::Io(Output::Write { conn, payload }) => {
                let conn = number(conn);
                self.later(Duration::ZERO, Happening::Written(side, conn));
                let first = self.first_writes.entry((conn, side == Side::Server));
                first.or_insert_with(|| payload.to_vec());
                if self.answers.contains_key(&conn) {
                    self.answers.get_mut(&conn).unwrap().extend_from_slice(&payload);
                } else if self.live.contains(&conn) && !self.black_holes.contains(&conn) {
                    for (to, bytes) in self.middle.pass(side, conn, &payload) {
                        self.later(self.one_way, Happening::Bytes(to, conn, bytes));
                    }
                    self.close_what_the_middle_closes(conn);
                }
            }
            TunnelOutput::Io(Output::Close(conn)) => {
                let conn = number(conn);
                self.closed.insert(conn);
                // A black hole swallows the end of a connection, too.
                if !self.black_holes.contains(&conn) {
                    self.later(self.one_way, Happening::Closed(side.other(), conn));
                }
            }
            TunnelOutput::Io(other) => panic!("not a tunnel's: {other:?}"),
        }
    }

    fn close_what_the_middle_closes(&mut self, conn: u64) {
        if self.middle.wants_close(conn) {
            self.later(self.one_way, Happening::Closed(Side::Client, conn));
            self.later(self.one_way, Happening::Closed(Side::Server, conn));
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Connected(conn) => {
                self.live.insert(conn);
                self.middle.open(conn);
                let local = SocketAddr::from(([10, 0, 0, 1], 50_000));
                let peer = SocketAddr::from(([198, 51, 100, 1], 50_000));
                self.server.handle_accepted(now, ConnId::Accepted(conn), peer);
                self.client.handle_connected(now, ConnId::Opened(conn), local);
            }
            Happening::Refused(conn) => {
                self.client.handle_connect_failed(now, ConnId::Opened(conn), IoError::Refused);
            }
            Happening::Written(Side::Client, conn) => self.client.handle_written(now, ConnId::Opened(conn)),
            Happening::Written(Side::Server, conn) => self.server.handle_written(now, ConnId::Accepted(conn)),
            Happening::Bytes(side, conn, bytes) if self.live.contains(&conn) => match side {
                Side::Client => self.client.handle_received(now, ConnId::Opened(conn), &bytes),
                Side::Server => self.server.handle_received(now, ConnId::Accepted(conn), &bytes),
            },
            Happening::Bytes(..) => {}
            Happening::Closed(side, conn) => {
                self.live.remove(&conn);
                match side {
                    Side::Client => self.client.handle_closed(now, ConnId::Opened(conn), None),
                    Side::Server => self.server.handle_closed(now, ConnId::Accepted(conn), None),
                }
            }
        }
    }
}

fn number(conn: ConnId) -> u64 {
    match conn {
        ConnId::Accepted(number) | ConnId::Opened(number) => number,
    }
}
