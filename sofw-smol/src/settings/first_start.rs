//! `sofw hras` without a configuration: makes one, says what must be said once, and finds it again next time.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sofw_core::base::Rng;

use super::detect_local_ip;
use crate::clock::seed;
use crate::driver::open_tcp;

/// What a first start made.
#[derive(Debug)]
pub struct FirstStart {
    /// The configuration file, there now whether or not this was the first start.
    pub file: PathBuf,
    /// User and password, if this was the first start: to be shown once.
    pub made: Option<(String, String)>,
    /// The tunnel port is not 80, and why.
    pub port_note: Option<String>,
}

impl FirstStart {
    /// Finds the configuration of former starts in `dir`, or makes it.
    pub fn find_or_make(dir: &Path) -> io::Result<FirstStart> {
        let file = dir.join("hras.toml");
        if file.exists() {
            return Ok(FirstStart { file, made: None, port_note: None });
        }
        let ip = detect_local_ip(None).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let (port, port_note) = tunnel_port(ip);
        let mut rng = Rng::new(seed()?);
        let mut key = [0; 32];
        rng.fill(&mut key);
        let password = rng.token(16);
        let text = configuration(ip, port, &STANDARD.encode(key), &password);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // Another start may have been quicker; its file stands.
        let mut open = std::fs::OpenOptions::new();
        match open.write(true).create_new(true).mode(0o600).open(&file) {
            Ok(mut out) => out.write_all(text.as_bytes())?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Ok(FirstStart { file, made: None, port_note: None });
            }
            Err(error) => return Err(error),
        }
        Ok(FirstStart { file, made: Some((FIRST_USER.to_owned(), password)), port_note })
    }
}

/// Where what is kept between starts lives.
pub fn state_dir() -> PathBuf {
    let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = env("SOFW_STATE_DIR") {
        return dir;
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/sofw");
    }
    let state = env("XDG_STATE_HOME").or_else(|| env("HOME").map(|home| home.join(".local/state")));
    state.unwrap_or_else(|| PathBuf::from(".")).join("sofw")
}

/// 80 passes more firewalls and proxies; 8080 needs no privilege.
fn tunnel_port(ip: IpAddr) -> (u16, Option<String>) {
    match open_tcp(SocketAddr::new(ip, 80)) {
        Ok(_) => (80, None),
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::PermissionDenied => "port 80 is not permitted to this user".to_owned(),
                _ => format!("port 80: {error}"),
            };
            (
                8080,
                Some(format!(
                    "{why}; the tunnel listens on port 8080 instead, which some firewalls do not let out to"
                )),
            )
        }
    }
}

fn configuration(ip: IpAddr, port: u16, key: &str, password: &str) -> String {
    let sip = SocketAddr::new(ip, 5060);
    let tunnel = SocketAddr::new(ip, port);
    format!(
        r#"# Made by the first start of `sofw hras`; edit it freely, `sofw check` checks it.
[sip]
domain = "{ip}"
listen = ["udp:{sip}", "tcp:{sip}"]

[media]
address = "{ip}"
ports = "20000-29999"

[tunnel]
listen = ["http:{tunnel}"]
# public = "relay.example.net"    # what pairing links name, if not the address above

[[site]]
name = "office"
key = "{key}"

[[user]]
name = "{FIRST_USER}"
password = "{password}"
"#
    )
}

/// The first user's name.
const FIRST_USER: &str = "alice";
