//! A pcapng file that Wireshark opens: the real datagrams and tunnel bytes, with IP, UDP and TCP headers made for them.

use core::net::{IpAddr, SocketAddr};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use sofw_core::base::{Duration, Instant};

/// Where a packet was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Link {
    /// Between the inside phone and HRAC.
    Inside,
    /// Between HRAC and the proxy.
    Tunnel,
    /// Between HRAS and the outside phone.
    Outside,
}

impl Link {
    const ALL: [(Link, &'static str); 3] = [
        (Link::Inside, "inside LAN"),
        (Link::Tunnel, "HTTP tunnel to the proxy"),
        (Link::Outside, "outside"),
    ];
}

/// Collects packets; written to a file at the end, so that the disk cannot delay a voice.
#[derive(Debug, Default)]
pub struct Capture {
    packets: Vec<Packet>,
    bytes: usize,
    /// By sender and receiver: the next sequence number.
    streams: BTreeMap<(SocketAddr, SocketAddr), u32>,
    identification: u16,
}

#[derive(Debug)]
struct Packet {
    link: Link,
    at: Instant,
    bytes: Vec<u8>,
}

/// Most bytes kept: a long demo has about 10 MB.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Payload of one TCP packet, as on Ethernet.
const SEGMENT: usize = 1_448;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

impl Capture {
    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// A datagram passed.
    pub fn datagram(&mut self, link: Link, at: Instant, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let mut udp = Vec::with_capacity(8 + payload.len());
        udp.extend_from_slice(&from.port().to_be_bytes());
        udp.extend_from_slice(&to.port().to_be_bytes());
        udp.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
        udp.extend_from_slice(&[0, 0]);
        udp.extend_from_slice(payload);
        self.packet(link, at, from.ip(), to.ip(), 17, udp, 6);
    }

    /// A connection was opened by `client`: its handshake.
    pub fn connected(&mut self, link: Link, at: Instant, client: SocketAddr, server: SocketAddr) {
        self.segment(link, at, client, server, SYN, &[]);
        self.segment(link, at, server, client, SYN | ACK, &[]);
        self.segment(link, at, client, server, ACK, &[]);
    }

    /// Bytes passed on a connection.
    pub fn stream(&mut self, link: Link, at: Instant, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        for part in payload.chunks(SEGMENT) {
            self.segment(link, at, from, to, PSH | ACK, part);
        }
    }

    /// A connection ended.
    pub fn closed(&mut self, link: Link, at: Instant, from: SocketAddr, to: SocketAddr) {
        self.segment(link, at, from, to, FIN | ACK, &[]);
        self.segment(link, at, to, from, FIN | ACK, &[]);
        self.streams.remove(&(from, to));
        self.streams.remove(&(to, from));
    }

