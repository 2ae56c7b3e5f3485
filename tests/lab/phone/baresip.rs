//! baresip: a phone that plays a tone and records what it hears.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::super::net::Node;
use super::super::process::{Mark, Process};
use super::super::tone::Recording;
use super::super::wait::{seconds, until};

/// A running phone.
pub struct Baresip {
    node: Node,
    process: Process,
    directory: PathBuf,
    seen: Mark,
    calls: usize,
}

/// How a phone is set up.
pub struct Setup<'a> {
    /// Its own address.
    pub address: Ipv4Addr,
    /// Its address-of-record without `sip:`, e.g. `alice@example.net`.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// What goes to another place than the domain says, e.g. `;outbound="sip:10.10.10.2"`; more parameters of the account.
    pub more: &'a str,
    /// Whether it registers.
    pub register: bool,
    /// Whether it answers every call at once; else it rings.
    pub answer: bool,
    /// The tone it plays.
    pub hertz: u32,
}

impl Baresip {
    /// Starts a phone; with `register`, does not wait for the registrar's answer.
    pub fn start(node: &Node, setup: &Setup<'_>) -> Baresip {
        let Setup { address, user, password, more, hertz, .. } = *setup;
        let directory = node.directory();
        let interval = if setup.register { 600 } else { 0 };
        let answer = if setup.answer { "auto" } else { "manual" };
        let account = format!(
            "<sip:{user}>;auth_pass={password};regint={interval};audio_codecs=pcmu;answermode={answer}{more}\n"
        );
        std::fs::write(directory.join("accounts"), account).expect("accounts");
        std::fs::write(directory.join("contacts"), "").expect("contacts");
        let config = format!(
            "poll_method epoll\nsip_listen {address}:5060\naudio_source ausine,{hertz}\nausrc_srate 48000\n\
             ausrc_channels 2\naudio_alert aufile,/dev/null\nrtp_ports 10000-10999\njitter_buffer_delay 1-20\n\
             module_path {MODULES}\nmodule stdio.so\nmodule g711.so\nmodule ausine.so\nmodule sndfile.so\n\
             module_tmp account.so\nmodule_app menu.so\nsnd_path {}\n",
            directory.display()
        );
        std::fs::write(directory.join("config"), config).expect("config");
        let mut command = node.command("baresip");
        command.arg("-s").arg("-f").arg(&directory);
        let process = node.start(command, "baresip");
        process.line(Mark::default(), "baresip is ready", seconds(10));
        Baresip { node: node.clone(), process, directory, seen: Mark::default(), calls: 0 }
    }

    /// Its machine.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Waits until the registrar has accepted it.
    #[track_caller]
    pub fn registered(&self) {
        self.process.line(Mark::default(), "registered successfully", seconds(15));
    }

    /// Waits until the registrar has refused it.
    #[track_caller]
    pub fn refused(&self) {
        self.process.line(Mark::default(), "401 Unauthorized ()", seconds(15));
    }

    /// Whether a line with this text ever came.
    pub fn said(&self, text: &str) -> bool {
        self.process.find(Mark::default(), text, seconds(0)).is_some()
    }

    /// Calls somebody.
    pub fn dial(&mut self, uri: &str) {
        self.process.type_in(&format!("/dial {uri}\n"));
    }

    /// Waits until a call stands, as caller or as callee; the next call is another one.
    #[track_caller]
    pub fn connected(&mut self) {
        self.process.line(self.seen, "Call established", seconds(15));
        self.calls += 1;
        self.seen = self.process.mark();
    }

    /// Waits until somebody calls.
    #[track_caller]
    pub fn rings(&self) {
        self.process.line(self.seen, "Incoming call", seconds(10));
    }

    /// Waits until the caller has given up.
    #[track_caller]
    pub fn rings_no_more(&self) {
        self.process.line(self.seen, "session closed", seconds(10));
    }

    /// Ends the call.
    pub fn hang_up(&mut self) {
        self.process.type_in("b");
    }

    /// Waits for the end of the call.
    #[track_caller]
    pub fn disconnected(&mut self) {
        self.process.line(self.seen, " terminated (duration", seconds(10));
        self.seen = self.process.mark();
    }

    /// Whether the call that [`Baresip::connected`] saw has ended or changed since.
    pub fn disturbed(&self) -> bool {
        ["terminated (duration", "session closed", "got re-INVITE", "Call established"]
            .iter()
            .any(|text| self.process.find(self.seen, text, seconds(0)).is_some())
    }

    /// What it heard in the newest call.
    pub fn heard(&self) -> Option<Recording> {
        let entries = std::fs::read_dir(&self.directory).ok()?;
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        Recording::read(files.last().filter(|_| files.len() >= self.calls)?)
    }

    /// The length of its recording: it only grows when voice arrives.
    pub fn recorded(&self) -> usize {
        self.heard().map_or(0, |recording| recording.len())
    }

    /// Waits until it has heard a tone for so many seconds from a sample on.
    #[track_caller]
    pub fn hears(&self, hertz: u32, duration: f64, since: usize) {
        until(&format!("{duration} s of {hertz} Hz, in\n{}", self.process.tail()), seconds(20), || {
            let recording = self.heard()?;
            (recording.since(since).seconds_of(f64::from(hertz)) >= duration).then_some(())
        });
    }
}

const MODULES: &str = "/usr/lib/baresip/modules";
