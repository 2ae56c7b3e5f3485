//! What a translator is told.

use core::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use sofw_core::base::Duration;

use crate::middlebox::track::Timeouts;
use crate::packet::Protocol;

/// Which conversations of an inside endpoint share its public port (RFC 4787 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mapping {
    /// All.
    EndpointIndependent,
    /// Those with one outside address.
    AddressDependent,
    /// Those with one outside address and port: "symmetric".
    AddressAndPortDependent,
}

/// Who may send to a public port (RFC 4787 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filtering {
    /// Everybody.
    EndpointIndependent,
    /// Addresses to which the inside endpoint has sent.
    AddressDependent,
    /// Addresses and ports to which the inside endpoint has sent.
    AddressAndPortDependent,
}

/// How public ports are chosen (RFC 4787 §4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allocation {
    /// The inside port if it is free and in range, else the next free one.
    Preserving,
    /// The next free one.
    Sequential,
    /// Any free one.
    Random,
}

/// A public port that always leads to one inside endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forward {
    /// The protocol.
    pub protocol: Protocol,
    /// The public port.
    pub port: u16,
    /// Where it leads.
    pub to: SocketAddrV4,
}

/// What a translator is told. The default is what the RFCs ask for, with the filtering that most have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NatParams {
    /// The public address.
    pub public: Ipv4Addr,
    /// Which conversations share a public port.
    pub mapping: Mapping,
    /// Who may send to it.
    pub filtering: Filtering,
    /// How it is chosen.
    pub allocation: Allocation,
    /// Whether an even port stays even and an odd one odd (RFC 4787 REQ-4), for RTP and its RTCP.
    pub keeps_parity: bool,
    /// Public ports, first and last.
    pub ports: (u16, u16),
    /// How long silent translations are remembered.
    pub timeouts: Timeouts,
    /// Whether UDP from outside keeps a translation alive; from inside always does (RFC 4787 REQ-6).
    pub refreshed_inbound: bool,
    /// Whether inside hosts reach each other by the public address (RFC 4787 REQ-9).
    pub hairpin: bool,
    /// Most translations at a time; the packet that asks for one more is dropped.
    pub mappings_max: usize,
    /// Most translations of one inside host (RFC 6888 REQ-4).
    pub mappings_per_host_max: usize,
    /// Whether TCP segments in the middle of a connection that it does not know are dropped; else they get a translation, perhaps another one than
    /// before.
    pub strict: bool,
    /// Whether packets to public ports that lead nowhere are answered by RST or ICMP "port unreachable".
    pub rejects: bool,
    /// Public ports that always lead to an inside endpoint.
    pub forwards: Vec<Forward>,
    /// All ports of the public address belong to one inside host: see [`OneToOne`].
    pub one_to_one: Option<OneToOne>,
}

/// A translation of addresses only (RFC 2663 §4.1.1): the public address belongs to one inside host with all its ports, everybody may send to it, nothing is
/// remembered; other inside hosts do not get out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OneToOne {
    /// The inside host; if not told, the first that sends.
    pub host: Option<IpAddr>,
}

impl Default for NatParams {
    fn default() -> Self {
        NatParams {
            public: Ipv4Addr::new(203, 0, 113, 1),
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::AddressAndPortDependent,
            allocation: Allocation::Preserving,
            keeps_parity: true,
            ports: (1024, 65_535),
            timeouts: Timeouts {
                // RFC 5382 REQ-5: at least 2 hours 4 minutes, and 4 minutes.
                tcp_established: Duration::from_secs(2 * 3600 + 4 * 60),
                tcp_transitory: Duration::from_secs(4 * 60),
                tcp_closed: Duration::from_secs(10),
                // RFC 4787 REQ-5: at least 2 minutes.
                udp: Duration::from_secs(120),
            },
            refreshed_inbound: true,
            hairpin: true,
            mappings_max: 16_384,
            mappings_per_host_max: usize::MAX,
            strict: false,
            rejects: false,
            forwards: Vec::new(),
            one_to_one: None,
        }
    }
}
