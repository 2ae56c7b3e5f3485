//! What is measured: each peer's processes, and where the load generator's packets go.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::load::Stream;
use crate::process::{Process, wait_for};
use crate::signalling;

/// The address plan, all on loopback: `127.10.10.x` plays the inside, `127.203.0.x` the outside.
pub struct Ports;

impl Ports {
    fn at(host: [u8; 4], port: usize) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::from(host), port as u16))
    }
    /// The inside phone of a call.
    pub fn load_inside(call: usize) -> SocketAddr {
        Self::at([127, 10, 10, 10], 10_000 + call)
    }
    /// The relay's port for it.
    pub fn relay_inside(call: usize) -> SocketAddr {
        Self::at([127, 10, 10, 2], 20_000 + call)
    }
    /// The relay's port for the outside phone.
    pub fn relay_outside(call: usize) -> SocketAddr {
        Self::at([127, 203, 0, 5], 20_000 + call)
    }
    /// The outside phone of a call.
    pub fn load_outside(call: usize) -> SocketAddr {
        Self::at([127, 203, 0, 20], 10_000 + call)
    }
    /// The mux's tunnel.
    pub fn mux() -> SocketAddr {
        Self::at([127, 203, 0, 5], 19_999)
    }
}

/// A running peer.
pub struct Peer {
    /// One per call.
    pub streams: Vec<Stream>,
    processes: Vec<Process>,
}

impl Peer {
    /// Processor time of all its processes so far.
    pub fn cpu(&self) -> io::Result<Duration> {
        self.processes.iter().map(Process::cpu).sum()
    }
}

/// Starts the peer `name` with `calls` calls set up.
pub fn start(name: &str, calls: usize, sofw: &Path) -> io::Result<Peer> {
    let own = std::env::current_exe()?;
    let count = calls.to_string();
    match name {
        "direct" => Ok(Peer {
            streams: streams(calls, |call| (Ports::load_outside(call), Ports::load_inside(call)))?,
            processes: Vec::new(),
        }),
        "relay" => {
            let relay = Process::start(Command::new(own).args(["relay", "--calls", &count]))?;
            plain(calls, vec![relay])
        }
        "mux" => {
            let outside =
                Process::start(Command::new(&own).args(["mux", "--side", "outside", "--calls", &count]))?;
            let inside =
                Process::start(Command::new(&own).args(["mux", "--side", "inside", "--calls", &count]))?;
            plain(calls, vec![outside, inside])
        }
        "sofw" => start_sofw(calls, sofw),
        other => Err(io::Error::other(format!("unknown peer {other}; known: direct, relay, mux, sofw"))),
    }
}

fn plain(calls: usize, processes: Vec<Process>) -> io::Result<Peer> {
    let streams = streams(calls, |call| (Ports::relay_inside(call), Ports::relay_outside(call)))?;
    if let (Some(first), Some(last)) = (streams.first(), streams.last()) {
        wait_until_relayed(first)?;
        wait_until_relayed(last)?;
    }
    Ok(Peer { streams, processes })
}

/// The relay is ready when a packet comes through it.
fn wait_until_relayed(stream: &Stream) -> io::Result<()> {
    wait_for("the relay under test", || {
        let _ = stream.inside.send_to(&[0; 12], stream.inside_to);
        std::thread::park_timeout(Duration::from_millis(20));
        stream.outside.recv_from(&mut [0; 64]).ok()
    })?;
    Ok(())
}

fn streams(calls: usize, to: impl Fn(usize) -> (SocketAddr, SocketAddr)) -> io::Result<Vec<Stream>> {
    (0..calls)
        .map(|call| {
            let (inside_to, outside_to) = to(call);
            let inside = UdpSocket::bind(Ports::load_inside(call))?;
            let outside = UdpSocket::bind(Ports::load_outside(call))?;
            inside.set_nonblocking(true)?;
            outside.set_nonblocking(true)?;
            Ok(Stream { inside, inside_to, outside, outside_to })
        })
        .collect()
}

fn start_sofw(calls: usize, sofw: &Path) -> io::Result<Peer> {
    let directory = std::env::temp_dir().join(format!("sofw-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let hras = directory.join("hras.toml");
    let hrac = directory.join("hrac.toml");
    std::fs::write(&hras, HRAS)?;
    std::fs::write(&hrac, HRAC)?;
    let processes = vec![
        Process::start(Command::new(sofw).arg("hras").arg("--config").arg(&hras))?,
        Process::start(Command::new(sofw).arg("hrac").arg("--config").arg(&hrac))?,
    ];
    let ports = signalling::set_up(calls);
    std::fs::remove_dir_all(&directory)?;
    let ports = ports?;
    let streams = streams(calls, |call| ports[call])?;
    for stream in &streams {
        wait_until_relayed(stream)?;
    }
    Ok(Peer { streams, processes })
}

const HRAS: &str = r#"
[sip]
domain = "bench.example"
listen = ["udp:127.203.0.5:5560"]
[media]
address = "127.203.0.5"
ports = "30000-39999"
[tunnel]
listen = ["http:127.203.0.5:8088"]
[admin]
listen = "127.203.0.5:9560"
[[site]]
name = "bench"
key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"#;

const HRAC: &str = r#"
site = "bench"
key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
[tunnel]
server = "http://127.203.0.5:8088"
[sip]
listen = ["udp:127.10.10.2:5560"]
[media]
address = "127.10.10.2"
ports = "30000-39999"
"#;
