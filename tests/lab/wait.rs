//! Waiting for a condition, with a limit; nothing here waits for a fixed time.

use std::time::{Duration, Instant};

/// Asks `condition` again and again until it gives something or `limit` has passed.
pub fn poll<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        smol::block_on(smol::Timer::after(STEP));
    }
}

/// As [`poll`], but fails the test when the limit has passed.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, condition: impl FnMut() -> Option<T>) -> T {
    match poll(limit, condition) {
        Some(found) => found,
        None => panic!("waited {limit:?} in vain for: {what}"),
    }
}

/// Seconds, for readable limits.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// How often a condition is asked for.
const STEP: Duration = Duration::from_millis(20);
