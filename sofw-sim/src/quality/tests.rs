use sofw_core::base::{Duration, Instant, Rng};

use super::playout::Playout;
use super::{Listener, mos};
use crate::record::Hearing;

const PTIME: Duration = Duration::from_millis(20);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(number: u64) -> Instant {
    Instant::from_millis(1_000 + number * 20)
}

/// A talker of `packets` packets; `delay` says when each comes, or that it does not.
fn hear(packets: u64, mut delay: impl FnMut(u64) -> Option<Duration>) -> Hearing {
    let mut listener = Listener::new(PTIME);
    let mut arrivals = Vec::new();
    for number in 0..packets {
        listener.sent(number, at(number));
        arrivals.extend(delay(number).map(|delay| (at(number) + delay, number)));
    }
    arrivals.sort();
    for (arrived, number) in arrivals {
        listener.packet(number, at(number), arrived);
    }
    listener.finish("bob", "alice", at(packets) + ms(1_000))
}

#[test]
fn scores_agree_with_the_published_table() {
    let table = [
        (50, [4.38, 4.30, 4.20, 4.09, 3.87]),
        (100, [4.36, 4.26, 4.16, 4.05, 3.82]),
        (150, [4.33, 4.23, 4.12, 4.00, 3.77]),
        (200, [4.23, 4.11, 3.98, 3.85, 3.60]),
        (250, [3.99, 3.85, 3.70, 3.55, 3.28]),
        (300, [3.71, 3.54, 3.38, 3.22, 2.93]),
        (400, [3.05, 2.86, 2.69, 2.52, 2.23]),
    ];
    for (delay, row) in table {
        for (missed, expected) in [0.0, 0.01, 0.02, 0.03, 0.05].into_iter().zip(row) {
            let found = mos(ms(delay), missed, 1.0);
            assert!((found - expected).abs() <= 0.02, "{delay} ms, {missed}: {found} instead of {expected}");
        }
    }
}

#[test]
fn scores_stay_in_their_range_and_bursts_are_worse_than_the_same_loss_at_random() {
    assert!(mos(ms(150), 0.03, 4.0) < mos(ms(150), 0.03, 1.0));
    assert_eq!(mos(ms(150), 0.03, 0.2), mos(ms(150), 0.03, 1.0));
    assert_eq!(mos(ms(30_000), 1.0, 8.0), 1.0);
    assert!(mos(Duration::ZERO, 0.0, 1.0) < 4.45);
}

#[test]
fn an_even_path_loses_nothing_and_the_cushion_shrinks() {
    let hearing = hear(1_500, |_| Some(ms(40)));
    assert_eq!((hearing.sent, hearing.received, hearing.late, hearing.lost()), (1_500, 1_500, 0, 0));
    assert_eq!(hearing.gap, PTIME);
    assert!(hearing.mouth_to_ear > ms(80) && hearing.mouth_to_ear < ms(90), "{:?}", hearing.mouth_to_ear);
    assert!(hearing.mos > 4.3, "{}", hearing.mos);
    assert_eq!(hearing.span, Some((at(0) + ms(40), at(1_499) + ms(40))));
    assert_eq!((hearing.seconds.len(), hearing.seconds[0].second), (30, 1));
    assert!(hearing.seconds.iter().all(|second| second.sent == 50 && second.received == 50));
    assert_eq!(hearing.seconds[7].delay_us, [40_000; 3]);
}

#[test]
fn jitter_within_the_bounds_is_waited_for_and_more_comes_late() {
    let mut rng = Rng::new([7; 32]);
    let mild = hear(3_000, |_| Some(ms(30 + rng.below(100))));
    assert!(mild.late_share() < 0.02, "{}", mild.late_share());
    assert!(mild.mouth_to_ear > ms(130) && mild.mouth_to_ear < ms(160), "{:?}", mild.mouth_to_ear);
    let wild = hear(3_000, |_| Some(ms(30 + rng.below(600))));
    assert!(wild.late_share() > 0.5, "a cushion of 200 ms cannot hold 600 ms: {}", wild.late_share());
    assert!(wild.reordered > 500 && wild.received == 3_000);
}

