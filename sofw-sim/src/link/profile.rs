//! Named lines: what an access line of a kind usually does. Uplink first, as seen from the place that has the line.

use sofw_core::base::Duration;

use super::{Burst, Conditions};

/// A line: what it does to packets going out and to those coming in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line {
    /// From the place to the public network.
    pub up: Conditions,
    /// The other way.
    pub down: Conditions,
}

impl Line {
    /// The same in both directions.
    pub const fn both(conditions: Conditions) -> Line {
        Line { up: conditions, down: conditions }
    }
}

/// A named line.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name that scenario files use.
    pub name: &'static str,
    /// What it stands for.
    pub about: &'static str,
    /// What it does.
    pub line: Line,
}

/// The line of this name.
pub fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn line(delay: u64, jitter: u64, rate_up: u64, rate_down: u64, queue: u64, loss: f64) -> Line {
    let up = Conditions {
        delay: ms(delay),
        jitter: ms(jitter),
        rate: Some(rate_up * 1_000_000),
        queue: ms(queue),
        loss,
        ..Conditions::WIRE
    };
    Line { up, down: Conditions { rate: Some(rate_down * 1_000_000), ..up } }
}

const fn with_burst(line: Line, burst: Burst) -> Line {
    Line {
        up: Conditions { burst: Some(burst), ..line.up },
        down: Conditions { burst: Some(burst), ..line.down },
    }
}

/// All of them.
pub static PROFILES: [Profile; 8] = [
    Profile { name: "wire", about: "nothing happens", line: Line::both(Conditions::WIRE) },
    Profile { name: "datacenter", about: "a host in a data centre", line: line(1, 0, 1000, 1000, 50, 0.0) },
    Profile { name: "office", about: "a company's leased line", line: line(10, 1, 100, 100, 50, 0.0) },
    Profile { name: "home", about: "DSL or cable, 10 up, 50 down", line: line(12, 4, 10, 50, 150, 0.0005) },
    Profile { name: "hotel", about: "shared wireless", line: line(25, 30, 4, 8, 300, 0.01) },
    Profile {
        name: "mobile",
        about: "a cellular network in motion",
        line: with_burst(
            line(35, 25, 8, 30, 400, 0.002),
            Burst { every: ms(8_000), length: ms(60), loss: 0.8 },
        ),
    },
    Profile { name: "satellite", about: "geostationary", line: line(280, 10, 3, 20, 500, 0.002) },
    Profile {
        name: "bad day",
        about: "everything at once",
        line: with_burst(
            line(50, 40, 5, 10, 400, 0.02),
            Burst { every: ms(4_000), length: ms(100), loss: 0.7 },
        ),
    },
];
