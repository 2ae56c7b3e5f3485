//! What crossed a link, by tcpdump.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use pcap_file::pcap::PcapReader;

use super::net::Node;
use super::process::Process;
use super::wait::seconds;

/// A running capture.
pub struct Capture {
    tcpdump: Process,
    file: PathBuf,
}

/// One IPv4 packet (or its first fragment).
#[derive(Clone, Debug)]
pub struct Packet {
    /// Protocol number of IP.
    pub protocol: u8,
    /// Source; port 0 where the protocol has none.
    pub from: SocketAddrV4,
    /// Destination.
    pub to: SocketAddrV4,
    /// What TCP or UDP carries, or everything after the IP header.
    pub payload: Vec<u8>,
}

/// Protocol numbers.
pub const TCP: u8 = 6;
/// See [`TCP`].
pub const UDP: u8 = 17;

impl Capture {
    /// Starts to look at an interface. `filter` is tcpdump's; packets that merely flooded by are left out.
    pub fn start(node: &Node, interface: &str, filter: &str) -> Capture {
        let file = node.lab().directory().join(format!("{}-{interface}.pcap", node.role()));
        let mac = mac_address(node, interface);
        let mut command = node.command("tcpdump");
        command.args([
            "-i",
            interface,
            "-n",
            "-p",
            "-U",
            "-B",
            "8192",
            "--immediate-mode",
            "-s",
            "0",
            "-Z",
            "root",
            "-w",
        ]);
        command.arg(&file).arg(format!("(ether host {mac}) and (ip or ip6) and ({filter})"));
        let tcpdump = node.start(command, "tcpdump");
        tcpdump.line(Default::default(), "listening on", seconds(10));
        Capture { tcpdump, file }
    }

    /// Ends the capture and reads it.
    pub fn stop(mut self) -> Vec<Packet> {
        self.tcpdump.stop();
        let bytes = std::fs::read(&self.file).expect("tcpdump wrote its file");
        let mut reader = PcapReader::new(&bytes[..]).expect("a capture file");
        let mut packets = Vec::new();
        while let Some(Ok(packet)) = reader.next_packet() {
            packets.push(parse(&packet.data).unwrap_or_else(|| panic!("not IPv4: {:02x?}", packet.data)));
        }
        packets
    }
}

/// Looks into an Ethernet frame.
fn parse(frame: &[u8]) -> Option<Packet> {
    let ip = frame.get(14..).filter(|_| frame[12..14] == [8, 0])?;
    let header = usize::from(ip.first()? & 15) * 4;
    let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    let address = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(at..at + 4)?).ok()?));
    let body = ip.get(header..total.min(ip.len()))?;
    let protocol = *ip.get(9)?;
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let (from_port, to_port, skip) = match protocol {
        TCP => (port(0)?, port(2)?, usize::from(body.get(12)? >> 4) * 4),
        UDP => (port(0)?, port(2)?, 8),
        _ => (0, 0, 0),
    };
    Some(Packet {
        protocol,
        from: SocketAddrV4::new(address(12)?, from_port),
        to: SocketAddrV4::new(address(16)?, to_port),
        payload: body.get(skip..)?.to_vec(),
    })
}

fn mac_address(node: &Node, interface: &str) -> String {
    let mut command = node.command("ip");
    let text = super::net::run(command.args(["-o", "link", "show", interface]), "");
    let mut words = text.split_whitespace();
    words.find(|word| *word == "link/ether");
    words.next().expect("an Ethernet interface").to_owned()
}
