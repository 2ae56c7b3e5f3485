//! The production runtime of SoFW on smol.
