//! What is measured: each peer's processes, and where the load generator's packets go.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::load::Stream;
use crate::process::{Directory, Process, wait_for};
use crate::{signalling, wire};

/// The address plan, all on loopback: `127.110.10.x` plays the inside, `127.213.0.x` the outside.
pub struct Ports;

impl Ports {
    fn at(host: [u8; 4], port: usize) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::from(host), port as u16))
    }
    /// The inside phone of a call.
    pub fn load_inside(call: usize) -> SocketAddr {
        Self::at([127, 110, 10, 10], 10_000 + call)
    }
    /// The relay's port for it.
    pub fn relay_inside(call: usize) -> SocketAddr {
        Self::at([127, 110, 10, 2], 20_000 + call)
    }
    /// The relay's port for the outside phone.
    pub fn relay_outside(call: usize) -> SocketAddr {
        Self::at([127, 213, 0, 5], 20_000 + call)
    }
    /// The outside phone of a call.
    pub fn load_outside(call: usize) -> SocketAddr {
        Self::at([127, 213, 0, 20], 10_000 + call)
    }
    /// Bound while a bench runs: two at once would measure each other.
    pub fn lock() -> SocketAddr {
        Self::at([127, 213, 0, 5], 19_998)
    }
    /// The mux's tunnel.
    pub fn mux() -> SocketAddr {
        Self::at([127, 213, 0, 5], 19_999)
    }
}

/// A running peer.
pub struct Peer {
    /// One per call.
    pub streams: Vec<Stream>,
    processes: Vec<Process>,
    /// The TCP port by which its tunnel is known.
    tunnel: Option<u16>,
}

impl Peer {
    /// Processor time of each of its processes so far.
    pub fn cpu(&self) -> io::Result<Vec<(&'static str, Duration)>> {
        self.processes.iter().map(|process| Ok((process.part, process.cpu()?))).collect()
    }

    /// Bytes that its tunnel has put on the wire so far.
    pub fn wire_bytes(&self) -> Option<u64> {
        wire::bytes(self.tunnel?)
    }
}

/// Starts the peer `name` with `calls` calls set up. `sofw:250` is sofw with a `media.gather_us` of 250.
pub fn start(name: &str, calls: usize, sofw: &Path) -> io::Result<Peer> {
    let own = std::env::current_exe()?;
    let count = calls.to_string();
    match name.split_once(':').unwrap_or((name, "")) {
        ("direct", "") => Ok(Peer {
            streams: streams(calls, |call| (Ports::load_outside(call), Ports::load_inside(call)))?,
            processes: Vec::new(),
            tunnel: None,
        }),
        ("relay", "") => {
            let relay = Process::start("relay", Command::new(own).args(["relay", "--calls", &count]))?;
            plain(calls, vec![relay], None)
        }
        ("mux", "") => {
            let start = |side| {
                Process::start(side, Command::new(&own).args(["mux", "--side", side, "--calls", &count]))
            };
            plain(calls, vec![start("outside")?, start("inside")?], Some(Ports::mux().port()))
        }
        ("sofw", gather) => start_sofw(calls, sofw, gather),
        _ => Err(io::Error::other(format!(
            "unknown peer {name}; known: direct, relay, mux, sofw, sofw:GATHER_US"
        ))),
    }
}

fn plain(calls: usize, processes: Vec<Process>, tunnel: Option<u16>) -> io::Result<Peer> {
    let streams = streams(calls, |call| (Ports::relay_inside(call), Ports::relay_outside(call)))?;
    if let (Some(first), Some(last)) = (streams.first(), streams.last()) {
        wait_until_relayed(first)?;
        wait_until_relayed(last)?;
    }
    Ok(Peer { streams, processes, tunnel })
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

fn start_sofw(calls: usize, sofw: &Path, gather: &str) -> io::Result<Peer> {
    if !sofw.is_file() {
        let what = "build it with `cargo build --release -p sofw-smol`, or name it with --sofw";
        return Err(io::Error::other(format!("no executable at {}: {what}", sofw.display())));
    }
    let gather = match gather {
        "" => String::new(),
        number => format!("gather_us = {number}\n"),
    };
    let directory = Directory::new()?;
    let start = |part, text: &str| {
        let path = directory.path().join(format!("{part}.toml"));
        std::fs::write(&path, text.replace("[tunnel]", &format!("{gather}[tunnel]")))?;
        Process::start(part, Command::new(sofw).arg(part).arg("--config").arg(&path))
    };
    let processes = vec![start("hras", HRAS)?, start("hrac", HRAC)?];
    let ports = signalling::set_up(calls)?;
    let streams = streams(calls, |call| ports[call])?;
    for stream in &streams {
        wait_until_relayed(stream)?;
    }
    Ok(Peer { streams, processes, tunnel: Some(8088) })
}

const HRAS: &str = r#"
[sip]
domain = "bench.example"
listen = ["udp:127.213.0.5:5560"]
[media]
address = "127.213.0.5"
ports = "30000-39999"
[tunnel]
listen = ["http:127.213.0.5:8088"]
[admin]
listen = "127.213.0.5:9560"
[[site]]
name = "bench"
key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"#;

const HRAC: &str = r#"
site = "bench"
key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
[sip]
listen = ["udp:127.110.10.2:5560"]
[media]
address = "127.110.10.2"
ports = "30000-39999"
[tunnel]
server = "http://127.213.0.5:8088"
"#;
