//! What the fuzzers found worth keeping, again: every file of tests/fuzz/corpus through its target.
//!
//! The bounds that a target asserts (time is virtual, growth is counted) hold here, too.

use std::path::{Path, PathBuf};

use sofw_core::testing::fuzz;

fn replay(target: &str, entry: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("the directory can be read").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", corpus.display());
    for file in files {
        let data = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(panic) = std::panic::catch_unwind(|| entry(&data)) {
            eprintln!("this input did it: {}", file.display());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn frame() {
    replay("frame", fuzz::frame);
}

#[test]
fn http() {
    replay("http", fuzz::http);
}

#[test]
fn sip() {
    replay("sip", fuzz::sip);
}

#[test]
fn sdp() {
    replay("sdp", fuzz::sdp);
}

#[test]
fn sip_server() {
    replay("sip_server", fuzz::sip_server);
}

#[test]
fn machines() {
    replay("machines", fuzz::machines);
}

#[test]
fn swarm() {
    replay("swarm", sofw_sim::swarm::fuzz);
}
