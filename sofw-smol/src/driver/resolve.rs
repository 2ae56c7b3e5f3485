//! Names to addresses, away from the event loop.

use core::net::SocketAddr;
use std::net::ToSocketAddrs;

use sofw_core::io::{Endpoint, IoError};

/// All addresses of `name`, the families taking turns, so that a dead IPv6 route costs one attempt only
/// (RFC 8305 §4). Blocks: call it on a thread that may.
pub fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, IoError> {
    let found: Vec<SocketAddr> = match (name, port).to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => return Err(IoError::Other(format!("{name} does not resolve: {error}"))),
    };
    let (v6, v4): (Vec<SocketAddr>, Vec<SocketAddr>) = found.iter().partition(|addr| addr.is_ipv6());
    let v6_first = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second) = if v6_first { (v6, v4) } else { (v4, v6) };
    let mut turns = Vec::with_capacity(found.len());
    for index in 0..first.len().max(second.len()) {
        turns.extend(first.get(index));
        turns.extend(second.get(index));
    }
    turns.dedup();
    if turns.is_empty() { Err(IoError::Unreachable) } else { Ok(turns) }
}

/// The address of an endpoint that needs no resolving.
pub fn literal(endpoint: &Endpoint) -> Option<SocketAddr> {
    match endpoint {
        Endpoint::Addr(addr) => Some(*addr),
        Endpoint::Name(name, port) => {
            let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
            Some(SocketAddr::new(bare.parse().ok()?, *port))
        }
    }
}

/// All addresses of an endpoint. Blocks if it is a name.
///
/// # Errors
/// The name does not resolve.
pub fn addresses(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, IoError> {
    match (literal(endpoint), endpoint) {
        (Some(addr), _) => Ok(vec![addr]),
        (None, Endpoint::Addr(addr)) => Ok(vec![*addr]),
        (None, Endpoint::Name(name, port)) => resolve(name, *port),
    }
}
