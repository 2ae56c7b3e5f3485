//! What the laboratory needs, and what happens without it: a plain word, and in CI a failure.

use std::io::Write;
use std::process::Command;

use super::sofw::executable;

/// Whether the tests of real peers can run here. If not, says so; with `CI` set, fails.
pub fn phones_and_root() -> bool {
    satisfied(tools())
}

/// As [`phones_and_root`], and the executable is there.
pub fn product() -> bool {
    let path = executable();
    let missing = (!path.exists()).then(|| format!("{} (cargo build --release --bin sofw)", path.display()));
    satisfied(tools().into_iter().chain(missing).collect())
}

fn tools() -> Vec<String> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("root, for network namespaces".to_owned());
    }
    let tools = ["ip", "nft", "nsenter", "setpriv", "tcpdump", "squid", "tinyproxy", "baresip", "sipp"];
    for tool in tools {
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            missing.push(tool.to_owned());
        }
    }
    missing
}

fn satisfied(missing: Vec<String>) -> bool {
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let missing = missing.join(", ");
    assert!(std::env::var_os("CI").is_none(), "{test}: missing: {missing}");
    // Not by `eprintln!`, which a passing test keeps to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: missing: {missing}");
    false
}
