//! Runs a scenario: builds the world, lets the timeline happen, and writes down what came of it.

mod map;

pub use map::{Map, PhonePlace, SitePlace, Zone};
