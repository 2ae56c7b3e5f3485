//! Phones and a scripted registrar, joined by memory with virtual time.

use core::net::SocketAddr;
use std::collections::VecDeque;

use super::message::Received;
use super::*;
use crate::base::Duration;
use crate::io::ConnId;

const SERVER: &str = "10.9.9.9:5060";
const DELAY: Duration = Duration::from_millis(7);

/// A world of phones and one registrar; every datagram takes [`DELAY`]. TCP connections are joined end to end.
struct World {
    now: Instant,
    phones: Vec<Phone>,
    events: Vec<Vec<PhoneEvent>>,
    flying: VecDeque<(Instant, Flying)>,
    registrar: Registrar,
    /// Of the next SIP datagrams, these are lost.
    lose: VecDeque<bool>,
    lose_media: Option<u64>,
    media_count: u64,
    accepted: u64,
    /// (phone, its name) of both ends of each connection.
    conns: Vec<[(usize, ConnId); 2]>,
    sip: Vec<String>,
}

enum Flying {
    Datagram { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    Stream { phone: usize, conn: ConnId, bytes: Vec<u8> },
}

/// Challenges, checks that credentials came, grants.
#[derive(Default)]
struct Registrar {
    challenge: Option<&'static str>,
    unavailable: bool,
    expires_s: u32,
    requests: Vec<Received>,
}

impl Registrar {
    fn answer(&mut self, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Received::parse(bytes)?;
        let authorized = request.header("authorization").is_some() || self.challenge.is_none();
        self.requests.push(request.clone());
        if self.unavailable {
            return Some(request.response(503, from, "r", &[("Retry-After", "5 (soon)".into())], None));
        }
        if !authorized {
            let challenge = self.challenge.unwrap().to_owned();
            return Some(request.response(401, from, "r", &[("WWW-Authenticate", challenge)], None));
        }
        let expires = self.expires_s.min(request.header("expires")?.parse().ok()?);
        Some(request.response(200, from, "r", &[("Expires", expires.to_string())], None))
    }
}

impl World {
    fn new(configs: Vec<PhoneConfig>) -> World {
        let now = Instant::from_millis(1_000);
        let phones: Vec<_> =
            configs.into_iter().enumerate().map(|(n, c)| Phone::new(c, [n as u8; 32], now)).collect();
        World {
            now,
            events: phones.iter().map(|_| Vec::new()).collect(),
            phones,
            flying: VecDeque::new(),
            registrar: Registrar { expires_s: 60, ..Registrar::default() },
            lose: VecDeque::new(),
            lose_media: None,
            media_count: 0,
            accepted: 0,
            conns: Vec::new(),
            sip: Vec::new(),
        }
    }

    fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            self.drain();
            let timeout = self.phones.iter().filter_map(|p| p.poll_timeout()).map(|d| d.at).min();
            let arrival = self.flying.front().map(|f| f.0);
            let Some(next) = [timeout, arrival].into_iter().flatten().min().filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some((_, flying)) = self.flying.pop_front_if_due(self.now) {
                self.deliver(flying);
            }
            for phone in &mut self.phones {
                if phone.poll_timeout().is_some_and(|d| d.at <= self.now) {
                    phone.handle_timeout(self.now);
                }
            }
        }
    }

    fn deliver(&mut self, flying: Flying) {
        match flying {
            Flying::Datagram { from, to, bytes } if to == SERVER.parse().unwrap() => {
                if let Some(answer) = self.registrar.answer(from, &bytes) {
                    let flying = Flying::Datagram { from: to, to: from, bytes: answer };
                    self.flying.push_back((self.now + DELAY, flying));
                }
            }
            Flying::Datagram { from, to, bytes } => {
                let now = self.now;
                for phone in &mut self.phones {
                    let port = to.port();
                    let socket = if port == phone.config().sip_port {
                        SocketId::Sip(0)
                    } else {
                        SocketId::Media(port)
                    };
                    if phone.config().addr == to.ip() {
                        phone.handle_input(now, Input::Datagram { socket, from, bytes: &bytes });
                    }
                }
            }
            Flying::Stream { phone, conn, bytes } => {
                self.phones[phone].handle_input(self.now, Input::Received { conn, bytes: &bytes });
            }
        }
    }

    fn drain(&mut self) {
        for at in 0..self.phones.len() {
            while let Some(output) = self.phones[at].poll_output() {
                self.perform(at, output);
            }
            while let Some(event) = self.phones[at].poll_event() {
                self.events[at].push(event);
            }
        }
    }

    fn perform(&mut self, at: usize, output: Output) {
        match output {
            Output::Send { socket, to, payload } => {
                let (port, lost) = match socket {
                    SocketId::Sip(_) => {
                        self.note(&payload);
                        (self.phones[at].config().sip_port, self.lose.pop_front().unwrap_or(false))
                    }
                    SocketId::Media(port) => {
                        self.media_count += 1;
                        (port, self.lose_media.is_some_and(|n| self.media_count % n == 0))
                    }
                };
                if !lost {
                    let from = (self.phones[at].config().addr, port).into();
                    let flying = Flying::Datagram { from, to, bytes: payload.to_vec() };
                    self.flying.push_back((self.now + DELAY, flying));
                }
            }
            Output::Connect { conn, to: crate::io::Endpoint::Addr(to) } => {
                let other = self.phones.iter().position(|p| p.config().sip_addr() == to).expect("a phone");
                let theirs = ConnId::Accepted(self.accepted);
                self.accepted += 1;
                self.conns.push([(at, conn), (other, theirs)]);
                let peer: SocketAddr = (self.phones[at].config().addr, 40_000).into();
                let accepted = Input::Accepted { listener: ListenerId::Sip(0), conn: theirs, peer };
                self.phones[other].handle_input(self.now, accepted);
                self.phones[at].handle_input(self.now, Input::Connected { conn, local: peer });
            }
            Output::Write { conn, payload } => {
                self.note(&payload);
                let ends = self.conns.iter().find(|ends| ends.contains(&(at, conn))).expect("a connection");
                let (phone, theirs) = if ends[0] == (at, conn) { ends[1] } else { ends[0] };
                for part in payload.chunks(100) {
                    let flying = Flying::Stream { phone, conn: theirs, bytes: part.to_vec() };
                    self.flying.push_back((self.now + DELAY, flying));
                }
                self.phones[at].handle_input(self.now, Input::Written(conn));
            }
            _ => {}
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let mut words = text.split_whitespace();
        let first = words.next().unwrap().to_owned();
        self.sip.push(if first == "SIP/2.0" { words.next().unwrap().to_owned() } else { first });
    }

    fn sip(&mut self) -> String {
        core::mem::take(&mut self.sip).join(" ")
    }

    fn heard(&self, phone: usize, event: &PhoneEvent) -> bool {
        self.events[phone].contains(event)
    }
}

trait PopDue {
    fn pop_front_if_due(&mut self, now: Instant) -> Option<(Instant, Flying)>;
}

impl PopDue for VecDeque<(Instant, Flying)> {
    fn pop_front_if_due(&mut self, now: Instant) -> Option<(Instant, Flying)> {
        (self.front()?.0 <= now).then(|| self.pop_front())?
    }
}

fn config(user: &str, last: u8, tone_hz: f64, server: &str) -> PhoneConfig {
    let addr = core::net::Ipv4Addr::new(10, 0, 0, last).into();
    PhoneConfig { tone_hz, ..PhoneConfig::new(user, "secret", "example.net", addr, server.parse().unwrap()) }
}

/// Alice's server is Bob himself.
fn pair() -> Vec<PhoneConfig> {
    vec![config("alice", 1, 440.0, "10.0.0.2:5060"), config("bob", 2, 660.0, "10.0.0.1:5060")]
}

#[test]
fn registers_with_digest_refreshes_and_unregisters() {
    for challenge in [
        "Digest realm=\"example.net\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256",
        "Digest realm=\"example.net\", nonce=\"n1\"",
    ] {
        let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
        world.registrar.challenge = Some(challenge);
        let now = world.now;
        world.phones[0].register(now);
        world.run(1_000);
        assert_eq!(world.events[0], [PhoneEvent::Registered { expires_s: 60 }]);
        assert_eq!(world.registrar.requests.len(), 2);
        // Refreshed at half time, now with credentials at once.
        world.run(30_000);
        assert_eq!(world.registrar.requests.len(), 3);
        assert_eq!(world.registrar.requests[2].cseq().0, 3);
        let now = world.now;
        world.phones[0].unregister(now);
        world.run(100_000);
        assert_eq!(world.events[0].last(), Some(&PhoneEvent::Unregistered));
        assert_eq!(world.registrar.requests.len(), 4);
        assert!(!world.phones[0].is_registered());
    }
}

