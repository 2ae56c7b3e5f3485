use sofw_core::base::{Duration, Instant, Rng};

use super::{Burst, Conditions, Fate, LossReason, Pipe, profile};

fn pipe(conditions: Conditions) -> Pipe {
    Pipe::new(conditions, Rng::new([7; 32]))
}

fn ms(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn arrival(fate: Fate) -> Instant {
    match fate {
        Fate::Arrives(at, _) => at,
        Fate::Lost(reason) => panic!("lost: {reason:?}"),
    }
}

#[test]
fn rate_makes_packets_wait_and_the_queue_has_an_end() {
    let millis = Duration::from_millis;
    let conditions = Conditions { rate: Some(8_000_000), queue: millis(2), ..Conditions::delay(millis(10)) };
    let mut pipe = pipe(conditions);
    // 1000 bytes at 8 Mbit/s: one millisecond each.
    assert_eq!(arrival(pipe.send(ms(0), 1000)), ms(11));
    assert_eq!(arrival(pipe.send(ms(0), 1000)), ms(12));
    assert_eq!(arrival(pipe.send(ms(0), 1000)), ms(13));
    assert_eq!(pipe.send(ms(0), 1000), Fate::Lost(LossReason::Queue));
    assert_eq!(pipe.counters().queued_max, millis(2));
    assert_eq!(arrival(pipe.send(ms(20), 1000)), ms(31));
}

#[test]
fn random_loss_is_as_frequent_as_asked() {
    let mut pipe = pipe(Conditions { loss: 0.03, ..Conditions::WIRE });
    for n in 0..100_000 {
        pipe.send(ms(n), 100);
    }
    let lost = pipe.counters().lost[LossReason::Random as usize];
    assert!((2_800..3_200).contains(&lost), "{lost} of 100000");
}

#[test]
fn bursts_lose_neighbours() {
    let burst = Burst { every: Duration::from_millis(495), length: Duration::from_millis(5), loss: 1.0 };
    let mut pipe = pipe(Conditions { burst: Some(burst), ..Conditions::WIRE });
    let mut lost = Vec::new();
    for n in 0..1_000_000u64 {
        if matches!(pipe.send(Instant::from_nanos(n * 1_000_000), 100), Fate::Lost(LossReason::Burst)) {
            lost.push(n);
        }
    }
    let share = lost.len() as f64 / 1e6;
    assert!((0.008..0.012).contains(&share), "{share}");
    let neighbours = lost.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
    assert!(neighbours * 2 > lost.len(), "{neighbours} of {}", lost.len());
}

#[test]
fn jitter_keeps_the_order_and_reordering_does_not() {
    let millis = Duration::from_millis;
    let mut orderly = pipe(Conditions { jitter: millis(30), ..Conditions::delay(millis(20)) });
    let arrivals: Vec<_> = (0..1000).map(|n| arrival(orderly.send(ms(n), 100))).collect();
    assert!(arrivals.is_sorted());
    assert!(arrivals.iter().zip(0..).any(|(at, n)| *at > ms(n + 30)), "some are late");
    let mut chaotic = pipe(Conditions { reorder: 0.1, ..Conditions::delay(millis(20)) });
    let arrivals: Vec<_> = (0..1000).map(|n| arrival(chaotic.send(ms(n), 100))).collect();
    assert!(!arrivals.is_sorted());
}

#[test]
fn outages_and_duplicates() {
    let mut pipe = pipe(Conditions { duplicate: 1.0, ..Conditions::WIRE });
    assert!(matches!(pipe.send(ms(0), 1), Fate::Arrives(_, Some(_))));
    pipe.set_down(true);
    assert_eq!(pipe.send(ms(1), 1), Fate::Lost(LossReason::Outage));
    pipe.set_down(false);
    assert!(matches!(pipe.send(ms(2), 1), Fate::Arrives(..)));
}

#[test]
fn bursts_without_length_do_not_hold_up_time() {
    let burst = Burst { every: Duration::ZERO, length: Duration::ZERO, loss: 1.0 };
    let mut pipe = pipe(Conditions { burst: Some(burst), ..Conditions::WIRE });
    // An hour later: bursts and pauses of 100 µs each.
    assert!(matches!(pipe.send(ms(3_600_000), 1), Fate::Arrives(..)));
    let within = ms(3_600_000) + Duration::from_micros(150);
    assert_eq!(pipe.send(within, 1), Fate::Lost(LossReason::Burst));
}

#[test]
fn profiles_are_found_by_name_and_differ() {
    for name in ["wire", "datacenter", "office", "home", "hotel", "mobile", "satellite", "bad day"] {
        let profile = profile::find(name).expect("a profile");
        let same = profile::PROFILES.iter().filter(|other| other.line == profile.line).count();
        assert_eq!((profile.name, same), (name, 1));
    }
    assert!(profile::find("perfect").is_none());
}
