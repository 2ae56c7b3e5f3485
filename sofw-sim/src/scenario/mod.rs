//! Scenarios: a network, its phones, what happens, and what is expected, as a network engineer writes it down.

pub mod model;

pub use model::Scenario;
