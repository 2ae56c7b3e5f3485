//! `sofw demo`: both halves, a proxy and two phones in one process, and a call that can be watched.

use std::process::ExitCode;

/// What may be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {}

/// Runs the demo; success only if the calls were good.
pub fn run(_args: &Args) -> ExitCode {
    eprintln!("sofw demo: not part of this build");
    ExitCode::FAILURE
}
