//! The `sofw-sim` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    sofw_sim::cli::main()
}
