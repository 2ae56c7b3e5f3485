//! Refused hellos are reported at most once per interval and address.

use core::net::IpAddr;

use crate::base::{Expiring, Instant};
use crate::config::limits::{REFUSAL_REPORT_EVERY, REFUSED_ADDRESSES_MAX};

/// Addresses that were reported lately.
#[derive(Debug)]
pub(super) struct Refusals {
    silent: Expiring<IpAddr>,
}

impl Refusals {
    pub const fn new() -> Refusals {
        Refusals { silent: Expiring::new("refused hello") }
    }

    /// Whether to report a refusal of this address now. When more addresses come than are remembered, the oldest is
    /// forgotten: a flood of addresses is worth reporting anyhow.
    pub fn is_news(&mut self, now: Instant, address: IpAddr) -> bool {
        while self.silent.pop_due(now).is_some() {}
        if self.silent.get(address).is_some() {
            return false;
        }
        while self.silent.len() >= REFUSED_ADDRESSES_MAX {
            let Some(oldest) = self.silent.next() else { break };
            self.silent.pop_due(oldest.at);
        }
        self.silent.set(address, now + REFUSAL_REPORT_EVERY);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_addresses_is_not_remembered_without_bound() {
        let mut refusals = Refusals::new();
        let start = Instant::from_millis(1_000);
        let address = |number: usize| IpAddr::from((number as u32).to_be_bytes());
        for number in 0..REFUSED_ADDRESSES_MAX + 50 {
            assert!(refusals.is_news(start, address(number)));
        }
        assert_eq!(refusals.silent.len(), REFUSED_ADDRESSES_MAX);
        assert!(!refusals.is_news(start, address(REFUSED_ADDRESSES_MAX + 49)));
        assert!(refusals.is_news(start, address(0)), "the oldest was forgotten");
    }
}
