//! A deterministic world for `Hrac` and `Hras`.
