//! The media path and the tunnel session allocate nothing per packet, reading SIP allocates nothing. Its own test binary: the counting allocator counts everything in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use sofw_core::Output;
use sofw_core::base::{Duration, Instant, Payload, Rng, SiteId};
use sofw_core::config::{HracConfig, HrasConfig, MediaConfig, Site, SiteKey};
use sofw_core::io::{ConnId, ConnNames, Endpoint, Input, SocketId};
use sofw_core::media::{Accept, Forward, Leg, Relay, Remote};
use sofw_core::sip::{HeaderName, Message};
use sofw_core::testing::phone::{Answer, CallState, Phone, PhoneConfig, Voice};
use sofw_core::tunnel::seal::testing::keys;
use sofw_core::tunnel::{
    FlowId, RecordReader, Session, SessionConfig, SessionEvent, TunnelClient, TunnelOutput, TunnelServer,
    Urgent,
};

/// Counts per thread, so that the test harness does not disturb.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator; the counter is a plain thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, unchanged.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn the_sip_scanner_allocates_nothing() {
    let invite = b"INVITE sip:bob@example.net SIP/2.0\r\nv: SIP/2.0/UDP 10.10.10.21;rport;branch=z9hG4bK1, SIP/2.0/TCP [::1]\r\n\
        From: \"Alice, <A>\" <sip:alice@example.net>;tag=7a\r\nTo: <sip:bob@example.net>\r\nCall-ID: 5d6e\r\n\
        CSeq: 1 INVITE\r\nContact: <sip:alice@10.10.10.21>, sip:a@b;q=0.1\r\nX-Own: 1\r\n\r\nv=0\r\n";
    let scan = || {
        let message = Message::parse(invite).unwrap();
        let users = message.contacts().filter(|contact| contact.uri().user().is_some()).count();
        assert_eq!((message.vias().count(), users, message.headers().count()), (2, 2, 7));
        assert_eq!(message.header(HeaderName::Other("x-own")), Some("1"));
    };
    assert_eq!(allocations(scan), 0);
}

#[test]
fn the_media_relay_allocates_nothing_per_packet() {
    let mut relay = Relay::new(Some(Duration::from_secs(300)));
    let peer = SocketAddr::from(([198, 51, 100, 7], 4_000));
    let site = SiteId(1);
    for index in 0..100_u16 {
        let socket = Leg::Socket {
            port: 20_000 + 2 * index,
            remote: Some(Remote { rtp: peer, rtcp: peer }),
            accept: Accept::Outside { signalling: peer.ip() },
        };
        let tunnel = Leg::Tunnel { site, flow: FlowId(u32::from(index) * 2) };
        assert!(relay.open(Instant::ZERO, [tunnel, socket], Urgent::PayloadType(101)).is_some());
    }
    let mut packet = [0_u8; 172];
    packet[0] = 0x80;
    let stranger = SocketAddr::from(([192, 0, 2, 66], 4_000));
    let count = allocations(|| {
        for round in 0..100_u64 {
            let now = Instant::from_millis(20 * round);
            packet[3] = round as u8;
            for index in 0..100_u16 {
                let port = 20_000 + 2 * index;
                let flow = FlowId(u32::from(index) * 2);
                assert!(matches!(relay.from_socket(now, port, peer, &packet), Forward::Tunnel { .. }));
                assert!(matches!(relay.from_tunnel(now, site, flow, &packet), Forward::Socket { .. }));
                assert!(matches!(relay.from_socket(now, port, stranger, &packet), Forward::Drop(_)));
            }
        }
    });
    assert_eq!(count, 0);
}

