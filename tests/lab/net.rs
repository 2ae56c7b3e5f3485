//! Network namespaces joined by virtual Ethernet.
//!
//! ```text
//!   10.10.10.0/24 (site)                     203.0.113.0/24 (outside)
//!   phones .10…  HRAC .2  proxy .3 ─┐        HRAS .5  phone .20  home router .30 ── 192.168.1.0/24
//!            └──── switch ──── firewall ──── switch ────┘
//! ```

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::cleanup;
use super::process::Process;
use super::wait::seconds;

/// One laboratory: the owner of all namespaces and files of one test.
#[derive(Clone)]
pub struct Lab(Arc<Inner>);

struct Inner {
    prefix: String,
    directory: PathBuf,
    namespaces: Mutex<Vec<String>>,
}

/// A machine: one namespace.
#[derive(Clone)]
pub struct Node {
    lab: Lab,
    role: String,
    name: String,
}

/// An Ethernet switch, itself a namespace with a bridge.
pub struct Switch {
    node: Node,
    ports: AtomicU32,
}

impl Lab {
    /// A new, empty laboratory.
    pub fn new() -> Lab {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        cleanup::prepare();
        let prefix = format!("sofw-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = cleanup::make_directory(&prefix);
        Lab(Arc::new(Inner { prefix, directory, namespaces: Mutex::default() }))
    }

    /// Where the files of this laboratory are.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// A new machine without links.
    pub fn node(&self, role: &str) -> Node {
        let name = format!("{}-{role}", self.0.prefix);
        cleanup::namespace_made(&name);
        self.0.namespaces.lock().expect("namespaces").push(name.clone());
        run(Command::new("ip").args(["netns", "add", &name]), "");
        let node = Node { lab: self.clone(), role: role.to_owned(), name };
        node.set("net/ipv6/conf/all/disable_ipv6", "1");
        node.set("net/ipv6/conf/default/disable_ipv6", "1");
        node.ip("link set lo up");
        node
    }

    /// A new switch.
    pub fn switch(&self, role: &str) -> Switch {
        let node = self.node(role);
        node.ip("link add br0 type bridge\nlink set br0 up");
        Switch { node, ports: AtomicU32::new(0) }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let names = self.namespaces.get_mut().map(std::mem::take).unwrap_or_default();
        names.iter().for_each(|name| cleanup::remove_namespace(name));
        let keep = std::thread::panicking();
        if keep {
            let _ = writeln!(std::io::stderr(), "logs and captures are in {}", self.directory.display());
        }
        cleanup::drop_directory(&self.directory, keep);
    }
}

impl Node {
    /// The laboratory it belongs to.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Its role in the laboratory, unique there.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Where its files are.
    pub fn directory(&self) -> PathBuf {
        let path = self.lab.directory().join(&self.role);
        std::fs::create_dir_all(&path).expect("a directory for the machine");
        path
    }

    /// Runs lines of `ip -batch`.
    pub fn ip(&self, batch: &str) {
        run(Command::new("ip").args(["-n", &self.name, "-batch", "-"]), batch);
    }

    /// Sets a value under `/proc/sys`.
    pub fn set(&self, key: &str, value: &str) {
        let path = Path::new("/proc/sys").join(key);
        let value = value.to_owned();
        self.inside(move || {
            std::fs::write(&path, value).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        });
    }

    /// Joins an interface to a switch, with an address such as `10.10.10.2/24`.
    pub fn plug(&self, interface: &str, address: &str, switch: &Switch) {
        let port = format!("p{}", switch.ports.fetch_add(1, Ordering::Relaxed));
        self.wire(interface, &switch.node, &port);
        switch.node.ip(&format!("link set {port} master br0\nlink set {port} up"));
        self.ip(&format!("addr add {address} dev {interface}\nlink set {interface} up"));
    }

    /// Joins two machines directly, with an address on each side.
    pub fn plug_into(
        &self,
        interface: &str,
        address: &str,
        other: &Node,
        other_interface: &str,
        other_address: &str,
    ) {
        self.wire(interface, other, other_interface);
        self.ip(&format!("addr add {address} dev {interface}\nlink set {interface} up"));
        other.ip(&format!("addr add {other_address} dev {other_interface}\nlink set {other_interface} up"));
    }

    /// Sends everything else to a router.
    pub fn route_by(&self, router: Ipv4Addr) {
        self.ip(&format!("route add default via {router}"));
    }

    /// Makes it a router with these rules of nftables.
    pub fn route_with(&self, rules: &str) {
        self.set("net/ipv4/ip_forward", "1");
        run(self.command("nft").args(["-f", "-"]), rules);
    }

    /// The value of a named counter of nftables, in packets.
    pub fn counted(&self, counter: &str) -> u64 {
        let text = run(self.command("nft").args(["list", "counter", "inet", "lab", counter]), "");
        let mut words = text.split_whitespace();
        words.find(|word| *word == "packets");
        words.next().and_then(|count| count.parse().ok()).expect("nft lists packets")
    }

    /// A command to be run on this machine; it dies with us.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name));
        command.args(["setpriv", "--pdeathsig", "KILL", "--", program]);
        command
    }

    /// Starts a program on this machine.
    pub fn start(&self, command: Command, name: &str) -> Process {
        Process::start(&format!("{}-{name}", self.role), command, self.lab.directory())
    }

    /// Does something in a thread of our own that is on this machine.
    pub fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let path = Path::new("/run/netns").join(&self.name);
        let thread = std::thread::spawn(move || {
            let space =
                std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("enter the namespace");
            work()
        });
        thread.join().expect("work on a machine of the laboratory")
    }

    /// Whether something accepts TCP there.
    pub fn connects(&self, to: SocketAddr) -> bool {
        self.inside(move || TcpStream::connect_timeout(&to, seconds(1)).is_ok())
    }

    /// Sends bytes by TCP and returns all that comes back until the peer closes, or `None` if nobody listens.
    pub fn exchange(&self, to: SocketAddr, request: Vec<u8>) -> Option<String> {
        self.inside(move || {
            let mut stream = TcpStream::connect_timeout(&to, seconds(2)).ok()?;
            stream.set_read_timeout(Some(seconds(5))).ok()?;
            stream.write_all(&request).ok()?;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            Some(String::from_utf8_lossy(&answer).into_owned())
        })
    }

    fn wire(&self, interface: &str, other: &Node, other_interface: &str) {
        let line = format!(
            "link add {interface} netns {} type veth peer name {other_interface} netns {}",
            self.name, other.name
        );
        run(Command::new("ip").args(["-batch", "-"]), &line);
    }
}

/// Runs a short command to its end; fails the test if the command fails.
#[track_caller]
pub fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("input is read");
    let output = child.wait_with_output().expect("output");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} with input {input:?}: {complaint}");
    text
}
