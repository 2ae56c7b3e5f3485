//! The production runtime of SoFW on smol, and what the `sofw` executable is made of.
//!
//! | module | what it does |
//! |---|---|
//! | [`driver`] | runs one machine of the core: sockets, connections, timer |
//! | [`clock`] | the machines' time |
//! | [`commands`] | the subcommands of `sofw` |
//! | [`demo`] | a call that can be watched |
//! | [`observe`] | log lines, ready lines, the status page |
//! | [`settings`] | configuration files, pairing links, the first start |

#![deny(unsafe_code)]

pub mod clock;
pub mod commands;
pub mod demo;
pub mod driver;
pub mod observe;
pub mod settings;
