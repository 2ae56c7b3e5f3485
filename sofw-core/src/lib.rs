//! SoFW (SIP over FireWall) as a sans-IO protocol core.
//!
//! ```text
//! phone ──SIP/RTP──▶ hrac/ ──▶ tunnel/ (http/) ══ firewall ══▶ tunnel/ (http/) ──▶ hras/ ──SIP/RTP──▶ outside
//! ```
//!
//! Two machines, [`hrac::Hrac`] inside and [`hras::Hras`] outside, have the same five methods:
//!
//! | method | what it does |
//! |---|---|
//! | `new(config, seed, now)` | starts; the first outputs ask for the sockets it needs |
//! | `handle_input(now, Input)` | takes what the world did |
//! | `handle_timeout(now)` | lets due deadlines act; early or repeated calls are harmless |
//! | `poll_output() -> Option<Output>` | gives what the world must do; drain it to `None` |
//! | `poll_timeout() -> Option<Deadline>` | says when to call `handle_timeout` next |
//!
//! Feed one input, or all inputs read in one wake-up; then drain `poll_output`; then ask `poll_timeout`. A batch
//! coalesces into one write per tunnel connection. Time never goes back. After a drain the next deadline is later
//! than `now`.
//!
//! Not here, on purpose: clocks, sockets, threads, async, hash-map order, randomness beyond the seed.

#![forbid(unsafe_code)]

pub mod base;
pub mod config;
pub mod error;
pub mod event;
pub mod fill;
pub mod io;
mod machine;

pub mod sdp;
pub mod sip;
pub mod tunnel;

pub mod media;
pub mod proxy;
pub mod rat;
pub mod registrar;
pub mod transaction;
pub mod transport;

pub mod hrac;
pub mod hras;

#[cfg(feature = "testing")]
pub mod testing;

pub use base::{Deadline, Instant, Payload, Seed};
pub use error::Misuse;
pub use event::Event;
pub use hrac::Hrac;
pub use hras::Hras;
pub use io::{Input, Output};
pub use machine::Machine;
