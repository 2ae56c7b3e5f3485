//! `sofw-bench`: N two-way G.711 calls through real HRAC and HRAS processes on loopback, next to plain relays that are
//! measured in the same run.
//!
//! ```text
//! load generator ── N inside sockets ──▶ [ relay under test: 0, 1 or 2 processes ] ──▶ N outside sockets ── load generator
//! ```
//! It measures from outside: one-way delay by time stamps in the packets, CPU by `/proc/PID/task/*/schedstat`, bytes
//! between the halves by `ss`.

mod epoll;
mod load;
mod mux;
mod peers;
mod process;
mod relay;
mod report;
mod signalling;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "sofw-bench", about = "Measures what SoFW adds to voice, next to plain relays, in one run")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure all peers in turn and print one table.
    Compare {
        /// Calls at once; several values make several rows.
        #[arg(long, value_delimiter = ',', default_value = "1,50,200,500")]
        calls: Vec<usize>,
        /// Seconds measured per row, after two seconds of warm-up.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Peers, in the order in which they are measured; `sofw:250` is sofw with a `media.gather_us` of 250.
        #[arg(long, value_delimiter = ',', default_value = "direct,relay,mux,sofw")]
        peers: Vec<String>,
        /// Times that the whole series is repeated, interleaved; the median of each figure is printed.
        #[arg(long, default_value_t = 1)]
        rounds: usize,
        /// The sofw executable; default: beside this one.
        #[arg(long)]
        sofw: Option<std::path::PathBuf>,
    },
    /// (internal) The minimal one-hop UDP relay.
    #[command(hide = true)]
    Relay {
        /// First port on 127.0.0.1, outside address of each pair's peer port.
        #[arg(long)]
        calls: usize,
    },
    /// (internal) One end of the minimal one-TCP mux.
    #[command(hide = true)]
    Mux {
        /// `inside` or `outside`.
        #[arg(long)]
        side: String,
        #[arg(long)]
        calls: usize,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Relay { calls } => relay::run(calls),
        Command::Mux { side, calls } => mux::run(&side, calls),
        Command::Compare { calls, seconds, peers, rounds, sofw } => {
            compare(&calls, Duration::from_secs(seconds), &peers, rounds, sofw)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sofw-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(
    calls: &[usize],
    length: Duration,
    names: &[String],
    rounds: usize,
    sofw: Option<std::path::PathBuf>,
) -> std::io::Result<()> {
    let sofw = match sofw {
        Some(path) => path,
        None => std::env::current_exe()?.with_file_name("sofw"),
    };
    let _lock = std::net::UdpSocket::bind(peers::Ports::lock())
        .map_err(|error| std::io::Error::other(format!("another sofw-bench seems to run here: {error}")))?;
    process::clean_up_on_signals()?;
    let mut table = report::Table::default();
    for _ in 0..rounds.max(1) {
        for &calls in calls {
            for name in names {
                eprintln!("measuring {name}, {calls} calls, {} s …", length.as_secs());
                let told = |error| std::io::Error::other(format!("{name}, {calls} calls: {error}"));
                let peer = peers::start(name, calls, &sofw).map_err(told)?;
                let measured = load::run(&peer, length).map_err(told)?;
                table.add(name, calls, measured);
            }
        }
    }
    table.print();
    Ok(())
}
