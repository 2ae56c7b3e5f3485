//! The Relay Agent Table (paper P7, P10).
