//! Ordinary phones: programs that know nothing of SoFW.

pub mod baresip;
pub mod sipp;
