//! A proxy, and both of its sides played by the test.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sofw_core::base::{Duration, Instant, Rng};
use sofw_core::io::{ConnId, Endpoint, Input, IoError, Output};

use super::super::{Proxy, ProxyConfig, find};
use crate::host::{Act, Application};

/// The server that requests are for.
pub const ORIGIN: &str = "203.0.113.5";

pub struct Bench {
    pub now: Instant,
    pub proxy: Proxy,
    accepted: u64,
    written: BTreeMap<ConnId, Vec<u8>>,
    /// Connections to servers, in the order in which they were asked for.
    pub connects: Vec<(ConnId, Endpoint)>,
    /// How connections were ended by the proxy.
    pub ended: BTreeMap<ConnId, End>,
    pub paused: BTreeSet<ConnId>,
    /// Peers that take nothing: their writes stay under way.
    pub stuck: BTreeSet<ConnId>,
    /// Whether servers can be reached; `None` leaves them unanswered.
    pub reachable: Option<bool>,
    answers: VecDeque<Input<'static>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Shut,
    Closed,
    Reset,
}

impl Bench {
    pub fn new(config: ProxyConfig) -> Bench {
        let mut bench = Bench {
            now: Instant::from_millis(1_000),
            proxy: Proxy::new(config, Rng::new([7; 32])),
            accepted: 0,
            written: BTreeMap::new(),
            connects: Vec::new(),
            ended: BTreeMap::new(),
            paused: BTreeSet::new(),
            stuck: BTreeSet::new(),
            reachable: Some(true),
            answers: VecDeque::new(),
        };
        bench.drain();
        bench
    }

    /// A preset, with a server behind it if it is a reverse proxy.
    pub fn preset(name: &str) -> Bench {
        Bench::new(config_of(name))
    }

    pub fn client(&mut self) -> ConnId {
        self.client_from([10, 0, 0, 7])
    }

    pub fn client_from(&mut self, addr: [u8; 4]) -> ConnId {
        self.accepted += 1;
        let conn = ConnId::Accepted(self.accepted);
        let peer = SocketAddr::from((addr, 40_000 + self.accepted as u16));
        self.input(Input::Accepted { listener: super::super::LISTENER, conn, peer });
        conn
    }

    pub fn send(&mut self, conn: ConnId, bytes: impl AsRef<[u8]>) {
        self.input(Input::Received { conn, bytes: bytes.as_ref() });
    }

    pub fn close(&mut self, conn: ConnId) {
        self.input(Input::Closed(conn, None));
    }

    pub fn reset(&mut self, conn: ConnId) {
        self.input(Input::Closed(conn, Some(IoError::Reset)));
    }

    /// The peer takes what was written to it.
    pub fn take(&mut self, conn: ConnId) {
        self.stuck.remove(&conn);
        self.input(Input::Written(conn));
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.proxy.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            while let Some(act) = self.proxy.poll_act() {
                self.perform(act);
            }
            let Some(answer) = self.answers.pop_front() else { break };
            self.proxy.handle_input(self.now, answer);
        }
        let due = self.proxy.poll_timeout();
        assert!(due.is_none_or(|due| due.at > self.now), "nothing is overdue after a drain: {due:?}");
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::Do(Output::Write { conn, payload }) => {
                assert!(!payload.is_empty(), "a write has bytes");
                assert!(!self.ended.contains_key(&conn), "nothing is written behind the end of {conn:?}");
                self.written.entry(conn).or_default().extend_from_slice(&payload);
                if !self.stuck.contains(&conn) {
                    self.answers.push_back(Input::Written(conn));
                }
            }
            Act::Do(Output::Connect { conn, to }) => {
                self.connects.push((conn, to));
                let local = SocketAddr::from(([10, 0, 0, 1], 1));
                match self.reachable {
                    Some(true) => self.answers.push_back(Input::Connected { conn, local }),
                    Some(false) => self.answers.push_back(Input::ConnectFailed(conn, IoError::Refused)),
                    None => {}
                }
            }
            Act::Do(Output::Close(conn)) => {
                self.ended.insert(conn, End::Closed);
            }
            Act::Do(Output::Listen { .. }) => {}
            Act::Do(other) => panic!("a proxy does not want {other:?}"),
            Act::Pause(conn) => assert!(self.paused.insert(conn), "paused once"),
            Act::Resume(conn) => assert!(self.paused.remove(&conn), "resumed after a pause"),
            Act::Reset(conn) => {
                self.ended.insert(conn, End::Reset);
            }
            Act::ShutWrite(conn) => {
                self.ended.insert(conn, End::Shut);
            }
            Act::Packet(..) => panic!("a proxy sends no packets"),
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.proxy.poll_timeout().filter(|due| due.at <= end) {
            self.now = self.now.max(due.at);
            self.proxy.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn run_ms(&mut self, millis: u64) {
        self.run(Duration::from_millis(millis));
    }

    /// What was written to a connection since the last look.
    pub fn read(&mut self, conn: ConnId) -> String {
        let bytes = self.written.remove(&conn).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What was written to all servers since the last look.
    pub fn read_origins(&mut self) -> String {
        let names: Vec<ConnId> = self.connects.iter().map(|(conn, _)| *conn).collect();
        names.into_iter().map(|conn| self.read(conn)).collect()
    }

    /// The connection to a server that was asked for last.
    pub fn origin(&self) -> ConnId {
        self.connects.last().expect("a server was asked for").0
    }

    /// The most bytes that wait in one place.
    pub fn most_waiting(&self) -> usize {
        self.proxy.most_waiting()
    }

    pub fn counter(&self, name: &str) -> u64 {
        let all = self.proxy.counters();
        all.iter().find(|(known, _)| *known == name).expect("it is counted").1
    }
}

/// A preset's habits, with a server behind it if it is a reverse proxy.
pub fn config_of(name: &str) -> ProxyConfig {
    let preset = find(name).expect("a known name");
    let origin = preset.is_reverse.then(|| SocketAddr::from(([203, 0, 113, 5], 80)));
    ProxyConfig { origin, ..preset.config() }
}

/// A request as a client of this proxy writes it.
pub fn request(config: &ProxyConfig, method: &str, fields: &str) -> String {
    let target = if config.origin.is_some() { "/x".to_owned() } else { format!("http://{ORIGIN}/x") };
    format!("{method} {target} HTTP/1.1\r\nHost: {ORIGIN}\r\n{fields}\r\n")
}

/// A chunk.
pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// The status of an answer; 0 if there is none.
pub fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0)
}