/// Twenty milliseconds of a hundred two-way calls: voice in records, receipts, pings; each record cut in two.
fn tunnel_round(ends: &mut [(Session, RecordReader); 2], body: &mut BytesMut, now: Instant) -> usize {
    let mut heard = 0;
    for (from, to) in [(0, 1), (1, 0)] {
        for flow in 0..100 {
            ends[from].0.send_voice(now, FlowId(flow * 2), flow % 10 == 0, &[0; 172]);
        }
        body.clear();
        while ends[from].0.fill_record(now, usize::MAX, body) {}
        let (session, reader) = &mut ends[to];
        let (head, tail) = body.split_at(body.len() / 2);
        assert!(session.receive(now, head, reader).is_ok() && session.receive(now, tail, reader).is_ok());
        while let Some(event) = session.poll() {
            heard += usize::from(matches!(event, SessionEvent::Voice(..)));
        }
        session.handle_timeout(now);
        assert!(session.poll_timeout().is_some());
    }
    heard
}

#[test]
fn the_tunnel_session_allocates_nothing_per_packet() {
    let config = SessionConfig { voice_age_max: Duration::from_millis(150) };
    let (hrac, hras) = keys();
    let end = |keys| (Session::new(keys, config, Instant::ZERO), RecordReader::new());
    let mut ends = [end(hrac), end(hras)];
    let mut body = BytesMut::new();
    let mut rounds = (0..).map(|round| Instant::from_millis(20 * round));
    // Queues and buffers find their size first.
    for now in rounds.by_ref().take(50) {
        tunnel_round(&mut ends, &mut body, now);
    }
    let count = allocations(|| {
        for now in rounds.by_ref().take(500) {
            assert_eq!(tunnel_round(&mut ends, &mut body, now), 200);
        }
    });
    assert_eq!(count, 0);
}

/// HRAC's and HRAS's ends of a tunnel, joined without delay.
struct Tunnel {
    client: TunnelClient,
    server: TunnelServer,
    now: Instant,
    voice: u64,
}

impl Tunnel {
    fn new() -> Tunnel {
        let address = IpAddr::from([127, 0, 0, 1]);
        let media = MediaConfig { bind: address, address, ports: (20_000, 20_999) };
        let key = SiteKey([7; 32]);
        let hrac = HracConfig {
            site: "hq".into(),
            key: key.clone(),
            server: Endpoint::Name("h".into(), 80),
            authority: "h".into(),
            via: vec![],
            sip: vec![],
            media,
            voice_age_max: Duration::from_millis(150),
        };
        let hras = HrasConfig {
            domain: "example.net".into(),
            sip: vec![],
            media,
            tunnel: vec![],
            sites: vec![Site { name: "hq".into(), key }],
            users: vec![],
            voice_age_max: Duration::from_millis(150),
            media_silence_max: Duration::from_secs(300),
            outside_calls: false,
        };
        let now = Instant::from_millis(1);
        let client = TunnelClient::new(&hrac, Rng::new([1; 32]), ConnNames::new(0, 1), now);
        let server = TunnelServer::new(&hras, Rng::new([2; 32]), now);
        Tunnel { client, server, now, voice: 0 }
    }

