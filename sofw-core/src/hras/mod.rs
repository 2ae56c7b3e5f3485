//! The outside half.

/// The outside half (paper: Half Relay Agent Server).
#[derive(Debug)]
pub struct Hras {}
