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
use crate::observe::{Failure, Watch, admin};

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

/// Runs until SIGTERM or SIGINT, or until a listener fails.
///
/// The driver has this thread to itself; signals and the admin listener share another one and speak to it by its mailbox.
pub fn run<M: Machine + 'static>(half: Half<M>) -> ExitCode {
    raise_descriptor_limit();
    let (tell, failures) = channel::unbounded();
    let watch = Watch::new(half.name, half.sites, tell);
    let mut options = Options::new(half.clock);
    options.gather = half.gather.unwrap_or(options.gather);
    // Before anything is ready: from then on a signal must end us in order.
    let signals = Signals::new([Signal::Term, Signal::Int]);
    let started = signals.and_then(|signals| Ok((signals, Driver::new(half.machine, watch, options)?)));
    let (signals, (driver, handle)) = match started {
        Ok(started) => started,
        Err(error) => return fail(FAILED, format_args!("sofw {}: {error}", half.name)),
    };
    let (name, admin, first) = (half.name, half.admin, failures.clone());
    let control = move || smol::block_on(control(name, signals, first, handle, admin));
    let control = match std::thread::Builder::new().name("control".to_owned()).spawn(control) {
        Ok(control) => control,
        Err(error) => return fail(FAILED, format_args!("sofw {name}: {error}")),
    };
    if let Err(error) = driver.run_alone() {
        return fail(FAILED, format_args!("sofw {name}: {error}"));
    }
    match control.join() {
        Ok(Ok(None)) => ExitCode::SUCCESS,
        Ok(Ok(Some(first))) => {
            // All that the same start brought: the driver has ended, so all are told.
            let all = std::iter::once(first).chain(std::iter::from_fn(|| failures.try_recv().ok()));
            let lines = all.map(|f| format!("{}: {}", half.origin.name(&f.key), f.reason));
            fail(FAILED, lines.collect::<Vec<_>>().join("\n"))
        }
        Ok(Err(error)) => fail(FAILED, format_args!("sofw {name}: {error}")),
        Err(_) => fail(FAILED, format_args!("sofw {name}: the control thread panicked")),
    }
}

/// Waits for what ends the run, answering the admin listener meanwhile, and stops the driver. A failure, if that was it.
async fn control<M: Machine + 'static>(
    name: &'static str,
    mut signals: Signals,
    failures: channel::Receiver<Failure>,
    handle: Handle<M>,
    admin: Option<(std::net::TcpListener, Page<M>)>,
) -> std::io::Result<Option<Failure>> {
    let executor = Rc::new(LocalExecutor::new());
    let wait = async {
        if let Some((listener, status)) = admin {
            let listener = smol::Async::new(listener)?;
            executor.spawn(serve(listener.into(), Rc::clone(&executor), handle.clone(), status)).detach();
        }
        let signal = async {
            signals.next().await;
            tracing::info!("sofw {name}: stopping");
            None
        };
        // The sending end is in the driver: if that ended by itself, so does this.
        let failure = async { failures.recv().await.ok() };
        Ok(signal.or(failure).await)
    };
    let end = executor.run(wait).await;
    handle.stop();
    end
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
