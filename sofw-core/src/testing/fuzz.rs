//! Entries for fuzzers: arbitrary bytes into one part, or into the whole system. They must never panic and never make
//! anything grow beyond a bound. The corpora in tests/fuzz/corpus are replayed by `cargo test`.

mod frame;
mod http;
mod sip_server;

pub use frame::frame;
pub use http::http;
pub use sip_server::sip_server;

use core::net::SocketAddr;

use super::pair::{HRAC, HRAS, Pair, inside_phone, outside_phone};
use super::phone::PhoneConfig;
use crate::base::Duration;

/// The whole system: a call is up between an inside and an outside phone, and then the data says what strangers, phones
/// and broken connections do; then both hang up. Each step is one byte that chooses, one byte that gives a length, and so many bytes.
pub fn machines(data: &[u8]) {
    let mut pair = Pair::new(1, 0);
    let quiet = |config| PhoneConfig { detect_tone: false, ..config };
    let alice = pair.phone_with(1, quiet(inside_phone(10, "alice")));
    let bob = pair.phone_with(0, quiet(outside_phone(20, "bob")));
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
    for phone in [alice, bob] {
        pair.command(phone, |phone, now| phone.hang_up(now));
    }
    pair.run_for(Duration::from_secs(40));
    let status = pair.hras().status();
    assert!(status.transactions < 64, "transactions end by themselves: {}", status.transactions);
}

/// The SIP scanner, editor and framer: `data` as a datagram and as a stream.
pub fn sip(data: &[u8]) {
    crate::sip::exercise(data);
}

/// SDP: `data` as a body, rewritten towards another address.
pub fn sdp(data: &[u8]) {
    crate::sdp::exercise(data);
}
