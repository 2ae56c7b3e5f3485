//! The `sofw` executable.

fn main() {}
