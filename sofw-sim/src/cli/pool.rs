//! Many runs at once, each on a thread of its own; a progress line meanwhile; Ctrl-C ends it with what is done.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Work;
use crate::report::text::Progress;

/// Whether the user wants it to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What became of a list of work.
pub struct Done<R> {
    /// Results in the order of the work, as far as it was done.
    pub results: Vec<R>,
    /// Ended by Ctrl-C.
    pub interrupted: bool,
    /// Real time taken.
    pub took: Duration,
}

/// Does `work` for each of `items` and shows `name`s and failures meanwhile. `total` is how many there will be, if known.
pub fn run<T: Send, R: Send>(
    settings: Work,
    total: Option<usize>,
    items: impl Iterator<Item = T> + Send,
    name: impl Fn(&T) -> String + Sync,
    work: impl Fn(T) -> R + Sync,
    is_bad: impl Fn(&R) -> bool,
) -> Done<R> {
    watch_for_interrupt();
    let start = now();
    let jobs = settings.jobs.unwrap_or_else(cores).max(1);
    let items = Mutex::new(items.enumerate());
    let running = Mutex::new(Vec::new());
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<(usize, R)> = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, items, running, name, work) = (sender.clone(), &items, &running, &name, &work);
            scope.spawn(move || {
                loop {
                    if INTERRUPTED.load(Ordering::Relaxed) {
                        return;
                    }
                    let Some((index, item)) = lock(items).next() else { return };
                    let shown = name(&item);
                    lock(running).push(shown.clone());
                    let result = work(item);
                    let mut names = lock(running);
                    if let Some(at) = names.iter().position(|running| *running == shown) {
                        names.swap_remove(at);
                    }
                    drop(names);
                    if sender.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut bar = Bar::new(settings.quiet);
        let mut failures = 0;
        loop {
            match receiver.recv_timeout(REDRAW) {
                Ok((index, result)) => {
                    failures += usize::from(is_bad(&result));
                    results.push((index, result));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            let names = lock(&running).clone();
            bar.draw(&Progress {
                done: results.len(),
                total: total.unwrap_or(results.len() + names.len()),
                failed: failures,
                running: &names.iter().map(String::as_str).collect::<Vec<_>>(),
                elapsed: start.elapsed(),
            });
        }
        bar.clear();
    });
    results.sort_by_key(|(index, _)| *index);
    Done {
        results: results.into_iter().map(|(_, result)| result).collect(),
        interrupted: INTERRUPTED.load(Ordering::Relaxed),
        took: start.elapsed(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A run that panicked is reported when its thread is joined; the list itself is whole.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[expect(
    clippy::disallowed_methods,
    reason = "people want to know how long it takes; no run sees this clock"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// The first Ctrl-C ends the work after the runs under way, the second ends the program.
fn watch_for_interrupt() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if STARTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let Ok(mut signals) = async_signal::Signals::new([async_signal::Signal::Int, async_signal::Signal::Term])
    else {
        return;
    };
    let watch = move || {
        use smol::stream::StreamExt;
        while smol::block_on(signals.next()).is_some() {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED_STATUS);
            }
            eprintln!("\nending after the runs under way; once more ends at once");
        }
    };
    // Not joined: it waits for signals as long as the process lives.
    drop(std::thread::Builder::new().name("signals".into()).spawn(watch));
}

/// The line that is written over and over, on a terminal only.
struct Bar {
    shown: bool,
    drawn: bool,
}

impl Bar {
    fn new(quiet: bool) -> Self {
        Bar { shown: !quiet && std::io::stderr().is_terminal(), drawn: false }
    }

    fn draw(&mut self, progress: &Progress<'_>) {
        if self.shown {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r\x1b[K{}", progress.line(width()));
            let _ = out.flush();
            self.drawn = true;
        }
    }

    fn clear(&self) {
        if self.drawn {
            eprint!("\r\x1b[K");
        }
    }
}

/// Columns of the terminal, as far as the environment tells.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(80)
}

const REDRAW: Duration = Duration::from_millis(100);
/// As shells report SIGINT.
pub const INTERRUPTED_STATUS: i32 = 130;
