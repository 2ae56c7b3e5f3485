//! Scenarios: a network, its phones, what happens, and what is expected, as a network engineer writes it down.
//!
//! ```text
//! file ─▶ parse/ (checked against shape/, names) ─▶ model/ ─▶ run
//!              ▲ plan: addresses and defaults         │
//!         schema for editors                          ├─▶ explain/: for people
//!                                                     └─▶ write/: a file again
//! ```

mod builtin;
mod explain;
pub mod model;
pub mod names;
mod parse;
mod plan;
mod problem;
mod reference;
mod schema;
mod shape;
#[cfg(test)]
mod tests;
mod values;
mod warn;
mod write;

pub use builtin::builtin;
pub use explain::explain;
pub use model::Scenario;
pub use problem::{Problem, nearest};
pub use reference::reference;
pub use schema::schema;
pub(crate) use values::{answer_text, time_text};

/// A scenario to start from: what `sofw-sim init` writes.
pub const TEMPLATE: &str = include_str!("template.toml");
