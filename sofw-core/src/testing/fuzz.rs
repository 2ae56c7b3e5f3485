//! Entries for fuzzers: arbitrary bytes into one part, or into the whole system. They must never panic and never make
//! anything grow beyond a bound. The corpora in tests/fuzz/corpus are replayed by `cargo test`.

mod http;

pub use http::http;

use core::net::SocketAddr;

use super::pair::{HRAC, HRAS, Pair};
use crate::base::{Duration, Hop, InsideAddr, Instant, OutsideAddr, Rng, SiteId, Transport};
use crate::config::{HrasConfig, MediaConfig, SipListener, Site, SiteKey, User, limits};
use crate::proxy::{BranchId, Forward, RelayModule, SipServer};
use crate::sip::Message;
use crate::tunnel::RaHeader;

/// The whole system: a call is up between an inside and an outside phone, and then the data says what strangers, phones
/// and broken connections do. Each step is one byte that chooses, one byte that gives a length, and so many bytes.
pub fn machines(data: &[u8]) {
    let mut pair = Pair::new(1, 0);
    let alice = pair.inside_phone(0, 10, "alice");
    let bob = pair.outside_phone(20, "bob");
    pair.register(alice);
    pair.register(bob);
    pair.talk(alice, "bob", Duration::from_millis(100));
    let (hras, hrac) = (pair.hras_node(), pair.site_node(0));
    let mut rest = data;
    while let [choice, length, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        let stranger = SocketAddr::from(([203, 0, 113, 66], 5060));
        let intruder = SocketAddr::from(([10, 10, 10, 66], 5060));
        let media_port = 20_000 + u16::from(*length) % 8;
        match choice % 9 {
            0 => pair.send(0, stranger, SocketAddr::from((HRAS, 5060)), bytes),
            1 => pair.send(1, intruder, SocketAddr::from((HRAC, 5060)), bytes),
            2 => pair.send(0, stranger, SocketAddr::from((HRAS, media_port)), bytes),
            3 => pair.send(1, intruder, SocketAddr::from((HRAC, media_port)), bytes),
            // As if it came from the phones themselves.
            4 => pair.send(
                0,
                SocketAddr::from(([203, 0, 113, 20], 5060)),
                SocketAddr::from((HRAS, 5060)),
                bytes,
            ),
            5 => pair.send(
                1,
                SocketAddr::from(([10, 10, 10, 10], 5060)),
                SocketAddr::from((HRAC, 5060)),
                bytes,
            ),
            6 => pair.inject(hras, bytes),
            7 => pair.inject(hrac, bytes),
            _ => pair.cut(hrac),
        }
        pair.run_for(Duration::from_millis(u64::from(*choice)));
    }
    pair.run_for(Duration::from_secs(40));
    let status = pair.hras().status();
    assert!(status.transactions < 64, "transactions end by themselves: {}", status.transactions);
}

/// The SIP server alone. Each step is one byte that chooses who speaks and how long it took, two bytes that give a
/// length, and a message of so many bytes; an empty one says that nothing can be delivered to that hop.
pub fn sip_server(data: &[u8]) {
    let mut now = Instant::from_millis(1_000);
    let mut server = SipServer::new(&sip_server_config(), Rng::new([1; 32]), now);
    let lan = RaHeader { transport: Transport::Udp, addr: SocketAddr::from(([10, 10, 10, 2], 5060)) };
    server.site_up(now, SiteId(0), &[lan]);
    let outside = |transport, listener| {
        let addr = SocketAddr::from(([198, 51, 100, 7], 5060));
        Hop::Outside(OutsideAddr { listener, transport, addr })
    };
    let phone = SocketAddr::from(([10, 10, 10, 10], 5060));
    let hops = [
        Hop::Inside(InsideAddr { site: SiteId(0), transport: Transport::Udp, addr: phone }),
        outside(Transport::Udp, 0),
        outside(Transport::Tcp, 1),
        Hop::Inside(InsideAddr { site: SiteId(9), transport: Transport::Tcp, addr: phone }),
    ];
    let mut rest = data;
    while let [choice, high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (bytes, tail) = tail.split_at(length.min(tail.len()));
        rest = tail;
        let hop = hops[usize::from(choice % 4)];
        now += Duration::from_millis(u64::from(choice / 4) * 500);
        server.handle_timeout(now, &mut Yes);
        match bytes {
            [] => server.handle_undelivered(now, hop, &mut Yes),
            _ => server.handle_message(now, hop, bytes, &mut Yes),
        }
        while server.poll().is_some() {}
        assert!(server.transactions() <= limits::TRANSACTIONS_MAX && server.dialogs() <= limits::DIALOGS_MAX);
    }
    server.site_ended(now, SiteId(0), &mut Yes);
    let end = now + limits::TIMER_C + limits::TIMER_C;
    while let Some(deadline) = server.poll_timeout().filter(|deadline| deadline.at <= end) {
        server.handle_timeout(deadline.at, &mut Yes);
        while server.poll().is_some() {}
    }
    assert_eq!(server.transactions(), 0, "transactions end by themselves");
}

/// A relay module that agrees to everything and changes nothing.
struct Yes;

impl RelayModule for Yes {
    fn request(&mut self, _: Instant, _: &Forward<'_>, _: &Message<'_>) -> Result<Option<Vec<u8>>, u16> {
        Ok(None)
    }
    fn response(&mut self, _: Instant, _: &Forward<'_>, _: &Message<'_>) -> Result<Option<Vec<u8>>, u16> {
        Ok(None)
    }
    fn branch_failed(&mut self, _: Instant, _: BranchId) {}
    fn dialog_ended(&mut self, _: Instant, _: &str, _: (&str, &str), _: &'static str) {}
}

fn sip_server_config() -> HrasConfig {
    let public = core::net::IpAddr::from([203, 0, 113, 5]);
    let listener = |transport| SipListener { transport, addr: SocketAddr::new(public, 5060) };
    let user = |name: &str| User { name: name.to_owned(), ha1_md5: Some("0".repeat(32)), ha1_sha256: None };
    HrasConfig {
        domain: "example.net".to_owned(),
        sip: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        media: MediaConfig { bind: public, address: public, ports: (20_000, 20_999) },
        tunnel: Vec::new(),
        sites: vec![Site { name: "hq".to_owned(), key: SiteKey([0; 32]) }],
        users: vec![user("alice"), user("bob")],
        voice_age_max: limits::VOICE_AGE_MAX,
        media_silence_max: limits::MEDIA_SILENCE_MAX,
    }
}
