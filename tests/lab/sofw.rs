//! The real executable, as HRAS and as HRAC.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::net::Node;
use super::process::{Mark, Process};
use super::wait::{seconds, until};

/// The domain that HRAS serves.
pub const DOMAIN: &str = "example.net";
/// The password of every user.
pub const PASSWORD: &str = "secret";
/// The admin listener, on HRAS's own machine.
const ADMIN: &str = "127.0.0.1:9060";

/// A running HRAS.
pub struct Hras {
    node: Node,
    process: Process,
}

/// A running HRAC.
pub struct Hrac {
    process: Process,
}

/// How an HRAC is set up.
pub struct HracSetup<'a> {
    /// The site's name.
    pub site: &'a str,
    /// The site's key, base64.
    pub key: String,
    /// HRAC's LAN address.
    pub address: Ipv4Addr,
    /// HRAS's tunnel port.
    pub hras: SocketAddrV4,
    /// URL of the proxy.
    pub proxy: Option<String>,
    /// Ask the proxy by CONNECT.
    pub connect: bool,
}

/// Where the executable is: `SOFW`, or the release build in this workspace.
pub fn executable() -> PathBuf {
    if let Some(path) = std::env::var_os("SOFW") {
        return path.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    target.join("release/sofw")
}

/// The key of a site, base64 of 32 equal bytes made of its name.
pub fn key(site: &str) -> String {
    let byte = site.bytes().fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    base64(&[byte; 32])
}

impl Hras {
    /// Starts HRAS for these sites and users, and waits until it listens.
    pub fn start(node: &Node, address: Ipv4Addr, sites: &[&str], users: &[&str]) -> Hras {
        let mut config = format!(
            "[sip]\ndomain = \"{DOMAIN}\"\nlisten = [\"udp:{address}:5060\", \"tcp:{address}:5060\"]\n\
             [media]\naddress = \"{address}\"\nports = \"20000-29999\"\n\
             [tunnel]\nlisten = [\"http:{address}:80\", \"http:{address}:443\"]\n"
        );
        for site in sites {
            let _ = write!(config, "[[site]]\nname = \"{site}\"\nkey = \"{}\"\n", key(site));
        }
        for user in users {
            let _ = write!(config, "[[user]]\nname = \"{user}\"\npassword = \"{PASSWORD}\"\n");
        }
        let process = start(node, "hras", &config);
        let hras = Hras { node: node.clone(), process };
        let admin = ADMIN.parse().expect("an address");
        until("HRAS listens", seconds(10), || {
            let ready = [SocketAddr::from((address, 80)), SocketAddr::from((address, 5060)), admin];
            ready.iter().all(|listener| hras.node.connects(*listener)).then_some(())
        });
        hras
    }

    /// What `GET /status` says.
    pub fn status(&self) -> serde_json::Value {
        let request = format!("GET /status HTTP/1.1\r\nHost: {ADMIN}\r\nConnection: close\r\n\r\n");
        let admin = ADMIN.parse().expect("an address");
        let answer = self.node.exchange(admin, request.into_bytes()).expect("the admin listener");
        let body = answer.split_once("\r\n\r\n").expect("an HTTP response").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("/status is no JSON: {error}\n{answer}"))
    }

    /// How many RAT records there are.
    pub fn records(&self) -> usize {
        self.status()["records"].as_array().expect("a list of RAT records").len()
    }

    /// Waits until the RAT is empty.
    #[track_caller]
    pub fn forgets_all_calls(&self) {
        until("an empty RAT", seconds(10), || (self.records() == 0).then_some(()));
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Hrac {
    /// Starts HRAC; does not wait for its tunnel.
    pub fn start(node: &Node, setup: &HracSetup<'_>) -> Hrac {
        let HracSetup { site, key, address, hras, proxy, connect } = setup;
        let proxy = proxy.as_ref().map(|url| format!("proxy = \"{url}\"\n")).unwrap_or_default();
        let config = format!(
            "site = \"{site}\"\nkey = \"{key}\"\n[tunnel]\nserver = \"http://{hras}\"\nconnect = {connect}\n{proxy}\
             [sip]\nlisten = [\"udp:{address}:5060\", \"tcp:{address}:5060\"]\n\
             [media]\naddress = \"{address}\"\nports = \"30000-39999\"\n"
        );
        Hrac { process: start(node, "hrac", &config) }
    }

    /// Waits until its tunnel is up.
    #[track_caller]
    pub fn is_up(&self) {
        self.says("tunnel up", seconds(20));
    }

    /// Waits for a line.
    #[track_caller]
    pub fn says(&self, text: &str, limit: Duration) {
        self.process.line(Mark::default(), text, limit);
    }

    /// Whether a line with this text came within a time.
    pub fn said(&self, text: &str, limit: Duration) -> bool {
        self.process.find(Mark::default(), text, limit).is_some()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn start(node: &Node, half: &str, config: &str) -> Process {
    let file = node.directory().join(format!("{half}.toml"));
    std::fs::write(&file, config).expect("a configuration");
    let executable = executable();
    let mut command = node.command(executable.to_str().expect("a path of text"));
    command.env("RUST_LOG", "info,sofw_smol=debug").arg(half).arg("--config").arg(file);
    node.start(command, half)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number =
            three.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
