//! Child processes that end with us, and what the kernel says they cost.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A relay process; killed and reaped when dropped.
pub struct Process(Child);

impl Process {
    /// Starts `command` with its output thrown away, unless `SOFW_BENCH_LOG` is set.
    pub fn start(command: &mut Command) -> io::Result<Process> {
        let quiet = std::env::var_os("SOFW_BENCH_LOG").is_none();
        command.stdin(Stdio::null());
        if quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        Ok(Process(command.spawn()?))
    }

    /// Processor time used so far, user and system together.
    pub fn cpu(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The fields after the command name, which may itself hold spaces: utime and stime are the 12th and 13th.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // USER_HZ is 100 on every Linux that Rust supports.
        Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
