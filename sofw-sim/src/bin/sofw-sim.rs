//! The `sofw-sim` executable.

fn main() {}
