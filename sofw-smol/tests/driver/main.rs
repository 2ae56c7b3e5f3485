//! The driver on loopback, with toy machines.

mod tcp;
mod toy;
mod udp;
mod when;
