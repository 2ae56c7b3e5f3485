//! Which runs the evaluation consists of.

use crate::scenario::model::System;

use super::{Barrier, Point};

/// All systems, in the order of the tables.
pub const SYSTEMS: [System; 5] =
    [System::Sofw, System::PlainSip, System::Hcap, System::Softether, System::Skype];
/// Phones that only stay reachable.
pub const IDLE_PHONES: [u32; 7] = [1, 2, 5, 10, 20, 50, 100];
/// Calls at once.
pub const CALLS: [u32; 6] = [1, 2, 5, 10, 20, 50];
/// Loss, of a thousand packets: 0 to 5 %.
pub const LOSS_PERMILLE: [u32; 6] = [0, 2, 5, 10, 20, 50];
/// Round trips.
pub const ROUND_TRIP_MS: [u32; 6] = [10, 20, 40, 80, 150, 300];
/// All barriers, each with what the former ones have.
pub const BARRIERS: [Barrier; 5] =
    [Barrier::Open, Barrier::Nat, Barrier::Firewall, Barrier::Inspection, Barrier::Proxy];

/// The values that are kept while another one is swept.
pub(super) const CALLS_KEPT: u32 = 10;
/// See above.
pub(super) const ROUND_TRIP_KEPT_MS: u32 = 40;
/// Loss while the round trip is swept: without any, a round trip only adds itself.
pub(super) const LOSS_KEPT_PERMILLE: u32 = 10;
/// Calls across each barrier: a second one tells "one phone only" from "all".
pub(super) const BARRIER_CALLS: u32 = 2;

/// Every run, each once, in the order of systems.
pub fn plan() -> Vec<Point> {
    let mut points = Vec::new();
    for system in SYSTEMS {
        for phones in IDLE_PHONES {
            points.push(idle(system, phones));
        }
        for count in CALLS {
            points.push(calls(system, count));
        }
        for permille in LOSS_PERMILLE {
            points.push(loss(system, permille));
        }
        for ms in ROUND_TRIP_MS {
            points.push(round_trip(system, ms));
        }
        for barrier in BARRIERS {
            points.push(across(system, barrier));
        }
    }
    points.sort();
    points.dedup();
    points
}

pub(super) const fn idle(system: System, phones: u32) -> Point {
    Point {
        system,
        barrier: Barrier::Open,
        phones,
        calls: 0,
        loss_permille: 0,
        round_trip_ms: ROUND_TRIP_KEPT_MS,
    }
}

pub(super) const fn calls(system: System, count: u32) -> Point {
    Point { calls: count, ..idle(system, count) }
}

pub(super) const fn loss(system: System, loss_permille: u32) -> Point {
    Point { loss_permille, ..calls(system, CALLS_KEPT) }
}

pub(super) const fn round_trip(system: System, round_trip_ms: u32) -> Point {
    Point { round_trip_ms, ..loss(system, LOSS_KEPT_PERMILLE) }
}

pub(super) const fn across(system: System, barrier: Barrier) -> Point {
    Point { barrier, ..calls(system, BARRIER_CALLS) }
}
