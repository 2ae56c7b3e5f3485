//! The production runtime of SoFW on smol, and what the `sofw` executable is made of.
//!
//! | module | what it does |
//! |---|---|
//! | [`driver`] | runs one machine of the core: sockets, connections, timer |
//! | [`clock`] | the machines' time |
//! | [`settings`] | configuration files, pairing links, the first start |

#![deny(unsafe_code)]

pub mod clock;
pub mod driver;
pub mod settings;
