//! `sofw demo`: the whole of SoFW on one machine, without root and without configuration.
//!
//! ```text
//!  alice ── HRAC ══▶ proxy ══▶ HRAS ── bob        every arrow is a real socket on a loopback address
//! ```
//! It registers both phones, calls in each direction with an audible tone, shows every SIP message as it passes, measures what
//! was heard, and leaves a WAV and a pcapng behind.

mod actor;
mod capture;
mod cast;
mod http;
mod ladder;
mod proxy;
mod review;
mod script;
mod stage;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use sofw_core::base::Duration;
use sofw_core::event::Rung;
use sofw_core::testing::phone::Phone;
use sofw_core::{Hrac, Hras};

use crate::clock::{self, Clock};
use crate::driver::{self, Driver, Handle, Machine, Observer};
use actor::Actor;
use cast::Cast;
use ladder::{Ladder, Style};
use proxy::Proxy;
use script::{CallOutcome, Play};
use stage::{HracWatch, HrasWatch, Shared, Stage};

/// Command line of `sofw demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Seconds of voice per call
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=8))]
    pub seconds: u64,
    /// Where to save the WAV and the pcapng [default: a fresh directory under the system's temporary one]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// How the tunnel carries frames: with `post` the demo's proxy holds request bodies back, as some do
    #[arg(long, value_parser = ["stream", "post"], default_value = "stream")]
    pub rung: String,
    /// No colours, only ASCII characters
    #[arg(long)]
    pub plain: bool,
}

/// The whole demo takes no longer.
const RUN_MAX: Duration = Duration::from_secs(25);