#[test]
fn a_registrar_that_refuses_credentials_ends_it() {
    let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
    world.registrar.challenge = Some("Basic realm=\"x\"");
    let now = world.now;
    world.phones[0].register(now);
    world.run(1_000);
    assert_eq!(world.events[0], [PhoneEvent::RegisterFailed { status: 401 }]);
}

#[test]
fn a_silent_server_is_asked_eleven_times_and_then_given_up() {
    let mut world = World::new(vec![config("alice", 1, 440.0, "10.1.1.1:5060")]);
    let now = world.now;
    world.phones[0].register(now);
    world.run(40_000);
    // RFC 3261 §17.1.2.1: 0.5, 1, 2, 4, 4, … until 32 s.
    assert_eq!(world.sip(), ["REGISTER"; 11].join(" "));
    assert_eq!(world.events[0], [PhoneEvent::RegisterFailed { status: 408 }]);
}

#[test]
fn a_registration_that_failed_for_now_is_tried_again() {
    let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
    world.registrar.unavailable = true;
    let now = world.now;
    world.phones[0].register(now);
    world.run(4_900);
    assert_eq!(world.events[0], [PhoneEvent::RegisterFailed { status: 503 }]);
    world.registrar.unavailable = false;
    // Retry-After was 5.
    world.run(200);
    assert_eq!(world.events[0].last(), Some(&PhoneEvent::Registered { expires_s: 60 }));
}

#[test]
fn a_call_with_tones_both_ways() {
    let mut world = World::new(pair());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(3_600);
    let now = world.now;
    world.phones[0].hang_up(now);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 200 ACK BYE 200");
    assert_eq!(world.events[0][..2], [PhoneEvent::Ringing { status: 180 }, PhoneEvent::Established]);
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::HungUp(200))));
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::PeerHungUp)));
    let (alice, bob) = (world.phones[0].report().unwrap(), world.phones[1].report().unwrap());
    assert!(
        alice.sent > 140 && bob.received == alice.sent && bob.lost == 0,
        "{} {}",
        alice.sent,
        bob.received
    );
    for (report, hz) in [(alice, 660.0), (bob, 440.0)] {
        let tone = report.tone().expect("a tone");
        assert!((tone.hz - hz).abs() <= 1.0 && (tone.dbfs + 12.0).abs() < 0.5, "{tone:?}");
        assert!(report.jitter < Duration::from_millis(1));
    }
    let delays = alice.delays_to(bob);
    assert_eq!(delays.len() as u64, bob.received);
    assert!(delays.iter().all(|&d| d == DELAY), "{delays:?}");
    let heard_tone = |e: &PhoneEvent| matches!(e, PhoneEvent::ToneHeard(_));
    assert!(world.events.iter().all(|events| events.iter().filter(|e| heard_tone(e)).count() == 1));
}

#[test]
fn lost_media_is_counted_and_silent() {
    let mut world = World::new(pair());
    world.lose_media = Some(10);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(4_500);
    let bob = world.phones[1].report().unwrap();
    let share = bob.lost as f64 / (bob.lost + bob.received) as f64;
    assert!((0.05..0.25).contains(&share), "{share}");
}

#[test]
fn lost_signalling_is_repeated() {
    // Every single message of the call is lost once.
    for lost in 0..8 {
        let mut world = World::new(pair());
        world.lose = (0..8).map(|n| n == lost).collect();
        let now = world.now;
        world.phones[0].call(now, "bob");
        world.run(5_000);
        assert!(world.heard(0, &PhoneEvent::Established), "message {lost} lost: {}", world.sip());
        assert!(world.heard(1, &PhoneEvent::Established), "message {lost} lost: {}", world.sip());
        let now = world.now;
        world.lose = [lost == 6, lost == 7].into();
        world.phones[1].hang_up(now);
        world.run(5_000);
        assert!(
            world.heard(1, &PhoneEvent::Ended(Ended::HungUp(200))),
            "message {lost} lost: {}",
            world.sip()
        );
        assert!(world.heard(0, &PhoneEvent::Ended(Ended::PeerHungUp)));
        world.run(40_000);
        assert!(world.phones.iter().all(|p| p.clients.is_empty() && p.servers.is_empty()), "message {lost}");
        assert!(world.phones.iter().all(|p| p.poll_timeout().is_none()));
    }
}

