//! A deterministic world that drives the very same `Hrac` and `Hras` as production.
//!
//! Today it knows one office: a site behind a firewall, a phone inside, a phone outside, a tunnel that may be cut in mid-call.
//! Firewalls, proxies, lossy links and scenario files grow from here.

mod office;
pub mod tcp;

pub use office::{Direction, Heard, Office, Verdict};
