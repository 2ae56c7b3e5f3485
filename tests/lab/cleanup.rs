//! What a run leaves behind is taken away: when it ends, when a signal ends it, and at the next start if it was killed.
//!
//! Everything the laboratory makes carries its process id in the name: `sofw-<pid>-…`. Only such things are ever touched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use async_signal::{Signal, Signals};
use rustix::process::{Pid, Signal as Kill, kill_process, kill_process_group};
use smol::stream::StreamExt;

/// What exists now because of this process.
#[derive(Default)]
struct Made {
    groups: BTreeSet<i32>,
    namespaces: BTreeSet<String>,
    directories: BTreeSet<PathBuf>,
}

static MADE: Mutex<Made> =
    Mutex::new(Made { groups: BTreeSet::new(), namespaces: BTreeSet::new(), directories: BTreeSet::new() });

/// Removes the leftovers of dead runs and watches for signals. Later calls do nothing.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        remove_leftovers();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(|| {
                let mut signals = Signals::new([Signal::Int, Signal::Term, Signal::Hup]).expect("signals");
                if smol::block_on(signals.next()).is_some() {
                    remove_everything();
                    std::process::exit(130);
                }
            })
            .expect("a thread for signals");
    });
}

/// A process group was started.
pub fn group_started(group: i32) {
    made().groups.insert(group);
}

/// Kills a process group that [`group_started`] announced.
pub fn end_group(group: i32) {
    if made().groups.remove(&group) {
        kill_group(group);
    }
}

/// The group's processes are known to have ended.
pub fn group_ended(group: i32) {
    made().groups.remove(&group);
}

/// A namespace was made.
pub fn namespace_made(name: &str) {
    made().namespaces.insert(name.to_owned());
}

/// Removes a namespace.
pub fn remove_namespace(name: &str) {
    if made().namespaces.remove(name) {
        delete_namespace(name);
    }
}

/// Makes the directory of one laboratory.
pub fn make_directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&path).expect("a directory for the laboratory");
    made().directories.insert(path.clone());
    path
}

/// Removes it, or leaves it for the reader of a failed test until the next run.
pub fn drop_directory(path: &Path, keep: bool) {
    made().directories.remove(path);
    if !keep {
        let _ = std::fs::remove_dir_all(path);
    }
}

fn made() -> MutexGuard<'static, Made> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove_everything() {
    let all = std::mem::take(&mut *made());
    all.groups.iter().for_each(|group| kill_group(*group));
    all.namespaces.iter().for_each(|name| delete_namespace(name));
    all.directories.iter().for_each(|path| drop(std::fs::remove_dir_all(path)));
}

fn kill_group(group: i32) {
    if let Some(pid) = Pid::from_raw(group) {
        let _ = kill_process_group(pid, Kill::KILL);
    }
}

fn delete_namespace(name: &str) {
    let _ = Command::new("ip").args(["netns", "delete", name]).output();
}

fn remove_leftovers() {
    for name in dead_names(Path::new("/run/netns")) {
        let inside = Command::new("ip").args(["netns", "pids", &name]).output();
        let inside = inside.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
        for pid in inside.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
            let _ = kill_process(pid, Kill::KILL);
        }
        delete_namespace(&name);
    }
    for name in dead_names(&std::env::temp_dir()) {
        let _ = std::fs::remove_dir_all(std::env::temp_dir().join(name));
    }
}

/// Names `sofw-<pid>-…` in a directory whose process is no more.
fn dead_names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let pid = name.strip_prefix("sofw-").and_then(|rest| rest.split('-').next());
            let pid: Option<u32> = pid.and_then(|pid| pid.parse().ok());
            pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
        })
        .collect()
}
