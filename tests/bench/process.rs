//! Child processes and files that end with us, and what the kernel says the processes cost.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_signal::{Signal, Signals};
use rustix::process::{Pid, Signal as Number, kill_process};
use smol::stream::StreamExt;

/// A relay process; killed and reaped when dropped.
pub struct Process {
    child: Child,
    /// What it is to the reader of the table.
    pub part: &'static str,
}

impl Process {
    /// Starts `command` with its output thrown away, unless `SOFW_BENCH_LOG` is set.
    pub fn start(part: &'static str, command: &mut Command) -> io::Result<Process> {
        let quiet = std::env::var_os("SOFW_BENCH_LOG").is_none();
        command.stdin(Stdio::null());
        if quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let child = command.spawn()?;
        ours().pids.push(child.id());
        Ok(Process { child, part })
    }

    /// Processor time used so far by all its threads, user and system together, to the nanosecond.
    pub fn cpu(&self) -> io::Result<Duration> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        let mut nanos = 0;
        for task in tasks {
            let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            nanos += text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let pid = self.child.id();
        ours().pids.retain(|one| *one != pid);
    }
}

/// A directory that is removed when dropped.
pub struct Directory(PathBuf);

impl Directory {
    /// Makes one that is ours alone.
    pub fn new() -> io::Result<Directory> {
        let path = std::env::temp_dir().join(format!("sofw-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        ours().directories.push(path.clone());
        Ok(Directory(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
        ours().directories.retain(|one| *one != self.0);
    }
}

/// Ends children and removes files also when we are interrupted.
pub fn clean_up_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([Signal::Int, Signal::Term, Signal::Hup])?;
    std::thread::spawn(move || {
        smol::block_on(signals.next());
        let ours = ours();
        for pid in ours.pids.iter().filter_map(|pid| Pid::from_raw(*pid as i32)) {
            let _ = kill_process(pid, Number::KILL);
        }
        for path in &ours.directories {
            let _ = std::fs::remove_dir_all(path);
        }
        std::process::exit(130);
    });
    Ok(())
}

/// What must not outlive us.
struct Ours {
    pids: Vec<u32>,
    directories: Vec<PathBuf>,
}

fn ours() -> std::sync::MutexGuard<'static, Ours> {
    static OURS: Mutex<Ours> = Mutex::new(Ours { pids: Vec::new(), directories: Vec::new() });
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries `attempt` until it gives something, for at most ten seconds.
pub fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return Ok(value);
        }
        if start.elapsed() > Duration::from_secs(10) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{what}: not within 10 s")));
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
