//! Runs one half until a signal.

use std::process::ExitCode;
use std::rc::Rc;

use async_signal::{Signal, Signals};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use smol::LocalExecutor;
use smol::channel;
use smol::future::FutureExt;
use smol::stream::StreamExt;
use sofw_core::base::{Duration, Instant};

use super::preflight::Origin;
use super::{FAILED, fail};
use crate::clock::Clock;
use crate::driver::{Driver, Handle, Machine, Options, Stats};
use crate::observe::{Watch, admin};

/// One half, ready to run.
pub struct Half<M> {
    /// `hras` or `hrac`.
    pub name: &'static str,
    /// Whose keys to name when a listener fails.
    pub origin: Origin,
    /// The machine.
    pub machine: M,
    /// The clock that it was made with.
    pub clock: Clock,
    /// See [`Options::gather`].
    pub gather: Option<Duration>,
    /// The sites' names, for the log.
    pub sites: Vec<String>,
    /// The admin listener, and what it answers to `/status`.
    pub admin: Option<(std::net::TcpListener, Page<M>)>,
}

/// Writes a page about a machine.
pub type Page<M> = fn(&mut M, Instant, &Stats) -> String;

/// Why a run ends.
enum End {
    Signal,
    Failures(Vec<String>),
    Driver(std::io::Error),
}

/// Runs until SIGTERM or SIGINT, or until a listener fails.
pub fn run<M: Machine + 'static>(half: Half<M>) -> ExitCode {
    raise_descriptor_limit();
    let (tell, failures) = channel::unbounded();
    let watch = Watch::new(half.name, half.sites, tell);
    let mut options = Options::new(half.clock);
    options.gather = half.gather.unwrap_or(options.gather);
    let (driver, handle) = match Driver::new(half.machine, watch, options) {
        Ok(made) => made,
        Err(error) => return fail(FAILED, format_args!("sofw {}: {error}", half.name)),
    };
    let executor = Rc::new(LocalExecutor::new());
    let end = smol::block_on(executor.run(async {
        let mut signals = match Signals::new([Signal::Term, Signal::Int]) {
            Ok(signals) => signals,
            Err(error) => return End::Driver(error),
        };
        if let Some((listener, status)) = half.admin {
            match smol::Async::new(listener) {
                Ok(listener) => executor
                    .spawn(serve(listener.into(), Rc::clone(&executor), handle.clone(), status))
                    .detach(),
                Err(error) => return End::Driver(error),
            }
        }
        let mut running = executor.spawn(driver.run());
        let driver = async {
            match (&mut running).await {
                Ok(_) => End::Signal,
                Err(error) => End::Driver(error),
            }
        };
        let signal = async {
            signals.next().await;
            End::Signal
        };
        let failure = async {
            let Ok(first) = failures.recv().await else { return std::future::pending().await };
            let all = std::iter::once(first).chain(std::iter::from_fn(|| failures.try_recv().ok()));
            End::Failures(all.map(|f| format!("{}: {}", half.origin.name(&f.key), f.reason)).collect())
        };
        let end = driver.or(signal).or(failure).await;
        if matches!(end, End::Signal) {
            tracing::info!("sofw {}: stopping", half.name);
            handle.stop();
            // The driver answers between two batches; a second is for ever.
            let patience = async {
                smol::Timer::after(STOP_PATIENCE).await;
            };
            async { drop((&mut running).await) }.or(patience).await;
        }
        end
    }));
    match end {
        End::Signal => ExitCode::SUCCESS,
        End::Failures(lines) => fail(FAILED, lines.join("\n")),
        End::Driver(error) => fail(FAILED, format_args!("sofw {}: {error}", half.name)),
    }
}

async fn serve<M: 'static>(
    listener: smol::net::TcpListener,
    executor: Rc<LocalExecutor<'static>>,
    handle: Handle<M>,
    status: Page<M>,
) {
    let ask = move || {
        let handle = handle.clone();
        async move { handle.with_stats(status).await }
    };
    admin::serve(listener, &executor, ask).await;
}

/// Each call takes up to four sockets; the usual soft limit of 1024 would end at 250 calls.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "cannot raise the limit of open files");
        }
    }
}

/// Time for the driver to end.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