#[test]
fn late_packets_are_missed_though_they_came() {
    let hearing = hear(500, |number| Some(if number % 250 == 200 { ms(400) } else { ms(30) }));
    assert_eq!((hearing.late, hearing.lost()), (2, 0));
    assert_eq!(hearing.missed_share(), 0.004);
    assert_eq!(hearing.reordered, 2);
    assert_eq!(hearing.seconds.iter().map(|second| u64::from(second.late)).sum::<u64>(), 2);
}

#[test]
fn the_buffer_follows_a_path_that_becomes_longer() {
    let mut playout = Playout::new(PTIME);
    (0..600).for_each(|_| _ = playout.packet(30_000_000));
    assert_eq!(playout.delay(), ms(50));
    let late = (0..600).filter(|_| 170_000_000 > playout.packet(170_000_000)).count();
    assert!(
        (5..=15).contains(&late),
        "one in a hundred is spared, then the buffer grows a packet each packet: {late}"
    );
    (0..600).for_each(|_| _ = playout.packet(170_000_000));
    assert_eq!(playout.delay(), ms(190));
}

#[test]
fn losses_duplicates_and_seconds_are_counted() {
    let mut listener = Listener::new(PTIME);
    for number in 10..110 {
        listener.sent(number, at(number));
        if number % 10 != 3 {
            listener.packet(number, at(number), at(number) + ms(20));
        }
        if number == 50 {
            listener.packet(number, at(number), at(number) + ms(21));
        }
    }
    listener.packet(5, at(5), at(200));
    let hearing = listener.finish("bob", "alice", at(300));
    assert_eq!((hearing.sent, hearing.received, hearing.duplicates), (100, 90, 1));
    assert_eq!((hearing.lost(), hearing.lost_share()), (10, 0.1));
    assert_eq!(hearing.gap, ms(40));
    assert_eq!(hearing.delay.count(), 90);
    let lost: u16 = hearing.seconds.iter().map(|second| second.sent - second.received).sum();
    assert_eq!(lost, 10);
}

#[test]
fn a_pause_of_the_talker_is_neither_loss_nor_gap() {
    let mut listener = Listener::new(PTIME);
    for number in 0..100 {
        let pause = if number >= 50 { ms(9_000) } else { Duration::ZERO };
        listener.sent(number, at(number) + pause);
        listener.packet(number, at(number) + pause, at(number) + pause + ms(30));
    }
    let hearing = listener.finish("bob", "alice", at(100) + ms(9_500));
    assert_eq!((hearing.gap, hearing.lost()), (PTIME, 0));
    assert_eq!(hearing.seconds.len(), 11);
}

#[test]
fn an_outage_is_a_gap_wherever_it_is() {
    let middle = hear(500, |number| (!(100..200).contains(&number)).then_some(ms(30)));
    assert_eq!((middle.gap, middle.lost()), (ms(2_020), 100));
    let end = hear(500, |number| (number < 400).then_some(ms(30)));
    assert_eq!((end.gap, end.lost()), (ms(2_000), 100));
    let start = hear(500, |number| (number >= 100).then_some(ms(30)));
    assert_eq!((start.gap, start.lost()), (ms(2_000), 100));
    let never = hear(500, |_| None);
    assert_eq!((never.gap, never.lost(), never.mos), (ms(10_000), 500, 0.0));
}

#[test]
fn what_is_underway_at_the_end_is_not_lost() {
    let mut listener = Listener::new(PTIME);
    for number in 0..100 {
        listener.sent(number, at(number));
        if number < 95 {
            listener.packet(number, at(number), at(number) + ms(100));
        }
    }
    let hearing = listener.finish("bob", "alice", at(100));
    assert_eq!((hearing.sent, hearing.lost()), (95, 0));
    assert_eq!(hearing.seconds.iter().map(|second| u64::from(second.sent)).sum::<u64>(), 95);
}

#[test]
fn bounded_however_long_it_takes() {
    let mut listener = Listener::new(PTIME);
    for number in 0..1_000_000 {
        listener.sent(number, at(number));
        listener.packet(number, at(number), at(number) + ms(20 + number % 7));
    }
    let hearing = listener.finish("bob", "alice", at(1_000_000));
    assert_eq!(hearing.seconds.len(), 10_000);
    assert_eq!((hearing.received, hearing.late), (1_000_000, 0));
}
