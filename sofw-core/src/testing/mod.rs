//! Built-in phones, machines joined by memory, and fuzz entries: for tests, the demo and the simulator.

pub mod world;