    /// Carries everything over, until both ends have nothing more to say.
    fn pump(&mut self) {
        let now = self.now;
        let peer = SocketAddr::from(([198, 51, 100, 7], 4_000));
        loop {
            self.client.flush(now);
            self.server.flush(now);
            let mut quiet = true;
            while let Some(output) = self.client.poll() {
                quiet = false;
                match output {
                    TunnelOutput::Io(Output::Connect { conn: ConnId::Opened(conn), .. }) => {
                        self.server.handle_accepted(now, ConnId::Accepted(conn), peer);
                        self.client.handle_connected(now, ConnId::Opened(conn), peer);
                    }
                    TunnelOutput::Io(Output::Write { conn: ConnId::Opened(conn), payload }) => {
                        self.server.handle_received(now, ConnId::Accepted(conn), &payload);
                        self.client.handle_written(now, ConnId::Opened(conn));
                    }
                    TunnelOutput::Voice(..) => self.voice += 1,
                    _ => {}
                }
            }
            while let Some(output) = self.server.poll() {
                quiet = false;
                match output {
                    TunnelOutput::Io(Output::Write { conn: ConnId::Accepted(conn), payload }) => {
                        self.client.handle_received(now, ConnId::Opened(conn), &payload);
                        self.server.handle_written(now, ConnId::Accepted(conn));
                    }
                    TunnelOutput::Voice(..) => self.voice += 1,
                    _ => {}
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// One packet time: `calls` datagrams each way, as one batch.
    fn tick(&mut self, calls: u32) {
        self.now += Duration::from_millis(20);
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        for call in 0..calls {
            self.client.send_voice(self.now, FlowId(2 * call), false, &[1; 172]);
            self.server.send_voice(self.now, SiteId(0), FlowId(2 * call), false, &[2; 172]);
        }
        self.pump();
    }
}

#[test]
fn the_tunnel_allocates_nothing_per_packet() {
    let mut tunnel = Tunnel::new();
    tunnel.pump();
    assert!(tunnel.client.is_up() && tunnel.server.is_up(SiteId(0)));
    for calls in [1, 50] {
        for _ in 0..500 {
            tunnel.tick(calls);
        }
        let before = tunnel.voice;
        let count = allocations(|| {
            for _ in 0..500 {
                tunnel.tick(calls);
            }
        });
        let carried = tunnel.voice - before;
        assert_eq!(carried, 2 * 500 * u64::from(calls), "nothing is lost on the way");
        assert!(count * 100 <= carried, "{count} allocations for {carried} packets, {calls} calls");
    }
}

/// Two phones whose packets are under way for a while.
struct Talk {
    phones: [Phone; 2],
    now: Instant,
    flying: VecDeque<(Instant, usize, SocketId, Payload)>,
}

impl Talk {
    const DELAY: Duration = Duration::from_millis(150);

    fn new(video: bool) -> Talk {
        let now = Instant::from_millis(1);
        let addrs = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let phones = [0, 1].map(|who: usize| {
            let config = PhoneConfig {
                voice: Voice::Stamped { speaker: who as u32 },
                video,
                answer: Answer::After(Duration::ZERO),
                ..PhoneConfig::new("u", "", "example.net", addrs[who], SocketAddr::new(addrs[1 - who], 5060))
            };
            Phone::new(config, [who as u8; 32], now)
        });
        let mut talk = Talk { phones, now, flying: VecDeque::new() };
        talk.phones[0].call(now, "other");
        talk
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10);
            for who in 0..2 {
                self.phones[who].handle_timeout(self.now);
                while let Some(output) = self.phones[who].poll_output() {
                    if let Output::Send { socket, payload, .. } = output {
                        self.flying.push_back((self.now + Talk::DELAY, 1 - who, socket, payload));
                    }
                }
            }
            while self.flying.front().is_some_and(|flying| flying.0 <= self.now) {
                let Some((_, to, socket, payload)) = self.flying.pop_front() else { return };
                let from = SocketAddr::from(([10, 0, 0, 2 - to as u8], 5060));
                self.phones[to].handle_input(self.now, Input::Datagram { socket, from, bytes: &payload });
            }
        }
    }

    fn received(&self) -> u64 {
        let reports = self.phones.iter().map(|phone| [phone.report(), phone.video_report()]);
        reports.flatten().flatten().map(|report| report.received).sum()
    }
}

#[test]
fn a_stamped_call_allocates_nothing_per_packet() {
    for (video, per_second) in [(false, 50), (true, 50 + 25)] {
        let mut talk = Talk::new(video);
        // The INVITE's transaction lingers half a minute.
        talk.run(Duration::from_secs(60));
        assert!(talk.phones.iter().all(|phone| phone.call_state() == Some(CallState::Established)));
        let before = talk.received();
        let count = allocations(|| talk.run(Duration::from_secs(100)));
        assert_eq!(talk.received() - before, 2 * 100 * per_second, "all that is sent arrives");
        assert_eq!(count, 0, "video: {video}");
    }
}
