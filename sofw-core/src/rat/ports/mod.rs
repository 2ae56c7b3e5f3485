//! Relay ports: opened ahead of need, so that an SDP never names a port that cannot be opened.
//!
//! ```text
//! range ─▶ free (FIFO) ─▶ [`PortKeeper`]: bound ─▶ ready ─▶ [`PortPool`] ─▶ in use ─▶ closed ─▶ back of free
//! ```
//!
//! HRAS has both for its own side. For a site's side HRAC has the keeper, HRAS the pool, and `PortsReady` and `CloseFlow`
//! stand between. A pair is named by its even port.

mod keeper;
mod pool;
#[cfg(test)]
mod tests;

pub use keeper::{KeeperOutput, PortKeeper};
pub use pool::PortPool;
