//! What people and their tools read of a run: pages, charts, JUnit XML, pcapng, and the terminal's table.
//!
//! ```text
//! Record ─┬─▶ html::page, pcap::write ─────────┐
//!         └─▶ Summary ─▶ html::index, junit::xml ─┴─▶ files (the only part that writes)
//!                    └─▶ text::verdict, text::Progress ─▶ terminal
//! ```
//!
//! Everything is a pure function from a record to text or bytes: no clock, so that the same run gives the same report. A [`Summary`]
//! holds what is needed once a run's page has been written; a record with its captures need not be kept for hundreds of seeds.

pub mod chart;
mod files;
pub mod html;
pub mod junit;
mod markup;
pub mod pcap;
mod summary;
#[cfg(test)]
mod tests;
pub mod text;
pub(crate) mod units;

pub use files::{write_all, write_index, write_run};
pub use summary::Summary;
