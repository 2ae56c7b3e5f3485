//! What the simulator captures is read by a foreign eye: tshark finds SIP, RTP and HTTP in it, and nothing malformed.

use std::path::{Path, PathBuf};
use std::process::Command;

use sofw_sim::report;
use sofw_sim::run::run;
use sofw_sim::scenario::{Scenario, builtin};

/// The captures of a scenario as files; they go when this is dropped.
struct Captures {
    directory: PathBuf,
}

impl Captures {
    fn of(name: &str) -> Captures {
        let (_, text) = builtin().iter().find(|(known, _)| *known == name).expect("a scenario of this name");
        let scenario = Scenario::parse(name, text).expect("it is right");
        let record = run(&scenario, scenario.seed);
        assert_eq!(record.captures.len(), 2, "{name} captures the outer and the inner side");
        let directory = std::env::temp_dir().join(format!("sofw-dissect-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory of our own");
        for capture in &record.captures {
            let file = directory.join(format!("{}.pcapng", capture.name));
            std::fs::write(file, report::pcap::write(capture)).expect("room for a capture");
        }
        Captures { directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.pcapng"))
    }
}

impl Drop for Captures {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// How many packets of a file tshark's filter shows.
fn count(file: &Path, filter: &str) -> usize {
    let output = Command::new("tshark")
        .args(["-n", "-r"])
        .arg(file)
        .args(["-Y", filter, "-T", "fields", "-e", "frame.number"])
        .output()
        .expect("tshark starts");
    assert!(output.status.success(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count()
}

/// Whether tshark is there. If not, says so; with `CI` set, fails.
fn has_tshark() -> bool {
    let found = Command::new("tshark").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "dissect: missing: tshark (apt install tshark)");
    if !found {
        println!("SKIPPED: dissect: tshark is missing (apt install tshark)");
    }
    found
}

#[test]
fn tshark_reads_what_the_simulator_captures() {
    if !has_tshark() {
        return;
    }
    let captures = Captures::of("one-office");
    let (outer, inner) = (captures.file("outer"), captures.file("inner"));
    for file in [&outer, &inner] {
        assert!(count(file, "frame") > 1_000, "{} holds two calls", file.display());
        assert_eq!(count(file, "_ws.malformed"), 0, "{}", file.display());
        assert_eq!(count(file, "ip.checksum.status == \"Bad\" || udp.checksum.status == \"Bad\""), 0);
    }
    // Outside: the tunnel's HTTP and its TCP, and nothing of the calls.
    assert!(count(&outer, "http.request.method == \"GET\"") > 0, "the downlink's request");
    assert!(count(&outer, "http.request.method == \"POST\" || tcp.len > 0") > 1_000, "the uplink");
    assert_eq!(count(&outer, "sip || rtp || udp"), 0, "calls are sealed");
    // Inside: SIP and the RTP that its SDP announces, each with its call.
    assert!(count(&inner, "sip.Method == \"INVITE\"") >= 2, "one call each way");
    assert!(count(&inner, "rtp") > 1_000, "40 s of voice");
    assert!(count(&inner, "frame.comment contains \"call \"") > 1_000, "packets name their call");
    assert_eq!(count(&inner, "tcp"), 0, "the tunnel itself is not inside the tunnel");
}
