//! One client's tunnel.

use core::net::IpAddr;
use std::collections::BTreeSet;

use sofw_core::base::Instant;
use sofw_core::io::ConnId;

use super::TunnelServerConfig;
use crate::baseline::message::Decoder;
use crate::baseline::queue::Queue;

#[derive(Debug)]
pub(super) struct Session {
    /// Of its requests.
    pub token: Option<String>,
    /// The connections that carry up and down: the same one, or two, of which one may still be missing.
    pub up: Option<ConnId>,
    pub down: Option<ConnId>,
    pub decoder: Decoder,
    pub queue: Queue,
    /// Virtual addresses behind the client.
    pub addrs: BTreeSet<IpAddr>,
    pub announced: bool,
    pub heard: Instant,
    pub keepalive_at: Instant,
}

impl Session {
    pub fn new(config: &TunnelServerConfig, token: Option<String>, now: Instant, keepalive: Instant) -> Self {
        Session {
            token,
            up: None,
            down: None,
            decoder: Decoder::new(config.kind),
            queue: Queue::new(config.queue_bytes_max),
            addrs: BTreeSet::new(),
            announced: false,
            heard: now,
            keepalive_at: keepalive,
        }
    }
}
