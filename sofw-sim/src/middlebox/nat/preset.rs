//! Named translators.

use core::net::Ipv4Addr;

use sofw_core::base::Duration;

use super::{Allocation, Filtering, Mapping, NatParams, OneToOne};
use crate::middlebox::track::Timeouts;

/// A named translator.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name that scenario files use.
    pub name: &'static str,
    /// What it stands for.
    pub about: &'static str,
    make: fn(NatParams) -> NatParams,
}

impl Preset {
    /// Its parameters, with this public address.
    pub fn params(&self, public: Ipv4Addr) -> NatParams {
        (self.make)(NatParams { public, ..NatParams::default() })
    }
}

/// The translator of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// All of them; the first four are the kinds of RFC 3489 §5.
pub static PRESETS: [Preset; 6] = [
    Preset {
        name: "full-cone",
        about: "one public port for an inside port; everybody may send to it",
        make: |params| NatParams { filtering: Filtering::EndpointIndependent, ..params },
    },
    Preset {
        name: "restricted-cone",
        about: "one public port for an inside port; addresses that were sent to may send to it",
        make: |params| NatParams { filtering: Filtering::AddressDependent, ..params },
    },
    Preset {
        name: "port-restricted",
        about: "one public port for an inside port; endpoints that were sent to may send to it: most home routers",
        make: |params| NatParams { filtering: Filtering::AddressAndPortDependent, ..params },
    },
    Preset {
        name: "symmetric",
        about: "another random public port for every outside endpoint; no hairpin",
        make: |params| NatParams { hairpin: false, ..symmetric(params) },
    },
    Preset {
        name: "cgnat",
        about: "a provider's: symmetric, forgets UDP after 30 s and TCP after 30 min, 1000 translations per customer",
        make: |params| NatParams {
            timeouts: Timeouts {
                tcp_established: Duration::from_secs(30 * 60),
                tcp_transitory: Duration::from_secs(60),
                tcp_closed: Duration::from_secs(5),
                udp: Duration::from_secs(30),
            },
            refreshed_inbound: false,
            mappings_max: 60_000,
            mappings_per_host_max: 1_000,
            strict: true,
            ..symmetric(params)
        },
    },
    Preset {
        name: "one-to-one",
        about: "the public address belongs to one inside host with all its ports",
        make: |params| NatParams { one_to_one: Some(OneToOne::default()), ..params },
    },
];

fn symmetric(params: NatParams) -> NatParams {
    NatParams {
        mapping: Mapping::AddressAndPortDependent,
        filtering: Filtering::AddressAndPortDependent,
        allocation: Allocation::Random,
        keeps_parity: false,
        ..params
    }
}
