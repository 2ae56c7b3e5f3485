//! The inside half.

/// The inside half (paper: Half Relay Agent Client).
#[derive(Debug)]
pub struct Hrac {}
