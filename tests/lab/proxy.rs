//! HTTP proxies as Debian ships them, with configurations of our own.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use super::net::Node;
use super::process::Process;
use super::wait::{seconds, until};

/// Which program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Squid, open to the site.
    Squid,
    /// Squid that asks for a name and a password (Basic).
    SquidWithPassword,
    /// Squid that asks for them by Digest.
    SquidWithDigest,
    /// tinyproxy.
    Tinyproxy,
}

/// A running proxy.
pub struct Proxy {
    kind: Kind,
    node: Node,
    listen: SocketAddr,
    process: Process,
}

/// Name and password of the kinds that ask for them.
pub const CREDENTIALS: (&str, &str) = ("sofw", "let-me-out");

impl Proxy {
    /// Starts it and waits until it listens.
    pub fn start(kind: Kind, node: &Node, address: Ipv4Addr) -> Proxy {
        let listen = SocketAddr::from((address, 3128));
        let process = spawn(kind, node, listen);
        Proxy { kind, node: node.clone(), listen, process }
    }

    /// Kills it, with all its connections, and starts it again.
    pub fn restart(&mut self) {
        self.process.kill();
        self.process = spawn(self.kind, &self.node, self.listen);
    }
}

fn spawn(kind: Kind, node: &Node, listen: SocketAddr) -> Process {
    let command = match kind {
        Kind::Squid => squid(node, listen, "http_access allow all"),
        Kind::SquidWithPassword => {
            let (name, password) = CREDENTIALS;
            let helper = node.directory().join("passwords.sh");
            let script = format!(
                "#!/bin/sh\nwhile read name password; do\n\
                 if [ \"$name $password\" = \"{name} {password}\" ]; then echo OK; else echo ERR; fi\ndone\n"
            );
            std::fs::write(&helper, script).expect("the helper");
            let rules = format!(
                "auth_param basic program /bin/sh {}\nauth_param basic realm lab\n\
                 acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all",
                helper.display()
            );
            squid(node, listen, &rules)
        }
        Kind::SquidWithDigest => {
            let (name, password) = CREDENTIALS;
            let file = node.directory().join("passwords");
            std::fs::write(&file, format!("{name}:{password}\n")).expect("the passwords");
            let rules = format!(
                "auth_param digest program /usr/lib/squid/digest_file_auth {}\nauth_param digest realm lab\n\
                 acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all",
                file.display()
            );
            squid(node, listen, &rules)
        }
        Kind::Tinyproxy => tinyproxy(node, listen),
    };
    let process = node.start(command, "proxy");
    until("the proxy listens", seconds(15), || node.connects(listen).then_some(()));
    process
}

/// The safety rules are those of Debian's squid.conf; `pinger_enable off` because the pinger outlives Squid.
fn squid(node: &Node, listen: SocketAddr, rules: &str) -> Command {
    let directory = node.directory();
    let config = format!(
        "http_port {listen}\nacl SSL_ports port 443\nacl Safe_ports port 80\nacl Safe_ports port 443\n\
         http_access deny !Safe_ports\nhttp_access deny CONNECT !SSL_ports\n{rules}\n\
         pinger_enable off\ncache deny all\naccess_log none\ncache_log /dev/null\nnetdb_filename none\n\
         pid_filename none\ncoredump_dir /\nshutdown_lifetime 0 seconds\nvisible_hostname proxy.lab\n\
         dns_nameservers 127.0.0.1\n"
    );
    let file = directory.join("squid.conf");
    std::fs::write(&file, config).expect("squid.conf");
    let mut command = node.command("squid");
    command.args(["-N", "-d", "1", "-f"]).arg(file);
    // Squid names shared memory after its service: two of them must not meet.
    command.args(["-n", &service(node)]);
    command
}

fn tinyproxy(node: &Node, listen: SocketAddr) -> Command {
    let config = format!(
        "Port {}\nListen {}\nTimeout 600\nMaxClients 100\nViaProxyName \"tinyproxy\"\nLogLevel Info\n",
        listen.port(),
        listen.ip()
    );
    let file = node.directory().join("tinyproxy.conf");
    std::fs::write(&file, config).expect("tinyproxy.conf");
    let mut command = node.command("tinyproxy");
    command.args(["-d", "-c"]).arg(file);
    command
}

/// Squid takes letters and digits only.
fn service(node: &Node) -> String {
    let lab = node.lab().directory().file_name().map(|name| name.to_string_lossy().into_owned());
    let text = format!("{}{}", lab.unwrap_or_default(), node.role());
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}
