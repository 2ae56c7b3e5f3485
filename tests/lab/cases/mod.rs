//! The tests.

mod calls;
mod load;
mod outage;
mod phones;
mod places;
mod strangers;
mod without;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::capture::{Packet, UDP};
use super::phone::baresip::Baresip;
use super::sofw::Hras;

/// The tones that phones play.
const INSIDE_HERTZ: u32 = 440;
/// See [`INSIDE_HERTZ`].
const OUTSIDE_HERTZ: u32 = 1000;

/// A call between two phones that play [`INSIDE_HERTZ`] and [`OUTSIDE_HERTZ`] stands, and each hears the other.
#[track_caller]
fn talk(hras: &Hras, inside: &mut Baresip, outside: &mut Baresip) {
    inside.connected();
    outside.connected();
    hear(inside, outside);
    assert_eq!(hras.records(), 1, "RAT records of one call: {:#}", hras.status());
}

/// Each hears the other's tone, from now on.
#[track_caller]
fn hear(inside: &Baresip, outside: &Baresip) {
    let from = [inside.recorded(), outside.recorded()];
    inside.hears(OUTSIDE_HERTZ, 1.0, from[0]);
    outside.hears(INSIDE_HERTZ, 1.0, from[1]);
}

/// Both ends and HRAS know that the call is over.
#[track_caller]
fn over(hras: &Hras, inside: &mut Baresip, outside: &mut Baresip) {
    inside.disconnected();
    outside.disconnected();
    hras.forgets_all_calls();
}

/// A call from inside to outside, then one from outside to inside; each is ended by another side.
#[track_caller]
fn call_both_ways(hras: &Hras, (inside, alice): (&mut Baresip, &str), (outside, bob): (&mut Baresip, &str)) {
    inside.registered();
    outside.registered();
    inside.dial(bob);
    talk(hras, inside, outside);
    inside.hang_up();
    over(hras, inside, outside);
    outside.dial(alice);
    talk(hras, inside, outside);
    inside.hang_up();
    over(hras, inside, outside);
}

/// Fails the test unless `calls` streams of voice left this address, each of three seconds or more, and came back.
///
/// SIPp has one port for the voice of all its calls: streams are told apart by the other end's port and their SSRC.
#[track_caller]
fn echoed(packets: &[Packet], address: Ipv4Addr, calls: usize) {
    let mut streams: BTreeMap<(u16, &[u8]), (u32, u32)> = BTreeMap::new();
    for packet in
        packets.iter().filter(|packet| packet.protocol == UDP && packet.payload.len() == VOICE_LENGTH)
    {
        let source = &packet.payload[8..12]; // SSRC, RFC 3550 §5.1
        if *packet.from.ip() == address {
            streams.entry((packet.to.port(), source)).or_default().0 += 1;
        } else if *packet.to.ip() == address {
            streams.entry((packet.from.port(), source)).or_default().1 += 1;
        }
    }
    assert_eq!(streams.len(), calls, "streams of voice: {streams:?}");
    for (stream, (out, back)) in &streams {
        assert!(
            *out >= 150 && *back * 100 >= *out * 98,
            "{stream:?}: {out} packets out, {back} back; {streams:?}"
        );
    }
}

/// The voice of [`call_both_ways`]: at least one second each way, twice, of G.711.
const VOICE_OF_CALLS_BOTH_WAYS: usize = 2 * 2 * 8000;
/// 20 ms of G.711 with its RTP header.
const VOICE_LENGTH: usize = 172;
