//! Named lines: what an access line of a kind usually does. Uplink first, as seen from the place that has the line.
//!
//! The delay is one way and to the nearest exchange point; who wants the other side of an ocean adds it. The numbers are round ones of the right
//! size, to compare designs by; they are nobody's measurements:
//!
//! - `satellite`: 35 786 km up and down again is 240 to 270 ms one way (ITU-T G.114 reckons with 260 ms), and some for coding.
//! - `mobile`: what LTE gives when the radio is used by others too; every few seconds a handover or a fade that loses most of 60 ms.
//! - `hotel`: one overloaded access point: its losses are those left after the radio's own repetition, its jitter is other people's traffic.
//! - `home`: the queue of a usual modem, which a single upload fills ("bufferbloat", RFC 8290 §1).
//! - `office`, `datacenter`: lines on which nothing is lost but what does not fit.
//! - `bad day`: worse than anything a provider would admit; voice over one TCP connection must suffer here.

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
    Profile {
        name: "datacenter",
        about: "a host in a data centre, 1 ms from everywhere",
        line: line(1, 0, 1000, 1000, 50, 0.0),
    },
    Profile {
        name: "office",
        about: "a company's leased line, 100 Mbit/s",
        line: line(10, 1, 100, 100, 50, 0.0),
    },
    Profile { name: "home", about: "DSL or cable, 10 up, 50 down", line: line(12, 4, 10, 50, 150, 0.0005) },
    Profile {
        name: "hotel",
        about: "a hotel's shared wireless, 1 % loss",
        line: line(25, 30, 4, 8, 300, 0.01),
    },
    Profile {
        name: "mobile",
        about: "a cellular network in motion",
        line: with_burst(
            line(35, 25, 8, 30, 400, 0.002),
            Burst { every: ms(8_000), length: ms(60), loss: 0.8 },
        ),
    },
    Profile {
        name: "satellite",
        about: "geostationary, 280 ms one way",
        line: line(280, 10, 3, 20, 500, 0.002),
    },
    Profile {
        name: "bad day",
        about: "everything at once: 2 % loss, bursts, jitter",
        line: with_burst(
            line(50, 40, 5, 10, 400, 0.02),
            Burst { every: ms(4_000), length: ms(100), loss: 0.7 },
        ),
    },
];