#[test]
fn delayed_offer_and_early_media() {
    let mut configs = pair();
    configs[0].delayed_offer = true;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_600);
    assert!(world.phones.iter().all(|p| p.report().unwrap().received > 90));

    let mut configs = pair();
    configs[1].early_media = true;
    configs[1].answer = Answer::OnCommand;
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    assert!(world.heard(0, &PhoneEvent::Ringing { status: 183 }));
    assert!(world.phones[0].report().unwrap().received > 40);
    let now = world.now;
    world.phones[1].answer(now);
    world.run(1_000);
    assert!(world.heard(0, &PhoneEvent::Established) && world.heard(1, &PhoneEvent::Established));
}

#[test]
fn busy_decline_and_cancel() {
    let mut configs = pair();
    configs[1].answer = Answer::Refuse(486);
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 486 ACK");
    assert_eq!(world.events[0], [PhoneEvent::Ended(Ended::Refused(486))]);

    world.phones[1].set_answer(Answer::OnCommand);
    let now = world.now;
    world.phones[0].call(now, "sip:bob@10.0.0.2");
    world.run(1_000);
    let now = world.now;
    world.phones[1].decline(now, 603);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 603 ACK");
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::Declined(603))));

    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    let now = world.now;
    world.phones[0].hang_up(now);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 CANCEL 200 487 ACK");
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::Cancelled)));
    assert!(world.heard(1, &PhoneEvent::Ended(Ended::PeerCancelled)));
}

#[test]
fn a_second_call_is_busy() {
    let mut configs = pair();
    configs.push(config("carol", 3, 500.0, "10.0.0.2:5060"));
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    let now = world.now;
    world.phones[2].call(now, "bob");
    world.run(1_000);
    assert_eq!(world.events[2], [PhoneEvent::Ended(Ended::Refused(486))]);
    assert_eq!(world.phones[0].call_state(), Some(CallState::Established));
}

#[test]
fn hold_update_info_keys_and_options() {
    let mut world = World::new(pair());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    world.sip();
    let now = world.now;
    world.phones[0].hold(now, true);
    world.run(500);
    assert_eq!(world.sip(), "INVITE 200 ACK");
    assert!(world.heard(0, &PhoneEvent::Held(true)) && world.heard(1, &PhoneEvent::HeldByPeer(true)));
    let sent = world.phones[1].report().unwrap().sent;
    world.run(500);
    assert_eq!(world.phones[1].report().unwrap().sent, sent, "nothing is sent to who holds");
    let now = world.now;
    world.phones[0].hold(now, false);
    world.run(500);
    assert!(world.phones[1].report().unwrap().sent > sent);
    world.sip();
    let now = world.now;
    world.phones[1].update(now);
    world.phones[0].info(now, "application/dtmf-relay", b"Signal=1");
    world.phones[0].request(now, "OPTIONS", "bob", None);
    world.phones[0].dial("1#x9");
    world.run(1_000);
    for method in ["UPDATE", "INFO", "OPTIONS"] {
        let answered = PhoneEvent::Answered { method: method.into(), status: 200 };
        assert!(world.events.iter().any(|e| e.contains(&answered)), "{method}");
    }
    let keys: String = world.events[1]
        .iter()
        .filter_map(|e| if let PhoneEvent::Dtmf(k) = e { Some(*k) } else { None })
        .collect();
    assert_eq!(keys, "1#9");
}

#[test]
fn a_call_over_tcp() {
    let mut configs = pair();
    configs.iter_mut().for_each(|c| c.transport = Transport::Tcp);
    let mut world = World::new(configs);
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(2_000);
    let now = world.now;
    world.phones[1].hang_up(now);
    world.run(1_000);
    assert_eq!(world.sip(), "INVITE 180 200 ACK BYE 200");
    assert!(world.heard(0, &PhoneEvent::Ended(Ended::PeerHungUp)));
}

#[test]
fn strange_bytes_change_nothing() {
    let mut world = World::new(pair());
    let now = world.now;
    world.phones[0].call(now, "bob");
    world.run(1_000);
    let mut rng = Rng::new([9; 32]);
    let from = "10.0.0.2:5060".parse().unwrap();
    let seed = b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\
        Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a>\r\n\r\nv=0\r\nm=audio 1 RTP/AVP 0\r\n";
    for _ in 0..5_000 {
        let mut bytes = seed.to_vec();
        for _ in 0..rng.below(6) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.u32() as u8;
        }
        let socket = if rng.below(2) == 0 { SocketId::Sip(0) } else { SocketId::Media(4000) };
        world.phones[1].handle_input(world.now, Input::Datagram { socket, from, bytes: &bytes });
        while world.phones[1].poll_output().is_some() {}
    }
    assert_eq!(world.phones[1].call_state(), Some(CallState::Established));
}
