//! The Relay Agent Table (paper P7, P10).
//!
//! ```text
//! SIP server ──request, response──▶ [`RelayAgent`] ──new body──▶ SIP server
//!                                       │ dialog groups, media lines, ports and flows
//!                                       ├──▶ [`crate::media::Relay`]: links
//!                                       └──▶ [`RatOutput`]: OpenFlow, CloseFlow, sockets, events
//! ```
//!
//! A *group* is one branch of one dialog: Call-ID, caller's tag, branch. It has two legs, caller and callee, each in a
//! *space*: a site or the outside. Each media line has at most one relay port pair facing each leg, given when an SDP is
//! first rewritten towards that leg and kept until the group ends. Between two phones of one space nothing is done.

mod agent;
mod flows;
mod group;
mod module;
pub mod ports;
mod record;
mod removal;
mod spaces;
mod table;
#[cfg(test)]
mod tests;

pub use agent::{RatOutput, RelayAgent};
pub use record::{End, Record, Space};
