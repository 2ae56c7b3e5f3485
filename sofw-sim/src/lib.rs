//! A deterministic network laboratory that drives the very same `Hrac` and `Hras` as production.
//!
//! ```text
//! scenario/ (TOML) ─▶ run/ builds ─▶ world/ ─▶ host/ (Hrac, Hras, phones, proxy/, baseline/) ─▶ packet/ ─▶ link/, middlebox/
//!                                      │  tcp/ under every host
//!                                      └─▶ Observer ─▶ check/, record/ ─▶ report/ (HTML, JUnit, pcapng)
//! ```
//!
//! One seed and one scenario give one run, byte for byte.

pub mod adversary;
pub mod baseline;
pub mod check;
pub mod cli;
pub mod evaluate;
pub mod host;
pub mod link;
pub mod middlebox;
pub mod packet;
pub mod proxy;
pub mod quality;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod swarm;
pub mod tcp;
pub mod world;
