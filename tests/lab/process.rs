//! A program that runs in a namespace, with its output at hand.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process};

use super::cleanup;
use super::wait::{poll, seconds};

/// A started program. It ends, with all it started, when this is dropped.
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    ended: Option<ExitStatus>,
}

/// A place in a program's output: lines after it are new.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(usize);

#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

impl Process {
    /// Starts `command`; its output goes to `<directory>/<name>.log` as well.
    pub fn start(name: &str, mut command: Command, directory: &Path) -> Process {
        use std::os::unix::process::CommandExt;
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let second = writer.try_clone().expect("a pipe");
        command.stdin(Stdio::piped()).stdout(writer).stderr(second).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        drop(command); // It holds our copies of the writing end.
        cleanup::group_started(child.id() as i32);
        let output = Arc::new(Output::default());
        let log = File::create(directory.join(format!("{name}.log"))).expect("a log file");
        let copy = output.clone();
        std::thread::spawn(move || copy.follow(File::from(reader), log));
        let stdin = child.stdin.take();
        Process { name: name.to_owned(), child, stdin, output, ended: None }
    }

    /// Types something.
    pub fn type_in(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin
            .write_all(text.as_bytes())
            .unwrap_or_else(|error| panic!("{} does not listen: {error}\n{}", self.name, self.tail()));
    }

    /// The end of the output so far.
    pub fn mark(&self) -> Mark {
        Mark(self.output.lines.lock().expect("lines").len())
    }

    /// The first line after `mark` that contains `text`; fails the test if none comes.
    #[track_caller]
    pub fn line(&self, mark: Mark, text: &str, limit: Duration) -> String {
        match self.find(mark, text, limit) {
            Some(line) => line,
            None => panic!(
                "{}: no line with {text:?} within {limit:?}; its last lines:\n{}",
                self.name,
                self.tail()
            ),
        }
    }

    /// The first line after `mark` that contains `text`, waiting up to `limit` for it.
    pub fn find(&self, mark: Mark, text: &str, limit: Duration) -> Option<String> {
        let end = Instant::now() + limit;
        let mut lines = self.output.lines.lock().expect("lines");
        let mut read = mark.0;
        loop {
            if let Some(line) = lines[read..].iter().find(|line| line.contains(text)) {
                return Some(line.clone());
            }
            read = lines.len();
            let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            lines = self.output.grown.wait_timeout(lines, left).expect("lines").0;
        }
    }

    /// How it ended, waiting up to `limit` for that.
    pub fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        poll(limit, || self.status())
    }

    /// Asks it to end (SIGTERM) and waits for that; kills it if it does not.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        if self.status().is_none() {
            let pid = Pid::from_child(&self.child);
            let _ = kill_process(pid, Signal::TERM);
        }
        let status = poll(seconds(5), || self.status());
        self.kill();
        status
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            cleanup::end_group(self.child.id() as i32);
            self.ended = self.child.wait().ok();
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.status().is_none()
    }

    /// Its last lines.
    pub fn tail(&self) -> String {
        let lines = self.output.lines.lock().expect("lines");
        lines[lines.len().saturating_sub(40)..]
            .iter()
            .map(|line| format!("  {}| {line}\n", self.name))
            .collect()
    }

    fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                // What it started may still run: its group is known by its id until we forget it.
                cleanup::end_group(self.child.id() as i32);
            }
        }
        self.ended
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        cleanup::group_ended(self.child.id() as i32);
        if std::thread::panicking() {
            let _ = std::io::stderr().write_all(self.tail().as_bytes());
        }
    }
}

impl Output {
    /// Copies the output to the log and cuts it into lines; a carriage return ends a line too (status displays).
    fn follow(&self, mut from: impl Read, mut log: File) {
        let mut buffer = [0; 4096];
        let mut line = Vec::new();
        while let Ok(count) = from.read(&mut buffer) {
            if count == 0 {
                break;
            }
            let _ = log.write_all(&buffer[..count]);
            let mut lines = self.lines.lock().expect("lines");
            for byte in &buffer[..count] {
                if *byte != b'\n' && *byte != b'\r' {
                    line.push(*byte);
                } else if !line.is_empty() {
                    lines.push(String::from_utf8_lossy(&line).into_owned());
                    line.clear();
                }
            }
            self.grown.notify_all();
        }
        if !line.is_empty() {
            self.lines.lock().expect("lines").push(String::from_utf8_lossy(&line).into_owned());
            self.grown.notify_all();
        }
    }
}