    fn segment(
        &mut self,
        link: Link,
        at: Instant,
        from: SocketAddr,
        to: SocketAddr,
        flags: u8,
        payload: &[u8],
    ) {
        let sequence = self.streams.get(&(from, to)).copied().unwrap_or(0);
        let acknowledged = self.streams.get(&(to, from)).copied().unwrap_or(0);
        let mut tcp = Vec::with_capacity(20 + payload.len());
        tcp.extend_from_slice(&from.port().to_be_bytes());
        tcp.extend_from_slice(&to.port().to_be_bytes());
        tcp.extend_from_slice(&sequence.to_be_bytes());
        tcp.extend_from_slice(&(if flags & ACK != 0 { acknowledged } else { 0 }).to_be_bytes());
        tcp.extend_from_slice(&[5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(payload);
        // SYN and FIN take one number each (RFC 9293 §3.4).
        let taken = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.streams.insert((from, to), sequence.wrapping_add(taken));
        self.packet(link, at, from.ip(), to.ip(), 6, tcp, 16);
    }

    #[expect(clippy::too_many_arguments, reason = "it writes a packet's headers, one after the other")]
    fn packet(
        &mut self,
        link: Link,
        at: Instant,
        from: IpAddr,
        to: IpAddr,
        protocol: u8,
        mut body: Vec<u8>,
        sum_at: usize,
    ) {
        let (IpAddr::V4(from), IpAddr::V4(to)) = (from, to) else {
            return;
        };
        if self.bytes + body.len() > BYTES_MAX {
            return;
        }
        let mut pseudo = Vec::with_capacity(12);
        pseudo.extend_from_slice(&from.octets());
        pseudo.extend_from_slice(&to.octets());
        pseudo.extend_from_slice(&[0, protocol]);
        pseudo.extend_from_slice(&(body.len() as u16).to_be_bytes());
        let sum = match checksum(&[&pseudo, &body]) {
            // RFC 768: zero means that there is none.
            0 if protocol == 17 => 0xffff,
            sum => sum,
        };
        body[sum_at..sum_at + 2].copy_from_slice(&sum.to_be_bytes());
        self.identification = self.identification.wrapping_add(1);
        let mut bytes = vec![0x45, 0];
        bytes.extend_from_slice(&(20 + body.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&self.identification.to_be_bytes());
        bytes.extend_from_slice(&[0x40, 0, 64, protocol, 0, 0]);
        bytes.extend_from_slice(&from.octets());
        bytes.extend_from_slice(&to.octets());
        let sum = checksum(&[&bytes]);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend_from_slice(&body);
        self.bytes += bytes.len();
        self.packets.push(Packet { link, at, bytes });
    }

    /// Writes the file. `now` is the time at this moment on the packets' clock.
    pub fn save(&mut self, path: &Path, now: Instant) -> io::Result<()> {
        // The observers of several machines reported side by side.
        self.packets.sort_by_key(|p| p.at);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let start = since_epoch.saturating_sub(now.since(Instant::ZERO));
        let file = io::BufWriter::new(std::fs::File::create(path)?);
        let mut writer = PcapNgWriter::new(file).map_err(io::Error::other)?;
        for (_, name) in Link::ALL {
            let options = vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
                // Nanoseconds.
                InterfaceDescriptionOption::IfTsResol(9),
            ];
            let block = InterfaceDescriptionBlock { linktype: DataLink::IPV4, snaplen: 65_535, options };
            writer.write_pcapng_block(block).map_err(io::Error::other)?;
        }
        for packet in &self.packets {
            let interface_id = Link::ALL.iter().position(|(l, _)| *l == packet.link).unwrap_or(0) as u32;
            let block = EnhancedPacketBlock {
                interface_id,
                timestamp: start + packet.at.since(Instant::ZERO),
                original_len: packet.bytes.len() as u32,
                data: Cow::Borrowed(&packet.bytes),
                options: vec![],
            };
            writer.write_pcapng_block(block).map_err(io::Error::other)?;
        }
        io::Write::flush(writer.get_mut())
    }
}

/// RFC 1071. All parts but the last have even lengths.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pcap_file::pcapng::{Block, PcapNgReader};

    #[test]
    fn what_is_written_reads_back() {
        let (a, b) = ("127.10.10.10:5060".parse().unwrap(), "127.10.10.2:5060".parse().unwrap());
        let mut capture = Capture::default();
        capture.datagram(Link::Inside, Instant::from_millis(5), a, b, b"INVITE");
        capture.connected(Link::Tunnel, Instant::from_millis(1), a, b);
        capture.stream(Link::Tunnel, Instant::from_millis(2), a, b, &[7; 3_000]);
        capture.stream(Link::Tunnel, Instant::from_millis(3), b, a, b"x");
        capture.closed(Link::Tunnel, Instant::from_millis(4), a, b);
        let path = std::env::temp_dir().join(format!("sofw-capture-{}.pcapng", std::process::id()));
        capture.save(&path, Instant::from_millis(10)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
        let mut packets = Vec::new();
        while let Some(block) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block.unwrap() {
                assert_eq!(checksum(&[&packet.data[..20]]), 0, "the header's checksum makes it zero");
                packets.push((packet.interface_id, packet.data.to_vec()));
            }
        }
        // SYN, SYN ACK, ACK; three segments; one; two FIN; one datagram, which was latest.
        assert_eq!(packets.len(), 3 + 3 + 1 + 2 + 1);
        assert_eq!(packets.iter().map(|p| p.0).collect::<Vec<_>>(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
        let (_, datagram) = &packets[9];
        assert_eq!(&datagram[28..], b"INVITE");
        let mut pseudo = datagram[12..20].to_vec();
        pseudo.extend_from_slice(&[0, 17, 0, 14]);
        assert_eq!(checksum(&[&pseudo, &datagram[20..]]), 0);
        // The answer acknowledges SYN and 3000 bytes.
        let (_, answer) = &packets[6];
        assert_eq!(u32::from_be_bytes(answer[28..32].try_into().unwrap()), 3_001);
    }
}
