//! Built-in phones, the in-memory pair and fuzz entries.

pub mod fuzz;
pub mod pair;
pub mod phone;
pub mod stranger;
pub mod world;
