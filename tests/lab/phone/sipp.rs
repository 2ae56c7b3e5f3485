//! SIPp: many calls at once, by scenarios of our own (`tests/lab/sipp`).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use super::super::net::Node;
use super::super::process::Process;
use super::super::wait::{seconds, until};

/// One end: a machine, its user, and where its messages go.
pub struct Sipp<'a> {
    /// The machine.
    pub node: &'a Node,
    /// The machine's address.
    pub address: Ipv4Addr,
    /// User name.
    pub user: &'a str,
    /// Domain.
    pub domain: &'a str,
    /// Password.
    pub password: &'a str,
    /// The SIP server, or the other end.
    pub server: SocketAddr,
}

/// The port of the callee's echo.
pub const ECHO_PORT: u16 = 7000;

impl Sipp<'_> {
    /// Registers, once.
    #[track_caller]
    pub fn register(&self) {
        let mut command = self.command("register");
        command.args(["-m", "1"]);
        self.good(self.node.start(command, "register"), 15);
    }

    /// Answers so many calls and echoes their voice; ends after the last one.
    pub fn answer(&self, calls: u32) -> Process {
        let mut command = self.command("callee");
        command.args(["-m", &calls.to_string(), "-rtp_echo", "-mp", &ECHO_PORT.to_string()]);
        let process = self.node.start(command, "callee");
        let address = self.address;
        until("SIPp listens", seconds(10), || {
            self.node.inside(move || std::net::UdpSocket::bind((address, 5060)).is_err().then_some(()))
        });
        process
    }

    /// Makes so many calls at once to a user; each lasts four seconds.
    pub fn call(&self, callee: &str, calls: u32) -> Process {
        // 20 ms of voice each, not silence: 160 samples of G.711.
        let voice: Vec<u8> = (0..1600u32).map(|n| (n * 7) as u8).collect();
        std::fs::write(self.node.directory().join("voice.ul"), voice).expect("voice");
        let count = calls.to_string();
        let mut command = self.command("caller");
        command.args(["-m", &count, "-l", &count, "-r", &count, "-rp", "1000", "-key", "callee", callee]);
        self.node.start(command, "caller")
    }

    /// Waits for SIPp's end; fails the test unless every call went as the scenario says.
    #[track_caller]
    pub fn good(&self, mut process: Process, limit: u64) {
        let status = process.end_within(seconds(limit));
        let good = status.is_some_and(|status| status.success());
        assert!(good, "SIPp of {}: {status:?}\n{}{}", self.user, process.tail(), self.errors());
    }

    fn command(&self, scenario: &str) -> Command {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/sipp").join(format!("{scenario}.xml"));
        let mut command = self.node.command("sipp");
        command.current_dir(self.node.directory());
        command.arg("-sf").arg(file).args(["-i", &self.address.to_string(), "-p", "5060"]);
        command.args([
            "-s",
            self.user,
            "-key",
            "domain",
            self.domain,
            "-au",
            self.user,
            "-ap",
            self.password,
        ]);
        command.args(["-nostdin", "-trace_err", "-trace_msg", "-timeout", "60s", "-timeout_error"]);
        command.arg(self.server.to_string());
        command
    }

    fn errors(&self) -> String {
        let Ok(entries) = std::fs::read_dir(self.node.directory()) else { return String::new() };
        let logs = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let logs = logs.filter(|path| path.to_string_lossy().ends_with("_errors.log"));
        logs.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }
}
