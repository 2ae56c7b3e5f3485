//! The `sofw-sim` executable.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sofw_sim::Office;

#[derive(Parser)]
#[command(name = "sofw-sim", version, about = "Runs the same HRAC and HRAS as production in virtual time")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Two calls, one in each direction, between a phone inside and a phone outside.
    Office {
        /// Seed; the same seed gives the same run.
        #[arg(long, default_value_t = 1)]
        seed: u8,
        /// One-way milliseconds between any two addresses.
        #[arg(long, default_value_t = 20)]
        delay_ms: u64,
        /// Seconds of each call.
        #[arg(long, default_value_t = 10)]
        talk_s: u64,
        /// Cut all tunnel connections in the middle of each call.
        #[arg(long)]
        cut: bool,
    },
}

fn main() -> ExitCode {
    let Command::Office { seed, delay_ms, talk_s, cut } = Arguments::parse().command;
    let (delay, talk) = (Duration::from_millis(delay_ms), Duration::from_secs(talk_s));
    let verdict = Office { seed, delay, talk, cut }.run();
    println!("{:<4} {:<6} {:>8} {:>6}  tone", "call", "phone", "packets", "lost");
    for (direction, phones) in &verdict.calls {
        for heard in phones {
            let tone = heard.tone_hz.map_or("none".into(), |hz| format!("{hz:.0} Hz"));
            let right = if heard.is_right() { "right" } else { "WRONG" };
            let direction = format!("{direction:?}").to_lowercase();
            println!(
                "{direction:<4} {:<6} {:>8} {:>6}  {tone} ({right})",
                heard.user, heard.received, heard.lost
            );
        }
    }
    println!("tunnel bytes {}, RAT records left {}", verdict.crossed, verdict.records_left);
    if verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
