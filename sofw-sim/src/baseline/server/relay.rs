//! From one client to another or to the public network, and back.

use core::net::IpAddr;

use crate::baseline::ether::{self, Content};
use crate::baseline::message::{self, ADDRESSES_MAX, Message};
use crate::host::Act;
use crate::packet::Packet;

use super::{PUBLIC, TunnelServer};

impl TunnelServer {
    pub(super) fn take(&mut self, key: u64, message: Message) {
        match message {
            Message::KeepAlive => {}
            Message::Announce(addrs) => {
                for addr in addrs {
                    self.learn(key, addr);
                }
                if let Some(session) = self.sessions.get_mut(&key) {
                    session.announced = true;
                }
                self.push(key, message::KEEP_ALIVE, &[]);
            }
            Message::Frame(frame) => {
                let copy = (self.config.kind.frame_header > 0).then(|| frame.clone());
                match (ether::content(self.config.kind, frame), copy) {
                    (Some(Content::Packet(packet)), _) => {
                        self.counters.packets_up += 1;
                        self.learn(key, packet.source().ip());
                        self.forward(packet);
                    }
                    (Some(Content::Broadcast), Some(frame)) => self.flood(key, &frame),
                    _ => self.counters.broken += 1,
                }
            }
        }
    }

    /// An address is behind the client that used it last, as a hub learns it.
    fn learn(&mut self, key: u64, addr: IpAddr) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.addrs.len() < ADDRESSES_MAX && session.addrs.insert(addr) || session.addrs.contains(&addr)
        {
            self.routes.insert(addr, key);
        }
    }

    fn forward(&mut self, packet: Packet) {
        match self.routes.get(&packet.destination().ip()) {
            Some(&key) => {
                self.counters.between_clients += 1;
                self.down(key, packet);
            }
            None => self.acts.push_back(Act::Packet(PUBLIC, packet)),
        }
    }

    fn flood(&mut self, from: u64, frame: &[u8]) {
        self.counters.broadcasts += 1;
        let others: Vec<u64> = self.sessions.keys().copied().filter(|key| *key != from).collect();
        for key in others {
            self.push(key, message::FRAME, frame);
        }
    }

    pub(super) fn down(&mut self, key: u64, packet: Packet) {
        let frame = ether::frame(self.config.kind, packet);
        if self.push(key, message::FRAME, &frame) {
            self.counters.packets_down += 1;
        } else {
            self.counters.broken += 1;
        }
    }

    pub(super) fn push(&mut self, key: u64, number: u8, body: &[u8]) -> bool {
        let Some(session) = self.sessions.get_mut(&key) else { return false };
        let mut message = Vec::with_capacity(self.config.kind.message_header + body.len());
        let fits = message::encode(self.config.kind, number, body, &mut message);
        if fits {
            session.queue.push(message);
            self.ready.extend(session.down);
        }
        fits
    }
}
