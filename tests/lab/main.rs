//! Real peers in network namespaces: ordinary phones, Debian's proxies, a firewall of nftables.
//!
//! Needs root and Debian packages; `tests/run` installs them. Every test has a laboratory of its own ([`net::Lab`]), so
//! that tests run side by side. Logs and captures of a failed test stay in `/tmp/sofw-<pid>-…` until the next run.

mod capture;
mod cases;
mod cleanup;
mod firewall;
mod need;
mod net;
mod phone;
mod place;
mod process;
mod proxy;
mod sofw;
mod tone;
mod wait;
