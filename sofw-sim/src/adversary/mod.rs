//! stub
use crate::host::{Act, Application};
use sofw_core::base::{Deadline, Instant, Rng, Seed};
use sofw_core::config::HrasConfig;
use sofw_core::io::Input;
/// stub
#[derive(Debug)]
pub struct HostileHras;
impl HostileHras {
    /// stub
    pub fn new(_: &HrasConfig, _: Seed) -> Self {
        HostileHras
    }
}
impl Application for HostileHras {
    fn handle_input(&mut self, _: Instant, _: Input<'_>) {}
    fn handle_timeout(&mut self, _: Instant) {}
    fn poll_act(&mut self) -> Option<Act> {
        None
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        None
    }
}
/// stub
pub fn stranger_packets(_: &mut Rng, _: &crate::run::Map) -> Vec<crate::packet::Packet> {
    Vec::new()
}
