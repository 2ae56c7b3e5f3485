//! The subcommands of `sofw`. Exit status: 0 all well, 1 it could not start or went wrong, 2 the configuration or the command line is
//! wrong.

mod check;
mod hrac;
mod hras;
mod preflight;
mod run;
mod status;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::demo;
use crate::settings::LogSettings;

/// SIP phones through firewalls that let nothing but the web pass.
#[derive(Debug, Parser)]
#[command(name = "sofw", version, max_term_width = 100)]
struct CommandLine {
    /// What to log, as in RUST_LOG: info, debug, sofw_core=trace, …
    #[arg(long, global = true, value_name = "FILTER")]
    log_level: Option<String>,
    /// How to log.
    #[arg(long, global = true, value_enum)]
    log_format: Option<LogFormat>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The outside half, on a public host: SIP server, relay, and the tunnels' HTTP server.
    Hras(hras::Args),
    /// The inside half, behind the firewall: phones use it as their SIP server.
    Hrac(hrac::Args),
    /// Shows a call going through everything, in one process.
    Demo(demo::Args),
    /// Checks a configuration file of either half.
    Check(check::Args),
    /// Hashes a user's password for hras.toml.
    User(user::Args),
    /// Shows what a running HRAS does.
    Status(status::Args),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    let log =
        LogSettings { level: line.log_level, json: line.log_format.map(|format| format == LogFormat::Json) };
    match line.command {
        Command::Hras(args) => hras::run(&args, &log),
        Command::Hrac(args) => hrac::run(&args, &log),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::User(args) => user::run(&args),
        Command::Status(args) => status::run(&args),
    }
}

/// Complains on standard error.
fn fail(status: u8, complaint: impl core::fmt::Display) -> ExitCode {
    eprintln!("{complaint}");
    ExitCode::from(status)
}

/// The configuration or the command line is wrong.
const WRONG_CONFIGURATION: u8 = 2;
/// It could not start, or went wrong.
const FAILED: u8 = 1;