/// Plays the demo and prints it. Success only if both calls were good.
pub fn run(args: &Args) -> ExitCode {
    let style = style(args.plain);
    let mut problems = match smol::block_on(play(args, style)) {
        Ok(problems) => problems,
        Err(error) => vec![error],
    };
    let (good, bad, reset) =
        if style.colour { ("\x1b[1;32m", "\x1b[1;31m", "\x1b[0m") } else { ("", "", "") };
    problems.dedup();
    let mut out = io::stdout().lock();
    if problems.is_empty() {
        let _ = writeln!(
            out,
            "\n{good}Both calls were good.{reset} Nothing on the way was opened: only HTTP left."
        );
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(out, "\n{bad}The demo failed:{reset}");
    for problem in problems {
        let _ = writeln!(out, "  - {problem}");
    }
    ExitCode::FAILURE
}

fn style(plain: bool) -> Style {
    let terminal = io::stdout().is_terminal();
    let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    // https://no-color.org
    let colour = terminal && !plain && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    Style { colour, ascii: plain, width: width.filter(|&w| w > 0).unwrap_or(100) }
}

/// Everything that was wrong, or why it could not even begin.
async fn play(args: &Args, style: Style) -> Result<Vec<String>, String> {
    let seed = clock::seed().map_err(|e| format!("no randomness: {e}"))?;
    let cast =
        Cast::assemble(seed).map_err(|e| format!("no free loopback addresses (127.10.10.2, …): {e}"))?;
    let directory = directory(args).map_err(|e| format!("cannot make the output directory: {e}"))?;
    let clock = Clock::start();
    let stage = Stage::new(Ladder::new(style), Box::new(io::stdout()));
    let executor = smol::LocalExecutor::new();
    let acts = async {
        let theatre = Theatre::open(&executor, &cast, &stage, clock, args)?;
        let mut play = theatre.play(args);
        stage.borrow_mut().print(&programme(&cast, style));
        let mut calls = Vec::new();
        let patience = async {
            smol::Timer::after(RUN_MAX).await;
            Err(format!("the demo took longer than {} s", RUN_MAX.as_secs()))
        };
        let result = smol::future::or(perform(&mut play, &mut calls), patience).await;
        let problems = finish(&stage, clock, &calls, &theatre, &directory, result);
        play.inside.stop();
        play.outside.stop();
        theatre.close().await;
        Ok(problems)
    };
    executor.run(acts).await
}

async fn perform(play: &mut Play, calls: &mut Vec<CallOutcome>) -> Result<(), String> {
    play.tunnel_up().await?;
    play.register().await?;
    for out in [true, false] {
        let call = play.call(out).await?;
        calls.push(call);
    }
    play.rat_empty().await?;
    play.unregister().await
}

/// Prints the tables, saves the files, and collects what was wrong.
fn finish(
    stage: &Shared,
    clock: Clock,
    calls: &[CallOutcome],
    theatre: &Theatre,
    directory: &std::path::Path,
    result: Result<(), String>,
) -> Vec<String> {
    let mut stage = stage.borrow_mut();
    let (bold, reset) = if stage.ladder.style().colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut problems: Vec<String> = calls.iter().flat_map(review::faults).collect();
    if calls.len() < 2 || result.is_err() {
        problems.append(&mut stage.troubles);
    }
    problems.extend(result.err());
    for call in calls {
        let table = review::table(call, bold, reset);
        stage.print(&table);
    }
    if let Some((rung, round_trip)) = stage.tunnel {
        let [out, back] = theatre.proxy.carried().map(|bytes| bytes / 1_000);
        let connections = theatre.proxy.connections.load(std::sync::atomic::Ordering::Relaxed);
        let text = format!(
            "\n{bold}The tunnel{reset} used rung {rung}, with a round trip of {:.2} ms. All of it went through the proxy:\n  \
             {connections} connections, {out} kB out, {back} kB in.\n",
            round_trip.as_secs_f64() * 1_000.0
        );
        stage.print(&text);
        if rung != theatre.rung {
            problems.push(format!("the tunnel used rung {rung}, not {}", theatre.rung));
        }
    }
    let (wav, pcapng) = (directory.join("heard.wav"), directory.join("demo.pcapng"));
    let saved = std::fs::write(&wav, review::recording(calls))
        .and_then(|()| stage.capture.save(&pcapng, clock.now()));
    if let Err(error) = saved {
        problems.push(format!("cannot save to {}: {error}", directory.display()));
        return problems;
    }
    let packets = stage.capture.len();
    let text = format!(
        "\n{bold}Saved{reset}\n  {}    what was heard: left inside, right outside\n  {}  {packets} packets, for Wireshark\n",
        wav.display(),
        pcapng.display()
    );
    stage.print(&text);
    problems
}

/// The running machines.
struct Theatre {
    stage: Shared,
    clock: Clock,
    proxy: std::sync::Arc<Proxy>,
    rung: Rung,
    hrac: Handle<Hrac>,
    hras: Handle<Hras>,
    phones: std::cell::Cell<Option<[Actor; 2]>>,
    tasks: Vec<smol::Task<()>>,
    attendants: Vec<smol::Task<()>>,
}

impl Theatre {
    fn open(
        executor: &smol::LocalExecutor<'static>,
        cast: &Cast,
        stage: &Shared,
        clock: Clock,
        args: &Args,
    ) -> Result<Self, String> {
        let say = |error: io::Error| format!("cannot start: {error}");
        let seed = || clock::seed().map_err(say);
        let now = clock.now();
        stage.borrow_mut().ladder.set_start(now);
        let mut tasks = Vec::new();

        let (heard, hears) = smol::channel::unbounded();
        let rung = if args.rung == "post" { Rung::Post } else { Rung::Stream };
        let proxy = Proxy::new(cast.tunnel(), rung == Rung::Post, heard);
        let listener = std::net::TcpListener::bind(cast.proxy).map_err(say)?;
        let listener = smol::Async::new(listener).map_err(say)?;
        let serve = std::sync::Arc::clone(&proxy).serve(listener.into());
        let witness = std::rc::Rc::clone(stage);
        let attendants = vec![
            executor.spawn(async move { drop(serve.await) }),
            executor.spawn(async move {
                while let Ok(heard) = hears.recv().await {
                    witness.borrow_mut().http(clock.now(), &heard);
                }
            }),
        ];

        let hras = Hras::new(cast.hras.clone(), seed()?, now).map_err(|e| e.to_string())?;
        let hras = start(executor, &mut tasks, hras, HrasWatch(stage.clone()), clock).map_err(say)?;
        let hrac = Hrac::new(cast.hrac.clone(), seed()?, now).map_err(|e| e.to_string())?;
        let hrac = start(executor, &mut tasks, hrac, HracWatch(stage.clone()), clock).map_err(say)?;
        let mut actors = Vec::new();
        for (name, config) in [("alice (inside)", &cast.inside), ("bob (outside)", &cast.outside)] {
            let (stand, events) = Actor::stand(Phone::new(config.clone(), seed()?, now));
            let handle = start(executor, &mut tasks, stand, (), clock).map_err(say)?;
            actors.push(Actor::new(name, handle, events));
        }
        let phones = std::cell::Cell::new(<[Actor; 2]>::try_from(actors).ok());
        let stage = stage.clone();
        Ok(Theatre { stage, clock, proxy, rung, hrac, hras, phones, tasks, attendants })
    }

    fn play(&self, args: &Args) -> Play {
        let [inside, outside] = self.phones.take().expect("a theatre plays once");
        Play {
            stage: self.stage.clone(),
            clock: self.clock,
            inside,
            outside,
            hras: self.hras.clone(),
            talk: Duration::from_secs(args.seconds),
        }
    }

    /// Stops every task and waits for it.
    async fn close(self) {
        self.hrac.stop();
        self.hras.stop();
        for task in self.tasks {
            task.await;
        }
        for task in self.attendants {
            task.cancel().await;
        }
    }
}

fn start<M: Machine + 'static, O: Observer + 'static>(
    executor: &smol::LocalExecutor<'static>,
    tasks: &mut Vec<smol::Task<()>>,
    machine: M,
    observer: O,
    clock: Clock,
) -> io::Result<Handle<M>> {
    let (driver, handle) = Driver::new(machine, observer, driver::Options::new(clock))?;
    tasks.push(executor.spawn(async move {
        if let Err(error) = driver.run().await {
            tracing::error!(%error, "a driver of the demo ended");
        }
    }));
    Ok(handle)
}

/// The head of the ladder.
fn programme(cast: &Cast, style: Style) -> String {
    let (bold, reset) = if style.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let text = "a company's phone and one outside call each other.\n\
        Everything runs here, on real sockets; the proxy is the only way between HRAC and HRAS.";
    let key = if style.ascii {
        "--- SIP on the network   === inside the HTTP tunnel"
    } else {
        "─── SIP on the network   ═══ inside the HTTP tunnel"
    };
    let details = [
        cast.inside.addr.to_string(),
        cast.hrac_sip().ip().to_string(),
        cast.proxy.ip().to_string(),
        cast.hras_sip().ip().to_string(),
        cast.outside.addr.to_string(),
    ];
    let head = Ladder::new(style)
        .head(["alice", "HRAC", "HTTP proxy", "HRAS", "bob"], details.each_ref().map(String::as_str));
    format!("{bold}SoFW demo:{reset} {text}\n{key}\n\n{head}")
}

fn directory(args: &Args) -> io::Result<PathBuf> {
    let path = match &args.out {
        Some(path) => path.clone(),
        None => {
            let since =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            std::env::temp_dir().join(format!("sofw-demo-{}-{}", since.as_secs(), std::process::id()))
        }
    };
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
