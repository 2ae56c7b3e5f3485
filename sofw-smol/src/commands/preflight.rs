//! Tries every address of a configuration before the machine starts, so that all mistakes are told at once and by key.

use core::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use sofw_core::base::Transport;
use sofw_core::config::{MediaConfig, SipListener};
use sofw_core::io::IoError;

use crate::driver::{io_error, open_tcp, open_udp};
use crate::settings::detect_local_ip;

/// Where a configuration came from: how its keys are named to the operator.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A pairing link and options beside it.
    CommandLine,
}

impl Origin {
    /// A key as the operator wrote it.
    pub fn name(&self, key: &str) -> String {
        match self {
            Origin::File(file) => format!("{}: {key}", file.display()),
            Origin::CommandLine if key.starts_with("sip.") => "--listen".to_owned(),
            Origin::CommandLine if key.starts_with("media.") => "--media-address".to_owned(),
            Origin::CommandLine => key.to_owned(),
        }
    }
}

/// Collects what cannot be opened.
#[derive(Debug)]
pub struct Preflight {
    origin: Origin,
    /// One line for each.
    pub complaints: Vec<String>,
}

impl Preflight {
    pub fn new(origin: Origin) -> Self {
        Preflight { origin, complaints: Vec::new() }
    }

    /// Tries SIP listeners.
    pub fn sip(&mut self, listeners: &[SipListener]) {
        for (index, SipListener { transport, addr }) in listeners.iter().enumerate() {
            let key = format!("sip.listen[{index}]");
            let result = match transport {
                Transport::Udp => open_udp(*addr),
                Transport::Tcp => open_tcp(*addr),
            };
            self.note(&key, &format!("{transport}:{addr}"), *addr, result.map(drop));
        }
    }

    /// Tries the HTTP listeners.
    pub fn tunnel(&mut self, listeners: &[SocketAddr]) {
        for (index, addr) in listeners.iter().enumerate() {
            self.note(
                &format!("tunnel.listen[{index}]"),
                &format!("http:{addr}"),
                *addr,
                open_tcp(*addr).map(drop),
            );
        }
    }

    /// Tries the media address, with a port that the system chooses.
    pub fn media(&mut self, media: &MediaConfig) {
        let key = if media.bind == media.address { "media.address" } else { "media.bind" };
        let addr = SocketAddr::new(media.bind, 0);
        self.note(key, &media.bind.to_string(), addr, open_udp(addr).map(drop));
    }

    /// Opens the admin listener and keeps it.
    pub fn admin(&mut self, addr: Option<SocketAddr>) -> Option<std::net::TcpListener> {
        let addr = addr?;
        match open_tcp(addr) {
            Ok(socket) => Some(socket.into()),
            Err(error) => {
                self.note("admin.listen", &addr.to_string(), addr, Err(error));
                None
            }
        }
    }

    fn note(&mut self, key: &str, what: &str, addr: SocketAddr, result: std::io::Result<()>) {
        if let Err(error) = result {
            let error = io_error(&error);
            let hint = hint(&error, addr);
            self.complaints.push(format!("{}: {what}: {error}{hint}", self.origin.name(key)));
        }
    }
}

/// What to do about it.
fn hint(error: &IoError, addr: SocketAddr) -> String {
    match error {
        IoError::AddressNotLocal => match detect_local_ip(None) {
            Some(here) if same_family(here, addr.ip()) => format!(" (this host's is {here})"),
            _ => String::new(),
        },
        IoError::AddressInUse => " (another process listens there, perhaps another sofw)".to_owned(),
        IoError::PermissionDenied if addr.port() < 1024 => {
            " (ports below 1024 need root, or: setcap cap_net_bind_service=+ep sofw)".to_owned()
        }
        _ => String::new(),
    }
}

fn same_family(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}
