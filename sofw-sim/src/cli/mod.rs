//! The `sofw-sim` command line. Here, and only here, are a clock, threads, files and signals: a run itself knows none of them.

mod calibrate;
mod evaluate;
mod input;
mod pool;
mod range;
mod run;
mod show;
mod swarm;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use range::Seeds;

#[derive(Parser)]
#[command(
    name = "sofw-sim",
    version,
    about = "Shows whether phones will work behind your firewall: runs the real HRAC and HRAS in a simulated network",
    after_help = "Start with: sofw-sim init > my-office.toml; sofw-sim run my-office.toml --report report"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenarios and judges them: status 0 if all is as expected, 1 if not, 2 if a file is wrong.
    Run(RunArguments),
    /// Lists the scenarios that come with the program.
    List {
        /// Only those whose name, purpose or `shows` contains this.
        filter: Option<String>,
    },
    /// Says in words and a picture what a scenario means.
    Explain {
        /// A file, or the name of a scenario that comes with the program.
        file: String,
        /// Prints the scenario file itself.
        #[arg(long)]
        source: bool,
    },
    /// Draws networks, faults and users' behaviour from seeds, and checks what must hold in every run.
    Swarm {
        /// Seeds to try, e.g. 7 or 1..20 (both included).
        #[arg(long, default_value = "1..100")]
        seeds: Seeds,
        /// Goes on with the next seeds for so many minutes.
        #[arg(long)]
        minutes: Option<u64>,
        /// Where shrunk plans of failures are written.
        #[arg(long, value_name = "DIR", default_value = "swarm-failures")]
        failures: PathBuf,
        #[command(flatten)]
        work: Work,
    },
    /// Runs a swarm seed or a scenario once more and tells everything that happened.
    Replay {
        /// A seed of the swarm, a file, or the name of a scenario that comes with the program.
        what: String,
        /// The seed with which to run a file.
        #[arg(long)]
        seed: Option<u64>,
        /// Writes HTML pages, JUnit XML and captures into this directory.
        #[arg(long, value_name = "DIR")]
        report: Option<PathBuf>,
    },
    /// Measures SoFW against plain SIP and the paper's other systems, and writes the evaluation.
    Evaluate {
        /// The page to write; figures go into a directory beside it.
        #[arg(long, value_name = "FILE", default_value = "docs/evaluation.md")]
        output: PathBuf,
        /// Only every so many points, for a first look.
        #[arg(long, default_value_t = 1)]
        every: usize,
        #[command(flatten)]
        work: Work,
    },
    /// Writes a commented scenario to start from to standard output.
    Init,
    /// Prints the JSON schema of scenario files, for editors.
    Schema,
    /// Prints the reference of scenario files in Markdown: every table, key, step, metric and name.
    Reference,
    /// Prints the TCP model's delays beside a real kernel's in Markdown.
    Calibrate,
}

#[derive(Args)]
struct RunArguments {
    /// Scenario files, or names of scenarios that come with the program (`sofw-sim list`).
    #[arg(required_unless_present = "all")]
    files: Vec<String>,
    /// All scenarios that come with the program.
    #[arg(long)]
    all: bool,
    /// Seeds, e.g. 7 or 1..20 (both included); without this each scenario's own.
    #[arg(long)]
    seeds: Option<Seeds>,
    /// Writes HTML pages, JUnit XML and captures into this directory.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

#[derive(Args, Clone, Copy)]
struct Work {
    /// Runs at the same time; default: one for each core.
    #[arg(long)]
    jobs: Option<usize>,
    /// No progress line.
    #[arg(long)]
    quiet: bool,
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command;
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::List { filter } => show::list(filter.as_deref()),
        Command::Explain { file, source } => show::explain(&file, source),
        Command::Swarm { seeds, minutes, failures, work } => swarm::swarm(seeds, minutes, &failures, work),
        Command::Replay { what, seed, report } => show::replay(&what, seed, report.as_deref()),
        Command::Evaluate { output, every, work } => evaluate::evaluate(&output, every, work),
        Command::Init => show::print(crate::scenario::TEMPLATE),
        Command::Schema => show::schema(),
        Command::Reference => show::print(&crate::scenario::reference()),
        Command::Calibrate => calibrate::print(),
    }
}

/// Writes to standard output. Whoever reads it may stop reading, as `head` does; that is no failure.
fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Something is wrong with what was asked for.
const BAD_INPUT: u8 = 2;
/// An expectation or a checker failed.
const FAILED: u8 = 1;
