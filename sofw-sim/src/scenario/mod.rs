//! Scenarios: a network, its phones, what happens, and what is expected, as a network engineer writes it down.
//!
//! ```text
//! file ─▶ parse/ (checked against shape/, names) ─▶ model/ ─▶ run
//!              ▲ plan: addresses and defaults         │
//!         schema for editors                          ├─▶ explain/: for people
//!                                                     └─▶ write/: a file again
//! ```

pub mod model;
pub mod names;
mod parse;
mod plan;
mod problem;
mod shape;
mod values;
mod write;

pub use model::Scenario;
pub use problem::Problem;
