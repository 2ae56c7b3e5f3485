mod arrival;

use super::*;
use crate::base::{Deadline, Duration, Instant};
use crate::config::limits::*;
use crate::tunnel::frame::{FlowId, View};

const AGE: Duration = VOICE_AGE_MAX;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn voice(sequence: u16, datagram: &[u8]) -> View<'_> {
    View::Voice { flow: FlowId(2), sequence, urgent: false, datagram }
}

/// The sequence numbers that come out.
fn numbers(queue: &mut VoiceQueue, room: usize) -> Vec<u16> {
    let (mut out, mut numbers) = (Vec::new(), Vec::new());
    queue.fill(room, u64::MAX, &mut out);
    let mut rest = out.as_slice();
    while let Ok((View::Voice { sequence, .. }, after)) = View::parse(rest) {
        numbers.push(sequence);
        rest = after;
    }
    numbers
}

#[test]
fn voice_and_urgent_media_leave_in_order_of_arrival() {
    let mut queue = VoiceQueue::new();
    for (number, urgent) in [(0, false), (1, true), (2, false), (3, true), (4, true), (5, false)] {
        queue.push(at(0), urgent, voice(number, b"x"), AGE);
    }
    assert_eq!(numbers(&mut queue, 1_000), [0, 1, 2, 3, 4, 5]);
    assert!(queue.is_empty());
}

#[test]
fn the_oldest_go_when_there_is_no_room() {
    let mut queue = VoiceQueue::new();
    let datagram = [0; MEDIA_DATAGRAM_MAX];
    let mut dropped = 0;
    for number in 0..2_000 {
        dropped += queue.push(at(0), false, voice(number, &datagram), AGE).full;
    }
    let left = numbers(&mut queue, usize::MAX / 2);
    assert_eq!(left.first(), Some(&(dropped as u16)));
    assert_eq!(left.last(), Some(&1_999));
    assert!(left.len() * (MEDIA_DATAGRAM_MAX + 6) <= VOICE_QUEUE_BYTES_MAX);

    for number in 0..200 {
        queue.push(at(0), true, voice(number, &datagram), AGE);
    }
    assert!(numbers(&mut queue, usize::MAX / 2).len() * MEDIA_DATAGRAM_MAX <= URGENT_QUEUE_BYTES_MAX);
}

#[test]
fn while_nothing_is_sent_the_queue_keeps_fresh_voice_only() {
    let mut queue = VoiceQueue::new();
    let mut stale = 0;
    for number in 0..500 {
        stale += queue.push(at(u64::from(number) * 20), false, voice(number, &[0; 172]), AGE).stale;
    }
    assert_eq!(numbers(&mut queue, 1 << 20).len() as u64 + stale, 500);
    assert_eq!(stale, 500 - 8);
}

#[test]
fn urgent_media_outlive_the_voice_that_grows_stale_beside_them() {
    let mut queue = VoiceQueue::new();
    queue.push(at(0), true, voice(1, b"digit"), AGE);
    queue.push(at(0), false, voice(2, b"x"), AGE);
    assert_eq!(queue.push(at(10_000), false, voice(3, b"x"), AGE).stale, 1);
    assert_eq!(queue.drop_stale(at(10_100), AGE), 0);
    assert_eq!(numbers(&mut queue, 1_000), [1, 3]);
}

#[test]
fn a_frame_that_does_not_fit_stays_first() {
    let mut queue = VoiceQueue::new();
    queue.push(at(0), false, voice(0, &[0; 500]), AGE);
    queue.push(at(0), false, voice(1, b"short"), AGE);
    assert_eq!(numbers(&mut queue, 100), []);
    assert_eq!(numbers(&mut queue, 1_000), [0, 1]);
}

#[test]
fn receipts_come_every_hundred_milliseconds_and_stop() {
    let mut clock = ReceiptClock::default();
    assert_eq!(clock.take(at(0)), None);
    clock.arrived(at(1_000), 7);
    // The first may ride at once.
    assert_eq!(clock.take(at(1_000)), Some((7, Duration::ZERO)));
    assert_eq!(clock.take(at(1_049)), None);
    clock.arrived(at(1_050), 6);
    assert_eq!(clock.take(at(1_050)), Some((7, Duration::from_millis(50))));
    let mut sent = Vec::new();
    for now in 1_050..5_000 {
        clock.handle_timeout(at(now));
        if clock.is_due() {
            sent.extend(clock.take(at(now)).map(|_| now));
        }
        assert!(clock.deadline().is_none_or(|deadline| deadline.at > at(now)));
    }
    assert_eq!(sent, [1_150, 1_250, 1_350, 1_450, 1_550]);
    assert_eq!(clock.deadline(), None);
}

#[test]
fn without_receipts_there_is_no_limit() {
    let mut flight = Flight::new(AGE);
    for nonce in 0..10_000 {
        flight.update(at(nonce * 20));
        assert!(!flight.is_closed());
        flight.sent(at(nonce * 20), nonce);
        assert_eq!(flight.age_max(at(nonce * 20)), AGE);
    }
}

#[test]
fn voice_is_held_while_too_much_is_under_way_and_probed() {
    let mut flight = Flight::new(AGE);
    flight.sent(at(0), 0);
    flight.receipt(at(40), 0, Duration::ZERO);
    flight.sent(at(100), 1);
    flight.sent(at(340), 2);
    // 40 ms base, 100 ms receipt interval, 150 ms limit after the record at 100 ms.
    flight.receipt(at(389), 0, Duration::ZERO);
    assert!(!flight.is_closed());
    assert!(flight.receipt(at(391), 0, Duration::ZERO), "a hold begins");
    assert!(flight.is_closed() && flight.is_probe());
    assert_eq!(flight.age_max(at(391)), VOICE_AGE_MIN);
    assert_eq!(flight.deadline(), Some(Deadline::new(at(340) + VOICE_PROBE_INTERVAL, "voice probe")));
    flight.update(at(590));
    assert!(!flight.is_closed());
    flight.sent(at(590), 3);
    assert!(flight.is_closed());
    assert_eq!(flight.deadline(), Some(Deadline::new(at(590) + 2 * VOICE_PROBE_INTERVAL, "voice probe")));
    flight.receipt(at(640), 3, Duration::ZERO);
    assert!(!flight.is_closed() && !flight.is_probe());
    assert_eq!(flight.deadline(), None);
}

#[test]
fn a_lost_carrier_opens_the_gate() {
    let mut flight = Flight::new(AGE);
    flight.sent(at(0), 0);
    flight.receipt(at(0), 0, Duration::ZERO);
    flight.sent(at(1), 1);
    flight.sent(at(200), 2);
    flight.receipt(at(400), 0, Duration::ZERO);
    assert!(flight.is_closed());
    flight.carrier_lost();
    assert!(!flight.is_closed());
    assert_eq!(flight.age_max(at(400)), AGE);
}
